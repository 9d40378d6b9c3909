//! The payload of [`super::plain`], compressed: for long text and blobs that nothing else shrinks.
//!
//! The header's own field holds the length before compression.

use bytes::Bytes;

use super::Damage;

const LEVEL: i32 = 1;

/// zstd compresses at most 128 KiB into a block, and a block takes at least 4 bytes.
const MAX_EXPANSION: u64 = (128 << 10) / 4;

/// `plain` compressed; `None` if that saves less than one part in `saves`.
pub(super) fn encode(plain: &[u8], saves: usize) -> Option<Vec<u8>> {
    let compressed = ::zstd::bulk::compress(plain, LEVEL).ok()?;
    (compressed.len() < plain.len() - plain.len() / saves).then_some(compressed)
}

/// The plain payload of `len` bytes. Never allocates more than the compressed bytes could hold.
pub(super) fn decode(compressed: &Bytes, len: u64) -> Result<Bytes, Damage> {
    if len > (compressed.len() as u64 + 4).saturating_mul(MAX_EXPANSION) {
        return Err(Damage::new(format!("{} bytes cannot hold {len}", compressed.len())));
    }
    let plain = ::zstd::bulk::decompress(compressed, len as usize)
        .map_err(|e| Damage::new(format!("the block cannot be decompressed: {e}")))?;
    if plain.len() as u64 != len {
        return Err(Damage::new(format!("the block decompresses to {} bytes, not {len}", plain.len())));
    }
    Ok(Bytes::from(plain))
}
