//! The payload of [`super::plain`], compressed: for long text and blobs that nothing else shrinks.
//!
//! The header's own field holds the length before compression. It is not believed: memory is taken as
//! the text comes out.

use std::io::Read;

use ::zstd::stream::read::Decoder;
use bytes::Bytes;

use super::Damage;

const LEVEL: i32 = 1;

/// Memory for so many times the compressed bytes is taken at once.
const USUAL_EXPANSION: usize = 16;

/// `plain` compressed; `None` if that saves less than one part in `saves`.
pub(super) fn encode(plain: &[u8], saves: usize) -> Option<Vec<u8>> {
    let compressed = ::zstd::bulk::compress(plain, LEVEL).ok()?;
    (compressed.len() < plain.len() - plain.len() / saves).then_some(compressed)
}

/// The plain payload of `len` bytes.
pub(super) fn decode(compressed: &Bytes, len: u64) -> Result<Bytes, Damage> {
    let usual = (compressed.len() * USUAL_EXPANSION) as u64;
    let mut plain = Vec::with_capacity(len.min(usual) as usize);
    Decoder::with_buffer(compressed.as_ref())
        .and_then(|decoder| decoder.take(len.saturating_add(1)).read_to_end(&mut plain))
        .map_err(|e| Damage::new(format!("the block cannot be decompressed: {e}")))?;
    if plain.len() as u64 != len {
        return Err(Damage::new(format!("the block does not decompress to {len} bytes")));
    }
    Ok(Bytes::from(plain))
}
