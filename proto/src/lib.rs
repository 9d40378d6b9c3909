//! Wire messages between DeltaTree processes. No logic: conversions live with their users.
//!
//! The definitions and the rules for changing them are in `proto/deltatree/v1/`.

/// Version 1 of the messages.
pub mod v1 {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::unwrap_used,
        reason = "generated; the docs are in the .proto files"
    )]

    tonic::include_proto!("deltatree.v1");
}
