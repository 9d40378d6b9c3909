//! Row values.
//!
//! A row says for itself which columns it holds, by [`ColumnId`], so it can be read under any later
//! definition of its table: a column that the row lacks was added since, and reads as the column's
//! `origin_default`; a column that the table lacks was dropped since, and is skipped. All columns are
//! stored, those of the primary key too.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | flags: 1 = column ids take four bytes instead of one, 2 = ends take four bytes instead of two |
//! | varint | schema version under which the row was written |
//! | varint | number of cells P |
//! | varint | number of NULL columns N |
//! | P ids | columns that have a cell |
//! | N ids | columns that are NULL |
//! | P ends | where each cell ends, counted from the end of this list, ascending |
//! | … | cells, see [`super::cell`]; the last end is the end of the row |
//!
//! Integers are little-endian; a varint has seven bits a byte, least significant first.

use deltatree_storage::types::{ColumnId, RowKey, StoredType, Value};

use super::cell;
use super::error::{CodecError, Result};
use crate::catalog::TableInfo;

const FORMAT: u8 = 1;
const WIDE_IDS: u8 = 1;
const WIDE_ENDS: u8 = 2;
const NARROW_END_MAX: usize = u16::MAX as usize;

/// Appends the value of a row with one [`Value`] a column, in the table's order.
///
/// # Errors
/// If the row has another number of columns, or a value is not in its column's physical form.
pub fn encode_row(info: &TableInfo, row: &[Value], out: &mut Vec<u8>) -> Result<()> {
    RowLayout::new(info).encode_values(row, out)
}

/// Reads a row: one [`Value`] a column, in the table's order.
///
/// # Errors
/// If the bytes are no row, or a cell is not of its column's type. The message names the table and
/// the key.
pub fn decode_row(info: &TableInfo, key: &RowKey, bytes: &[u8]) -> Result<Vec<Value>> {
    let damaged = |e: CodecError| CodecError::new(format!("damaged row {key:?} of table {}: {e}", info.name));
    let view = RowView::parse(bytes).map_err(damaged)?;
    let mut hint = Hint::default();
    let mut row = Vec::with_capacity(info.columns.len());
    for column in &info.columns {
        let stored = column.sql_type.stored();
        row.push(match view.find(column.id, &mut hint) {
            Found::Cell(i) => view
                .cell(i)
                .and_then(|cell| cell::value(stored, cell))
                .ok_or_else(|| damaged(wrong_cell(&column.name, stored)))?,
            Found::Null => Value::Null,
            Found::Absent => column.origin_default.clone(),
        });
    }
    Ok(row)
}

pub(super) fn wrong_cell(column: &str, stored: StoredType) -> CodecError {
    CodecError::new(format!("the cell of column {column} is not a {stored:?}"))
}

/// How the rows of one table definition are laid out; made once for many rows.
#[derive(Clone, Debug)]
pub(crate) struct RowLayout {
    columns: Vec<(u32, StoredType)>,
    table: String,
    flags: u8,
    schema_version: u64,
    /// Everything before the ends, for a row without NULL.
    full_header: Vec<u8>,
}

impl RowLayout {
    pub(crate) fn new(info: &TableInfo) -> Self {
        let columns: Vec<_> = info.columns.iter().map(|c| (c.id.0, c.sql_type.stored())).collect();
        let wide = columns.iter().any(|(id, _)| *id > u32::from(u8::MAX));
        let flags = if wide { WIDE_IDS } else { 0 };
        let mut layout = Self {
            columns,
            table: info.name.clone(),
            flags,
            schema_version: info.schema_version,
            full_header: Vec::new(),
        };
        let mut header = Vec::new();
        layout.put_header(&mut header, |_| false);
        layout.full_header = header;
        layout
    }

    pub(super) fn stored(&self, column: usize) -> StoredType {
        self.columns[column].1
    }

    pub(crate) fn encode_values(&self, row: &[Value], out: &mut Vec<u8>) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(CodecError::new(format!(
                "table {} has {} columns, the row has {}",
                self.table,
                self.columns.len(),
                row.len()
            )));
        }
        let any_null = row.iter().any(Value::is_null);
        self.encode(out, any_null, |i| row[i].is_null(), |i, out| cell::put_value(out, self.columns[i].1, &row[i]))
    }

    /// Appends one row. `is_null(i)` is asked only if `any_null`; `put(i)` appends the cell of column
    /// `i`. On error `out` is left as it was.
    #[inline]
    pub(super) fn encode(
        &self,
        out: &mut Vec<u8>,
        any_null: bool,
        is_null: impl Fn(usize) -> bool,
        mut put: impl FnMut(usize, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let start = out.len();
        let cells = if any_null {
            self.put_header(out, &is_null)
        } else {
            out.extend_from_slice(&self.full_header);
            self.columns.len()
        };
        let ends = out.len();
        let data = ends + cells * 2;
        out.resize(data, 0);
        let mut widest = 0;
        let mut slot = ends;
        for i in 0..self.columns.len() {
            if any_null && is_null(i) {
                continue;
            }
            if let Err(e) = put(i, out) {
                out.truncate(start);
                return Err(e);
            }
            widest = out.len() - data;
            if widest > NARROW_END_MAX {
                out.truncate(start);
                return self.encode_wide(out, any_null, is_null, put);
            }
            out[slot..slot + 2].copy_from_slice(&(widest as u16).to_le_bytes());
            slot += 2;
        }
        debug_assert!(widest <= NARROW_END_MAX);
        Ok(())
    }

    /// As [`Self::encode`], for a row of more than 64 KiB: cells first, elsewhere, then the ends.
    #[cold]
    fn encode_wide(
        &self,
        out: &mut Vec<u8>,
        any_null: bool,
        is_null: impl Fn(usize) -> bool,
        mut put: impl FnMut(usize, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let start = out.len();
        let mut data = Vec::new();
        self.put_header(out, |i| any_null && is_null(i));
        out[start + 1] |= WIDE_ENDS;
        for i in (0..self.columns.len()).filter(|&i| !(any_null && is_null(i))) {
            let end = put(i, &mut data).and_then(|()| {
                u32::try_from(data.len()).map_err(|_| CodecError::new("a row cannot be larger than 4 GiB"))
            });
            match end {
                Ok(end) => out.extend_from_slice(&end.to_le_bytes()),
                Err(e) => {
                    out.truncate(start);
                    return Err(e);
                }
            }
        }
        out.extend_from_slice(&data);
        Ok(())
    }

    /// Appends everything before the ends and returns the number of cells.
    fn put_header(&self, out: &mut Vec<u8>, is_null: impl Fn(usize) -> bool) -> usize {
        let nulls = (0..self.columns.len()).filter(|&i| is_null(i)).count();
        let cells = self.columns.len() - nulls;
        out.extend_from_slice(&[FORMAT, self.flags]);
        put_varint(out, self.schema_version);
        put_varint(out, cells as u64);
        put_varint(out, nulls as u64);
        for null in [false, true] {
            for (i, (id, _)) in self.columns.iter().enumerate() {
                if is_null(i) != null {
                    continue;
                }
                if self.flags & WIDE_IDS == 0 {
                    out.push(*id as u8);
                } else {
                    out.extend_from_slice(&id.to_le_bytes());
                }
            }
        }
        cells
    }
}

/// A row value, taken apart but not decoded.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    /// Schema version under which the row was written.
    pub schema_version: u64,
    flags: u8,
    cells: usize,
    nulls: usize,
    /// Ids of the cells, then of the NULL columns.
    ids: &'a [u8],
    ends: &'a [u8],
    data: &'a [u8],
}

/// Where a column is in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Cell(usize),
    Null,
    Absent,
}

/// Where to look first: columns are mostly asked for in the order in which they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint {
    cell: usize,
    null: usize,
}

impl<'a> RowView<'a> {
    /// Takes a row apart.
    ///
    /// # Errors
    /// If the bytes are no row.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let cut = || CodecError::new(format!("the row of {} bytes is cut short", bytes.len()));
        let (&[format, flags], mut rest) = bytes.split_first_chunk::<2>().ok_or_else(cut)?;
        if format != FORMAT || flags & !(WIDE_IDS | WIDE_ENDS) != 0 {
            return Err(CodecError::new(format!(
                "expected row format {FORMAT}, found {format} with flags {flags:#04x}"
            )));
        }
        let schema_version = take_varint(&mut rest).ok_or_else(cut)?;
        let mut count = || take_varint(&mut rest).and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= bytes.len());
        let (cells, nulls) = (count().ok_or_else(cut)?, count().ok_or_else(cut)?);
        let id_width = if flags & WIDE_IDS == 0 { 1 } else { 4 };
        let end_width = if flags & WIDE_ENDS == 0 { 2 } else { 4 };
        let (ids, rest) = rest.split_at_checked((cells + nulls) * id_width).ok_or_else(cut)?;
        let (ends, data) = rest.split_at_checked(cells * end_width).ok_or_else(cut)?;
        let view = Self { schema_version, flags, cells, nulls, ids, ends, data };
        let end = if cells == 0 { 0 } else { view.end(cells - 1) };
        if end != data.len() {
            return Err(CodecError::new(format!("the row's cells take {end} bytes, found {}", data.len())));
        }
        Ok(view)
    }

    /// Whether the row says what it has in a column, be it NULL. Otherwise it was written before there was one.
    pub fn holds(&self, column: ColumnId) -> bool {
        self.find(column, &mut Hint::default()) != Found::Absent
    }

    /// Which columns the row holds and which are NULL, as opaque bytes: equal in all rows that were
    /// written under one definition with the same columns NULL.
    pub(super) fn shape(&self) -> (&'a [u8], usize, u8) {
        (self.ids, self.cells, self.flags & WIDE_IDS)
    }

    /// Bytes of cell `i`; `None` if its bounds are damaged.
    #[inline]
    pub(super) fn cell(&self, i: usize) -> Option<&'a [u8]> {
        let start = if i == 0 { 0 } else { self.end(i - 1) };
        self.data.get(start..self.end(i))
    }

    #[inline]
    fn end(&self, i: usize) -> usize {
        if self.flags & WIDE_ENDS == 0 {
            usize::from(u16::from_le_bytes([self.ends[i * 2], self.ends[i * 2 + 1]]))
        } else {
            let at = i * 4;
            u32::from_le_bytes([self.ends[at], self.ends[at + 1], self.ends[at + 2], self.ends[at + 3]]) as usize
        }
    }

    fn id(&self, i: usize) -> u32 {
        if self.flags & WIDE_IDS == 0 {
            u32::from(self.ids[i])
        } else {
            let at = i * 4;
            u32::from_le_bytes([self.ids[at], self.ids[at + 1], self.ids[at + 2], self.ids[at + 3]])
        }
    }

    pub(super) fn find(&self, column: ColumnId, hint: &mut Hint) -> Found {
        let matches = |i: &usize| self.id(*i) == column.0;
        let (cells, all) = (0..self.cells, self.cells..self.cells + self.nulls);
        if cells.contains(&hint.cell) && matches(&hint.cell) {
            hint.cell += 1;
            return Found::Cell(hint.cell - 1);
        }
        if hint.null < self.nulls && matches(&(self.cells + hint.null)) {
            hint.null += 1;
            return Found::Null;
        }
        if let Some(i) = cells.into_iter().find(matches) {
            hint.cell = i + 1;
            return Found::Cell(i);
        }
        match all.into_iter().find(matches) {
            Some(i) => {
                hint.null = i - self.cells + 1;
                Found::Null
            }
            None => Found::Absent,
        }
    }
}

fn put_varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut v = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        v |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(v);
        }
    }
    None
}
