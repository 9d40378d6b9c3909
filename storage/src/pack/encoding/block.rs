//! What every block begins with.
//!
//! ```text
//! 0   encoding u8 · nulls u8 · zero u16 · rows u32 · encoding's own u64
//! 16  validity bitmap, one bit a row, set where the row is not NULL; padded with zeros to a
//!     multiple of 16 bytes. Only if nulls = 2
//! p   payload, as the encoding defines it
//! ```
//!
//! `nulls`: 0 none of the rows is NULL, 1 all are (no payload), 2 the bitmap tells.

use arrow::array::Array;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use bytes::Bytes;

use super::Damage;

pub(super) const BLOCK_HEADER_BYTES: usize = 16;

const NULLS_NONE: u8 = 0;
const NULLS_ALL: u8 = 1;
const NULLS_BITMAP: u8 = 2;

/// The number of an encoding in a block's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain = 0,
    Zstd = 1,
    Constant = 2,
    BitPacked = 3,
    Rle = 4,
    Delta = 5,
    Dictionary = 6,
    Fsst = 7,
    Planes = 8,
    Decimals = 9,
}

impl Encoding {
    const ALL: [Self; 10] = [
        Self::Plain,
        Self::Zstd,
        Self::Constant,
        Self::BitPacked,
        Self::Rle,
        Self::Delta,
        Self::Dictionary,
        Self::Fsst,
        Self::Planes,
        Self::Decimals,
    ];

    /// The encoding of that number.
    pub(super) fn of(tag: u8) -> Result<Self, Damage> {
        Self::ALL.get(usize::from(tag)).copied().ok_or_else(|| Damage::new(format!("encoding {tag} is not known")))
    }
}

/// A block taken apart.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) encoding: Encoding,
    pub(super) rows: usize,
    pub(super) nulls: Nulls,
    /// The encoding's own header field.
    pub(super) word: u64,
    pub(super) payload: Bytes,
}

/// Which rows are NULL.
#[derive(Clone, Debug)]
pub(super) enum Nulls {
    All,
    Some(Option<NullBuffer>),
}

/// The block of `array`, whose values `encoding` has put into `payload`. The payload's offset is a
/// multiple of 16, so that in an aligned block numbers of any width are aligned.
pub(super) fn assemble(array: &dyn Array, encoding: Encoding, word: u64, payload: &[u8]) -> Vec<u8> {
    let rows = array.len();
    let nulls = array.logical_nulls().filter(|n| n.null_count() > 0);
    let tag = match &nulls {
        None => NULLS_NONE,
        Some(n) if n.null_count() == rows => NULLS_ALL,
        Some(_) => NULLS_BITMAP,
    };
    let mut out = Vec::with_capacity(BLOCK_HEADER_BYTES + bitmap_bytes(rows) + payload.len());
    out.extend_from_slice(&[encoding as u8, tag, 0, 0]);
    out.extend_from_slice(&(rows as u32).to_le_bytes());
    out.extend_from_slice(&word.to_le_bytes());
    if let Some(nulls) = nulls.filter(|_| tag == NULLS_BITMAP) {
        out.extend(nulls.inner().bit_chunks().iter_padded().flat_map(u64::to_le_bytes).take(rows.div_ceil(8)));
        out.resize(BLOCK_HEADER_BYTES + bitmap_bytes(rows), 0);
    }
    out.extend_from_slice(payload);
    out
}

fn bitmap_bytes(rows: usize) -> usize {
    rows.div_ceil(8).next_multiple_of(16)
}

/// Takes a block of `rows` rows apart.
pub(super) fn open(block: &Bytes, rows: usize) -> Result<Block, Damage> {
    let Some(head) = block.first_chunk::<BLOCK_HEADER_BYTES>() else {
        return Err(Damage::new(format!("a block of {} bytes has no header", block.len())));
    };
    let encoding = Encoding::of(head[0])?;
    let stored = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if stored as usize != rows || head[2..4] != [0, 0] {
        return Err(Damage::new(format!("the block has {stored} rows, not {rows}")));
    }
    let mut start = BLOCK_HEADER_BYTES;
    let nulls = match head[1] {
        NULLS_NONE => Nulls::Some(None),
        NULLS_ALL => Nulls::All,
        NULLS_BITMAP => {
            let end = start + bitmap_bytes(rows);
            if block.len() < end {
                return Err(Damage::new("the block ends in its bitmap of NULLs"));
            }
            let bits = BooleanBuffer::new(Buffer::from(block.slice(start..end)), 0, rows);
            start = end;
            Nulls::Some(Some(NullBuffer::new(bits)))
        }
        other => return Err(Damage::new(format!("{other} is no way to say which rows are NULL"))),
    };
    let word = u64::from_le_bytes(head[8..].first_chunk().copied().unwrap_or_default());
    Ok(Block { encoding, rows, nulls, word, payload: block.slice(start..) })
}
