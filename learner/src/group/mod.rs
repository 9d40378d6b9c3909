//! The leader group of a single process: one voter, one columnar learner.

mod leader_group;
mod maintenance;
mod status;

pub use leader_group::{GateReport, LeaderGroup};
pub use status::GroupStatus;
