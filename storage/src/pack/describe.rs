//! What the blocks of a pack are, for people.

use std::collections::BTreeMap;

use super::Pack;
use super::encoding;
use super::footer::{BlockPlace, Storage};
use crate::error::{Error, Result};
use crate::types::{ColumnId, StoredType};

/// The blocks of one column of a pack.
#[derive(Clone, Debug)]
pub struct ColumnBlocks {
    /// The column; none for what the engine keeps beside the columns.
    pub column: Option<(ColumnId, StoredType)>,
    /// Its name when the pack was written.
    pub name: String,
    /// Encoded bytes.
    pub bytes: u64,
    /// How many blocks have which encoding.
    pub encodings: BTreeMap<&'static str, usize>,
}

impl Pack {
    /// The blocks of the row keys, commit timestamps, tombstone flags, and of each column that is
    /// not the row key. Reads the first byte of each block, and checks nothing else of it.
    pub fn describe_columns(&self) -> Result<Vec<ColumnBlocks>> {
        let footer = &self.footer;
        let internal =
            [("(row key)", &footer.keys), ("(commit_ts)", &footer.commit_ts), ("(tombstone)", &footer.tombstones)];
        let mut out = Vec::new();
        for (name, places) in internal {
            out.push(self.describe(None, name, places)?);
        }
        for column in &footer.columns {
            if let Storage::Blocks(places) = &column.storage {
                out.push(self.describe(Some((column.id, column.data_type)), &column.name, places)?);
            }
        }
        Ok(out)
    }

    fn describe(
        &self,
        column: Option<(ColumnId, StoredType)>,
        name: &str,
        places: &[BlockPlace],
    ) -> Result<ColumnBlocks> {
        let mut blocks = ColumnBlocks { column, name: name.to_owned(), bytes: 0, encodings: BTreeMap::new() };
        for (zone, place) in places.iter().enumerate() {
            let damaged =
                |what: String| Error::corrupt(&self.path, place.offset, format!("column {name}, zone {zone}: {what}"));
            // The footer was checked: the block's place lies inside the file, but it may be empty.
            let first = self.bytes.get(place.offset as usize).ok_or_else(|| damaged("the block is empty".into()))?;
            let encoding = encoding::name(*first).map_err(|e| damaged(e.to_string()))?;
            *blocks.encodings.entry(encoding).or_default() += 1;
            blocks.bytes += u64::from(place.len);
        }
        Ok(blocks)
    }
}
