//! Arrays ↔ blocks: one encoding a file.
//!
//! | file | idea |
//! |---|---|
//! | `block` | what every block begins with: encoding, NULLs |
//! | `damage` | why bytes are not a block |
//! | `name` | what encodings are called |
//! | `column` | a column's block by its type, and back |
//! | `integer`, `float`, `text`, `wide`, `keys` | families of types: how the encoding is chosen |
//! | `bitpack`, `decimals`, `delta`, `dictionary`, `fsst`, `plain`, `planes`, `rle`, `zstd` | the encodings |

mod bitpack;
mod block;
mod column;
mod damage;
mod decimals;
mod delta;
mod dictionary;
mod float;
mod fsst;
mod integer;
mod keys;
mod name;
mod plain;
mod planes;
mod rle;
mod text;
mod wide;
mod zstd;

pub(super) use column::{decode, decode_coded, decode_rows, encode};
pub(super) use damage::{Damage, Trust};
pub(crate) use dictionary::Coded;
pub(super) use keys::{KeyBlock, decode_keys, encode_keys};
pub(super) use name::name;

#[cfg(test)]
mod forged;
#[cfg(test)]
mod tests;
