//! The replicas of a process: voters with the row store, learners with the columnar engine.

mod columnar_learner;
mod row_source;
mod voter;

pub(crate) use columnar_learner::{ColumnarLearner, LearnerSetup};
pub(crate) use row_source::VoterRows;
pub(crate) use voter::{Voter, VoterSetup};
