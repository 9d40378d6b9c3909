//! A result as it arrives: column definitions, then each batch's rows, then the end.
//!
//! Nothing is collected: a batch is encoded when it comes and sent when 64 KiB are waiting, so that a
//! large result costs the server no memory and a slow client slows its own query only.

use std::io::Result;

use arrow::array::RecordBatch;
use futures::StreamExt;
use tokio::io::AsyncWrite;

use super::binary::BinaryColumn;
use super::column::ResultColumn;
use super::constants::{capability, column_flag};
use super::packet::{PacketWriter, put_bytes, put_length};
use crate::error::SqlError;
use crate::planner::QueryStream;
use crate::types::text::{SessionZone, write_text};

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
    form: Form,
    capabilities: u32,
    status: u16,
    warnings: u16,
    zone: SessionZone,
) -> Result<std::result::Result<u64, SqlError>> {
    // The first batch is awaited before anything is sent: most failures come before it, and a client
    // takes an error in place of a result better than one inside it.
    let mut next = rows.stream.next().await;
    if let Some(Err(e)) = next {
        return Ok(Err(e.into()));
    }
    let columns: Vec<_> = rows.schema.fields().iter().map(|field| ResultColumn::new(field)).collect();
    put_length(writer.begin(), columns.len() as u64);
    writer.end();
    for column in &columns {
        column.write_definition(writer.begin());
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
            Form::Text => text_rows(writer, &rows, &batch, &zone).await?,
            Form::Binary => binary_rows(writer, &columns, &batch, &zone).await?,
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
    rows: &QueryStream,
    batch: &RecordBatch,
    zone: &SessionZone,
) -> Result<std::result::Result<(), SqlError>> {
    let mut text = Vec::new();
    for row in 0..batch.num_rows() {
        let out = writer.begin();
        for (array, field) in batch.columns().iter().zip(rows.schema.fields()) {
            if array.is_null(row) || array.data_type().is_null() {
                out.push(NULL);
                continue;
            }
            text.clear();
            if let Err(e) = write_text(array, row, field, zone, &mut text) {
                writer.abandon();
                return Ok(Err(e));
            }
            put_bytes(out, &text);
        }
        writer.end();
        writer.flush_if_large().await?;
    }
    Ok(Ok(()))
}

async fn binary_rows<W: AsyncWrite + Unpin>(
    writer: &mut PacketWriter<W>,
    columns: &[ResultColumn],
    batch: &RecordBatch,
    zone: &SessionZone,
) -> Result<std::result::Result<(), SqlError>> {
    let schema = batch.schema();
    let mut encoders = Vec::with_capacity(columns.len());
    for ((column, array), field) in columns.iter().zip(batch.columns()).zip(schema.fields()) {
        match BinaryColumn::new(column.kind, column.flags & column_flag::UNSIGNED != 0, array, field, zone) {
            Ok(encoder) => encoders.push(encoder),
            Err(e) => return Ok(Err(e)),
        }
    }
    for row in 0..batch.num_rows() {
        let out = writer.begin();
        out.push(0);
        let nulls = out.len();
        // Two bits are left free before the first column.
        out.resize(nulls + (columns.len() + 2).div_ceil(8), 0);
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
