//! What a filter says.

use std::fmt::Debug;

use arrow::array::BooleanArray;
use arrow::record_batch::RecordBatch;

use crate::error::Result;
use crate::types::Value;

/// A filter over columns, numbered as in the table's schema. SQL's three-valued logic: a row is
/// kept if the predicate is true of it, not if it is NULL.
///
/// Values must be of the variant of their column's type (see [`Value`]), decimals at the column's
/// scale; a comparison with a value of another variant is an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// `column op value`; NULL if either is NULL.
    Compare {
        /// Column position.
        column: usize,
        /// Operator.
        op: CompareOp,
        /// Right side.
        value: Value,
    },
    /// `column IN (values)`; the list holds no NULL.
    In {
        /// Column position.
        column: usize,
        /// Distinct, ascending.
        values: Vec<Value>,
    },
    /// `column IS NULL`.
    IsNull {
        /// Column position.
        column: usize,
    },
    /// `column IS NOT NULL`.
    IsNotNull {
        /// Column position.
        column: usize,
    },
    /// All of them; true if empty.
    And(Vec<Predicate>),
    /// Any of them; false if empty.
    Or(Vec<Predicate>),
    /// Negation; NULL stays NULL.
    Not(Box<Predicate>),
}

impl Predicate {
    /// Positions of the columns that the predicate reads, distinct and ascending.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn collect_columns(&self, columns: &mut Vec<usize>) {
        match self {
            Self::Compare { column, .. }
            | Self::In { column, .. }
            | Self::IsNull { column }
            | Self::IsNotNull { column } => columns.push(*column),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.collect_columns(columns)),
            Self::Not(inner) => inner.collect_columns(columns),
        }
    }
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the usual six")]
pub enum CompareOp {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

impl CompareOp {
    /// The operator that says the same with its sides exchanged.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::NotEq => Self::NotEq,
            Self::Lt => Self::Gt,
            Self::LtEq => Self::GtEq,
            Self::Gt => Self::Lt,
            Self::GtEq => Self::LtEq,
        }
    }
}

/// A filter that only its maker can evaluate: an expression of the query engine, or one that grows
/// sharper while the scan runs (the keys of a hash join's build side, the bound of a top-k).
pub trait RowFilter: Send + Sync + Debug {
    /// Positions in the table's schema of the columns that the filter reads.
    fn columns(&self) -> &[usize];

    /// True, false or NULL for each row of `batch`, which holds [`RowFilter::columns`] in that
    /// order. Called from several threads at once.
    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray>;

    /// False while evaluating the filter can rule nothing out, so that its columns need not be read
    /// for it. Asked for again before each zone.
    fn is_active(&self) -> bool {
        true
    }

    /// A predicate that is true of every row that the filter keeps *from now on*, asked for again
    /// before each zone. `None` if nothing is known. May be weaker than the filter, never stronger.
    fn bounds(&self) -> Option<Predicate> {
        None
    }
}
