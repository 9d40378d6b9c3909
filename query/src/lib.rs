//! SQL, servers and the command line of DeltaTree.
//!
//! See `DESIGN.md` beside this crate for the life of a query.

pub mod planner;
