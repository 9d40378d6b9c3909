//! For tests of this and other crates: a model of what the engine should answer, and values of every
//! column type.

mod cells;
mod model;

pub use cells::{array_of, cell, cell_at};
pub use model::{Model, ModelRow, key_array};
