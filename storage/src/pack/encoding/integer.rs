//! Integers of every width, dates, times, and decimals that fit into 64 bits: all are numbers of 64
//! bits here ([`Numbers`]), and become their own type as they are decoded.
//!
//! What a block of numbers costs in each encoding is computed from figures that one pass over the
//! values gives, so the choice is exact. Ties and near-ties go to what decodes fastest: a constant,
//! then bit packing, which also gives single rows away cheaply.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::Decimal128Type;

use super::bitpack::{self, Lane, Sequence, sequence_bytes, width_of};
use super::block::{Block, Encoding};
use super::column::Encoded;
use super::{Damage, delta, dictionary, plain, rle, wide};
use crate::types::StoredType;

/// More distinct values than this are not worth a dictionary.
const DICTIONARY_VALUES: usize = 1024;

/// Runs `$body` with `$T` bound to the type of a column's values, if they are numbers.
macro_rules! with_lane {
    ($data_type:expr, $T:ident => $body:expr) => {
        match $data_type {
            StoredType::Int8 => {
                type $T = i8;
                Some($body)
            }
            StoredType::Int16 => {
                type $T = i16;
                Some($body)
            }
            StoredType::Int32 | StoredType::Date32 => {
                type $T = i32;
                Some($body)
            }
            StoredType::Int64
            | StoredType::TimestampMicros
            | StoredType::TimestampMicrosUtc
            | StoredType::DurationMicros => {
                type $T = i64;
                Some($body)
            }
            StoredType::UInt8 => {
                type $T = u8;
                Some($body)
            }
            StoredType::UInt16 => {
                type $T = u16;
                Some($body)
            }
            StoredType::UInt32 => {
                type $T = u32;
                Some($body)
            }
            StoredType::UInt64 => {
                type $T = u64;
                Some($body)
            }
            StoredType::Decimal128(..) => {
                type $T = i128;
                Some($body)
            }
            StoredType::Float32
            | StoredType::Float64
            | StoredType::Decimal256(..)
            | StoredType::Utf8
            | StoredType::Binary => None,
        }
    };
}

/// The values of `array` as numbers; `None` if it does not hold numbers, or one needs more than 64
/// bits. NULL rows repeat the number before them, so that they cost nothing.
#[expect(clippy::unnecessary_cast, reason = "of one of the types that the macro stands for")]
pub(super) fn numbers(array: &ArrayRef, data_type: StoredType) -> Option<Vec<i64>> {
    let mut numbers = if matches!(data_type, StoredType::Decimal128(..)) {
        let array = array.as_primitive::<Decimal128Type>();
        let value = |(row, v): (usize, &i128)| if array.is_valid(row) { i64::try_from(*v) } else { Ok(0) };
        array.values().iter().enumerate().map(value).collect::<Result<Vec<_>, _>>().ok()?
    } else {
        with_lane!(data_type, T => {
            let data = array.to_data();
            data.buffer::<T>(0)[..data.len()].iter().map(|v| *v as i64).collect()
        })?
    };
    if array.null_count() > 0 {
        let mut last = (0..array.len()).find(|row| array.is_valid(*row)).map_or(0, |row| numbers[row]);
        for (row, number) in numbers.iter_mut().enumerate() {
            if array.is_valid(row) {
                last = *number;
            }
            *number = last;
        }
    }
    Some(numbers)
}

/// The cheapest encoding of `numbers` and its payload.
pub(super) fn encode(numbers: &[i64]) -> (Encoding, Vec<u8>) {
    let figures = Figures::of(numbers);
    let mut payload = Vec::new();
    if figures.width == 0 {
        payload.extend_from_slice(&figures.min.to_le_bytes());
        return (Encoding::Constant, payload);
    }
    let rows = numbers.len();
    let packed = sequence_bytes(rows, figures.width);
    let rle = rle::bytes(figures.runs, figures.width, rows);
    let delta = delta::bytes(rows, figures.delta_width);
    // A run-length block gives no cheap access to single rows, a delta block none at all.
    if rle * 2 < packed && rle <= delta {
        rle::encode(&mut payload, numbers);
        return (Encoding::Rle, payload);
    }
    if delta * 10 < packed * 7 {
        delta::encode(&mut payload, numbers, figures.min_delta);
        return (Encoding::Delta, payload);
    }
    if let Some(values) = distinct(numbers, figures.width)
        && dictionary::integer_bytes(values.len(), figures.width, rows) * 10 < packed * 8
    {
        dictionary::encode_integers(&mut payload, numbers, values);
        return (Encoding::Dictionary, payload);
    }
    bitpack::write(&mut payload, numbers);
    (Encoding::BitPacked, payload)
}

/// The cheapest encoding of an array of `numbers`, which is what [`plain::fixed`] gives if packing
/// gains nothing: that needs no decoding.
pub(super) fn encode_array(numbers: &[i64], array: &ArrayRef, data_type: StoredType) -> Encoded {
    let (encoding, payload) = encode(numbers);
    if encoding == Encoding::BitPacked && payload.len() >= numbers.len() * wide::width(data_type) {
        return (Encoding::Plain, 0, plain::fixed(array, data_type));
    }
    (encoding, 0, payload)
}

/// The numbers of a block; `None` if its encoding is none of numbers.
pub(super) fn decode<T: Lane>(block: &Block) -> Option<Result<Vec<T>, Damage>> {
    let payload = &block.payload;
    Some(match block.encoding {
        Encoding::Constant => Ok(vec![T::of(constant(payload)?); block.rows]),
        Encoding::BitPacked => Sequence::read(payload, block.rows).map(|(sequence, _)| sequence.unpack()),
        Encoding::Rle => rle::decode(payload, block.rows),
        Encoding::Delta => delta::Deltas::read(payload, block.rows).map(|deltas| deltas.unpack()),
        Encoding::Dictionary => dictionary::decode_integers(payload, block.rows),
        Encoding::Plain | Encoding::Zstd | Encoding::Fsst | Encoding::Planes | Encoding::Decimals => return None,
    })
}

/// The numbers in the given rows of a block, where it gives them away cheaply.
pub(super) fn decode_rows<T: Lane>(block: &Block, rows: &[u32]) -> Option<Result<Vec<T>, Damage>> {
    match block.encoding {
        Encoding::Constant => Some(Ok(vec![T::of(constant(&block.payload)?); rows.len()])),
        Encoding::BitPacked => Some(
            Sequence::read(&block.payload, block.rows)
                .map(|(sequence, _)| rows.iter().map(|row| T::of(sequence.get(*row as usize))).collect()),
        ),
        Encoding::Dictionary => Some(dictionary::decode_integer_rows(&block.payload, block.rows, rows)),
        Encoding::Plain
        | Encoding::Zstd
        | Encoding::Rle
        | Encoding::Delta
        | Encoding::Fsst
        | Encoding::Planes
        | Encoding::Decimals => None,
    }
}

/// An Arrow buffer of the numbers of a block, in the layout of the type; `None` if the block or the
/// type is none of numbers. With `rows`, of those rows only.
pub(super) fn buffer(block: &Block, data_type: StoredType, rows: Option<&[u32]>) -> Option<Result<Buffer, Damage>> {
    with_lane!(data_type, T => match rows {
        None => decode::<T>(block).map(|d| d.map(Buffer::from_vec)),
        Some(rows) => decode_rows::<T>(block, rows).map(|d| d.map(Buffer::from_vec)),
    })?
}

/// The number in a constant block; `None` if it holds the bytes of a wider value.
fn constant(payload: &[u8]) -> Option<i64> {
    payload.try_into().ok().map(i64::from_le_bytes)
}

/// What one pass over the numbers tells.
struct Figures {
    min: i64,
    width: u32,
    runs: usize,
    min_delta: i64,
    delta_width: u32,
}

impl Figures {
    fn of(numbers: &[i64]) -> Self {
        let (min, max) = bitpack::bounds(numbers);
        let (mut runs, mut min_delta, mut max_delta) = (1, i64::MAX, i64::MIN);
        for pair in numbers.windows(2) {
            runs += usize::from(pair[0] != pair[1]);
            let delta = pair[1].wrapping_sub(pair[0]);
            min_delta = min_delta.min(delta);
            max_delta = max_delta.max(delta);
        }
        let delta_width = if numbers.len() < 2 { 64 } else { width_of(max_delta.wrapping_sub(min_delta) as u64) };
        Self { min, width: width_of(max.wrapping_sub(min) as u64), runs, min_delta, delta_width }
    }
}

/// The distinct numbers, ascending; `None` if they are many, or so narrow that it does not matter.
fn distinct(numbers: &[i64], width: u32) -> Option<Vec<i64>> {
    // A code of one number in three bits is the least that could pay.
    if width <= 3 {
        return None;
    }
    let mut seen: HashMap<i64, (), BuildHasherDefault<Mixer>> = HashMap::default();
    for number in numbers {
        seen.insert(*number, ());
        if seen.len() > DICTIONARY_VALUES {
            return None;
        }
    }
    let mut values: Vec<i64> = seen.into_keys().collect();
    values.sort_unstable();
    Some(values)
}

/// A fast hash for numbers that come from no adversary who could gain by collisions.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_i64(i64::from(*b)));
    }

    fn write_i64(&mut self, number: i64) {
        let product = u128::from(self.0 ^ number as u64 ^ 0x2545_f491_4f6c_dd1d) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}
