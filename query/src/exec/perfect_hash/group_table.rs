//! Which group a row belongs to.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::column_codes::{ColumnCodes, numbering};

/// Bits of the numbers of a row's group columns together, at most: a table of 256 KiB, which stays in
/// a core's own cache, and which 16 bits cannot point out of.
pub(super) const MAX_BITS: u32 = u16::BITS;

/// A cell without a group.
const EMPTY: u32 = u32::MAX;

/// The groups seen so far, in the order in which they came.
pub(super) struct GroupTable {
    columns: Vec<Box<dyn ColumnCodes>>,
    /// For each column, the number of its value in each group.
    codes: Vec<Vec<u16>>,
    /// The group at each combination of numbers.
    groups: Box<[u32; 1 << MAX_BITS]>,
    /// Bits of each column's numbers when `groups` was laid out.
    bits: Vec<u32>,
    len: usize,
    /// Of the current batch, kept for their memory: the combination and the group of each row.
    cells: Vec<u16>,
    rows: Vec<usize>,
}

impl GroupTable {
    /// Whether there are tables for columns of these types.
    pub(super) fn exists_for(types: &[DataType]) -> bool {
        types.iter().all(|data_type| numbering(data_type).is_some())
    }

    /// An empty table for columns of these types; `None` if the values of one cannot be numbered.
    pub(super) fn new(types: &[DataType]) -> Option<Self> {
        let columns: Vec<_> = types.iter().map(numbering).collect::<Option<_>>()?;
        Some(Self {
            codes: vec![Vec::new(); columns.len()],
            bits: vec![0; columns.len()],
            columns,
            groups: Box::new([EMPTY; 1 << MAX_BITS]),
            len: 0,
            cells: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// Groups so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The group of each row of the batch that was added last.
    pub(super) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Finds the group of each of so many rows. `None` if they do not all fit into the table; then no
    /// group has been added.
    pub(super) fn add(&mut self, arrays: &[ArrayRef], rows: usize) -> Option<()> {
        let mut moved = false;
        for ((column, codes), array) in self.columns.iter_mut().zip(&mut self.codes).zip(arrays) {
            let grown = column.cover(array)?;
            if grown > 0 {
                moved = true;
                codes.iter_mut().filter(|code| **code != 0).for_each(|code| *code += grown);
            }
        }
        if moved || self.columns.iter().zip(&self.bits).any(|(column, &bits)| column.bits() != bits) {
            self.lay_out()?;
        }
        self.cells.clear();
        self.cells.resize(rows, 0);
        let mut shift = 0;
        for ((column, array), bits) in self.columns.iter().zip(arrays).zip(&self.bits) {
            column.write(array, shift, &mut self.cells);
            shift += bits;
        }
        self.rows.clear();
        self.rows.extend(self.cells.iter().map(|&cell| self.groups[cell as usize] as usize));
        if self.rows.contains(&(EMPTY as usize)) {
            self.add_new();
        }
        Some(())
    }

    /// Makes groups for the rows that have none.
    fn add_new(&mut self) {
        for (row, &cell) in self.rows.iter_mut().zip(&self.cells) {
            let group = &mut self.groups[cell as usize];
            if *group == EMPTY {
                *group = self.len as u32;
                self.len += 1;
                let mut rest = u32::from(cell);
                for (codes, bits) in self.codes.iter_mut().zip(&self.bits) {
                    codes.push((rest & ((1 << bits) - 1)) as u16);
                    rest >>= bits;
                }
            }
            *row = *group as usize;
        }
    }

    /// Makes the cells fit the numbers that the columns give now.
    fn lay_out(&mut self) -> Option<()> {
        let bits: Vec<_> = self.columns.iter().map(|column| column.bits()).collect();
        if bits.iter().sum::<u32>() > MAX_BITS {
            return None;
        }
        self.groups.fill(EMPTY);
        for group in 0..self.len {
            let mut shift = 0;
            let mut cell = 0u16;
            for (codes, bits) in self.codes.iter().zip(&bits) {
                cell |= codes[group].wrapping_shl(shift);
                shift += bits;
            }
            self.groups[cell as usize] = group as u32;
        }
        self.bits = bits;
        Some(())
    }

    /// The group columns, one row a group.
    pub(super) fn values(&self) -> Vec<ArrayRef> {
        self.columns.iter().zip(&self.codes).map(|(column, codes)| column.values(codes)).collect()
    }
}
