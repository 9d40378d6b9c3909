//! Floats that were decimals: prices, percentages, sensor readings. If every value of a block times
//! one power of ten is whole, and divided by it is the very same float again, the whole numbers are
//! stored.
//!
//! Payload: `encoding u8 · zero 15`, then the numbers in that encoding. The header's own field holds
//! the power.

use super::Damage;
use super::block::{Block, Encoding, Nulls};
use super::integer;

const MAX_EXPONENT: usize = 15;
const POWERS: [f64; MAX_EXPONENT + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// Whole numbers up to here are floats of their own.
const MAX_WHOLE: f64 = (1u64 << 53) as f64;
const PREFIX_BYTES: usize = 16;

/// The power of ten and the payload; `None` if the values are not decimal. `same(x, i)` tells
/// whether `x` is bit for bit value `i`.
pub(super) fn encode(values: &[f64], same: impl Fn(f64, usize) -> bool) -> Option<(u64, Vec<u8>)> {
    let whole = |i: usize, power: f64| {
        let scaled = (values[i] * power).round();
        // Held against what decoding gives, which is no negative zero.
        (scaled.abs() < MAX_WHOLE && same(scaled as i64 as f64 / power, i)).then_some(scaled as i64)
    };
    let mut exponent = 0;
    let mut i = 0;
    // Raising the power for one value may spoil an earlier one, so that all are tried again below.
    while i < values.len() {
        if whole(i, POWERS[exponent]).is_some() {
            i += 1;
        } else if exponent < MAX_EXPONENT {
            exponent += 1;
        } else {
            return None;
        }
    }
    let numbers: Vec<i64> = (0..values.len()).map(|i| whole(i, POWERS[exponent])).collect::<Option<_>>()?;
    let (encoding, numbers) = integer::encode(&numbers);
    let mut payload = vec![0; PREFIX_BYTES];
    payload[0] = encoding as u8;
    payload.extend_from_slice(&numbers);
    Some((exponent as u64, payload))
}

/// The values of a block; with `rows`, of those rows only, and `None` if they cost as much as all.
pub(super) fn decode(block: &Block, rows: Option<&[u32]>) -> Option<Result<Vec<f64>, Damage>> {
    let (inner, power) = match open(block) {
        Ok(opened) => opened,
        Err(damage) => return Some(Err(damage)),
    };
    let numbers = match rows {
        None => integer::decode::<f64>(&inner)
            .unwrap_or_else(|| Err(Damage::new(format!("{:?} is no encoding of decimals", inner.encoding)))),
        Some(rows) => integer::decode_rows::<f64>(&inner, rows)?,
    };
    Some(numbers.map(|mut numbers| {
        numbers.iter_mut().for_each(|n| *n /= power);
        numbers
    }))
}

/// The block of numbers inside, and the power of ten.
fn open(block: &Block) -> Result<(Block, f64), Damage> {
    let power = usize::try_from(block.word).ok().and_then(|e| POWERS.get(e)).copied();
    let power = power.ok_or_else(|| Damage::new(format!("a power of ten of {}", block.word)))?;
    if block.payload.len() < PREFIX_BYTES {
        return Err(Damage::new("the block ends before its decimals"));
    }
    let inner = Block {
        encoding: Encoding::of(block.payload[0])?,
        rows: block.rows,
        nulls: Nulls::Some(None),
        word: 0,
        payload: block.payload.slice(PREFIX_BYTES..),
    };
    Ok((inner, power))
}
