//! Invariant 2, the master oracle. Whoever reads a table at a timestamp, from rows or from columns,
//! gets what the log says was committed by then: nothing less, nothing more, and nothing that comes
//! later changes it.

use super::Verdict;
use crate::sim::history::Taken;

pub(crate) fn check(history: &Taken) -> Verdict {
    for read in &history.reads {
        let Some(info) = history.definition(read.table, read.schema_version) else {
            return Err(format!("columnar_equals_row_at_ts: a definition that nobody committed: {read:?}"));
        };
        let expected = history.rows_at(&info, read.ts);
        if expected != read.rows {
            let missing: Vec<_> = expected.iter().filter(|(id, row)| read.rows.get(id) != Some(row)).collect();
            let surplus: Vec<_> = read.rows.iter().filter(|(id, row)| expected.get(id) != Some(row)).collect();
            return Err(format!(
                "columnar_equals_row_at_ts: {:?} of table {} at {} read at {:?}: committed but not read {missing:?}, \
                 read but not committed {surplus:?}",
                read.copy, read.table, read.ts, read.at
            ));
        }
    }
    Ok(())
}
