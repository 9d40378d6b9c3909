//! A predicate made ready for one table, and its evaluation over rows.
//!
//! What does not depend on the rows is done once: values are checked against their columns' types,
//! and `IN` lists become bitmaps or hash tables. Floats are compared by IEEE total order, as
//! everywhere in the engine: `-0.0` is before `0.0`, and NaN equals itself.

use arrow::array::{Array, ArrayRef, BooleanArray, Datum, Scalar};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, cast, is_not_null, is_null, not, or_kleene};
use arrow::datatypes::DataType;

use super::value_set::ValueSet;
use super::{CompareOp, Predicate};
use crate::error::{Error, Result};
use crate::types::{StoredType, TableSchema, Value, repeat};

/// A predicate made ready. Shared between threads.
#[derive(Debug)]
pub struct Matcher(Node);

#[derive(Debug)]
enum Node {
    /// The same of every row.
    Constant(Option<bool>),
    /// The same of every row where the column is not NULL, else NULL.
    IfNotNull {
        column: usize,
        value: bool,
    },
    Compare {
        column: usize,
        op: CompareOp,
        value: Scalar<ArrayRef>,
    },
    In {
        column: usize,
        values: ValueSet,
    },
    IsNull {
        column: usize,
    },
    IsNotNull {
        column: usize,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
}

impl Predicate {
    /// Makes the predicate ready for rows of a table. Fails with [`Error::Invalid`] if it names a
    /// column that the schema lacks, or compares one with a value of another type.
    pub fn matcher(&self, schema: &TableSchema) -> Result<Matcher> {
        node(self, schema).map(Matcher)
    }
}

impl Matcher {
    /// True, false or NULL for each of `rows` rows. `column` gives the values of the column at a
    /// position in the schema; it is not asked for columns on which nothing depends any more.
    pub fn evaluate(&self, rows: usize, column: &mut dyn FnMut(usize) -> Result<ArrayRef>) -> Result<BooleanArray> {
        self.0.evaluate(rows, column)
    }
}

fn node(predicate: &Predicate, schema: &TableSchema) -> Result<Node> {
    let data_type = |column: usize| {
        let column = schema.columns.get(column);
        column.map(|c| c.data_type).ok_or_else(|| {
            Error::Invalid(format!("a predicate names a column that table {} does not have", schema.table))
        })
    };
    let all = |parts: &[Predicate]| parts.iter().map(|p| node(p, schema)).collect::<Result<Vec<_>>>();
    Ok(match predicate {
        Predicate::Compare { column, op, value } => compare_node(*column, *op, value, data_type(*column)?)?,
        Predicate::In { column, values } if values.is_empty() => {
            data_type(*column).map(|_| Node::Constant(Some(false)))?
        }
        Predicate::In { column, values } => {
            Node::In { column: *column, values: ValueSet::new(values, data_type(*column)?)? }
        }
        Predicate::IsNull { column } => data_type(*column).map(|_| Node::IsNull { column: *column })?,
        Predicate::IsNotNull { column } => data_type(*column).map(|_| Node::IsNotNull { column: *column })?,
        Predicate::And(parts) => Node::And(all(parts)?),
        Predicate::Or(parts) => Node::Or(all(parts)?),
        Predicate::Not(inner) => Node::Not(Box::new(node(inner, schema)?)),
    })
}

fn compare_node(column: usize, op: CompareOp, value: &Value, data_type: StoredType) -> Result<Node> {
    if value.is_null() {
        return Ok(Node::Constant(None));
    }
    check_type(value, data_type)?;
    if let Some(above) = out_of_range(value, data_type) {
        let value = match op {
            CompareOp::Eq => false,
            CompareOp::NotEq => true,
            CompareOp::Lt | CompareOp::LtEq => above,
            CompareOp::Gt | CompareOp::GtEq => !above,
        };
        return Ok(Node::IfNotNull { column, value });
    }
    let compared = match value {
        // A double that is no single float is compared as a double.
        Value::Float(v) if f64::from(*v as f32).to_bits() != v.to_bits() => StoredType::Float64,
        _ => data_type,
    };
    Ok(Node::Compare { column, op, value: Scalar::new(repeat(value, compared, 1)?) })
}

/// Fails with [`Error::Invalid`] if `value` is not of the variant of `data_type`.
pub(super) fn check_type(value: &Value, data_type: StoredType) -> Result<()> {
    let fits = match data_type {
        StoredType::UInt8 | StoredType::UInt16 | StoredType::UInt32 | StoredType::UInt64 => {
            matches!(value, Value::UInt(_))
        }
        StoredType::Float32 | StoredType::Float64 => matches!(value, Value::Float(_)),
        StoredType::Decimal128(..) => matches!(value, Value::Decimal(_)),
        StoredType::Decimal256(..) => matches!(value, Value::BigDecimal(_)),
        StoredType::Utf8 | StoredType::Binary => matches!(value, Value::Bytes(_)),
        StoredType::Int8
        | StoredType::Int16
        | StoredType::Int32
        | StoredType::Int64
        | StoredType::Date32
        | StoredType::TimestampMicros
        | StoredType::TimestampMicrosUtc
        | StoredType::DurationMicros => matches!(value, Value::Int(_)),
    };
    if fits {
        Ok(())
    } else {
        Err(Error::Invalid(format!("a column of {data_type:?} cannot be compared with {value:?}")))
    }
}

/// Whether an integer that a column cannot hold is above what it can hold, or below.
fn out_of_range(value: &Value, data_type: StoredType) -> Option<bool> {
    let (value, min, max) = match (value, data_type) {
        (Value::Int(v), StoredType::Int8) => (i128::from(*v), i128::from(i8::MIN), i128::from(i8::MAX)),
        (Value::Int(v), StoredType::Int16) => (i128::from(*v), i128::from(i16::MIN), i128::from(i16::MAX)),
        (Value::Int(v), StoredType::Int32 | StoredType::Date32) => {
            (i128::from(*v), i128::from(i32::MIN), i128::from(i32::MAX))
        }
        (Value::UInt(v), StoredType::UInt8) => (i128::from(*v), 0, i128::from(u8::MAX)),
        (Value::UInt(v), StoredType::UInt16) => (i128::from(*v), 0, i128::from(u16::MAX)),
        (Value::UInt(v), StoredType::UInt32) => (i128::from(*v), 0, i128::from(u32::MAX)),
        _ => return None,
    };
    (value < min || value > max).then_some(value > max)
}

impl Node {
    fn evaluate(&self, rows: usize, column: &mut dyn FnMut(usize) -> Result<ArrayRef>) -> Result<BooleanArray> {
        Ok(match self {
            Self::Constant(Some(value)) => constant(*value, rows),
            Self::Constant(None) => BooleanArray::new_null(rows),
            Self::IfNotNull { column: c, value } => {
                BooleanArray::new(constant(*value, rows).values().clone(), column(*c)?.logical_nulls())
            }
            Self::Compare { column: c, op, value } => compare(&column(*c)?, *op, value)?,
            Self::In { column: c, values } => values.contains(&column(*c)?)?,
            Self::IsNull { column: c } => is_null(&column(*c)?)?,
            Self::IsNotNull { column: c } => is_not_null(&column(*c)?)?,
            Self::And(parts) => {
                let mut all = constant(true, rows);
                for part in parts {
                    if all.null_count() == 0 && !all.has_true() {
                        break;
                    }
                    all = and_kleene(&all, &part.evaluate(rows, column)?)?;
                }
                all
            }
            Self::Or(parts) => {
                let mut any = constant(false, rows);
                for part in parts {
                    if any.null_count() == 0 && !any.has_false() {
                        break;
                    }
                    any = or_kleene(&any, &part.evaluate(rows, column)?)?;
                }
                any
            }
            Self::Not(inner) => not(&inner.evaluate(rows, column)?)?,
        })
    }
}

fn constant(value: bool, rows: usize) -> BooleanArray {
    let bits = if value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
    BooleanArray::new(bits, None)
}

fn compare(array: &ArrayRef, op: CompareOp, value: &Scalar<ArrayRef>) -> Result<BooleanArray> {
    // Only a double that no single float equals is of another type than its column.
    let widened;
    let array = if *array.data_type() == DataType::Float32 && *value.get().0.data_type() == DataType::Float64 {
        widened = cast(array, &DataType::Float64)?;
        &widened
    } else {
        array
    };
    Ok(match op {
        CompareOp::Eq => cmp::eq(array, value)?,
        CompareOp::NotEq => cmp::neq(array, value)?,
        CompareOp::Lt => cmp::lt(array, value)?,
        CompareOp::LtEq => cmp::lt_eq(array, value)?,
        CompareOp::Gt => cmp::gt(array, value)?,
        CompareOp::GtEq => cmp::gt_eq(array, value)?,
    })
}
