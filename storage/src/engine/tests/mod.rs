//! The engine against the model.

mod harness;
mod model;
