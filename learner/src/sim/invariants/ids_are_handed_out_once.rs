//! `AUTO_INCREMENT` values and hidden row ids: none is handed out twice, whoever leads.

use super::Verdict;

/// Of `n` ids from `first` on; `taken` are the ranges handed out before, by their first id.
pub(crate) fn check(taken: &mut std::collections::BTreeMap<u64, u64>, first: u64, n: u64) -> Verdict {
    let before = taken.range(..first + n).next_back().filter(|(start, count)| *start + *count > first);
    if let Some((start, count)) = before {
        return Err(format!("ids_are_handed_out_once: {n} ids from {first} on, and before {count} from {start} on"));
    }
    taken.insert(first, n);
    Ok(())
}
