//! Packs: immutable files of rows, divided into zones of one block a column.
//!
//! | file | idea |
//! |---|---|
//! | `rows` | what goes in |
//! | `rearrange` | slicing, gathering and joining what goes in |
//! | `writer` | rows → zones → file |
//! | `encoded_zone` | a zone → blocks, and what the footer says of them |
//! | `format` | header and trailer, byte by byte |
//! | `footer` | the directory of a pack, and what makes it believable |
//! | `reader` | an open pack: metadata |
//! | `blocks` | an open pack: columns, checksums |
//! | `search` | an open pack: keys to row numbers |
//! | `key_column` | an integer key is one of the columns |
//! | `describe` | an open pack: what its blocks are, for people |
//! | `encoding` | arrays ↔ blocks |

mod blocks;
mod describe;
mod encoded_zone;
mod encoding;
mod footer;
mod format;
mod key_column;
mod reader;
mod rearrange;
mod rows;
mod search;
mod writer;

pub use describe::ColumnBlocks;
pub(crate) use encoding::Coded;
pub use format::{ZONE_ROWS, file_name, parse_file_name};
pub use reader::Pack;
pub(crate) use rearrange::{
    concat_keys, concat_rows, filter_rows, interleave_rows, key_order, slice_keys, take_keys, take_rows, typed_keys,
};
pub use rows::PackRows;
pub use writer::{PackOptions, PackWriter};

#[cfg(test)]
pub(crate) mod forged;
#[cfg(test)]
mod tests;
