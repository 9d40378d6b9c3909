//! The bench `upsert-grid`: what updates cost, and what they do to the scan that follows them.
//!
//! | file | idea |
//! |---|---|
//! | `workload` | which rows are touched in which order, and what is in them |
//! | `statements` | the same rows in the peers' SQL |
//! | `answer` | the query and its result, the same for everyone |
//! | `subject` | what is measured: DeltaTree's engine or a peer, behind one trait |
//! | `deltatree`, `peers` | the two kinds of subject |
//! | `grid` | one line of the grid: share after share, before and after compaction |
//! | `targets` | the figures that have a target and are no cell of the grid |
//! | `run` | options, order, tables |

mod answer;
mod deltatree;
mod grid;
mod peers;
pub mod run;
mod statements;
mod subject;
mod targets;
mod workload;
