//! The engine against the model.

mod concurrency;
mod faults;
mod harness;
mod model;
