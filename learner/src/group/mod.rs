//! The leader group as sessions work with it: one voter and one columnar learner in this process, or voters
//! in others.

mod leader_group;
mod status;

pub use leader_group::{GateReport, LeaderGroup, RemoteGroupConfig};
pub use status::GroupStatus;
