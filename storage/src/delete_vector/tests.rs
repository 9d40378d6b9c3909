//! The vector against a plain list of (row, timestamp).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{DeleteVector, Deletion, StoredVector};
use crate::types::Timestamp;

const ROWS: u32 = 20_000;

#[derive(Clone, Debug)]
enum Op {
    Append(Vec<u32>),
    Hide(u32),
    Checkpoint(u64),
    Reload,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => prop::collection::vec(0..ROWS, 0..30).prop_map(Op::Append),
        1 => (0..ROWS).prop_map(Op::Hide),
        1 => (0..40u64).prop_map(Op::Checkpoint),
        1 => Just(Op::Reload),
    ]
}

proptest! {
    #[test]
    fn vector_equals_a_list_of_deletions(ops in prop::collection::vec(op(), 1..40)) {
        let mut vector = DeleteVector::new(ROWS as usize);
        let mut model: BTreeMap<u32, u64> = BTreeMap::new();
        let mut safe = 0;
        for (i, op) in ops.into_iter().enumerate() {
            let ts = i as u64 + 1;
            match op {
                Op::Append(rows) => {
                    let mut entries = Vec::new();
                    for row in rows {
                        if let std::collections::btree_map::Entry::Vacant(e) = model.entry(row) {
                            e.insert(ts);
                            entries.push(Deletion { commit_ts: Timestamp(ts), row });
                        }
                    }
                    vector.append(&entries);
                }
                Op::Hide(row) => {
                    vector.hide([row]);
                    model.insert(row, 0);
                }
                Op::Checkpoint(to) => {
                    safe = safe.max(to.min(ts));
                    vector.advance_checkpoint(Timestamp(safe));
                }
                Op::Reload => vector = StoredVector::from(&vector).restore(ROWS).unwrap(),
            }
            vector.validate();
            for at in [safe, (safe + ts) / 2, ts, u64::MAX] {
                let at = at.max(safe);
                let expected: Vec<u32> = model.iter().filter(|(_, d)| **d <= at).map(|(r, _)| *r).collect();
                prop_assert_eq!(vector.count_at(Timestamp(at)), expected.len() as u64);
                prop_assert_eq!(vector.at(Timestamp(at)).iter().collect::<Vec<_>>(), expected);
            }
        }
    }
}

#[test]
fn earlier_versions_keep_their_deletions() {
    let mut vector = DeleteVector::new(10_000);
    vector.append(&[Deletion { commit_ts: Timestamp(5), row: 9_000 }]);
    let earlier = vector.clone();
    vector.append(&[Deletion { commit_ts: Timestamp(6), row: 9_001 }]);
    assert!(!earlier.is_deleted(9_001));
    assert_eq!(vector.tail_from(earlier.tail_len()).count(), 1);
    assert_eq!(vector.at(Timestamp(5)).count(), 1);
    assert!(vector.at(Timestamp(4)).mask(8192, 1808).is_none());
}

#[test]
fn concatenation_shifts_rows() {
    let mut first = DeleteVector::new(3);
    first.hide([2]);
    let mut second = DeleteVector::new(2);
    second.append(&[Deletion { commit_ts: Timestamp(9), row: 1 }]);
    let joined = DeleteVector::concat([&first, &second]);
    joined.validate();
    assert_eq!(joined.at(Timestamp(1)).iter().collect::<Vec<_>>(), [2]);
    assert_eq!(joined.at(Timestamp(9)).iter().collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn stored_vector_of_another_array_is_refused() {
    let mut vector = DeleteVector::new(100);
    vector.hide([99]);
    assert!(StoredVector::from(&vector).restore(99).is_none());
}
