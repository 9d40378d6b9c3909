//! Which copy of a table a scan reads, and by which key.
//!
//! [`candidates`](candidates::candidates) lists the legal paths for a table and its filters,
//! [`cost`] prices each in microseconds, [`choose`](choose::choose) takes one. Everything here is a
//! function of plain data: no I/O, no clock.

#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod access_path;
mod bounds;
mod candidates;
mod choose;
mod cost;
mod exact;
mod hint;
mod spans;

pub use access_path::{AccessPath, IndexRange};
pub use candidates::candidates;
pub use choose::{Bar, Choice, FEW_ROWS, Priced, Reason, already_read, choose, choose_few};
pub use cost::{Facts, columnar_us, price};
pub use exact::ExactPath;
pub use hint::Hints;

#[cfg(test)]
mod tests;
