//! The tree against the standard library's map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{DeltaIndex, IndexEntry};
use crate::types::{KeyKind, KeyRange, KeyRef, RowKey, Timestamp};

fn entry(ordinal: u64) -> IndexEntry {
    IndexEntry { ordinal, commit_ts: Timestamp(ordinal) }
}

fn contents(index: &DeltaIndex, range: &KeyRange) -> Vec<(RowKey, u64)> {
    let mut out = Vec::new();
    index.for_each_in(range, |key, e| out.push((key.to_owned(), e.ordinal)));
    out
}

fn check(keys: Vec<RowKey>, kind: KeyKind, bounds: (RowKey, RowKey)) {
    let mut index = DeltaIndex::new(kind, 0);
    let mut model = BTreeMap::new();
    for (i, key) in keys.iter().enumerate() {
        index.insert(key.as_ref(), entry(i as u64));
        model.insert(key.clone(), i as u64);
    }
    index.validate();
    assert_eq!(index.len(), model.len());
    for key in &keys {
        assert_eq!(index.get(key.as_ref()).map(|e| e.ordinal), model.get(key).copied());
    }
    let range = KeyRange { start: Some(bounds.0.clone()), end: Some(bounds.1.clone()) };
    let inside: Vec<_> = model.clone().into_iter().filter(|(k, _)| range.contains(k.as_ref())).collect();
    assert_eq!(contents(&index, &range), inside);
    let borders: Vec<RowKey> = model.keys().step_by(7).cloned().collect();
    let ranks = index.ranks(&borders.iter().map(RowKey::as_ref).collect::<Vec<_>>());
    assert_eq!(ranks, borders.iter().map(|b| model.range(..b).count()).collect::<Vec<_>>());
    let index = index.rebased(1, |e| (e.ordinal % 3 != 0).then_some(e.ordinal));
    index.validate();
    model.retain(|_, o| *o % 3 != 0);
    assert_eq!(contents(&index, &KeyRange::ALL), model.into_iter().collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn integer_keys_equal_a_map(keys in prop::collection::vec(-3000i64..3000, 0..4000), a: i16, b: i16) {
        let keys = keys.into_iter().map(RowKey::Int).collect();
        check(keys, KeyKind::Int, (RowKey::Int(a.into()), RowKey::Int(b.into())));
    }

    #[test]
    fn byte_keys_equal_a_map(keys in prop::collection::vec(prop::collection::vec(0u8..4, 0..6), 0..2000)) {
        let key = |b: &[u8]| RowKey::Bytes(bytes::Bytes::copy_from_slice(b));
        let keys = keys.iter().map(|k| key(k)).collect();
        check(keys, KeyKind::Bytes, (key(&[1]), key(&[2, 1])));
    }
}

#[test]
fn memory_stays_within_forty_bytes_a_key() {
    let rows = 300_000u64;
    for scatter in [1, 0x9e37_79b9_7f4a_7c15] {
        let mut index = DeltaIndex::new(KeyKind::Int, 0);
        for i in 0..rows {
            index.insert(KeyRef::Int(i.wrapping_mul(scatter) as i64), entry(i));
        }
        index.validate();
        let each = index.memory_bytes() as f64 / rows as f64;
        assert!(each <= 40.0, "{each} bytes a key");
    }
}
