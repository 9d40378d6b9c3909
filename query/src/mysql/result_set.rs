//! A result as it arrives: column definitions, then each batch's rows, then the end.
//!
//! Nothing is collected: a batch is encoded when it comes and sent when 64 KiB are waiting, so that a
//! large result costs the server no memory and a slow client slows its own query only.

use std::io::Result;

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::io::AsyncWrite;

use super::binary::BinaryColumn;
use super::constants::capability;
use super::packet::{PacketWriter, put_bytes, put_length};
use super::result_header::ResultHeader;
use crate::error::SqlError;
use crate::planner::QueryStream;
use crate::types::text::{ColumnFormat, TextColumn};

/// NULL in a text row.
const NULL: u8 = 0xFB;

/// How rows are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each value as text: answers to plain statements.
    Text,
    /// Each value in its type's binary form: answers to prepared statements.
    Binary,
}

/// Sends a result. `Ok(Ok(rows))` once all of it is with the writer; `Ok(Err(_))` if the query failed
/// on the way, after which the caller sends the error; `Err(_)` is the transport's.
pub(crate) async fn write<W: AsyncWrite + Unpin>(
    writer: &mut PacketWriter<W>,
    mut rows: QueryStream,
    header: &ResultHeader,
    form: Form,
    capabilities: u32,
    status: u16,
    warnings: u16,
) -> Result<std::result::Result<u64, SqlError>> {
    // The first batch is awaited before anything is sent: most failures come before it, and a client
    // takes an error in place of a result better than one inside it.
    let mut next = rows.stream.next().await;
    if let Some(Err(e)) = next {
        return Ok(Err(e.into()));
    }
    put_length(writer.begin(), header.definitions.len() as u64);
    writer.end();
    for definition in &header.definitions {
        writer.begin().extend_from_slice(definition);
        writer.end();
    }
    let deprecate_eof = capabilities & capability::DEPRECATE_EOF != 0;
    if !deprecate_eof {
        write_eof(writer, 0, status);
    }
    let mut count = 0;
    while let Some(batch) = next {
        let batch = match batch {
            Ok(batch) => batch,
            Err(e) => return Ok(Err(e.into())),
        };
        count += batch.num_rows() as u64;
        let written = match form {
            Form::Text => text_rows(writer, &header.formats, &batch).await?,
            Form::Binary => binary_rows(writer, header, &batch).await?,
        };
        if let Err(e) = written {
            return Ok(Err(e));
        }
        next = rows.stream.next().await;
    }
    if deprecate_eof {
        let out = writer.begin();
        out.extend_from_slice(&[0xFE, 0, 0]);
        out.extend_from_slice(&status.to_le_bytes());
        out.extend_from_slice(&warnings.to_le_bytes());
        writer.end();
    } else {
        write_eof(writer, warnings, status);
    }
    Ok(Ok(count))
}

/// The packet that ends lists in the protocol's older form.
pub(crate) fn write_eof<W: AsyncWrite + Unpin>(writer: &mut PacketWriter<W>, warnings: u16, status: u16) {
    let out = writer.begin();
    out.push(0xFE);
    out.extend_from_slice(&warnings.to_le_bytes());
    out.extend_from_slice(&status.to_le_bytes());
    writer.end();
}

async fn text_rows<W: AsyncWrite + Unpin>(
    writer: &mut PacketWriter<W>,
    formats: &[ColumnFormat],
    batch: &RecordBatch,
) -> Result<std::result::Result<(), SqlError>> {
    let columns = batch.columns().iter().zip(formats).map(|(array, format)| TextColumn::new(array, format));
    let columns: Vec<_> = match columns.collect::<std::result::Result<_, _>>() {
        Ok(columns) => columns,
        Err(e) => return Ok(Err(e)),
    };
    let mut text = Vec::new();
    for row in 0..batch.num_rows() {
        let out = writer.begin();
        for column in &columns {
            if column.is_null(row) {
                out.push(NULL);
            } else {
                text.clear();
                column.write(row, &mut text);
                put_bytes(out, &text);
            }
        }
        writer.end();
        writer.flush_if_large().await?;
    }
    Ok(Ok(()))
}

async fn binary_rows<W: AsyncWrite + Unpin>(
    writer: &mut PacketWriter<W>,
    header: &ResultHeader,
    batch: &RecordBatch,
) -> Result<std::result::Result<(), SqlError>> {
    let encoders = header.columns.iter().zip(&header.formats).zip(batch.columns());
    let encoders = encoders.map(|((column, format), array)| BinaryColumn::new(column, format, array, header.zone));
    let encoders: Vec<_> = match encoders.collect::<std::result::Result<_, _>>() {
        Ok(encoders) => encoders,
        Err(e) => return Ok(Err(e)),
    };
    for row in 0..batch.num_rows() {
        let out = writer.begin();
        out.push(0);
        let nulls = out.len();
        // Two bits are left free before the first column.
        out.resize(nulls + (encoders.len() + 2).div_ceil(8), 0);
        let mut failed = None;
        for (i, encoder) in encoders.iter().enumerate() {
            if encoder.is_null(row) {
                out[nulls + (i + 2) / 8] |= 1 << ((i + 2) % 8);
            } else if let Err(e) = encoder.write(row, out) {
                failed = Some(e);
                break;
            }
        }
        if let Some(e) = failed {
            writer.abandon();
            return Ok(Err(e));
        }
        writer.end();
        writer.flush_if_large().await?;
    }
    Ok(Ok(()))
}
