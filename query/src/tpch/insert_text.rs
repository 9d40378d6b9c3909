//! Batches as `INSERT` statements, for loading over the MySQL protocol.

use std::fmt::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// `INSERT INTO table VALUES (…), (…)` with all rows of a batch; `None` of an empty one.
///
/// Text and dates are quoted, NULL is `NULL`.
///
/// # Errors
/// When a column is of a type that has no text form.
pub fn insert_statement(table: &str, batch: &RecordBatch) -> Result<Option<String>, ArrowError> {
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let options = FormatOptions::default();
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| Ok((ArrayFormatter::try_new(column.as_ref(), &options)?, column, is_bare(column.data_type()))))
        .collect::<Result<_, ArrowError>>()?;
    let mut sql = format!("insert into {table} values ");
    let mut value = String::new();
    for row in 0..batch.num_rows() {
        sql.push_str(if row == 0 { "(" } else { ",(" });
        for (index, (formatter, column, bare)) in columns.iter().enumerate() {
            if index > 0 {
                sql.push(',');
            }
            value.clear();
            if column.is_null(row) {
                sql.push_str("NULL");
                continue;
            }
            write!(value, "{}", formatter.value(row))
                .map_err(|_| ArrowError::CastError("a value has no text".into()))?;
            if *bare {
                sql.push_str(&value);
            } else {
                push_quoted(&mut sql, &value);
            }
        }
        sql.push(')');
    }
    Ok(Some(sql))
}

fn is_bare(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_decimal()
}

fn push_quoted(sql: &mut String, value: &str) {
    sql.push('\'');
    for letter in value.chars() {
        if matches!(letter, '\'' | '\\') {
            sql.push('\\');
        }
        sql.push(letter);
    }
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Decimal128Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let money = Decimal128Array::from(vec![Some(-1234), Some(5)]).with_precision_and_scale(15, 2).unwrap();
        let batch = RecordBatch::try_from_iter([
            ("a", Arc::new(Int64Array::from(vec![Some(1), None])) as _),
            ("b", Arc::new(money) as _),
            ("c", Arc::new(StringArray::from(vec!["it's", "a\\b"])) as _),
            ("d", Arc::new(Date32Array::from(vec![0, 1])) as _),
        ])
        .unwrap();
        assert_eq!(
            insert_statement("t", &batch).unwrap().unwrap(),
            "insert into t values (1,-12.34,'it\\'s','1970-01-01'),(NULL,0.05,'a\\\\b','1970-01-02')"
        );
        assert_eq!(insert_statement("t", &batch.slice(0, 0)).unwrap(), None);
    }
}
