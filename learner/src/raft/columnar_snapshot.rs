//! Columnar tables from a raft snapshot.
//!
//! The stream brings the rows space first, in key order: definitions (`m…`), then table by table the
//! index entries and the rows (`t…`). So every table's definition is known when its rows come, and its
//! packs are built as they come.

use std::collections::BTreeMap;
use std::iter::Peekable;

use bytes::Bytes;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Error as StorageError;
use deltatree_storage::types::{TableId, Timestamp};

use super::SnapshotData;
use crate::apply::{ApplyError, RowVersion, rows_to_packs};
use crate::catalog::{CatalogSnapshot, TableInfo, is_definition_key};
use crate::codec::{KeyShape, key_shape};
use crate::error::{Error, Result};
use crate::row_store::live_version;

/// A live row of the stream, and where it belongs.
enum Item {
    Definition(Bytes, Bytes),
    Row(TableId, RowVersion),
}

/// Builds all columnar tables of `snapshot`. Returns the definitions. Blocks on disk and on the sender.
pub(super) fn build(engine: &Engine, snapshot: SnapshotData) -> Result<BTreeMap<Bytes, Bytes>> {
    let commit_ts = snapshot.bounds().commit_ts;
    let mut items = snapshot.filter_map(|item| relevant(item).transpose()).peekable();
    let mut definitions = BTreeMap::new();
    while let Some(Item::Definition(key, value)) = next_if(&mut items, |i| matches!(i, Item::Definition(..)))? {
        definitions.insert(key, value);
    }
    let catalog = CatalogSnapshot::load(definitions.iter())
        .map_err(|e| Error::Corrupt { what: "catalog of a raft snapshot", reason: e.to_string() })?;
    let mut missing: BTreeMap<TableId, _> =
        catalog.tables().filter(|t| t.columnar).map(|t| (t.id, t.clone())).collect();
    while let Some(table) = next_table(&mut items)? {
        match missing.remove(&table) {
            Some(info) => build_table(engine, &info, commit_ts, &mut items)?,
            // No columns wanted, or rows of a dropped table that are not yet collected.
            None => while next_if(&mut items, |i| belongs(i, table))?.is_some() {},
        }
    }
    for info in missing.values() {
        engine.bulk_build(info.columnar_schema(), commit_ts, &mut std::iter::empty())?;
    }
    Ok(definitions)
}

fn build_table(
    engine: &Engine,
    info: &TableInfo,
    at: Timestamp,
    items: &mut Peekable<impl Iterator<Item = Result<Item>>>,
) -> Result<()> {
    let mut failure = None;
    let rows = std::iter::from_fn(|| match next_if(items, |i| belongs(i, info.id)) {
        Ok(Some(Item::Row(_, row))) => Some(Ok(row)),
        Ok(Some(Item::Definition(..)) | None) => None,
        Err(e) => {
            let stop = ApplyError::RowSource(e.to_string());
            failure = Some(e);
            Some(Err(stop))
        }
    });
    let mut packs =
        rows_to_packs(info, rows).map(|p| p.map_err(|e| StorageError::Internal(Error::from(e).to_string())));
    let built = engine.bulk_build(info.columnar_schema(), at, &mut packs);
    drop(packs);
    match failure {
        Some(cause) => Err(cause),
        None => Ok(built?),
    }
}

fn belongs(item: &Item, wanted: TableId) -> bool {
    matches!(item, Item::Row(table, _) if *table == wanted)
}

fn next_table(items: &mut Peekable<impl Iterator<Item = Result<Item>>>) -> Result<Option<TableId>> {
    match items.peek() {
        Some(Ok(Item::Row(table, _))) => Ok(Some(*table)),
        Some(Ok(Item::Definition(..))) => {
            Err(Error::Corrupt { what: "raft snapshot", reason: "a definition follows a row".into() })
        }
        Some(Err(e)) => Err(e.clone()),
        None => Ok(None),
    }
}

fn next_if(
    items: &mut Peekable<impl Iterator<Item = Result<Item>>>,
    wanted: impl Fn(&Item) -> bool,
) -> Result<Option<Item>> {
    match items.peek() {
        Some(Ok(item)) if !wanted(item) => Ok(None),
        Some(_) => items.next().transpose(),
        None => Ok(None),
    }
}

/// Definitions and the newest versions of rows; everything else is passed over.
fn relevant(item: Result<super::SnapshotItem>) -> Result<Option<Item>> {
    let item = item?;
    let Some((commit_ts, value)) = live_version(&item)? else { return Ok(None) };
    Ok(match key_shape(&item.key) {
        Some(KeyShape::Meta) => is_definition_key(&item.key).then_some(Item::Definition(item.key, value)),
        Some(KeyShape::Row { table, .. }) => Some(Item::Row(table, RowVersion { key: item.key, value, commit_ts })),
        Some(KeyShape::Index { .. }) | None => None,
    })
}
