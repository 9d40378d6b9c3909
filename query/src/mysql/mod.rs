//! The MySQL client/server protocol.
//!
//! - [`packet`]: frames, and the fields inside them
//! - [`handshake`], [`auth`], [`native_password`]: login
//! - [`infile`]: files that the client sends
//! - [`command_text`]: statements with bytes in them that are no text
//! - [`connection`]: the loop that reads commands and answers them
//! - [`prepared`], [`params`]: statements prepared over the wire and their binary parameters
//! - [`result_set`], [`binary`], [`column`]: Arrow batches out as text or binary rows
//! - [`server`]: accepts connections, within a limit, until shutdown

pub(crate) mod auth;
mod binary;
mod column;
mod command_text;
mod connection;
mod constants;
mod handshake;
mod infile;
pub(crate) mod native_password;
mod packet;
mod params;
mod prepared;
mod result_header;
mod result_set;
mod server;

pub use server::MySqlServer;
