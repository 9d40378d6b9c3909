//! The baseline: a column store as a log-structured merge tree, of the kind that the DeltaTree paper
//! was measured against.
//!
//! A batch of upserts becomes a sorted run in memory; runs in memory are joined as they grow, and
//! written out when they are many rows; runs on disk are merged tier by tier. Nothing is looked up when
//! rows are written: which version of a key is the newest is found out by every scan, which merges all
//! runs by key. What can be done about that is done:
//!
//! - Runs on disk are DeltaTree's own packs: the same encodings, zone maps and memory maps.
//! - A zone whose keys no other run has anything between is handed on without a look at its keys.
//! - Elsewhere the merge gallops: a stretch of one run up to the next key of any other costs one search.
//! - Columns are filtered by zone, as DeltaTree does it, and only those that were asked for are decoded.
//! - The merge is divided by key range, so that all threads take part.
//! - Old versions are not kept: no scan of the past has to be served.
//! - Compaction is lazy leveling: tiers of few runs above one large run.
//!
//! | file | idea |
//! |---|---|
//! | `rows` | rows in memory: sorted, newest version of each key, joined |
//! | `run` | a sorted run, in memory or as a pack |
//! | `merge` | several runs → the newest row of each key |
//! | `scan` | the merge over key ranges, by all threads, and the columns |
//! | `rewrite` | the merge of whole runs into a new one on disk |
//! | `policy` | which runs to merge next |
//! | `store` | versions of the list of runs; apply, flush, compaction |

mod merge;
mod policy;
mod rewrite;
mod rows;
mod run;
mod scan;
mod store;
#[cfg(test)]
mod tests;

pub use store::{LsmConfig, LsmStore};
