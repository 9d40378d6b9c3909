//! The engine against the model.

mod concurrency;
mod conditions;
mod faults;
mod filters;
mod forged;
mod harness;
mod model;
mod shape;
