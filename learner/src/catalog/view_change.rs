//! Changes of views as key-value mutations. See [`super::create_table`] for how they are committed.

use super::ddl::{changed, put};
use super::meta_key::{encode_u64, encode_view, next_id_key, view_key};
use super::{CatalogError, CatalogSnapshot, ViewInfo};
use crate::table_write::KeyOp;

type Result<T> = std::result::Result<T, CatalogError>;

/// `CREATE VIEW`, and with `replace` `CREATE OR REPLACE VIEW`. The ids of the view and its database are
/// filled in here.
///
/// # Errors
/// If the database (by `info.database`) does not exist, a table of that name does, or without `replace`
/// a view.
pub fn create_view(catalog: &CatalogSnapshot, mut info: ViewInfo, replace: bool) -> Result<(ViewInfo, Vec<KeyOp>)> {
    let database =
        catalog.database(&info.database).ok_or_else(|| CatalogError::UnknownDatabase(info.database.clone()))?;
    let old = catalog.view_in(database.id, &info.name);
    if catalog.table_in(database.id, &info.name).is_some() || (old.is_some() && !replace) {
        return Err(CatalogError::TableExists(format!("{}.{}", database.name, info.name)));
    }
    info.database_id = database.id;
    info.database = database.name.clone();
    let mut ops = changed(catalog);
    match old {
        Some(old) => info.id = old.id,
        None => {
            info.id = catalog.next_id();
            ops.push(put(next_id_key(), encode_u64(info.id + 1)));
        }
    }
    ops.push(put(view_key(info.id), encode_view(&info)?));
    Ok((info, ops))
}

/// `DROP VIEW`.
///
/// # Errors
/// If there is none of that name.
pub fn drop_view(catalog: &CatalogSnapshot, database: &str, name: &str) -> Result<Vec<KeyOp>> {
    let view = catalog.view(database, name).ok_or_else(|| CatalogError::UnknownTable(format!("{database}.{name}")))?;
    let mut ops = changed(catalog);
    ops.push(KeyOp::Delete { key: view_key(view.id) });
    Ok(ops)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{after, column, table};
    use super::super::{PrimaryKey, SqlType, create_database, create_table, drop_database};
    use super::*;

    fn view(name: &str) -> ViewInfo {
        ViewInfo {
            id: 0,
            database_id: 0,
            database: "test".into(),
            name: name.into(),
            definition: "SELECT a FROM t".into(),
            current_database: "test".into(),
            columns: vec![column(1, "a", SqlType::Date, true)],
            columns_listed: false,
            definer: "root@%".into(),
            invoker_rights: false,
            check_option: "NONE".into(),
        }
    }

    #[test]
    fn views_and_tables_share_their_names() {
        let catalog = CatalogSnapshot::default();
        let catalog = after(&catalog, &create_database(&catalog, "Test").unwrap().1);
        let t = table("t", vec![column(1, "a", SqlType::Date, true)], PrimaryKey::Hidden);
        let catalog = after(&catalog, &create_table(&catalog, t.clone()).unwrap().1);
        assert!(matches!(create_view(&catalog, view("T"), true), Err(CatalogError::TableExists(_))));
        let (created, ops) = create_view(&catalog, view("V"), false).unwrap();
        let catalog = after(&catalog, &ops);
        assert_eq!(**catalog.view("TEST", "v").unwrap(), created);
        let mut named = t;
        named.name = "v".into();
        assert!(matches!(create_table(&catalog, named), Err(CatalogError::TableExists(_))));
        assert!(matches!(create_view(&catalog, view("v"), false), Err(CatalogError::TableExists(_))));
        let (replaced, ops) = create_view(&catalog, view("v"), true).unwrap();
        assert_eq!(replaced.id, created.id);
        let catalog = after(&catalog, &ops);
        let dropped = after(&catalog, &drop_view(&catalog, "test", "V").unwrap());
        assert!(dropped.view("test", "v").is_none());
        let dropped = after(&catalog, &drop_database(&catalog, "test").unwrap().1);
        assert_eq!(dropped.views().count(), 0);
    }
}
