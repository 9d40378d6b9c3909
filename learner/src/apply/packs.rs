//! Rows of the row store, in key order, as sorted columns: what a columnar table is built from when
//! it does not come from the log.

use bytes::Bytes;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::Timestamp;

use super::ApplyError;
use super::keys::KeyBuilder;
use crate::catalog::TableInfo;
use crate::codec::{CodecError, RowsToArrow, decode_row_key};

/// Rows of one piece.
const PIECE_ROWS: usize = 8192;

/// The newest version of a row as of some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVersion {
    /// Encoded row key.
    pub key: Bytes,
    /// Row value.
    pub value: Bytes,
    /// When it was committed.
    pub commit_ts: Timestamp,
}

/// Decodes rows in key order into pieces, in the columns of `info`. Stops at the first error.
pub fn rows_to_packs<'a>(
    info: &'a TableInfo,
    rows: impl Iterator<Item = Result<RowVersion, ApplyError>> + 'a,
) -> impl Iterator<Item = Result<PackRows, ApplyError>> + 'a {
    let mut decoder = RowsToArrow::stored(info, PIECE_ROWS);
    let mut rows = rows.fuse();
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let piece = next_piece(info, &mut decoder, &mut rows).transpose();
        failed = matches!(piece, Some(Err(_)));
        piece
    })
}

fn next_piece(
    info: &TableInfo,
    decoder: &mut RowsToArrow,
    rows: &mut impl Iterator<Item = Result<RowVersion, ApplyError>>,
) -> Result<Option<PackRows>, ApplyError> {
    let mut keys = KeyBuilder::new(info.key_kind());
    let mut commit_ts = Vec::with_capacity(PIECE_ROWS);
    for row in rows.take(PIECE_ROWS) {
        let row = row?;
        let (table, key) = decode_row_key(&row.key, info.key_kind())?;
        if table != info.id {
            return Err(CodecError(format!("a row of table {table} among those of table {}", info.id)).into());
        }
        keys.push(key.as_ref());
        commit_ts.push(row.commit_ts.0);
        decoder.push(&row.value)?;
    }
    if commit_ts.is_empty() {
        return Ok(None);
    }
    Ok(Some(PackRows {
        keys: keys.finish(),
        commit_ts: commit_ts.into(),
        tombstones: None,
        columns: decoder.finish_columns(),
    }))
}
