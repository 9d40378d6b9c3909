//! Arrow Flight SQL: queries whose results travel as Arrow, without being turned into rows.
//!
//! - [`server`]: the listening server
//! - [`login`]: whose rights a call has
//! - [`service`]: statements and prepared statements

mod login;
mod server;
mod service;

pub use server::FlightServer;
