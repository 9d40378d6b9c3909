//! What writers do for a column that is being given another type.
//!
//! Rows are made by the columns that statements know. On their way into the transaction those of a table with a
//! conversion under way get the hidden column as well, whoever made them: the value of the column that it will
//! replace, cast as an `INSERT` in strict mode would. So while an `ALTER TABLE` is under way, a writer whose
//! value does not fit the new type fails as it would afterwards. The table's checks must hold for either form.

use bytes::Bytes;
use deltatree_learner::catalog::{ColumnConversion, TableInfo};
use deltatree_learner::codec::{KeyShape, RowsToArrow, decode_row, decode_row_key, encode_row, key_shape};
use deltatree_learner::table_write::KeyOp;
use deltatree_storage::types::Timestamp;

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
    /// As rows are stored.
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
        if !self.checks.is_empty() {
            let all: Vec<_> = (0..self.converted.columns.len()).collect();
            let mut rows = RowsToArrow::new(&self.converted, &all, extended.len());
            extended.iter().try_for_each(|row: &Bytes| rows.push(row))?;
            let rows = rows.finish()?;
            self.checks.iter().try_for_each(|check| check.enforce(rows.columns()))?;
        }
        Ok(extended)
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
            stored: table.as_stored().into_owned(),
            table: table.clone(),
            converted,
            conversion,
        }))
    }

    /// Operations as the rows of their tables are stored. Fails as the cast of a value does that does not fit a
    /// column's new type.
    pub(crate) fn with_hidden_column(&self, mut ops: Vec<KeyOp>) -> Result<Vec<KeyOp>> {
        let row_table = |op: &KeyOp| match (op, key_shape(op.key())) {
            (KeyOp::Put { .. } | KeyOp::Insert { .. }, Some(KeyShape::Row { table, .. })) => Some(table),
            _ => None,
        };
        let catalog = self.node.group().catalog();
        let Some(id) = ops.iter().find_map(row_table) else { return Ok(ops) };
        let Some(table) = catalog.table_by_id(id) else { return Ok(ops) };
        let Some(hidden) = self.hidden_column(table)? else { return Ok(ops) };
        let rows = ops.iter().filter(|op| row_table(op) == Some(id));
        let rows = rows.filter_map(|op| Some((op.key(), op.value()?)));
        let mut extended = hidden.extend(rows, 1)?.into_iter();
        for op in ops.iter_mut().filter(|op| row_table(op) == Some(id)) {
            if let (KeyOp::Put { value, .. } | KeyOp::Insert { value, .. }, Some(row)) = (op, extended.next()) {
                *value = row;
            }
        }
        Ok(ops)
    }
}
