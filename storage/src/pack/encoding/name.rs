//! What an encoding is called, for people.

use super::Damage;
use super::block::Encoding;

/// The encoding of a block, by its first byte.
pub(in crate::pack) fn name(first_byte: u8) -> Result<&'static str, Damage> {
    Ok(match Encoding::of(first_byte)? {
        Encoding::Plain => "plain",
        Encoding::Zstd => "zstd",
        Encoding::Constant => "constant",
        Encoding::BitPacked => "bit-packed",
        Encoding::Rle => "run lengths",
        Encoding::Delta => "differences",
        Encoding::Dictionary => "dictionary",
        Encoding::Fsst => "fsst",
        Encoding::Planes => "byte planes",
        Encoding::Decimals => "decimal floats",
    })
}
