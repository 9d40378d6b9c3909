//! Declared types out of `CREATE TABLE`.

use datafusion::sql::sqlparser::ast::{BinaryLength, CharacterLength, DataType, EnumMember, ExactNumberInfo};
use deltatree_learner::catalog::SqlType;

use super::decimal::{MAX_DIGITS, MAX_SCALE};
use crate::error::{Result, SqlError};

/// The column type that a declaration names. `column` is for messages.
///
/// `TEXT`, `BLOB` and their sizes are told apart; display widths of integers are read and dropped, except
/// `TINYINT(1)`, which is `BOOL`.
pub fn sql_type(declared: &DataType, column: &str) -> Result<SqlType> {
    Ok(match declared {
        DataType::Bool | DataType::Boolean => SqlType::TinyInt { unsigned: false, boolean: true },
        DataType::TinyInt(width) => SqlType::TinyInt { unsigned: false, boolean: *width == Some(1) },
        DataType::TinyIntUnsigned(_) | DataType::UTinyInt => SqlType::TinyInt { unsigned: true, boolean: false },
        DataType::SmallInt(_) | DataType::Int2(_) => SqlType::SmallInt { unsigned: false },
        DataType::SmallIntUnsigned(_) | DataType::Int2Unsigned(_) | DataType::USmallInt => {
            SqlType::SmallInt { unsigned: true }
        }
        DataType::MediumInt(_) => SqlType::MediumInt { unsigned: false },
        DataType::MediumIntUnsigned(_) => SqlType::MediumInt { unsigned: true },
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => SqlType::Int { unsigned: false },
        DataType::IntUnsigned(_) | DataType::IntegerUnsigned(_) | DataType::Int4Unsigned(_) => {
            SqlType::Int { unsigned: true }
        }
        DataType::BigInt(_) | DataType::Int8(_) => SqlType::BigInt { unsigned: false },
        DataType::BigIntUnsigned(_) | DataType::Int8Unsigned(_) | DataType::UBigInt => {
            SqlType::BigInt { unsigned: true }
        }
        DataType::Float(ExactNumberInfo::Precision(p)) | DataType::FloatUnsigned(ExactNumberInfo::Precision(p))
            if *p > 24 =>
        {
            SqlType::Double
        }
        DataType::Float(_) | DataType::FloatUnsigned(_) | DataType::Float4 => SqlType::Float,
        DataType::Double(_)
        | DataType::DoubleUnsigned(_)
        | DataType::DoublePrecision
        | DataType::DoublePrecisionUnsigned
        | DataType::Real
        | DataType::RealUnsigned
        | DataType::Float8 => SqlType::Double,
        DataType::Decimal(info)
        | DataType::DecimalUnsigned(info)
        | DataType::Numeric(info)
        | DataType::Dec(info)
        | DataType::DecUnsigned(info) => decimal(info, column)?,
        DataType::Char(length) | DataType::Character(length) => {
            SqlType::Char { length: char_length(length, column)?.unwrap_or(1) }
        }
        DataType::Varchar(length)
        | DataType::CharVarying(length)
        | DataType::CharacterVarying(length)
        | DataType::Nvarchar(length) => match char_length(length, column)? {
            Some(length) => SqlType::VarChar { length },
            None => return Err(SqlError::parse(")", 1)),
        },
        DataType::TinyText => SqlType::Text { limit: 255 },
        DataType::Text | DataType::Clob(_) => SqlType::Text { limit: 65_535 },
        DataType::MediumText => SqlType::Text { limit: 16_777_215 },
        DataType::LongText => SqlType::Text { limit: u32::MAX },
        DataType::Binary(length) => SqlType::Binary { length: byte_length(length.unwrap_or(1), 255, column)? },
        DataType::Varbinary(Some(BinaryLength::IntegerLength { length })) => {
            SqlType::VarBinary { length: byte_length(*length, 65_535, column)? }
        }
        DataType::TinyBlob => SqlType::Blob { limit: 255 },
        DataType::Blob(length) => SqlType::Blob { limit: blob_limit(length.unwrap_or(65_535)) },
        DataType::MediumBlob => SqlType::Blob { limit: 16_777_215 },
        DataType::LongBlob => SqlType::Blob { limit: u32::MAX },
        DataType::Date => SqlType::Date,
        DataType::Time(fsp, _) => SqlType::Time { fsp: fraction(*fsp, column)? },
        DataType::Datetime(fsp) => SqlType::DateTime { fsp: fraction(*fsp, column)? },
        DataType::Timestamp(fsp, _) => SqlType::Timestamp { fsp: fraction(*fsp, column)? },
        DataType::Enum(members, _) => SqlType::Enum {
            values: members
                .iter()
                .map(|member| match member {
                    EnumMember::Name(name) | EnumMember::NamedValue(name, _) => name.clone(),
                })
                .collect(),
        },
        DataType::Set(values) => SqlType::Set { values: values.clone() },
        DataType::Bit(length) => match length.unwrap_or(1) {
            0 => return Err(SqlError::new(3013, format!("Invalid size for column '{column}'."))),
            length @ 1..=64 => SqlType::Bit { length: length as u8 },
            length => return Err(too_wide(length, column, 64)),
        },
        DataType::JSON => SqlType::Json,
        DataType::Custom(name, arguments) => return custom(&name.to_string(), arguments, column, declared),
        other => return Err(SqlError::not_supported(format!("column type {other}"))),
    })
}

/// Types that the parser has no word of its own for.
fn custom(name: &str, arguments: &[String], column: &str, declared: &DataType) -> Result<SqlType> {
    let argument = || arguments.first().and_then(|a| a.parse::<u64>().ok());
    match name.to_ascii_lowercase().as_str() {
        "year" => Ok(SqlType::Year),
        "int1" => Ok(SqlType::TinyInt { unsigned: false, boolean: false }),
        "int2" => Ok(SqlType::SmallInt { unsigned: false }),
        "int3" | "middleint" => Ok(SqlType::MediumInt { unsigned: false }),
        "int4" => Ok(SqlType::Int { unsigned: false }),
        "int8" => Ok(SqlType::BigInt { unsigned: false }),
        "fixed" => {
            let info = match (argument(), arguments.get(1).and_then(|a| a.parse::<i64>().ok())) {
                (Some(p), Some(s)) => ExactNumberInfo::PrecisionAndScale(p, s),
                (Some(p), None) => ExactNumberInfo::Precision(p),
                _ => ExactNumberInfo::None,
            };
            decimal(&info, column)
        }
        "serial" => Ok(SqlType::BigInt { unsigned: true }),
        _ => Err(SqlError::not_supported(format!("column type {declared}"))),
    }
}

fn decimal(info: &ExactNumberInfo, column: &str) -> Result<SqlType> {
    let (precision, scale) = match *info {
        ExactNumberInfo::None => (10, 0),
        ExactNumberInfo::Precision(0) => (10, 0),
        ExactNumberInfo::Precision(p) => (p, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => (p, s),
    };
    if precision > u64::from(MAX_DIGITS) {
        return Err(SqlError::new(
            1426,
            format!("Too-big precision {precision} specified for '{column}'. Maximum is {MAX_DIGITS}."),
        ));
    }
    if !(0..=i64::from(MAX_SCALE)).contains(&scale) {
        return Err(SqlError::new(
            1425,
            format!("Too big scale {scale} specified for column '{column}'. Maximum is {MAX_SCALE}."),
        ));
    }
    if scale as u64 > precision {
        return Err(SqlError::new(
            1427,
            format!("For float(M,D), double(M,D) or decimal(M,D), M must be >= D (column '{column}')."),
        ));
    }
    Ok(SqlType::Decimal { precision: precision as u8, scale: scale as u8 })
}

fn char_length(length: &Option<CharacterLength>, column: &str) -> Result<Option<u32>> {
    match length {
        None => Ok(None),
        Some(CharacterLength::IntegerLength { length, .. }) => byte_length(*length, 65_535, column).map(Some),
        Some(CharacterLength::Max) => Err(SqlError::parse("MAX)", 1)),
    }
}

fn byte_length(length: u64, max: u32, column: &str) -> Result<u32> {
    u32::try_from(length).ok().filter(|l| *l <= max).ok_or_else(|| {
        SqlError::new(
            1074,
            format!("Column length too big for column '{column}' (max = {max}); use BLOB or TEXT instead"),
        )
    })
}

fn blob_limit(length: u64) -> u32 {
    match length {
        0..=255 => 255,
        256..=65_535 => 65_535,
        65_536..=16_777_215 => 16_777_215,
        _ => u32::MAX,
    }
}

fn fraction(fsp: Option<u64>, column: &str) -> Result<u8> {
    match fsp.unwrap_or(0) {
        fsp @ 0..=6 => Ok(fsp as u8),
        fsp => Err(SqlError::new(1426, format!("Too-big precision {fsp} specified for '{column}'. Maximum is 6."))),
    }
}

fn too_wide(length: u64, column: &str, max: u32) -> SqlError {
    SqlError::new(1439, format!("Display width out of range for column '{column}' (max = {max}, found {length})"))
}
