//! How replicas reach each other: by memory within a process, by gRPC between processes.

mod network;
mod peer;
mod remote;
mod service;
mod wire;

pub(crate) use network::Network;
pub(crate) use peer::{Backlog, LocalPeer};
pub(crate) use remote::read_index;
pub(crate) use service::{ReadIndexService, replica_routes};
pub(crate) use wire::MESSAGE_BYTES;
