//! A column on its way to another type.
//!
//! What a column stores cannot change under its id, so the new form is a column of its own, with a new id. Until
//! every row has it, it is *hidden*: no statement can name it and no list of columns shows it, but rows and the
//! columnar copy store it, after the others.
//!
//! ```text
//!   columns    a#1  c#2             a#1  c#2             a#1  c#3
//!   converting           ─ begin ─▶      c#3 ─ finish ─▶
//!   indexes    i#1(c)                                    i#2(c)
//!     copies                        i#2(c#3)
//!   rows       1, 2                 1, 2, 3              1, 3        (2 is skipped where it still is)
//! ```
//!
//! Each index that names the column has a *copy* by the new one meanwhile. A row has its entries there from the moment
//! on at which it has the hidden column, no sooner and no later: so the row itself tells which entries there are.

use std::borrow::Cow;

use deltatree_storage::types::{ColumnId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ColumnInfo, IndexInfo, TableInfo};

/// A column that is being given another type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnConversion {
    /// The column that is read, and that statements assign.
    pub from: ColumnId,
    /// What takes its place. Every writer sets it to the other's value, cast.
    pub to: ColumnInfo,
    /// Copies of the indexes that name the column, each under the index's name.
    pub indexes: Vec<IndexInfo>,
    /// Time zone of the casts, as a session names it: all writers must cast alike.
    pub zone: String,
}

impl ColumnConversion {
    /// Gives the new column and the copies of indexes their ids. Call it once, on the definition that is to have it.
    pub fn begin(&mut self, table: &mut TableInfo) {
        self.to.id = ColumnId(table.next_column_id);
        table.next_column_id += 1;
        let (from, to) = (self.from, self.to.id);
        let named = table.indexes.iter().filter(|index| index.columns.contains(&from));
        self.indexes = named.cloned().collect();
        for index in &mut self.indexes {
            index.id = table.next_index_id;
            table.next_index_id += 1;
            index.columns.iter_mut().filter(|column| **column == from).for_each(|column| *column = to);
        }
    }
}

impl TableInfo {
    /// The definition by which rows are stored: with the hidden column, if there is one, after the others.
    pub fn as_stored(&self) -> Cow<'_, TableInfo> {
        let Some(conversion) = &self.converting else { return Cow::Borrowed(self) };
        let mut stored = self.clone();
        stored.converting = None;
        stored.columns.push(conversion.to.clone());
        Cow::Owned(stored)
    }

    /// The definition after the conversion under way; `None` if there is none. Whoever reads at or before
    /// `readable` is not to use it: not all rows had the new column then.
    pub fn converted(&self, readable: Timestamp) -> Option<TableInfo> {
        let conversion = self.converting.as_ref()?;
        let mut converted = self.clone();
        let at = self.position_of(conversion.from)?;
        converted.columns[at] = conversion.to.clone();
        for index in &mut converted.indexes {
            if let Some(copy) = conversion.indexes.iter().find(|copy| copy.name == index.name) {
                index.clone_from(copy);
            }
        }
        converted.converting = None;
        converted.loaded = Some(readable);
        Some(converted)
    }
}
