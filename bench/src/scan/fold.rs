//! What every reader does with a column: the least that makes every value be there. Numbers and days
//! are added up, and the lengths of texts; DuckDB is asked for the same.

use arrow::array::{Array, AsArray};
use arrow::compute::sum;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type};
use deltatree_storage::types::StoredType;

/// A column's fold so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fold {
    pub(super) rows: u64,
    /// Sum of integers, modulo 2⁶⁴.
    integers: i64,
    floats: f64,
    /// Bytes of the values in memory.
    pub(super) bytes: u64,
}

impl Fold {
    /// Adds an array.
    ///
    /// # Errors
    /// When its type is none of the bench's.
    pub(super) fn add(&mut self, array: &dyn Array) -> anyhow::Result<()> {
        self.rows += array.len() as u64;
        self.bytes += (array.data_type().primitive_width().unwrap_or_default() * array.len()) as u64;
        let integers = match array.data_type() {
            DataType::Int64 => sum(array.as_primitive::<Int64Type>()).unwrap_or_default(),
            DataType::Decimal128(..) => sum(array.as_primitive::<Decimal128Type>()).unwrap_or_default() as i64,
            DataType::Date32 => sum(array.as_primitive::<Date32Type>()).unwrap_or_default().into(),
            DataType::Float64 => {
                self.floats += sum(array.as_primitive::<Float64Type>()).unwrap_or_default();
                0
            }
            DataType::Utf8View => {
                let lengths: u64 = array.as_string_view().lengths().map(u64::from).sum();
                self.bytes += lengths;
                lengths.cast_signed()
            }
            other => anyhow::bail!("no column of the bench is {other}"),
        };
        self.integers = self.integers.wrapping_add(integers);
        Ok(())
    }

    /// Whether these are the same values, wherever batches began.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let close = (self.floats - other.floats).abs() <= 1e-9 * self.floats.abs();
        (self.rows, self.integers, self.bytes) == (other.rows, other.integers, other.bytes) && close
    }
}

/// The same in DuckDB's SQL.
pub(super) fn sql(column: &str, data_type: StoredType) -> String {
    match data_type {
        StoredType::Date32 => format!("select sum({column} - date '1970-01-01') from t"),
        StoredType::Utf8 => format!("select sum(strlen({column})) from t"),
        _ => format!("select sum({column}) from t"),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn batches_may_begin_anywhere_but_values_count() {
        let fold = |arrays: &[&dyn Array]| {
            let mut fold = Fold::default();
            arrays.iter().for_each(|array| fold.add(*array).unwrap());
            fold
        };
        let hashes = Int64Array::from(vec![i64::MAX, i64::MAX, 5, i64::MIN]);
        let cut = fold(&[&hashes.slice(0, 1), &hashes.slice(1, 3)]);
        assert!(fold(&[&hashes]).agrees_with(&cut));
        assert!(!fold(&[&hashes.slice(0, 3)]).agrees_with(&cut));
        let ratios = Float64Array::from(vec![0.1, 0.2, 0.3]);
        assert!(fold(&[&ratios]).agrees_with(&fold(&[&ratios.slice(0, 2), &ratios.slice(2, 1)])));
        assert_eq!(fold(&[&StringViewArray::from(vec!["a", "bcd"])]).bytes, 4);
    }
}
