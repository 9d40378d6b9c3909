//! The rows that go into a pack.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};

use crate::error::{Error, Result};
use crate::types::{KeyArray, TableSchema};

/// Row versions of one table. All arrays are of one length.
#[derive(Clone, Debug)]
pub struct PackRows {
    /// Row keys.
    pub keys: KeyArray,
    /// Commit timestamps, without nulls.
    pub commit_ts: UInt64Array,
    /// True where the version deletes its key, without nulls. `None`: nowhere.
    pub tombstones: Option<BooleanArray>,
    /// One array a schema column, of its [`crate::types::StoredType::arrow`] type. What they hold in
    /// tombstones is kept but counts for no statistic. The values of the schema's key column must
    /// agree with `keys`, which are what is stored.
    pub columns: Vec<ArrayRef>,
}

impl PackRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows `offset..offset + len`, sharing the memory.
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        Self {
            keys: match &self.keys {
                KeyArray::Int(a) => KeyArray::Int(a.slice(offset, len)),
                KeyArray::Bytes(a) => KeyArray::Bytes(a.slice(offset, len)),
            },
            commit_ts: self.commit_ts.slice(offset, len),
            tombstones: self.tombstones.as_ref().map(|t| t.slice(offset, len)),
            columns: self.columns.iter().map(|c| c.slice(offset, len)).collect(),
        }
    }

    /// Bytes of the values, as they lie in memory; of text no more than what the rows show.
    pub(crate) fn bytes(&self) -> usize {
        array_bytes(self.keys.as_array())
            + array_bytes(&self.commit_ts)
            + self.columns.iter().map(|c| array_bytes(c.as_ref())).sum::<usize>()
    }

    /// Fails with [`Error::Internal`] if the arrays do not fit each other or `schema`.
    pub(super) fn check(&self, schema: &TableSchema) -> Result<()> {
        let rows = self.len();
        let wrong = |what: String| Err(Error::Internal(format!("rows for a pack of table {}: {what}", schema.table)));
        if self.keys.kind() != schema.key {
            return wrong(format!("keys are {:?}, not {:?}", self.keys.kind(), schema.key));
        }
        if self.columns.len() != schema.columns.len() {
            return wrong(format!("{} columns, not {}", self.columns.len(), schema.columns.len()));
        }
        if self.commit_ts.len() != rows || self.tombstones.as_ref().is_some_and(|t| t.len() != rows) {
            return wrong(format!("timestamps or tombstones are not {rows} long"));
        }
        for (array, column) in self.columns.iter().zip(&schema.columns) {
            if array.len() != rows {
                return wrong(format!("column {} has {} rows, not {rows}", column.name, array.len()));
            }
            if *array.data_type() != column.data_type.arrow() {
                return wrong(format!(
                    "column {} is {}, not {}",
                    column.name,
                    array.data_type(),
                    column.data_type.arrow()
                ));
            }
        }
        Ok(())
    }
}

/// Bytes of the values that an array shows.
fn array_bytes(array: &dyn Array) -> usize {
    // The low half word of a view is the length of its value; up to twelve bytes lie in the view.
    let text = |views: &[u128]| views.iter().map(|v| *v as u32 as usize).filter(|len| *len > 12).sum::<usize>();
    let each = array.data_type().primitive_width();
    let long = match (array.as_string_view_opt(), array.as_binary_view_opt()) {
        (Some(a), _) => text(a.views()),
        (None, Some(a)) => text(a.views()),
        (None, None) => array.as_binary_opt::<i32>().map_or(0, |a| {
            let offsets = a.value_offsets();
            (offsets[a.len()] - offsets[0]) as usize
        }),
    };
    array.len() * each.unwrap_or(size_of::<u128>()) + long
}
