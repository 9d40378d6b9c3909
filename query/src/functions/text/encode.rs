//! Texts as numbers and numbers as texts: `HEX`, `ASCII`, `CONV`, `TO_BASE64`.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::functions::call::{Call, Values};
use crate::functions::convert::{is_binary, is_text};
use crate::functions::scalar::{Definition, MANY, Returns};
use crate::types::literal::hex_bytes;

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("hex", 1..=1, Returns::Text, hex),
    Definition::new("unhex", 1..=1, Returns::Binary, |c| {
        let texts = c.text(0)?;
        let bytes = |row| texts.get(row).and_then(hex_bytes);
        Ok(Arc::new((0..c.rows()).map(bytes).collect::<BinaryViewArray>()))
    }),
    Definition::new("ascii", 1..=1, Returns::Int, |c| {
        let first = |v: &[u8]| v.first().map_or(0, |b| i64::from(*b));
        Ok(Arc::new(c.bytes(0)?.array.iter().map(|v| v.map(first)).collect::<Int64Array>()))
    }),
    Definition::new("ord", 1..=1, Returns::Int, |c| {
        let first = |v: &str| {
            let bytes = v.chars().next().map_or(0, char::len_utf8);
            v.as_bytes()[..bytes].iter().fold(0, |n, b| n << 8 | i64::from(*b))
        };
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| v.map(first)).collect::<Int64Array>()))
    }),
    Definition::new("char", 1..=MANY, Returns::Binary, |c| {
        let codes = (0..c.len()).map(|i| c.ints(i)).collect::<Result<Vec<_>>>()?;
        let text = |row| Some(codes.iter().filter_map(|c| c.get(row)).flat_map(code_bytes).collect::<Vec<u8>>());
        Ok(Arc::new((0..c.rows()).map(text).collect::<BinaryViewArray>()))
    }),
    Definition::new("bin", 1..=1, Returns::Text, |c| in_base(c, |v| format!("{v:b}"))),
    Definition::new("oct", 1..=1, Returns::Text, |c| in_base(c, |v| format!("{v:o}"))),
    Definition::new("conv", 3..=3, Returns::Text, |c| {
        let (texts, from, to) = (c.text(0)?, c.ints(1)?, c.ints(2)?);
        let converted = |row| conv(texts.get(row)?, from.get(row)?, to.get(row)?);
        Ok(Arc::new((0..c.rows()).map(converted).collect::<StringViewArray>()))
    }),
    Definition::new("to_base64", 1..=1, Returns::Text, |c| {
        Ok(Arc::new(c.bytes(0)?.array.iter().map(|v| v.map(to_base64)).collect::<StringViewArray>()))
    }),
    Definition::new("from_base64", 1..=1, Returns::Binary, |c| {
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| v.and_then(from_base64)).collect::<BinaryViewArray>()))
    }),
];

/// Of a text or bytes their digits, of a number its own.
fn hex(call: &Call<'_>) -> Result<ArrayRef> {
    let data_type = call.data_type(0);
    if is_text(data_type) || is_binary(data_type) || *data_type == DataType::Null {
        let bytes: Values<BinaryViewArray> = call.bytes(0)?;
        return Ok(Arc::new(bytes.array.iter().map(|v| v.map(hex_text)).collect::<StringViewArray>()));
    }
    in_base(call, |v| format!("{v:X}"))
}

pub(in crate::functions) fn hex_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

fn in_base(call: &Call<'_>, write: fn(u64) -> String) -> Result<ArrayRef> {
    let numbers = call.uints(0)?;
    Ok(Arc::new((0..call.rows()).map(|row| numbers.get(row).map(write)).collect::<StringViewArray>()))
}

/// Bytes of a code, most significant first, without leading zeros.
fn code_bytes(code: i64) -> impl Iterator<Item = u8> {
    let bytes = (code as u32).to_be_bytes();
    let skip = bytes.iter().position(|b| *b != 0).unwrap_or(3);
    bytes.into_iter().skip(skip)
}

/// A number written in another base; a negative base means signed digits.
fn conv(text: &str, from: i64, to: i64) -> Option<String> {
    let (from_base, to_base) = (from.unsigned_abs(), to.unsigned_abs());
    if !(2..=36).contains(&from_base) || !(2..=36).contains(&to_base) {
        return None;
    }
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value = 0_u64;
    for digit in digits.chars().map_while(|c| c.to_digit(from_base as u32)) {
        value = value.saturating_mul(from_base).saturating_add(u64::from(digit));
    }
    let value = if negative { value.wrapping_neg() } else { value };
    let (sign, mut rest) = if to < 0 && (value as i64) < 0 { ("-", value.wrapping_neg()) } else { ("", value) };
    let mut out = Vec::new();
    loop {
        let digit = char::from_digit((rest % to_base) as u32, to_base as u32).unwrap_or('0');
        out.push(digit.to_ascii_uppercase());
        rest /= to_base;
        if rest == 0 {
            break;
        }
    }
    Some(sign.chars().chain(out.into_iter().rev()).collect())
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// With a line break after every 76 characters.
fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    let mut line = 0;
    for chunk in bytes.chunks(3) {
        if line == 76 {
            out.push('\n');
            line = 0;
        }
        let word = chunk.iter().fold(0_u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
        line += 4;
    }
    out
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3);
    for chunk in digits.chunks(4) {
        let padding = chunk.iter().rev().take_while(|b| **b == b'=').count();
        if padding > 2 {
            return None;
        }
        let mut word = 0_u32;
        for b in &chunk[..4 - padding] {
            word = word << 6 | BASE64.iter().position(|d| d == b)? as u32;
        }
        word <<= 6 * padding as u32;
        out.extend_from_slice(&word.to_be_bytes()[1..4 - padding]);
    }
    Some(out)
}
