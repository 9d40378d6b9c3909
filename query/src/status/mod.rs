//! Status, metrics and health over HTTP.

mod server;

pub use server::StatusServer;
