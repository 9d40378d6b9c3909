//! Numbers for the values of one group column.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::int_codes::IntCodes;
use super::text_codes::TextCodes;

/// The values of one column as numbers from 1; NULL is 0.
pub(super) trait ColumnCodes: Send {
    /// How many bits a number takes.
    fn bits(&self) -> u32;

    /// Makes room for the array's values. Returns by how much the numbers given before, except 0, have
    /// grown; `None` if there are too many values or they are too far apart.
    fn cover(&mut self, array: &dyn Array) -> Option<u16>;

    /// Adds each row's number, shifted, to `cells`. `array` is the one covered last. A shift out of the
    /// cell is one of zeros.
    fn write(&self, array: &dyn Array, shift: u32, cells: &mut [u16]);

    /// The values with these numbers.
    fn values(&self, codes: &[u16]) -> ArrayRef;
}

/// A numbering for values of a type; `None` where there is none.
pub(super) fn numbering(data_type: &DataType) -> Option<Box<dyn ColumnCodes>> {
    macro_rules! ints {
        ($type:ty) => {
            Box::new(IntCodes::<$type>::new(data_type.clone()))
        };
    }
    Some(match data_type {
        DataType::Int8 => ints!(Int8Type),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt8 => ints!(UInt8Type),
        DataType::UInt16 => ints!(UInt16Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::UInt64 => ints!(UInt64Type),
        DataType::Date32 => ints!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ints!(TimestampMicrosecondType),
        DataType::Duration(TimeUnit::Microsecond) => ints!(DurationMicrosecondType),
        DataType::Utf8View => Box::new(TextCodes::default()),
        _ => return None,
    })
}
