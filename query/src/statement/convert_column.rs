//! Giving a column another type while the table is being written.
//!
//! ```text
//!   none ──▶ converting ──────────────────────────────────▶ in its place
//!            every writer sets a hidden column of the       the hidden column takes the name and the
//!            new type to the cast value; meanwhile the      place of the old one, which is dropped
//!            rows from before get it
//! ```
//!
//! [`super::online_change`] says why no row is missed, `deltatree_learner`'s [`ColumnConversion`] what is stored, [`super::hidden_column`] what writers do. Indexes of the column are built
//! anew beside the old ones. The first value that does not fit the new type ends it, as does KILL; then the hidden column
//! is forgotten, and nothing has changed.
//!
//! No history of definitions is kept, so whoever reads at a moment before the last row was converted cannot read the
//! table any more: error 1412, as MySQL has it for a transaction that began before such a change.
//!
//! Only the definition changes if all values of the old type are values of the new one in the same stored form
//! ([`keeps_values`]).

use datafusion::sql::sqlparser::ast::MySQLColumnPosition;
use deltatree_learner::Transaction;
use deltatree_learner::catalog::{ColumnConversion, ColumnInfo, SqlType, TableInfo};
use deltatree_learner::table_write::KeyOp;
use deltatree_storage::types::{ColumnId, Timestamp, Value};

use super::alter_table::{move_column, place};
use super::hidden_column::HiddenColumn;
use super::online_change::{OnlineChange, begin, complete};
use super::row_batches::{Alone, BatchWork, LockedRows, RowBatches};
use super::rows::implicit_default;
use crate::error::{Result, SqlError};
use crate::session::Session;

/// Casts the rows of a table.
struct Convert {
    rows: RowBatches,
    hidden: HiddenColumn,
    column: ColumnId,
    position: Option<MySQLColumnPosition>,
}

impl Session {
    /// Puts `new` in the place of the column at `at`, whose values do not all fit it as they are stored, while others
    /// write.
    pub(super) async fn convert_column(
        &mut self,
        table: &TableInfo,
        at: usize,
        new: ColumnInfo,
        position: Option<&MySQLColumnPosition>,
        alone: &Alone,
    ) -> Result<()> {
        self.commit().await?;
        convertible(table, at)?;
        place(table, position)?;
        let mut to = new;
        to.origin_default = if to.nullable { Value::Null } else { implicit_default(&to)? };
        let (from, zone) = (table.columns[at].id, self.time_zone().to_string());
        let conversion = ColumnConversion { from, to, indexes: Vec::new(), zone };
        let mut wanted = table.clone();
        wanted.converting = Some(conversion.clone());
        if let Some(converted) = wanted.converted(Timestamp::ZERO) {
            self.try_checks(&converted)?;
        }
        let (table, column) = begin(self.node.group(), table, |table| {
            let mut conversion = conversion.clone();
            conversion.begin(table);
            let id = conversion.to.id;
            table.converting = Some(conversion);
            Ok(id)
        })
        .await?;
        let hidden = self.hidden_column(&table)?.ok_or_else(SqlError::schema_changed)?;
        let entry = self.entry.clone();
        let title = format!("converting column {} of {}", table.columns[at].name, table.name);
        let total = self.estimated_rows(&table);
        let report = move |rows: u64| {
            // The columnar copy may be behind.
            let of = if total > rows { format!(" of about {total}") } else { String::new() };
            entry.report(format!("{title}: {rows}{of} rows"));
        };
        report(0);
        let rows = self.row_batches(alone, table, report);
        complete(Convert { rows, hidden, column, position: position.cloned() }).await
    }
}

/// Fails with 8200 or 1832 for a column that others depend on.
fn convertible(table: &TableInfo, at: usize) -> Result<()> {
    let column = &table.columns[at];
    if table.primary_key_positions().contains(&at) {
        let why = format!("'{}' is part of the primary key, which cannot be stored in another way", column.name);
        return Err(SqlError::new(8200, format!("Unsupported modify column: {why}")));
    }
    if let Some(key) = table.foreign_keys.iter().find(|key| key.columns.contains(&column.id)) {
        let message =
            format!("Cannot change column '{}': used in a foreign key constraint '{}'", column.name, key.name);
        return Err(SqlError::new(1832, message));
    }
    Ok(())
}

impl Convert {
    fn is_under_way(&self, table: &TableInfo) -> bool {
        table.converting.as_ref().is_some_and(|conversion| conversion.to.id == self.column)
    }
}

impl OnlineChange for Convert {
    fn rows(&self) -> &RowBatches {
        &self.rows
    }

    fn finish(&self, table: &mut TableInfo, ready: Timestamp) -> Result<()> {
        let converted = table.converted(ready).filter(|_| self.is_under_way(table));
        *table = converted.ok_or_else(SqlError::schema_changed)?;
        let at = table.position_of(self.column).ok_or_else(SqlError::schema_changed)?;
        move_column(table, at, self.position.as_ref())
    }

    fn forget(&self, table: &mut TableInfo) {
        if self.is_under_way(table) {
            table.converting = None;
        }
    }
}

impl BatchWork for Convert {
    fn change(&self, locked: LockedRows, transaction: &mut Transaction) -> Result<()> {
        let mut old = Vec::with_capacity(locked.rows.len());
        for (key, row) in &locked.rows {
            // Rows that were written since the column has been there have it.
            if !self.hidden.has(row)? {
                old.push((key, row));
            }
        }
        let new = self.hidden.extend(old.iter().copied(), locked.first_number).map_err(of_existing_row)?;
        let mut entries = Vec::new();
        for ((key, _), row) in old.into_iter().zip(new) {
            entries.extend(self.hidden.entries(key, &row)?);
            let put = transaction.write(KeyOp::Put { key: key.clone(), value: row });
            put.map_err(|e| self.rows.failed(e))?;
        }
        self.rows.enter(entries, locked.settled, transaction)
    }
}

/// MySQL has an error of its own for NULL in a row that is there already.
fn of_existing_row(e: SqlError) -> SqlError {
    if e.code == 1048 { SqlError::new(1138, "Invalid use of NULL value") } else { e }
}

/// Whether every value of one type is one of the other, stored in the same way.
pub(super) fn keeps_values(old: &SqlType, new: &SqlType) -> bool {
    use SqlType::*;
    if old == new {
        return true;
    }
    if old.stored() != new.stored() {
        return false;
    }
    match (old, new) {
        (TinyInt { .. }, TinyInt { .. }) | (MediumInt { .. }, Int { .. }) => true,
        (Year, SmallInt { .. }) | (Bit { .. }, BigInt { .. }) => true,
        (Bit { length: old }, Bit { length: new }) => old <= new,
        (Char { length: old } | VarChar { length: old }, VarChar { length: new })
        | (Char { length: old }, Char { length: new }) => old <= new,
        // A character takes up to four bytes.
        (Char { length } | VarChar { length }, Text { limit }) => u64::from(*length) * 4 <= u64::from(*limit),
        (Text { limit }, VarChar { length }) => limit <= length,
        (Text { limit: old }, Text { limit: new }) => old <= new,
        (
            Binary { length: old } | VarBinary { length: old } | Blob { limit: old },
            VarBinary { length: new } | Blob { limit: new },
        ) => old <= new,
        (Enum { values: old }, Enum { values: new }) | (Set { values: old }, Set { values: new }) => {
            old.iter().all(|value| new.contains(value))
        }
        (Time { fsp: old }, Time { fsp: new })
        | (DateTime { fsp: old }, DateTime { fsp: new })
        | (Timestamp { fsp: old }, Timestamp { fsp: new }) => old <= new,
        _ => false,
    }
}
