//! Sorted runs from outside the log.
//!
//! A bulk import brings all pairs of a hidden table in key order. They become files of the lowest price: written
//! once, past the journal and the memory table. A run is there as a whole and durably when [`RowStore::ingest`]
//! returns; before that nothing of it is, and after a crash the library removes its files.

use deltatree_storage::types::Timestamp;
use fjall::Slice;

use super::RowStore;
use super::backend::Space;
use super::record;
use crate::error::Result;

/// Takes pairs of an encoded key and value in strictly ascending order of keys.
pub trait RunSink {
    /// The next pair. Blocks on disk or on the network. Errors: `DuplicateKey` if the key is the last one
    /// again; `DiskFull`, `Io`; `Internal` for a smaller key.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;
}

/// Hands a run's pairs to a sink. Fails if there are no more, which ends the run without a trace.
pub type FillRun<'f> = dyn FnMut(&mut dyn RunSink) -> Result<()> + 'f;

/// Refuses keys that do not ascend.
#[derive(Default)]
pub(crate) struct Ascending {
    last: Vec<u8>,
}

impl Ascending {
    /// Takes note of a key.
    pub(crate) fn next(&mut self, key: &[u8]) -> Result<()> {
        match key.cmp(&self.last) {
            std::cmp::Ordering::Greater => {
                self.last.clear();
                self.last.extend_from_slice(key);
                Ok(())
            }
            std::cmp::Ordering::Equal => Err(crate::Error::DuplicateKey { key: bytes::Bytes::copy_from_slice(key) }),
            std::cmp::Ordering::Less => Err(crate::Error::Internal("the keys of a run do not ascend".into())),
        }
    }
}

impl RowStore {
    /// Writes a run of rows committed at `ts`. No key of its range may be in use. `admit` is asked now and then
    /// whether to go on; `exclusively` must keep everybody else from writing for as long as what it returns
    /// lives. Returns the number of pairs. Blocks on disk.
    pub(crate) fn ingest<G>(
        &self,
        ts: Timestamp,
        admit: &dyn Fn() -> Result<()>,
        exclusively: impl FnOnce() -> G,
        fill: &mut FillRun<'_>,
    ) -> Result<u64> {
        self.backend.ingest(
            Space::Rows,
            |write| {
                let mut sink = Records { ts, admit, order: Ascending::default(), record: Vec::new(), count: 0, write };
                fill(&mut sink)?;
                Ok(sink.count)
            },
            exclusively,
        )
    }
}

/// A row as another voter has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: bytes::Bytes,
    pub(crate) value: bytes::Bytes,
    pub(crate) commit_ts: Timestamp,
}

impl RowStore {
    /// As [`RowStore::ingest`], of rows that were committed at times of their own.
    pub(crate) fn ingest_versions<G>(
        &self,
        admit: &dyn Fn() -> Result<()>,
        exclusively: impl FnOnce() -> G,
        versions: &mut dyn Iterator<Item = Result<Version>>,
    ) -> Result<u64> {
        self.backend.ingest(
            Space::Rows,
            |write| {
                let ts = Timestamp::ZERO;
                let mut sink = Records { ts, admit, order: Ascending::default(), record: Vec::new(), count: 0, write };
                for version in versions {
                    let version = version?;
                    sink.ts = version.commit_ts;
                    sink.put(&version.key, &version.value)?;
                }
                Ok(sink.count)
            },
            exclusively,
        )
    }
}

/// Pairs between two looks at the disk.
const ADMIT_EVERY: u64 = 16 << 10;

/// Turns rows into records.
struct Records<'a> {
    ts: Timestamp,
    admit: &'a dyn Fn() -> Result<()>,
    order: Ascending,
    record: Vec<u8>,
    count: u64,
    write: &'a mut dyn FnMut(Slice, Slice) -> Result<()>,
}

impl RunSink for Records<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if self.count.is_multiple_of(ADMIT_EVERY) {
            (self.admit)()?;
        }
        self.order.next(key)?;
        self.count += 1;
        self.record.clear();
        record::encode(&mut self.record, self.ts, Some(value));
        (self.write)(Slice::from(key), Slice::from(self.record.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn run(store: &RowStore, keys: &[&str]) -> Result<u64> {
        store.ingest(Timestamp(7), &|| Ok(()), || (), &mut |sink| {
            keys.iter().try_for_each(|key| sink.put(key.as_bytes(), b"v"))
        })
    }

    fn keys(store: &RowStore) -> Vec<String> {
        let rows = store.reader().scan("".into(), "z".into(), Timestamp(7), false);
        rows.map(|row| String::from_utf8(row.unwrap().key().to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_run_is_there_as_a_whole_or_not_at_all_and_survives_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let store = RowStore::open(dir.path(), 1 << 20).unwrap();
        assert_eq!(run(&store, &["a", "b"]).unwrap(), 2);
        assert!(matches!(run(&store, &["c", "d", "d"]), Err(Error::DuplicateKey { key }) if key == "d"));
        assert!(matches!(run(&store, &["c", "b"]), Err(Error::Internal(_))));
        assert_eq!(keys(&store), ["a", "b"]);
        assert_eq!(store.reader().get(b"a", Timestamp(6)).unwrap(), None);
        drop(store);
        assert_eq!(keys(&RowStore::open(dir.path(), 1 << 20).unwrap()), ["a", "b"]);
    }
}
