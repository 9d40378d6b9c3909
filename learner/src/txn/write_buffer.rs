//! What a transaction has written so far.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::error::{Error, Result};

/// A change that a transaction has buffered: key, and the new row or `None` for a deletion.
pub type DirtyEntry = (Bytes, Option<Bytes>);

/// A point within a transaction to return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint(usize);

/// One buffered change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BufferedWrite {
    /// The new row, `None` for a deletion.
    pub(crate) value: Option<Bytes>,
    /// Whether the commit must fail if the key had a row before this transaction. Sticks to the key:
    /// inserting and then deleting a row is still an error if there was one.
    pub(crate) must_be_new: bool,
}

/// Changes by key, with an undo log for savepoints.
///
/// Invariant: undoing the whole log yields the buffer as it was at the first savepoint.
#[derive(Debug, Default)]
pub(crate) struct WriteBuffer {
    writes: BTreeMap<Bytes, BufferedWrite>,
    bytes: u64,
    /// Former states, oldest first. Kept only once a savepoint was asked for.
    undo: Vec<(Bytes, Option<BufferedWrite>)>,
    tracked: bool,
}

/// Memory that a buffered key costs besides its bytes.
const OVERHEAD: u64 = 96;

impl WriteBuffer {
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.writes.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&BufferedWrite> {
        self.writes.get(key)
    }

    /// Sets or replaces a row.
    pub(crate) fn put(&mut self, key: Bytes, value: Bytes) {
        let must_be_new = self.get(&key).is_some_and(|w| w.must_be_new);
        self.set(key, Some(BufferedWrite { value: Some(value), must_be_new }));
    }

    /// Sets a row that must not exist. Fails at once if this transaction itself has written it.
    pub(crate) fn insert(&mut self, key: Bytes, value: Bytes) -> Result<()> {
        let must_be_new = match self.get(&key) {
            None => true,
            Some(BufferedWrite { value: Some(_), .. }) => return Err(Error::DuplicateKey { key }),
            Some(BufferedWrite { value: None, must_be_new }) => *must_be_new,
        };
        self.set(key, Some(BufferedWrite { value: Some(value), must_be_new }));
        Ok(())
    }

    /// Removes a row.
    pub(crate) fn delete(&mut self, key: Bytes) {
        let must_be_new = self.get(&key).is_some_and(|w| w.must_be_new);
        self.set(key, Some(BufferedWrite { value: None, must_be_new }));
    }

    fn set(&mut self, key: Bytes, write: Option<BufferedWrite>) {
        let size = |w: &BufferedWrite| key.len() as u64 + w.value.as_ref().map_or(0, |v| v.len() as u64) + OVERHEAD;
        self.bytes += write.as_ref().map_or(0, size);
        let former = match write {
            Some(write) => self.writes.insert(key.clone(), write),
            None => self.writes.remove(&key),
        };
        self.bytes -= former.as_ref().map_or(0, size);
        if self.tracked {
            self.undo.push((key, former));
        }
    }

    /// Marks the present state.
    pub(crate) fn savepoint(&mut self) -> Savepoint {
        self.tracked = true;
        Savepoint(self.undo.len())
    }

    /// Returns to a marked state. Later marks become invalid; returning to them has no effect.
    pub(crate) fn rollback_to(&mut self, savepoint: Savepoint) {
        self.tracked = false;
        while self.undo.len() > savepoint.0 {
            let Some((key, former)) = self.undo.pop() else { break };
            self.set(key, former);
        }
        self.tracked = true;
    }

    /// Changes with keys in `start..end`, in key order.
    pub(crate) fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a BufferedWrite)> {
        let end = end.max(start);
        self.writes.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)))
    }

    /// All changes in key order.
    pub(crate) fn into_writes(self) -> impl Iterator<Item = (Bytes, BufferedWrite)> {
        self.writes.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn b(s: &'static str) -> Bytes {
        Bytes::from_static(s.as_bytes())
    }

    #[test]
    fn second_insert_of_a_key_fails_at_once() {
        let mut w = WriteBuffer::default();
        w.insert(b("k"), b("1")).unwrap();
        assert!(matches!(w.insert(b("k"), b("2")), Err(Error::DuplicateKey { .. })));
    }

    #[test]
    fn insert_after_own_delete_replaces() {
        let mut w = WriteBuffer::default();
        w.delete(b("k"));
        w.insert(b("k"), b("2")).unwrap();
        assert_eq!(w.get(b"k").unwrap(), &BufferedWrite { value: Some(b("2")), must_be_new: false });
    }

    #[test]
    fn must_be_new_survives_a_delete() {
        let mut w = WriteBuffer::default();
        w.insert(b("k"), b("1")).unwrap();
        w.delete(b("k"));
        assert!(w.get(b"k").unwrap().must_be_new);
    }

    proptest! {
        #[test]
        fn rollback_restores_the_marked_state(
            before in prop::collection::vec((0u8..6, prop::option::of(0u8..4)), 0..20),
            after in prop::collection::vec((0u8..6, prop::option::of(0u8..4)), 0..20),
        ) {
            let mut w = WriteBuffer::default();
            let run = |w: &mut WriteBuffer, ops: &[(u8, Option<u8>)]| {
                for (k, v) in ops {
                    let key = Bytes::copy_from_slice(&[*k]);
                    match v {
                        Some(v) => w.put(key, Bytes::copy_from_slice(&[*v])),
                        None => w.delete(key),
                    }
                }
            };
            run(&mut w, &before);
            let marked = w.savepoint();
            let (writes, bytes) = (w.writes.clone(), w.bytes);
            run(&mut w, &after);
            w.rollback_to(marked);
            prop_assert_eq!(&w.writes, &writes);
            prop_assert_eq!(w.bytes, bytes);
        }
    }
}
