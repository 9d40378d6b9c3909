//! The imports that run in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deltatree_storage::api::CancelFlag;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::{Result, SqlError};

/// The imports of a node.
#[derive(Default)]
pub(crate) struct Imports {
    running: Mutex<BTreeMap<u64, Arc<RunningImport>>>,
    /// How many run.
    count: watch::Sender<usize>,
}

/// One of them, for those who look at it or end it.
#[derive(Default)]
pub(crate) struct RunningImport {
    /// Rows written so far.
    rows: AtomicU64,
    phase: Mutex<&'static str>,
    flag: CancelFlag,
    cancelled: watch::Sender<bool>,
    warnings: Mutex<Vec<SqlError>>,
}

/// Warnings kept of one import.
const WARNINGS_KEPT: usize = 64;

impl Imports {
    /// Adds an import.
    pub(super) fn add(&self, id: u64) -> Arc<RunningImport> {
        let import = Arc::new(RunningImport::default());
        let mut running = self.running.lock();
        running.insert(id, import.clone());
        self.count.send_replace(running.len());
        import
    }

    /// Removes one that has ended.
    pub(super) fn remove(&self, id: u64) {
        let mut running = self.running.lock();
        running.remove(&id);
        self.count.send_replace(running.len());
    }

    /// One that runs here.
    pub(crate) fn get(&self, id: u64) -> Option<Arc<RunningImport>> {
        self.running.lock().get(&id).cloned()
    }

    /// Ends them all, and waits until they are undone, at most `timeout`.
    pub(crate) async fn cancel_all(&self, timeout: Duration) {
        self.running.lock().values().for_each(|import| import.cancel());
        let mut count = self.count.subscribe();
        // Whoever is not done in time is undone at the next start.
        let _ = tokio::time::timeout(timeout, count.wait_for(|count| *count == 0)).await;
    }

    /// Waits until this import has ended.
    pub(crate) async fn ended(&self, id: u64) {
        let mut count = self.count.subscribe();
        while self.get(id).is_some() {
            if count.changed().await.is_err() {
                return;
            }
        }
    }
}

impl RunningImport {
    /// Asks for its end.
    pub(crate) fn cancel(&self) {
        self.flag.cancel();
        self.cancelled.send_replace(true);
    }

    /// Whether somebody has asked for its end.
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// Fails with 1317 once somebody has asked for its end.
    pub(super) fn check(&self) -> Result<()> {
        Ok(self.flag.check()?)
    }

    /// Resolves when somebody asks for its end.
    pub(super) async fn cancellation(&self) {
        // The sender lives in `self`.
        let _ = self.cancelled.subscribe().wait_for(|cancelled| *cancelled).await;
    }

    /// More rows are written.
    pub(super) fn advance(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows written so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Where it is in its work.
    pub(super) fn enter(&self, phase: &'static str) {
        *self.phase.lock() = phase;
    }

    /// See [`RunningImport::enter`].
    pub(crate) fn phase(&self) -> &'static str {
        *self.phase.lock()
    }

    /// Values were clamped.
    pub(super) fn warn(&self, warnings: Vec<SqlError>) {
        let mut kept = self.warnings.lock();
        let room = WARNINGS_KEPT.saturating_sub(kept.len());
        kept.extend(warnings.into_iter().take(room));
    }

    /// The first warnings.
    pub(crate) fn warnings(&self) -> Vec<SqlError> {
        self.warnings.lock().clone()
    }
}
