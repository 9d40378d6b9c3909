//! How replicas reach each other: by memory within a process, by gRPC between processes.

mod network;
mod peer;

pub(crate) use network::Network;
pub(crate) use peer::{Backlog, LocalPeer};
