//! A result column as the protocol describes it to clients, which convert values by it.

use arrow::datatypes::Field;

use super::packet::put_bytes;
use crate::types::{MysqlColumn, mysql_column};

/// Appends the description of a result's column.
pub(crate) fn write_definition(column: &MysqlColumn, out: &mut Vec<u8>) {
    put_bytes(out, b"def");
    // The third is the table before it was renamed by an alias, which is not traced back.
    for name in [&column.database, &column.table, &column.table] {
        put_bytes(out, name.as_bytes());
    }
    put_bytes(out, column.name.as_bytes());
    put_bytes(out, column.name.as_bytes());
    out.push(0x0C);
    out.extend_from_slice(&column.charset.to_le_bytes());
    out.extend_from_slice(&column.length.to_le_bytes());
    out.push(column.type_code);
    out.extend_from_slice(&column.flags.to_le_bytes());
    out.push(column.decimals);
    out.extend_from_slice(&[0, 0]);
}

/// A parameter of a prepared statement: anything goes.
pub(crate) fn parameter() -> MysqlColumn {
    mysql_column(&Field::new("?", arrow::datatypes::DataType::Utf8, true))
}
