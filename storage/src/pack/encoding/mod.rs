//! Arrays ↔ blocks: one encoding a file.
//!
//! | file | idea |
//! |---|---|
//! | `block` | what every block begins with: encoding, NULLs |
//! | `damage` | why bytes are not a block |
//! | `fixed` | arrays of fixed width out of decoded buffers |
//! | `choose` | which encoding a block gets, and the way back |
//! | `keys` | blocks of row keys |
//! | `constant`, `plain`, `zstd` | the encodings |

mod block;
mod choose;
mod constant;
mod damage;
mod fixed;
mod keys;
mod plain;
mod zstd;

pub(super) use choose::{decode, encode};
pub(crate) use constant::repeat;
pub(super) use damage::{Damage, Trust};
pub(super) use keys::{decode_keys, encode_keys};
