//! Counters in the row store: `AUTO_INCREMENT` values and hidden row ids.
//!
//! A session reserves a range in a transaction of its own (read the counter, write the new value,
//! commit) and hands the values out from memory; what it does not use is lost, never used twice.

use std::ops::Range;

use bytes::Bytes;

use super::CatalogError;
use super::meta_key::{decode_u64, encode_u64};

/// Takes `count` values from a counter whose stored value is `stored` (`None`: never used, so it
/// starts at `start`). Returns the values and what to store.
///
/// # Errors
/// If fewer than `count` values are left, or the stored value is damaged.
pub fn reserve(stored: Option<&[u8]>, start: u64, count: u64) -> Result<(Range<u64>, Bytes), CatalogError> {
    let first = next(stored, start)?;
    let end = first.checked_add(count).ok_or(CatalogError::Exhausted("AUTO_INCREMENT values or row ids"))?;
    Ok((first..end, encode_u64(end)))
}

/// What to store so that no later value is at or below `used` (a value given by the user). `None` if
/// the counter is already past it.
///
/// # Errors
/// If the stored value is damaged.
pub fn raise(stored: Option<&[u8]>, start: u64, used: u64) -> Result<Option<Bytes>, CatalogError> {
    let after = used.saturating_add(1);
    Ok((after > next(stored, start)?).then(|| encode_u64(after)))
}

fn next(stored: Option<&[u8]>, start: u64) -> Result<u64, CatalogError> {
    match stored {
        Some(bytes) => Ok(decode_u64("a counter", bytes)?.max(start)),
        None => Ok(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_never_overlap_and_start_where_asked() {
        let (first, stored) = reserve(None, 1, 10).unwrap();
        assert_eq!(first, 1..11);
        let (second, _) = reserve(Some(&stored), 1, 5).unwrap();
        assert_eq!(second, 11..16);
        assert_eq!(reserve(None, 1000, 1).unwrap().0, 1000..1001);
    }

    #[test]
    fn a_value_of_the_user_moves_the_counter_past_it() {
        let (_, stored) = reserve(None, 1, 10).unwrap();
        assert_eq!(raise(Some(&stored), 1, 10).unwrap(), None);
        let raised = raise(Some(&stored), 1, 11).unwrap().unwrap();
        assert_eq!(reserve(Some(&raised), 1, 1).unwrap().0, 12..13);
    }

    #[test]
    fn the_end_is_an_error_and_damage_is_named() {
        let end = raise(None, 1, u64::MAX).unwrap().unwrap();
        assert!(matches!(reserve(Some(&end), 1, 1), Err(CatalogError::Exhausted(_))));
        assert!(matches!(reserve(Some(b"abc"), 1, 1), Err(CatalogError::Corrupt(_))));
    }
}
