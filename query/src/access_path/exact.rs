//! Paths that bring the rows which filters keep, and no others.

use deltatree_learner::catalog::{PrimaryKey, TableInfo};
use deltatree_storage::predicate::Predicate;
use deltatree_storage::types::RowKey;

use super::access_path::AccessPath;
use super::bounds::Bounds;
use super::candidates::integer_key_path;
use super::spans::Spans;

/// A path by keys after which nothing is left to filter.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactPath {
    /// By which keys.
    pub path: AccessPath,
    /// Positions of the columns by which rows come ordered, ascending. Columns before the first of them in
    /// the key have one value in all rows.
    pub order: Vec<usize>,
}

impl ExactPath {
    /// The path for `conjuncts`: by the primary key if that is enough, else by the index that compares the
    /// most columns. `None` if there is none.
    pub fn of(table: &TableInfo, conjuncts: &[Predicate]) -> Option<Self> {
        let columns: Vec<_> = conjuncts.iter().flat_map(Predicate::columns).collect();
        let primary = match &table.primary_key {
            PrimaryKey::Integer { column } => {
                let column = table.position_of(*column)?;
                let only = columns.iter().all(|c| *c == column);
                let bounds = if only { Bounds::of(column, conjuncts) } else { None };
                bounds.and_then(integer_key_path).map(|path| Self { path, order: vec![column] })
            }
            PrimaryKey::Columns { columns: key } => {
                let positions = key.iter().map(|c| table.position_of(*c)).collect::<Option<Vec<_>>>()?;
                Self::over(&positions, conjuncts, &columns, |spans| spans.row_path(positions.len()))
                    .map(|(_, path)| path)
            }
            PrimaryKey::Hidden => None,
        };
        primary.or_else(|| {
            let by_index = table.indexes.iter().filter_map(|index| {
                let positions = index.columns.iter().map(|c| table.position_of(*c)).collect::<Option<Vec<_>>>()?;
                Self::over(&positions, conjuncts, &columns, |spans| spans.index_path(table.id, index))
            });
            by_index.max_by_key(|(equal, _)| *equal).map(|(_, path)| path)
        })
    }

    fn over(
        key: &[usize],
        conjuncts: &[Predicate],
        columns: &[usize],
        path: impl Fn(&Spans) -> AccessPath,
    ) -> Option<(usize, Self)> {
        let spans = Spans::over(key, conjuncts)?;
        let order = if spans.ordered() { key[spans.equal_columns..].to_vec() } else { Vec::new() };
        spans.cover(key, columns).then(|| (spans.equal_columns, Self { path: path(&spans), order }))
    }

    /// Rows that the keys allow at most, where they alone tell.
    pub fn rows_at_most(&self, table: &TableInfo) -> Option<u64> {
        self.path.rows_at_most(table)
    }

    /// The keys, if the path names single rows of the table.
    pub fn points(&self) -> Option<&[RowKey]> {
        match &self.path {
            AccessPath::PointGet { keys } => Some(keys),
            AccessPath::KeyRange { .. }
            | AccessPath::IndexRange { .. }
            | AccessPath::RowScan
            | AccessPath::ColumnarScan => None,
        }
    }
}
