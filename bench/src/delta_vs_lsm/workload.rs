//! The rows of sysbench's table, and updates of any of them.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringViewBuilder, UInt64Array};
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Value};

use crate::crash::random::Random;

/// Rows loaded at a time.
const LOAD_ROWS: u64 = 65_536;
/// Digits of a group in the texts.
const GROUP: usize = 11;
/// Groups to take texts from.
const POOL_GROUPS: usize = 100_000;

/// `sbtest`: `id` (primary key), `k`, `c` of 119 characters, `pad` of 59. Keys are `0..rows`.
#[derive(Debug)]
pub(super) struct Sbtest {
    pub(super) rows: u64,
    /// Groups of random digits with dashes between, which all texts are cut from.
    pool: String,
}

impl Sbtest {
    pub(super) fn new(rows: u64) -> Self {
        let mut random = Random::new(1);
        let mut pool = String::with_capacity(POOL_GROUPS * (GROUP + 1));
        for _ in 0..POOL_GROUPS {
            (0..GROUP).for_each(|_| pool.push(char::from(b'0' + (random.below(10) as u8))));
            pool.push('-');
        }
        Self { rows, pool }
    }

    pub(super) fn schema() -> TableSchema {
        let column = |id: u32, name: &str, data_type| ColumnSchema {
            id: ColumnId(id),
            name: name.to_owned(),
            data_type,
            nullable: false,
            default: if data_type == StoredType::Utf8 { Value::Bytes(bytes::Bytes::new()) } else { Value::Int(0) },
        };
        TableSchema {
            table: TableId(1),
            version: 1,
            key: KeyKind::Int,
            key_column: Some(0),
            columns: vec![
                column(0, "id", StoredType::Int64),
                column(1, "k", StoredType::Int64),
                column(2, "c", StoredType::Utf8),
                column(3, "pad", StoredType::Utf8),
            ],
        }
    }

    /// The table's first content, in key order.
    pub(super) fn first_rows(&self) -> impl Iterator<Item = PackRows> + '_ {
        let step = usize::try_from(LOAD_ROWS).unwrap_or(usize::MAX);
        (0..self.rows).step_by(step).map(move |start| {
            let ids: Vec<u64> = (start..self.rows.min(start + LOAD_ROWS)).collect();
            self.assemble(&ids, 0, UInt64Array::from_value(1, ids.len()))
        })
    }

    /// Some updates, each of one row, by their numbers. Update `u` alone has timestamp `u + 2`.
    pub(super) fn updates(&self, updates: Range<u64>) -> PackRows {
        let ids: Vec<u64> = updates.clone().map(|update| Random::new(update).below(self.rows)).collect();
        let salt = updates.start + 1;
        self.assemble(&ids, salt, UInt64Array::from_iter_values(updates.map(|update| update + 2)))
    }

    fn assemble(&self, ids: &[u64], salt: u64, commit_ts: UInt64Array) -> PackRows {
        let keys = Int64Array::from_iter_values(ids.iter().map(|id| id.cast_signed()));
        // A row's content depends on nothing but its number among the updates, however they are cut
        // into batches.
        let seeds: Vec<u64> = (0..).zip(ids).map(|(at, id)| if salt == 0 { *id } else { (salt + at) << 32 }).collect();
        let ks =
            Int64Array::from_iter_values(seeds.iter().map(|seed| Random::new(*seed).below(self.rows).cast_signed()));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(keys.clone()), Arc::new(ks), self.texts(&seeds, 10), self.texts(&seeds, 5)];
        PackRows { keys: KeyArray::Int(keys), commit_ts, tombstones: None, columns }
    }

    fn texts(&self, seeds: &[u64], groups: usize) -> ArrayRef {
        let len = groups * (GROUP + 1) - 1;
        let mut texts = StringViewBuilder::with_capacity(seeds.len());
        for seed in seeds {
            let at = Random::new(seed + groups as u64).below((POOL_GROUPS - groups) as u64) as usize * (GROUP + 1);
            texts.append_value(&self.pool[at..at + len]);
        }
        Arc::new(texts.finish())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;

    #[test]
    fn updates_do_not_depend_on_how_they_are_cut_into_batches() {
        let table = Sbtest::new(1_000);
        let whole = table.updates(0..100);
        let part = table.updates(40..60);
        assert_eq!(part.keys.get(7), whole.keys.get(47));
        for (whole, part) in whole.columns.iter().zip(&part.columns) {
            assert_eq!(whole.slice(40, 20).as_ref(), part.as_ref());
        }
    }

    #[test]
    fn texts_look_as_those_of_sysbench() {
        let rows = Sbtest::new(10).first_rows().next().unwrap();
        let (c, pad) = (rows.columns[2].as_string_view(), rows.columns[3].as_string_view());
        assert_eq!((c.value(3).len(), pad.value(3).len()), (119, 59));
        assert!(c.value(3).split('-').all(|group| group.len() == GROUP));
    }
}
