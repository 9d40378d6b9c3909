//! Rows of text files, by the rules of `LOAD DATA`.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::Input;
use crate::error::{Result, SqlError};
use crate::statement::load_data::{Field as Cell, Format as LineFormat, RowReader};

/// How a text file is written.
#[derive(Clone, Debug)]
pub(crate) struct CsvFormat {
    /// Fields and lines.
    pub(crate) lines: LineFormat,
    /// Whether to look into each file for how its lines end.
    pub(crate) find_line_end: bool,
    /// Lines to pass over at the beginning of each file.
    pub(crate) skip_rows: u64,
    /// What stands for NULL, besides what `LOAD DATA` takes for it.
    pub(crate) null: Option<Vec<u8>>,
}

/// How much is read at a time.
const PIECE_BYTES: usize = 1 << 20;
/// The longest line: a quote that is never closed must not bring the whole file into memory.
const LINE_BYTES: usize = 64 << 20;
/// Rows of a batch, and bytes above which it is shorter.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 16 << 20;

/// The rows of a file, batch by batch; all columns are text, or bytes that are none. Blocks.
pub(super) struct CsvBatches<'a> {
    input: &'a Input,
    file: std::fs::File,
    reader: RowReader,
    format: &'a CsvFormat,
    /// Fields that a line must have.
    fields: usize,
    to_skip: u64,
    rows: u64,
    /// Bytes of a line that has not ended.
    open_line: usize,
    at_end: bool,
}

impl<'a> CsvBatches<'a> {
    pub(super) fn open(input: &'a Input, format: &'a CsvFormat, fields: usize) -> Result<Self> {
        let mut lines = format.lines.clone();
        if format.find_line_end && first_line_has_return(input)? {
            lines.line_end = b"\r\n".to_vec();
        }
        let reader = RowReader::new(lines);
        let file = input.open()?;
        let to_skip = format.skip_rows;
        Ok(Self { input, file, reader, format, fields, to_skip, rows: 0, open_line: 0, at_end: false })
    }

    /// The next rows, and the number of the first, from 1.
    pub(super) fn next(&mut self) -> Result<Option<(RecordBatch, u64)>> {
        let first_row = self.rows + 1;
        let mut columns: Vec<Vec<Cell>> = vec![Vec::new(); self.fields];
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            match self.next_row()? {
                Some(row) => {
                    bytes += row.iter().flatten().map(Vec::len).sum::<usize>();
                    columns.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
                    rows += 1;
                }
                None if self.at_end => break,
                None => self.read_piece()?,
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        Ok(Some((batch(columns, rows)?, first_row)))
    }

    fn next_row(&mut self) -> Result<Option<Vec<Cell>>> {
        while self.to_skip > 0 && self.reader.skip_line() {
            // At the end of the file there is no further line to wait for.
            self.to_skip = if self.at_end { 0 } else { self.to_skip - 1 };
            self.open_line = 0;
        }
        if self.to_skip > 0 {
            return Ok(None);
        }
        let mut row = loop {
            let Some(row) = self.reader.next_row() else { return Ok(None) };
            self.open_line = 0;
            self.rows += 1;
            // An empty line is no row, unless a row may be empty.
            if self.fields == 1 || row.len() != 1 || row[0].as_ref().is_none_or(|cell| !cell.is_empty()) {
                break row;
            }
        };
        let wrong = match row.len().cmp(&self.fields) {
            std::cmp::Ordering::Less => Some((1261, "doesn't contain data for all columns")),
            std::cmp::Ordering::Greater => {
                Some((1262, "was truncated; it contained more data than there were input columns"))
            }
            std::cmp::Ordering::Equal => None,
        };
        if let Some((code, what)) = wrong {
            return Err(SqlError::new(code, format!("Row {} {what}, in file '{}'", self.rows, self.input.name())));
        }
        if let Some(null) = &self.format.null {
            for cell in &mut row {
                cell.take_if(|text| text == null);
            }
        }
        Ok(Some(row))
    }

    fn read_piece(&mut self) -> Result<()> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = self.file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece);
        read.map_err(|e| SqlError::new(1024, format!("Error reading file '{}': {e}", self.input.name())))?;
        self.open_line += piece.len();
        if self.open_line > LINE_BYTES {
            let (row, name) = (self.rows + 1, self.input.name());
            return Err(SqlError::new(1406, format!("Row {row} of file '{name}' is longer than {LINE_BYTES} bytes")));
        }
        if piece.is_empty() {
            self.at_end = true;
            self.reader.end();
        } else {
            self.reader.push(&piece);
        }
        Ok(())
    }
}

/// Whether the first line, if it is of a usual length, ends as on Windows.
fn first_line_has_return(input: &Input) -> Result<bool> {
    const USUAL: u64 = 64 << 10;
    let mut start = Vec::new();
    let read = input.open()?.take(USUAL).read_to_end(&mut start);
    read.map_err(|e| SqlError::new(1024, format!("Error reading file '{}': {e}", input.name())))?;
    Ok(start.iter().position(|b| *b == b'\n').is_some_and(|end| start[..end].ends_with(b"\r")))
}

fn batch(columns: Vec<Vec<Cell>>, rows: usize) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (i, cells) in columns.into_iter().enumerate() {
        let text: Result<Vec<Option<&str>>, _> =
            cells.iter().map(|cell| cell.as_deref().map(std::str::from_utf8).transpose()).collect();
        let (data_type, array): (_, ArrayRef) = match text {
            Ok(text) => (DataType::Utf8View, Arc::new(StringViewArray::from(text))),
            Err(_) => {
                let bytes: BinaryViewArray = cells.iter().map(Option::as_deref).collect();
                (DataType::BinaryView, Arc::new(bytes))
            }
        };
        fields.push(Field::new(format!("{}", i + 1), data_type, true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
}
