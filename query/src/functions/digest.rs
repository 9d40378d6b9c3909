//! Checksums, digests and identifiers.

use std::sync::Arc;

use arrow::array::*;
use sha1::{Digest, Sha1};

use super::scalar::{Definition, Returns};
use super::text::encode::hex_text;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("crc32", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(c.bytes(0)?.array.iter().map(|v| v.map(crc32)).collect::<Int64Array>()))
    }),
    Definition::new("sha1", 1..=1, Returns::Text, |c| {
        let digest = |v: &[u8]| hex_text(&Sha1::digest(v)).to_ascii_lowercase();
        Ok(Arc::new(c.bytes(0)?.array.iter().map(|v| v.map(digest)).collect::<StringViewArray>()))
    })
    .aliases(&["sha"]),
    Definition::new("uuid", 0..=0, Returns::Text, |c| {
        Ok(Arc::new((0..c.rows()).map(|_| Some(uuid())).collect::<StringViewArray>()))
    })
    .volatile(),
];

/// The checksum of zip files.
fn crc32(bytes: &[u8]) -> i64 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xEDB8_8320 };
        }
    }
    i64::from(!crc)
}

/// A random UUID (version 4).
fn uuid() -> String {
    let (high, low): (u64, u64) = rand::random();
    let (time, version) = (high >> 16, 0x4000 | (high & 0x0FFF));
    let low = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
    format!("{:08x}-{:04x}-{version:04x}-{:04x}-{:012x}", time >> 16, time & 0xFFFF, low >> 48, low & 0xFFFF_FFFF_FFFF)
}
