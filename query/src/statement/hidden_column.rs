//! What writers do for a column that is being given another type.
//!
//! Rows are made by the columns that statements know. On their way into the transaction those of a table with a
//! conversion under way get the hidden column as well, whoever made them: the value of the column that it will
//! replace, cast as an `INSERT` in strict mode would. So while an `ALTER TABLE` is under way, a writer whose
//! value does not fit the new type fails as it would afterwards. The table's checks must hold for either form, and so
//! must unique indexes, whose copies are changed with the row.

use std::collections::HashMap;

use bytes::Bytes;
use deltatree_learner::catalog::{CatalogSnapshot, ColumnConversion, TableInfo};
use deltatree_learner::codec::{KeyShape, RowView, RowsToArrow, decode_row, decode_row_key, encode_row, key_shape};
use deltatree_learner::table_write::{KeyOp, RowWriter};
use deltatree_storage::types::{TableId, Timestamp};

use super::check::RowCheck;
use super::rows::stored_datum;
use crate::error::{Result, SqlError};
use crate::session::Session;
use crate::types::SessionZone;
use crate::types::coerce::{Assignment, cast_value};

/// Gives rows the hidden column of their table.
pub(super) struct HiddenColumn {
    conversion: ColumnConversion,
    /// As statements know it.
    table: TableInfo,
    /// As rows are stored, with the copies of indexes alone.
    stored: TableInfo,
    /// As it will be.
    converted: TableInfo,
    /// Position of the column that is converted.
    from: usize,
    zone: SessionZone,
    checks: Vec<RowCheck>,
}

impl HiddenColumn {
    /// Casts the rows of a batch: keys and rows. `first_number` counts from 1, for messages. Fails as the cast
    /// does, with 3819 if a row then violates a check.
    pub(super) fn extend<'a>(
        &self,
        rows: impl IntoIterator<Item = (&'a Bytes, &'a Bytes)>,
        first_number: u64,
    ) -> Result<Vec<Bytes>> {
        let mut rules = Assignment::strict(self.zone);
        let mut extended = Vec::new();
        for (number, (key, row)) in (first_number..).zip(rows) {
            let (_, key) = decode_row_key(key, self.table.key_kind())?;
            let mut values = decode_row(&self.table, &key, row)?;
            let old = stored_datum(&values[self.from], &self.table.columns[self.from].sql_type);
            values.push(cast_value(&old, &self.conversion.to, number, &mut rules)?);
            let mut bytes = Vec::with_capacity(row.len() + 16);
            encode_row(&self.stored, &values, &mut bytes)?;
            extended.push(bytes.into());
        }
        self.enforce_checks(&extended)?;
        Ok(extended)
    }

    fn enforce_checks(&self, extended: &[Bytes]) -> Result<()> {
        if self.checks.is_empty() {
            return Ok(());
        }
        let all: Vec<_> = (0..self.converted.columns.len()).collect();
        let mut rows = RowsToArrow::new(&self.converted, &all, extended.len());
        extended.iter().try_for_each(|row| rows.push(row))?;
        let rows = rows.finish()?;
        self.checks.iter().try_for_each(|check| check.enforce(rows.columns()))
    }

    /// The entries of a row in the copies of indexes: none if it lacks the hidden column.
    pub(super) fn entries(&self, key: &[u8], row: &[u8]) -> Result<Vec<KeyOp>> {
        if self.stored.indexes.is_empty() || !self.has(row)? {
            return Ok(Vec::new());
        }
        let (_, key) = decode_row_key(key, self.stored.key_kind())?;
        let values = decode_row(&self.stored, &key, row)?;
        let writer = RowWriter::new(&self.stored);
        let entry = |index| Ok(writer.index_entry(index, &key, &values)?);
        self.stored.indexes.iter().map(entry).collect()
    }

    /// Whether a row has the hidden column.
    pub(super) fn has(&self, row: &[u8]) -> Result<bool> {
        Ok(RowView::parse(row)?.holds(self.conversion.to.id))
    }

    /// What changes in the copies of indexes with a row that was `old` and is to be `new`.
    fn entry_changes(&self, key: &[u8], old: Option<&Bytes>, new: Option<&Bytes>) -> Result<Vec<KeyOp>> {
        let entries = |row: Option<&Bytes>| row.map_or(Ok(Vec::new()), |row| self.entries(key, row));
        let (before, after) = (entries(old)?, entries(new)?);
        let gone = before.iter().filter(|entry| !after.contains(entry));
        let mut changes: Vec<_> = gone.map(|entry| KeyOp::Delete { key: entry.key().clone() }).collect();
        changes.extend(after.into_iter().filter(|entry| !before.contains(entry)));
        Ok(changes)
    }
}

impl Session {
    /// The hidden column of a table; `None` if it has none.
    pub(super) fn hidden_column(&self, table: &TableInfo) -> Result<Option<HiddenColumn>> {
        let Some(conversion) = table.converting.clone() else { return Ok(None) };
        let inconsistent = || SqlError::internal("the column that is being converted does not exist");
        let converted = table.converted(Timestamp::ZERO).ok_or_else(inconsistent)?;
        Ok(Some(HiddenColumn {
            from: table.position_of(conversion.from).ok_or_else(inconsistent)?,
            zone: SessionZone::parse(&conversion.zone)?,
            checks: self.row_checks(&converted)?,
            stored: TableInfo {
                indexes: conversion.indexes.clone(),
                filling: Vec::new(),
                ..table.as_stored().into_owned()
            },
            table: table.clone(),
            converted,
            conversion,
        }))
    }

    /// Operations as the rows of their table are stored. Done again it changes nothing. Fails as the cast of a value
    /// does that does not fit a column's new type, and with 8028 if the rows are of an older definition.
    pub(crate) fn with_hidden_column(&mut self, ops: Vec<KeyOp>) -> Result<Vec<KeyOp>> {
        let Some(id) = ops.iter().find_map(row_table) else { return Ok(ops) };
        let catalog = self.node.group().catalog();
        let Some(table) = catalog.table_by_id(id) else { return Ok(ops) };
        let written_by = ops.iter().filter(|op| row_table(op) == Some(id)).find_map(KeyOp::value);
        if let Some(row) = written_by
            && RowView::parse(row)?.schema_version < table.schema_version
        {
            // The row may lack columns of now; it could not be committed.
            return Err(SqlError::schema_changed());
        }
        let Some(hidden) = self.hidden_column(table)? else { return Ok(ops) };
        let is_row = |op: &&KeyOp| row_table(op) == Some(id);
        let mut lacking = Vec::new();
        for op in ops.iter().filter(is_row) {
            if let Some(row) = op.value()
                && !hidden.has(row)?
            {
                lacking.push((op.key(), row));
            }
        }
        let mut extended = hidden.extend(lacking, 1)?.into_iter();
        let mut now = match hidden.stored.indexes.is_empty() {
            true => HashMap::new(),
            false => self.rows_now(ops.iter().filter(is_row).map(|op| op.key().clone()).collect())?,
        };
        let mut all = Vec::with_capacity(ops.len());
        for mut op in ops {
            if row_table(&op) != Some(id) {
                all.push(op);
                continue;
            }
            if let KeyOp::Put { value, .. } | KeyOp::Insert { value, .. } = &mut op {
                if hidden.has(value)? {
                    // Its entries are among the operations.
                    all.push(op);
                    continue;
                }
                *value = extended.next().ok_or_else(|| SqlError::internal("a row was not cast"))?;
            }
            let changes = hidden.entry_changes(op.key(), now.get(op.key()), op.value())?;
            match op.value() {
                Some(value) => now.insert(op.key().clone(), value.clone()),
                None => now.remove(op.key()),
            };
            all.push(op);
            all.extend(changes);
        }
        Ok(all)
    }

    /// Rows that are about to be changed, as they are.
    fn rows_now(&mut self, keys: Vec<Bytes>) -> Result<HashMap<Bytes, Bytes>> {
        let open = &self.writable()?.inner;
        let rows = open.multi_get_at(&keys, open.settled_ts(&keys))?;
        Ok(keys.into_iter().zip(rows).filter_map(|(key, row)| Some((key, row?))).collect())
    }
}

/// Whether a schema change is making copies of some table's indexes.
pub(super) fn copies_indexes(definitions: &CatalogSnapshot) -> bool {
    definitions.tables().filter_map(|table| table.converting.as_ref()).any(|conversion| !conversion.indexes.is_empty())
}

/// The table whose row an operation changes.
fn row_table(op: &KeyOp) -> Option<TableId> {
    match key_shape(op.key()) {
        Some(KeyShape::Row { table, .. }) => Some(table),
        Some(KeyShape::Index { .. } | KeyShape::Meta) | None => None,
    }
}
