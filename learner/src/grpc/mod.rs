//! How the processes of a cluster reach each other: gRPC, in plain text or over mutual TLS.
//!
//! - [`links`]: a channel to an address, and a server on a port; the only place that dials or listens
//! - [`tls`]: the files that make a process known to the others
//! - [`arrival`]: a connection that came in over TLS, and what was wrong with it if it fails
//! - [`trouble`]: why no answer came, in words, and said once

mod arrival;
mod links;
mod tls;
mod trouble;

pub use links::PeerLinks;
pub use tls::TlsFiles;

#[cfg(test)]
mod tests;
