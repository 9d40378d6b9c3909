//! Timestamps: strictly increasing, close to physical time, and never going back.

mod oracle;

pub(crate) use oracle::{Oracle, WindowExhausted, timestamp_at};
