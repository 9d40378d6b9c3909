//! The replicas of a process: voters with the row store, learners with the columnar engine.

mod voter;

pub(crate) use voter::{Voter, VoterSetup};
