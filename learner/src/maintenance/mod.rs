//! What happens in the background: safe point, collecting old versions, purging the log, and the
//! columnar engine's own work.

mod learner_care;
mod voter_care;
mod workers;

#[cfg(test)]
pub(crate) use learner_care::LearnerCare;
#[cfg(test)]
pub(crate) use voter_care::VoterCare;
pub(crate) use workers::Maintenance;
