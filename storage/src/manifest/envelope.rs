//! A checksummed payload in a file: the manifest and the delete vector files.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic |
//! | 8..12 | format number |
//! | 12..16 | zero |
//! | 16..24 | length of the payload |
//! | 24..32 | xxh3 of bytes 0..24, then of the payload, mixed |
//! | 32.. | payload (postcard) |
//!
//! All numbers are little-endian.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::error::{Error, Result};

pub(super) const HEADER_BYTES: usize = 32;

/// What kind of file, and in which format this engine reads and writes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) magic: [u8; 8],
    pub(super) format: u32,
}

/// The bytes of a file that holds `payload`.
pub(super) fn seal(kind: Kind, payload: &impl Serialize) -> Result<Vec<u8>> {
    let payload = postcard::to_stdvec(payload).map_err(|e| Error::Internal(format!("cannot encode: {e}")))?;
    let mut out = Vec::with_capacity(HEADER_BYTES + payload.len());
    out.extend_from_slice(&kind.magic);
    out.extend_from_slice(&kind.format.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    out.extend_from_slice(&checksum(&out, &payload).to_le_bytes());
    out.extend_from_slice(&payload);
    Ok(out)
}

pub(super) fn checksum(header: &[u8], payload: &[u8]) -> u64 {
    xxh3_64_with_seed(payload, xxh3_64(header))
}

/// The payload of a file; refuses everything but what [`seal`] made.
pub(super) fn open<T: DeserializeOwned>(kind: Kind, path: &Path, bytes: &[u8]) -> Result<T> {
    let damaged = |offset: u64, reason: &str| Error::corrupt(path, offset, reason);
    let Some((header, payload)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(damaged(bytes.len() as u64, "the file ends within its header"));
    };
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| header[at + i]));
    if header[..8] != kind.magic {
        return Err(damaged(0, "the file does not start with its magic bytes"));
    }
    let format = number(8) as u32;
    if format != kind.format {
        let other = format!("{} has format {format}, and this version reads format {}", path.display(), kind.format);
        return Err(if format < kind.format { Error::Outdated(other) } else { Error::Locked(other) });
    }
    if number(16) != payload.len() as u64 {
        return Err(damaged(16, "the file is not as long as it says"));
    }
    if number(24) != checksum(&header[..24], payload) {
        return Err(damaged(24, "the checksum does not match"));
    }
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(damaged(HEADER_BYTES as u64, "bytes follow the payload")),
        Err(e) => Err(damaged(HEADER_BYTES as u64, &format!("the payload cannot be decoded: {e}"))),
    }
}
