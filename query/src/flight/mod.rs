//! Arrow Flight SQL: queries whose results travel as Arrow, without being turned into rows.
//!
//! - [`server`]: the listening server
//! - [`service`]: statements and prepared statements

mod server;
mod service;

pub use server::FlightServer;
