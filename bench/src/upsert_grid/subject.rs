//! What is measured.

use std::ops::Range;
use std::time::Duration;

use super::answer::Answer;

/// A table that takes upserts and answers the query. All threads of the machine are its own.
pub(super) trait Subject {
    /// As the tables of results call it.
    fn name(&self) -> &'static str;

    /// Applies upserts as one batch. Gives the time that it took, without making the rows where that
    /// can be told apart.
    fn upsert(&mut self, upserts: Range<u64>) -> anyhow::Result<Duration>;

    /// Lets it do what is due in the background, if it does nothing by itself.
    fn upkeep(&mut self) -> anyhow::Result<()>;

    /// Makes all upserts durable.
    fn flush(&mut self) -> anyhow::Result<()>;

    /// Gives it time to compact.
    fn settle(&mut self) -> anyhow::Result<()>;

    /// Runs the query once.
    fn query(&mut self) -> anyhow::Result<(Duration, Answer)>;

    /// Bytes of its files.
    fn bytes_on_disk(&self) -> anyhow::Result<u64>;

    /// Bytes written to its files so far, where they can be counted.
    fn bytes_written(&self) -> Option<u64>;
}
