//! Declarations as `SHOW CREATE TABLE` and `DESCRIBE` print them.

use deltatree_learner::catalog::SqlType;

/// The declaration of a column type, in MySQL 8's form: `int`, `decimal(15,2)`, `bigint unsigned`.
pub fn declaration(sql_type: &SqlType) -> String {
    let integer = |name: &str, unsigned: &bool| if *unsigned { format!("{name} unsigned") } else { name.to_owned() };
    let fraction = |name: &str, fsp: u8| if fsp == 0 { name.to_owned() } else { format!("{name}({fsp})") };
    match sql_type {
        SqlType::TinyInt { boolean: true, .. } => "tinyint(1)".to_owned(),
        SqlType::TinyInt { unsigned, boolean: false } => integer("tinyint", unsigned),
        SqlType::SmallInt { unsigned } => integer("smallint", unsigned),
        SqlType::MediumInt { unsigned } => integer("mediumint", unsigned),
        SqlType::Int { unsigned } => integer("int", unsigned),
        SqlType::BigInt { unsigned } => integer("bigint", unsigned),
        SqlType::Float => "float".to_owned(),
        SqlType::Double => "double".to_owned(),
        SqlType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        SqlType::Char { length } => format!("char({length})"),
        SqlType::VarChar { length } => format!("varchar({length})"),
        SqlType::Text { limit } => format!("{}text", size_prefix(*limit)),
        SqlType::Binary { length } => format!("binary({length})"),
        SqlType::VarBinary { length } => format!("varbinary({length})"),
        SqlType::Blob { limit } => format!("{}blob", size_prefix(*limit)),
        SqlType::Date => "date".to_owned(),
        SqlType::Time { fsp } => fraction("time", *fsp),
        SqlType::DateTime { fsp } => fraction("datetime", *fsp),
        SqlType::Timestamp { fsp } => fraction("timestamp", *fsp),
        SqlType::Year => "year".to_owned(),
        SqlType::Enum { values } => format!("enum({})", quoted(values)),
        SqlType::Set { values } => format!("set({})", quoted(values)),
        SqlType::Bit { length } => format!("bit({length})"),
        SqlType::Json => "json".to_owned(),
    }
}

/// The bare type name, as `information_schema.columns.data_type` has it.
pub fn type_name(sql_type: &SqlType) -> &'static str {
    match sql_type {
        SqlType::TinyInt { .. } => "tinyint",
        SqlType::SmallInt { .. } => "smallint",
        SqlType::MediumInt { .. } => "mediumint",
        SqlType::Int { .. } => "int",
        SqlType::BigInt { .. } => "bigint",
        SqlType::Float => "float",
        SqlType::Double => "double",
        SqlType::Decimal { .. } => "decimal",
        SqlType::Char { .. } => "char",
        SqlType::VarChar { .. } => "varchar",
        SqlType::Text { limit } => match size_prefix(*limit) {
            "tiny" => "tinytext",
            "medium" => "mediumtext",
            "long" => "longtext",
            _ => "text",
        },
        SqlType::Binary { .. } => "binary",
        SqlType::VarBinary { .. } => "varbinary",
        SqlType::Blob { limit } => match size_prefix(*limit) {
            "tiny" => "tinyblob",
            "medium" => "mediumblob",
            "long" => "longblob",
            _ => "blob",
        },
        SqlType::Date => "date",
        SqlType::Time { .. } => "time",
        SqlType::DateTime { .. } => "datetime",
        SqlType::Timestamp { .. } => "timestamp",
        SqlType::Year => "year",
        SqlType::Enum { .. } => "enum",
        SqlType::Set { .. } => "set",
        SqlType::Bit { .. } => "bit",
        SqlType::Json => "json",
    }
}

fn size_prefix(limit: u32) -> &'static str {
    match limit {
        0..=255 => "tiny",
        256..=65_535 => "",
        65_536..=16_777_215 => "medium",
        _ => "long",
    }
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|v| format!("'{}'", v.replace('\'', "''"))).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_read_as_mysql_8_prints_them() {
        for (sql_type, text) in [
            (SqlType::TinyInt { unsigned: false, boolean: true }, "tinyint(1)"),
            (SqlType::BigInt { unsigned: true }, "bigint unsigned"),
            (SqlType::Decimal { precision: 15, scale: 2 }, "decimal(15,2)"),
            (SqlType::Text { limit: 65_535 }, "text"),
            (SqlType::Blob { limit: 4_294_967_295 }, "longblob"),
            (SqlType::DateTime { fsp: 3 }, "datetime(3)"),
            (SqlType::Timestamp { fsp: 0 }, "timestamp"),
            (SqlType::Enum { values: vec!["a".into(), "b'c".into()] }, "enum('a','b''c')"),
        ] {
            assert_eq!(declaration(&sql_type), text);
        }
    }
}
