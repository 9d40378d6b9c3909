//! From keys to row numbers, in sorted packs: first over the zones' fence keys, then in the zone.

use super::Pack;
use super::blocks::Slot;
use super::encoding::{self, KeyBlock, Trust};
use crate::error::{Error, Result};
use crate::types::{KeyArray, KeyRef, search};

/// One key in so many rows of a zone makes unpacking all of them cheaper than searching in place.
const UNPACK_FROM: usize = 64;

impl Pack {
    /// The row that holds `key`. Sorted packs only. Reads at most one block.
    pub fn find(&self, key: KeyRef<'_>) -> Result<Option<u32>> {
        let (row, found) = self.seek(key)?;
        Ok(found.then_some(row))
    }

    /// The first row whose key is at or after `key`; the number of rows if there is none. Sorted
    /// packs only. Reads at most one block.
    pub fn lower_bound(&self, key: KeyRef<'_>) -> Result<u32> {
        Ok(self.seek(key)?.0)
    }

    fn seek(&self, key: KeyRef<'_>) -> Result<(u32, bool)> {
        self.check_sorted()?;
        let zone = self.fence_at_or_after(key, 0);
        if zone == self.zone_count() {
            return Ok((self.rows(), false));
        }
        if key <= self.zone_first_key(zone) {
            return Ok((self.starts[zone], key == self.zone_first_key(zone)));
        }
        self.search_zone(zone, false, |keys| {
            let (row, found) = keys.lower_bound(key, 0);
            (self.starts[zone] + row as u32, found)
        })
    }

    /// The rows that hold `keys`, which are distinct and ascending. Sorted packs only. Reads each
    /// block at most once, and only those between whose fences a key lies.
    pub fn find_sorted(&self, keys: &KeyArray) -> Result<Vec<Option<u32>>> {
        self.check_sorted()?;
        let mut found = Vec::with_capacity(keys.len());
        let mut zone = 0;
        while found.len() < keys.len() {
            let next = found.len();
            zone = self.fence_at_or_after(keys.get(next), zone);
            if zone == self.zone_count() {
                found.resize(keys.len(), None);
                break;
            }
            // Keys before the zone's first lie between two zones.
            let (inside, _) = search(next, keys.len(), |i| keys.compare(i, self.zone_first_key(zone)));
            found.resize(inside, None);
            let last = self.zone_last_key(zone);
            let (end, at_last) = search(inside, keys.len(), |i| keys.compare(i, last));
            let end = end + usize::from(at_last);
            if inside == end {
                continue;
            }
            let unpack = (end - inside) * UNPACK_FROM > self.zone_rows(zone).len();
            self.search_zone(zone, unpack, |zone_keys| {
                let mut row = 0;
                for i in inside..end {
                    let is_there;
                    (row, is_there) = zone_keys.lower_bound(keys.get(i), row);
                    found.push(is_there.then(|| self.starts[zone] + row as u32));
                }
            })?;
        }
        Ok(found)
    }

    /// Opens a zone's keys for `search`. They are unpacked if many keys will be looked for, and
    /// when they are first read, as that checks them.
    fn search_zone<T>(&self, zone: usize, unpack: bool, search: impl FnOnce(&KeyBlock<'_>) -> T) -> Result<T> {
        let (kind, rows) = (self.footer.key, self.zone_rows(zone).len());
        self.read(Slot::Keys, zone, |block, trust| match trust {
            Trust::Checked if !unpack => KeyBlock::with(block, kind, rows, search),
            Trust::Checked | Trust::Fresh => {
                let keys = KeyBlock::Unpacked(encoding::decode_keys(block, kind, rows)?);
                Ok(search(&keys))
            }
        })
    }

    fn check_sorted(&self) -> Result<()> {
        if self.footer.sorted {
            return Ok(());
        }
        Err(Error::Internal(format!("pack {} is not sorted and cannot be searched by key", self.file)))
    }

    /// The first zone from `from` on whose last key is at or after `key`.
    fn fence_at_or_after(&self, key: KeyRef<'_>, from: usize) -> usize {
        search(from, self.zone_count(), |zone| self.zone_last_key(zone).cmp(&key)).0
    }
}
