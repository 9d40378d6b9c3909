use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int64Array, StringViewArray, UInt64Array};

use super::*;
use crate::file::{FileStore, MemoryStore};
use crate::types::*;

fn schema(key: KeyKind) -> TableSchema {
    let column = |id: u32, name: &str, data_type| ColumnSchema {
        id: ColumnId(id),
        name: name.into(),
        data_type,
        nullable: true,
        default: Value::Null,
    };
    TableSchema {
        table: TableId(7),
        version: 1,
        key,
        key_column: (key == KeyKind::Int).then_some(0),
        columns: vec![column(1, "id", StoredType::Int64), column(2, "text", StoredType::Utf8)],
    }
}

fn rows(ids: impl Iterator<Item = i64> + Clone) -> PackRows {
    let text: StringViewArray = ids.clone().map(|i| (i % 5 != 0).then(|| format!("row number {i} of many"))).collect();
    let n = text.len();
    PackRows {
        keys: KeyArray::Int(ids.clone().collect()),
        commit_ts: ids.clone().map(|i| 1000 + i as u64).collect(),
        tombstones: Some(BooleanArray::from(vec![false; n])),
        columns: vec![Arc::new(ids.collect::<Int64Array>()), Arc::new(text)],
    }
}

fn written(pieces: impl IntoIterator<Item = PackRows>) -> (Arc<dyn FileStore>, Arc<Pack>) {
    let store: Arc<dyn FileStore> = Arc::new(MemoryStore::new());
    let options = PackOptions { sorted: true };
    let mut writer = PackWriter::create(store.clone(), FileId(1), &schema(KeyKind::Int), options).unwrap();
    pieces.into_iter().for_each(|p| writer.write(p).unwrap());
    let pack = writer.finish().unwrap();
    (store, pack)
}

#[test]
fn rows_come_back_by_zone() {
    let (_, pack) = written([rows(0..5000), rows(5000..5001), rows(5001..20_000)]);
    assert_eq!((pack.rows(), pack.zone_count()), (20_000, 3));
    pack.verify().unwrap();
    let all = rows(0..20_000);
    for zone in 0..3 {
        let range = pack.zone_rows(zone);
        for (i, column) in schema(KeyKind::Int).columns.iter().enumerate() {
            let expected = all.columns[i].slice(range.start as usize, range.len());
            assert_eq!(pack.read_column(column, zone).unwrap().as_ref(), expected.as_ref());
        }
        let ts: UInt64Array = pack.read_commit_ts(zone).unwrap();
        assert_eq!(ts, all.commit_ts.slice(range.start as usize, range.len()));
    }
}

#[test]
fn keys_are_found() {
    let (_, pack) = written([rows((0..20_000).map(|i| i * 3))]);
    assert_eq!(pack.find(KeyRef::Int(30_000)).unwrap(), Some(10_000));
    assert_eq!(pack.find(KeyRef::Int(30_001)).unwrap(), None);
    let probes: Int64Array = (-5..60_010).collect();
    let found = pack.find_sorted(&KeyArray::Int(probes.clone())).unwrap();
    for (key, row) in probes.values().iter().zip(found) {
        let expected = (*key >= 0 && *key < 60_000 && key % 3 == 0).then(|| (*key / 3) as u32);
        assert_eq!(row, expected, "{key}");
    }
}
