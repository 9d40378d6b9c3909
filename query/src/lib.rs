//! DeltaTree: analytics on data that is still changing, over the MySQL protocol.

pub mod tpch;
