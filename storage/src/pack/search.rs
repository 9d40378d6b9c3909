//! From keys to row numbers, in sorted packs: first over the zones' fence keys, then in the zone.

use super::Pack;
use crate::error::{Error, Result};
use crate::types::{KeyArray, KeyRef};

impl Pack {
    /// The row that holds `key`. Sorted packs only.
    pub fn find(&self, key: KeyRef<'_>) -> Result<Option<u32>> {
        self.check_sorted()?;
        let zone = self.fence_at_or_after(key, 0);
        if zone == self.zone_count() || key < self.zone_first_key(zone) {
            return Ok(None);
        }
        let keys = self.read_keys(zone)?;
        let at = lower_bound(&keys, key, 0);
        Ok((at < keys.len() && keys.get(at) == key).then(|| self.starts[zone] + at as u32))
    }

    /// The first row whose key is at or after `key`; the number of rows if there is none. Sorted
    /// packs only.
    pub fn lower_bound(&self, key: KeyRef<'_>) -> Result<u32> {
        self.check_sorted()?;
        let zone = self.fence_at_or_after(key, 0);
        if zone == self.zone_count() {
            return Ok(self.rows());
        }
        if key <= self.zone_first_key(zone) {
            return Ok(self.starts[zone]);
        }
        Ok(self.starts[zone] + lower_bound(&self.read_keys(zone)?, key, 0) as u32)
    }

    /// The rows that hold `keys`, which are distinct and ascending. Sorted packs only.
    pub fn find_sorted(&self, keys: &KeyArray) -> Result<Vec<Option<u32>>> {
        self.check_sorted()?;
        let mut found = Vec::with_capacity(keys.len());
        let mut zone = 0;
        let mut open: Option<(usize, KeyArray)> = None;
        let mut at = 0;
        for i in 0..keys.len() {
            let key = keys.get(i);
            zone = self.fence_at_or_after(key, zone);
            if zone == self.zone_count() {
                found.resize(keys.len(), None);
                break;
            }
            if key < self.zone_first_key(zone) {
                found.push(None);
                continue;
            }
            let zone_keys = match &open {
                Some((open_zone, zone_keys)) if *open_zone == zone => zone_keys,
                _ => {
                    at = 0;
                    &open.insert((zone, self.read_keys(zone)?)).1
                }
            };
            at = lower_bound(zone_keys, key, at);
            found.push((at < zone_keys.len() && zone_keys.get(at) == key).then(|| self.starts[zone] + at as u32));
        }
        Ok(found)
    }

    fn check_sorted(&self) -> Result<()> {
        if self.footer.sorted {
            return Ok(());
        }
        Err(Error::Internal(format!("pack {} is not sorted and cannot be searched by key", self.file)))
    }

    /// The first zone from `from` on whose last key is at or after `key`, by galloping.
    fn fence_at_or_after(&self, key: KeyRef<'_>, from: usize) -> usize {
        gallop(from, self.zone_count(), |zone| self.zone_last_key(zone) < key)
    }
}

/// The first row from `from` on whose key is at or after `key`.
fn lower_bound(keys: &KeyArray, key: KeyRef<'_>, from: usize) -> usize {
    match (keys, key) {
        (KeyArray::Int(keys), KeyRef::Int(key)) => {
            let keys = keys.values();
            gallop(from, keys.len(), |i| keys[i] < key)
        }
        _ => gallop(from, keys.len(), |i| keys.get(i) < key),
    }
}

/// The first of `from..end` for which `before` is false; `before` is true of a prefix. Steps double
/// until one is past the border, then halve: cheap when the border is near.
fn gallop(from: usize, end: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from, 1);
    while low + step <= end && before(low + step - 1) {
        low += step;
        step *= 2;
    }
    let mut high = end.min(low + step - 1);
    while low < high {
        let mid = low + (high - low) / 2;
        if before(mid) { low = mid + 1 } else { high = mid }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::gallop;

    #[test]
    fn galloping_finds_what_a_linear_search_finds() {
        for end in 0..40 {
            for border in 0..=end {
                for from in 0..=border {
                    assert_eq!(gallop(from, end, |i| i < border), border, "from {from} to {border} of {end}");
                }
                assert_eq!(gallop(border, end, |i| i < border / 2), border);
            }
        }
    }
}
