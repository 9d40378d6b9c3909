//! Arrow fields that know the declared type of their column.

use arrow::datatypes::{DataType, Field};
use deltatree_learner::catalog::{ColumnInfo, SqlType};

/// Metadata key under which a field carries its column's declared type, as JSON.
pub const SQL_TYPE_KEY: &str = "deltatree.sql_type";

/// Metadata key under which a result's field carries `database.table`.
const TABLE_KEY: &str = "deltatree.table";

/// The Arrow field of a column: its stored type, its name in lower case (names are looked up so), and the
/// declared type in the metadata.
pub fn arrow_field(column: &ColumnInfo) -> Field {
    with_sql_type(
        Field::new(column.name.to_lowercase(), column.sql_type.stored().arrow(), column.nullable),
        &column.sql_type,
    )
}

/// The field, with a declared type in its metadata.
pub fn with_sql_type(field: Field, sql_type: &SqlType) -> Field {
    let json = serde_json::to_string(sql_type).expect("an enum of numbers and strings always serialises");
    let mut metadata = field.metadata().clone();
    metadata.insert(SQL_TYPE_KEY.to_owned(), json);
    field.with_metadata(metadata)
}

/// The field, with the table that its values come from in the metadata.
pub fn with_table(field: Field, database: &str, table: &str) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(TABLE_KEY.to_owned(), format!("{database}.{table}"));
    field.with_metadata(metadata)
}

/// Database and table that the field's values come from; empty if they are computed.
pub fn table_of(field: &Field) -> (&str, &str) {
    field.metadata().get(TABLE_KEY).and_then(|name| name.split_once('.')).unwrap_or_default()
}

/// The declared type that the field carries, or else the nearest SQL type of its Arrow type. `None` for
/// Arrow types that SQL has no word for (lists, structs).
///
/// An expression may keep the metadata of a column that it changes the type of: metadata that does not
/// fit the Arrow type is passed over.
pub fn sql_type_of(field: &Field) -> Option<SqlType> {
    let declared = field.metadata().get(SQL_TYPE_KEY).and_then(|json| serde_json::from_str::<SqlType>(json).ok());
    match declared {
        Some(sql_type) if fits(&sql_type, field.data_type()) => Some(sql_type),
        _ => sql_type_of_arrow(field.data_type()),
    }
}

fn fits(sql_type: &SqlType, data_type: &DataType) -> bool {
    let stored = sql_type.stored().arrow();
    match (&stored, data_type) {
        (DataType::Utf8View, DataType::Utf8 | DataType::LargeUtf8 | DataType::Dictionary(..)) => true,
        (DataType::BinaryView, DataType::Binary | DataType::LargeBinary) => true,
        (stored, found) => *stored == *found,
    }
}

/// The nearest SQL type of an Arrow type.
pub fn sql_type_of_arrow(data_type: &DataType) -> Option<SqlType> {
    Some(match data_type {
        DataType::Boolean => SqlType::Int { unsigned: false },
        DataType::Int8 => SqlType::TinyInt { unsigned: false, boolean: false },
        DataType::Int16 => SqlType::SmallInt { unsigned: false },
        DataType::Int32 => SqlType::Int { unsigned: false },
        DataType::Int64 => SqlType::BigInt { unsigned: false },
        DataType::UInt8 => SqlType::TinyInt { unsigned: true, boolean: false },
        DataType::UInt16 => SqlType::SmallInt { unsigned: true },
        DataType::UInt32 => SqlType::Int { unsigned: true },
        DataType::UInt64 => SqlType::BigInt { unsigned: true },
        DataType::Float16 | DataType::Float32 => SqlType::Float,
        DataType::Float64 => SqlType::Double,
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => SqlType::Decimal { precision: (*p).min(65), scale: (*s).max(0) as u8 },
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => SqlType::VarChar { length: 255 },
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            SqlType::VarBinary { length: 255 }
        }
        DataType::Date32 | DataType::Date64 => SqlType::Date,
        DataType::Timestamp(_, None) => SqlType::DateTime { fsp: 6 },
        DataType::Timestamp(_, Some(_)) => SqlType::Timestamp { fsp: 6 },
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => SqlType::Time { fsp: 6 },
        DataType::Dictionary(_, values) => return sql_type_of_arrow(values),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_type_survives_in_a_field_of_its_arrow_type_only() {
        let char = SqlType::Char { length: 10 };
        let field = with_sql_type(Field::new("a", DataType::Utf8View, true), &char);
        assert_eq!(sql_type_of(&field), Some(char));
        let changed = field.with_data_type(DataType::Int64);
        assert_eq!(sql_type_of(&changed), Some(SqlType::BigInt { unsigned: false }));
    }
}
