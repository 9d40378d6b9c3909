//! For tests of this and other crates: a model of what the engine should answer, and values of every
//! column type.

#[cfg(test)]
mod allocations;
mod cells;
#[cfg(test)]
mod damage;
mod measured;
mod model;
#[cfg(test)]
mod schema;

#[cfg(test)]
pub(crate) use allocations::peak_bytes;
pub use cells::{array_of, cell, cell_at};
#[cfg(test)]
pub(crate) use damage::{Damage, damage, damaged};
pub use measured::{DeletionsUnderTest, IndexUnderTest};
pub use model::{Model, ModelRow, key_array};
#[cfg(test)]
pub(crate) use schema::{column, schema};
