//! A column on its way to another type.
//!
//! What a column stores cannot change under its id, so the new form is a column of its own, with a new id. Until
//! every row has it, it is *hidden*: no statement can name it and no list of columns shows it, but rows and the
//! columnar copy store it, after the others.
//!
//! ```text
//!   columns    a#1  c#2             a#1  c#2             a#1  c#3
//!   converting           ─ begin ─▶      c#3 ─ finish ─▶
//!   rows       1, 2                 1, 2, 3              1, 3        (2 is skipped where it still is)
//! ```

use std::borrow::Cow;

use deltatree_storage::types::{ColumnId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ColumnInfo, TableInfo};

/// A column that is being given another type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnConversion {
    /// The column that is read, and that statements assign.
    pub from: ColumnId,
    /// What takes its place. Every writer sets it to the other's value, cast.
    pub to: ColumnInfo,
    /// Time zone of the casts, as a session names it: all writers must cast alike.
    pub zone: String,
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
        converted.converting = None;
        converted.loaded = Some(readable);
        Some(converted)
    }
}
