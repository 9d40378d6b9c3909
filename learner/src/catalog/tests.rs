use std::collections::BTreeMap;

use bytes::Bytes;
use deltatree_storage::types::{Timestamp, Value};

use super::testing::{after, all_types, column, index, table, wide_table};
use super::*;
use crate::table_write::KeyOp;

/// A row store with only definitions in it.
#[derive(Default)]
struct Store(BTreeMap<Bytes, Bytes>);

impl Store {
    /// Commits, and checks that applying to the old snapshot gives what loading gives.
    fn commit(&mut self, catalog: &CatalogSnapshot, ops: &[KeyOp]) -> CatalogSnapshot {
        for op in ops {
            match op.value() {
                Some(value) => self.0.insert(op.key().clone(), value.clone()),
                None => self.0.remove(op.key()),
            };
        }
        let applied = after(catalog, ops);
        let loaded = CatalogSnapshot::load(&self.0).unwrap();
        assert_eq!(format!("{applied:?}"), format!("{loaded:?}"));
        assert_eq!(applied.version(), catalog.version() + 1);
        applied
    }
}

fn small(name: &str) -> TableInfo {
    table(name, vec![column(1, "a", SqlType::Int { unsigned: false }, true)], PrimaryKey::Hidden)
}

#[test]
fn the_life_of_a_schema() {
    let mut store = Store::default();
    let catalog = CatalogSnapshot::default();
    let (database, ops) = create_database(&catalog, "Test").unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert_eq!(catalog.database("tEST").unwrap().name, "Test");
    assert_eq!(create_database(&catalog, "test").unwrap_err().to_string(), "database 'test' exists");

    let (first, ops) = create_table(&catalog, small("T")).unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert_eq!((first.database.as_str(), first.database_id, first.schema_version), ("Test", database.id, 2));
    assert!(first.id.0 > database.id);
    assert_eq!(**catalog.table("test", "t").unwrap(), first);
    assert!(matches!(create_table(&catalog, small("t")), Err(CatalogError::TableExists(_))));

    let mut changed = first.clone();
    changed.name = "u".into();
    changed.columns.push(column(2, "b", SqlType::Date, true));
    changed.next_column_id = 3;
    let (changed, ops) = alter_table(&catalog, changed).unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert!(catalog.table("test", "t").is_none());
    assert_eq!(**catalog.table_by_id(first.id).unwrap(), changed);
    assert_eq!(changed.schema_version, 3);

    let (truncated, ops) = truncate_table(&catalog, first.id).unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert!(truncated.id > first.id && catalog.table_by_id(first.id).is_none());
    assert_eq!(catalog.tables_of(database.id).map(|t| t.id).collect::<Vec<_>>(), [truncated.id]);

    let ops = drop_table(&catalog, truncated.id).unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert!(matches!(drop_table(&catalog, truncated.id), Err(CatalogError::UnknownTable(_))));
    let (again, ops) = create_table(&catalog, small("t")).unwrap();
    assert!(again.id > truncated.id, "ids are never used again");
    let catalog = store.commit(&catalog, &ops);

    let (tables, ops) = drop_database(&catalog, "TEST").unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert_eq!(tables, [again.id]);
    assert_eq!((catalog.databases().count(), catalog.tables().count()), (0, 0));
    assert_eq!(store.0.len(), 2, "only the counters are left");
}

#[test]
fn definitions_of_every_type_come_back() {
    let mut store = Store::default();
    let catalog = CatalogSnapshot::default();
    let catalog = store.commit(&catalog, &create_database(&catalog, "test").unwrap().1);
    let mut info = wide_table(1);
    info.indexes.push(index(1, "i", &[1, 2], true));
    info.next_index_id = 2;
    for (column, sql_type) in info.columns.iter_mut().zip(all_types()) {
        let value = match sql_type.stored() {
            deltatree_storage::types::StoredType::Decimal128(..) => Value::Decimal(-(10i128.pow(14))),
            deltatree_storage::types::StoredType::Decimal256(..) => {
                Value::BigDecimal(arrow::datatypes::i256::from_i128(i128::MIN))
            }
            deltatree_storage::types::StoredType::Float64 => Value::Float(0.1),
            deltatree_storage::types::StoredType::Int64 => Value::Int(i64::MIN),
            deltatree_storage::types::StoredType::UInt64 => Value::UInt(u64::MAX),
            deltatree_storage::types::StoredType::Binary => Value::Bytes(Bytes::from_static(b"\xff\0")),
            _ => Value::Null,
        };
        column.default = ColumnDefault::Value(value.clone());
        column.origin_default = value;
    }
    let (info, ops) = create_table(&catalog, info).unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert_eq!(**catalog.table_by_id(info.id).unwrap(), info);
}

#[test]
fn contradictions_are_refused() {
    let mut store = Store::default();
    let catalog = CatalogSnapshot::default();
    let catalog = store.commit(&catalog, &create_database(&catalog, "test").unwrap().1);
    let refused = |change: &dyn Fn(&mut TableInfo), reason: &str| {
        let mut info = small("t");
        change(&mut info);
        let message = create_table(&catalog, info).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    };
    refused(&|t| t.database = "nowhere".into(), "unknown database 'nowhere'");
    refused(&|t| t.columns.push(column(2, "A", SqlType::Date, true)), "two columns are named A");
    refused(&|t| t.columns.push(column(1, "b", SqlType::Date, true)), "column id 1 is used twice");
    refused(&|t| t.columns.clear(), "it has no column");
    refused(&|t| t.columns[0].origin_default = Value::UInt(1), "the default of column a does not fit");
    refused(&|t| t.primary_key = PrimaryKey::Integer { column: t.columns[0].id }, "may not be NULL");
    refused(&|t| t.primary_key = PrimaryKey::Columns { columns: vec![] }, "the primary key is empty");
    refused(&|t| t.indexes.push(index(1, "i", &[1], true)), "index id 1 is used twice or not yet handed out");
    refused(&|t| (t.next_index_id, t.indexes) = (2, vec![index(1, "i", &[9], true)]), "one that does not exist");

    let (info, ops) = create_table(&catalog, small("t")).unwrap();
    let catalog = store.commit(&catalog, &ops);
    let refused = |change: &dyn Fn(&mut TableInfo), reason: &str| {
        let mut info = info.clone();
        change(&mut info);
        let message = alter_table(&catalog, info).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    };
    refused(&|t| t.columns[0].sql_type = SqlType::Date, "needs a new id");
    refused(&|t| t.next_column_id = 0, "column id 1 is used twice or not yet handed out");
    refused(&|t| t.next_index_id = 0, "must not be used again");
    let strict = |t: &mut TableInfo| {
        t.next_column_id = 3;
        t.columns.push(column(2, "b", SqlType::Date, false));
    };
    refused(&strict, "rows that exist have no value for column b");
}

#[test]
fn damage_is_named() {
    let damaged =
        |key: &'static [u8], value: &'static [u8]| CatalogSnapshot::load([(key, value)]).unwrap_err().to_string();
    assert!(damaged(b"m_table_\0\0\0\0\0\0\0\x05", b"{").starts_with("damaged catalog: the definition of table 5: "));
    assert_eq!(damaged(b"m_schema_version", b"1"), "damaged catalog: the schema version has 1 bytes instead of 8");
}

#[test]
fn other_keys_change_nothing() {
    let catalog = CatalogSnapshot::default();
    let key: &[u8] = b"m_auto_\0\0\0\0\0\0\0\x05";
    assert!(catalog.apply([(key, Some(&b"12345678"[..])), (b"m_else", None)]).unwrap().is_none());
}

#[test]
fn an_import_takes_the_name_or_gives_it_back() {
    let mut store = Store::default();
    let catalog = CatalogSnapshot::default();
    let catalog = store.commit(&catalog, &create_database(&catalog, "test").unwrap().1);
    let (t, ops) = create_table(&catalog, small("t")).unwrap();
    let catalog = store.commit(&catalog, &ops);
    let (hidden, ops) = begin_import(&catalog, t.id).unwrap();
    let locked = store.commit(&catalog, &ops);
    assert_eq!(locked.table("test", "t").unwrap().import, Some(ImportLock { staging: hidden.id }));
    assert!(locked.table_by_id(hidden.id).is_none() && !locked.is_gone(hidden.id));
    // Nobody else changes it meanwhile, and only this import ends.
    let busy = |result: Result<(), CatalogError>| assert!(matches!(result, Err(CatalogError::Importing(_))));
    busy(begin_import(&locked, t.id).map(drop));
    busy(drop_table(&locked, t.id).map(drop));
    busy(drop_database(&locked, "test").map(drop));
    busy(truncate_table(&locked, t.id).map(drop));
    busy(alter_table(&locked, TableInfo::clone(locked.table_by_id(t.id).unwrap())).map(drop));
    assert!(publish_import(&locked, t.id, Timestamp(5)).is_err() && abandon_import(&locked, t.id).is_err());

    let given_back = after(&locked, &abandon_import(&locked, hidden.id).unwrap());
    assert_eq!(given_back.table_by_id(t.id).unwrap().import, None);
    assert!(given_back.is_gone(hidden.id) && abandon_import(&given_back, hidden.id).is_err());

    let (old, ops) = publish_import(&locked, hidden.id, Timestamp(5)).unwrap();
    let published = store.commit(&locked, &ops);
    let now = published.table("test", "t").unwrap();
    assert_eq!((old, now.id, now.import, now.loaded), (t.id, hidden.id, None, Some(Timestamp(5))));
    assert!(published.is_gone(t.id) && !published.is_gone(hidden.id));
    assert_eq!(truncate_table(&published, hidden.id).unwrap().0.loaded, None);
}

#[test]
fn a_column_that_converts_is_hidden_until_it_takes_its_place() {
    let mut store = Store::default();
    let catalog = CatalogSnapshot::default();
    let catalog = store.commit(&catalog, &create_database(&catalog, "test").unwrap().1);
    let int = || SqlType::Int { unsigned: false };
    let columns = vec![column(1, "a", int(), true), column(2, "b", int(), true)];
    let mut t = table("t", columns, PrimaryKey::Hidden);
    t.indexes = vec![index(1, "by_b", &[2], false), index(2, "u", &[1, 2], true), index(3, "by_a", &[1], false)];
    t.next_index_id = 4;
    let (t, ops) = create_table(&catalog, t).unwrap();
    let catalog = store.commit(&catalog, &ops);

    let mut wanted = t.clone();
    let to = column(0, "b", SqlType::Date, true);
    let mut conversion = ColumnConversion { from: t.columns[1].id, to, indexes: Vec::new(), zone: "UTC".into() };
    conversion.begin(&mut wanted);
    wanted.converting = Some(conversion);
    let (converting, ops) = alter_table(&catalog, wanted).unwrap();
    let catalog = store.commit(&catalog, &ops);
    let ids = |info: &TableInfo| info.columns.iter().map(|c| c.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&converting), ids(&converting.as_stored())), (vec![1, 2], vec![1, 2, 3]));
    assert_eq!(converting.columnar_schema().columns.len(), 3);
    assert_eq!(converting.indexes, t.indexes);

    // Whatever takes the table from under it, nobody has to maintain it there.
    assert_eq!(truncate_table(&catalog, t.id).unwrap().0.converting, None);
    assert_eq!(begin_import(&catalog, t.id).unwrap().0.converting, None);

    let (converted, ops) = alter_table(&catalog, converting.converted(Timestamp(9)).unwrap()).unwrap();
    let catalog = store.commit(&catalog, &ops);
    assert_eq!((ids(&converted), converted.loaded), (vec![1, 3], Some(Timestamp(9))));
    let indexes: Vec<_> = converted.indexes.iter().map(|i| (i.id, i.name.as_str(), i.columns.len())).collect();
    assert_eq!(indexes, [(4, "by_b", 1), (5, "u", 2), (3, "by_a", 1)]);
    assert_eq!(catalog.table_by_id(t.id).unwrap().converting, None);

    // A stored type cannot change under its id, and what is hidden must come from somewhere.
    let mut wrong = converted.clone();
    wrong.columns[1].sql_type = int();
    assert!(matches!(alter_table(&catalog, wrong), Err(CatalogError::Invalid(_))));
    let mut wrong = converting.clone();
    wrong.columns.remove(1);
    wrong.indexes.clear();
    assert!(matches!(alter_table(&catalog, wrong), Err(CatalogError::Invalid(_))));
}
