//! Row changes as key-value mutations, with the entries of secondary indexes.

mod duplicate;
mod key_op;
mod row_writer;

pub use duplicate::duplicate_message;
pub use key_op::KeyOp;
pub use row_writer::RowWriter;

#[cfg(test)]
mod tests;
