//! Transactions of a session.
//!
//! ```text
//!              BEGIN, or any statement while autocommit = 0
//!   none ───────────────────────────────────────────────────▶ the user's own
//!    │  ▲                                                       │ COMMIT, ROLLBACK, schema change
//!    │  └───────────────────────────────────────────────────────┘
//!    │ a statement that writes, while autocommit = 1
//!    ▼
//!   the statement's own: committed as it ends
//! ```
//!
//! A statement is atomic in either: the place where it began is marked, and a failure undoes what
//! came after the mark. A statement's own transaction that lost a race is run again, since nothing of
//! it has reached the client; the user's own never is.
//!
//! Queries in the user's own transaction read at the timestamp of `BEGIN`, or with `READ COMMITTED` at one of
//! their own. Statements that change rows, or lock them, read the newest committed state, as MySQL's do.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_learner::table_write::KeyOp;
use deltatree_learner::{Savepoint, Transaction, TxnMode, TxnOptions};
use deltatree_storage::types::Timestamp;

use super::Session;
use super::failure::write_failed;
use crate::error::{Result, SqlError};
use crate::planner::TransactionOverlay;
use crate::statement::TransactionStatement;

/// A transaction in progress.
pub(crate) struct OpenTransaction {
    pub(crate) inner: Transaction,
    /// Made for one statement while autocommit = 1.
    pub(crate) of_statement: bool,
    /// Whether each of its queries sees the newest committed state: `READ COMMITTED`.
    read_committed: bool,
    read_only: bool,
    savepoints: Vec<(String, Savepoint)>,
    /// Where the statement under way began.
    statement: Option<Savepoint>,
    overlay: Option<Arc<TransactionOverlay>>,
}

impl OpenTransaction {
    /// Whether its statements lock what they change.
    pub(crate) fn pessimistic(&self) -> bool {
        self.inner.mode() == TxnMode::Pessimistic
    }

    /// What its queries see: the state as it began, or with `READ COMMITTED` the newest.
    pub(crate) async fn query_ts(&self) -> Result<Timestamp> {
        if self.read_committed { Ok(self.inner.current_ts().await?) } else { Ok(self.inner.start_ts()) }
    }

    /// Its changes so far, for its own reads; `None` if there are none.
    pub(crate) fn overlay(&mut self) -> Option<Arc<TransactionOverlay>> {
        if self.inner.is_clean() {
            return None;
        }
        let overlay =
            self.overlay.get_or_insert_with(|| Arc::new(TransactionOverlay::new(self.inner.dirty(&[], &[0xFF]))));
        Some(overlay.clone())
    }

    /// Marks where a statement begins.
    pub(crate) fn begin_statement(&mut self) {
        self.statement = Some(self.inner.savepoint());
    }

    /// The statement succeeded.
    pub(crate) fn end_statement(&mut self) {
        self.statement = None;
    }

    /// Undoes the statement under way.
    pub(crate) fn undo_statement(&mut self) {
        if let Some(mark) = self.statement.take() {
            self.inner.rollback_to(mark);
            self.overlay = None;
        }
    }

    fn savepoint_position(&self, name: &str) -> Result<usize> {
        self.savepoints
            .iter()
            .rposition(|(n, _)| n.eq_ignore_ascii_case(name))
            .ok_or_else(|| SqlError::new(1305, format!("SAVEPOINT {name} does not exist")))
    }
}

impl Session {
    /// Whether a transaction of the user's is open.
    pub fn in_transaction(&self) -> bool {
        self.transaction.as_ref().is_some_and(|t| !t.of_statement)
    }

    /// Runs `BEGIN`, `COMMIT` and their like.
    pub(crate) async fn steer_transaction(&mut self, statement: &TransactionStatement) -> Result<()> {
        match statement {
            TransactionStatement::Begin { read_only, optimistic, as_of } => {
                self.commit().await?;
                self.read_as_of(as_of.as_deref()).await?;
                self.begin(*read_only, *optimistic).await
            }
            TransactionStatement::Commit { chain } => {
                self.commit().await?;
                if *chain { self.begin(false, None).await } else { Ok(()) }
            }
            TransactionStatement::Rollback { chain } => {
                self.transaction = None;
                if *chain { self.begin(false, None).await } else { Ok(()) }
            }
            TransactionStatement::Savepoint(name) => {
                if let Some(open) = &mut self.transaction {
                    open.savepoints.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                    let mark = open.inner.savepoint();
                    open.savepoints.push((name.clone(), mark));
                }
                Ok(())
            }
            TransactionStatement::RollbackTo(name) => {
                let Some(open) = &mut self.transaction else { return Err(no_savepoint(name)) };
                let position = open.savepoint_position(name)?;
                let mark = open.savepoints[position].1;
                open.inner.rollback_to(mark);
                open.savepoints.truncate(position + 1);
                open.overlay = None;
                // What the statement's own mark would undo is gone already.
                open.statement = None;
                Ok(())
            }
            TransactionStatement::Release(name) => {
                let Some(open) = &mut self.transaction else { return Err(no_savepoint(name)) };
                let position = open.savepoint_position(name)?;
                open.savepoints.truncate(position);
                Ok(())
            }
        }
    }

    /// Opens a transaction of the user's.
    pub(crate) async fn begin(&mut self, read_only: bool, optimistic: Option<bool>) -> Result<()> {
        let optimistic = optimistic.unwrap_or_else(|| self.variables.text("tidb_txn_mode") == "optimistic");
        let mode = if optimistic { TxnMode::Optimistic } else { TxnMode::Pessimistic };
        let read_only =
            self.next_read_only.take().unwrap_or(read_only) || self.variables.switch("transaction_read_only");
        self.open(mode, false, read_only).await
    }

    /// Opens the transaction that a statement needs, if none is open: the user's own with
    /// autocommit = 0, one of its own otherwise. `contended`: it lost a race before, and shall lock.
    pub(crate) async fn open_for_statement(&mut self, contended: bool) -> Result<()> {
        if self.transaction.is_some() {
            return Ok(());
        }
        if !self.autocommit() {
            self.begin(false, None).await?;
        } else {
            let mode = if contended { TxnMode::Pessimistic } else { TxnMode::Optimistic };
            self.open(mode, true, false).await?;
        }
        if let Some(open) = &mut self.transaction {
            open.begin_statement();
        }
        Ok(())
    }

    async fn open(&mut self, mode: TxnMode, of_statement: bool, read_only: bool) -> Result<()> {
        let options = TxnOptions { mode, read_ts: self.fixed_ts()? };
        let inner = self.node.group().begin(options).await?;
        let read_committed = self.variables.text("transaction_isolation").ends_with("COMMITTED");
        self.transaction = Some(OpenTransaction {
            inner,
            of_statement,
            read_committed: read_committed && mode == TxnMode::Pessimistic,
            read_only,
            savepoints: Vec::new(),
            statement: None,
            overlay: None,
        });
        Ok(())
    }

    /// Commits the open transaction, if there is one. If it fails, the transaction is rolled back.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        let Some(open) = self.transaction.take() else { return Ok(()) };
        match open.inner.commit().await {
            Ok(_) => Ok(()),
            Err(e) => Err(write_failed(e, &self.node.group().catalog())),
        }
    }

    /// Ends a statement that was dropped before it was done, and undoes it.
    pub async fn abandon_statement(&mut self) {
        self.cancel.cancel();
        self.end_import().await;
        match &mut self.transaction {
            Some(open) if open.of_statement => self.transaction = None,
            Some(open) => open.undo_statement(),
            None => {}
        }
    }

    /// The open transaction, for writing. Fails with 1792 if it only reads.
    pub(crate) fn writable(&mut self) -> Result<&mut OpenTransaction> {
        let open = self.transaction.as_mut().ok_or_else(|| SqlError::internal("a write outside a transaction"))?;
        if open.read_only {
            return Err(SqlError::new(1792, "Cannot execute statement in a READ ONLY transaction."));
        }
        // Whatever is written next must show in later reads.
        open.overlay = None;
        Ok(open)
    }

    /// Buffers changes. With `checked`, keys that must be new are looked up now, at `read_ts`, and not
    /// only when the transaction commits. Fails with 3819 for a row that its table's checks refuse.
    pub(crate) fn apply(&mut self, ops: Vec<KeyOp>, checked: Option<Timestamp>) -> Result<()> {
        let ops = self.with_hidden_column(ops)?;
        self.enforce_checks(&ops)?;
        let catalog = self.node.group().catalog();
        let open = self.writable()?;
        for op in ops {
            let done = match op {
                KeyOp::Put { key, value } => open.inner.put(key, value),
                KeyOp::Delete { key } => open.inner.delete(key),
                KeyOp::Insert { key, value } => match checked.map(|ts| open.inner.get_at(&key, ts)) {
                    Some(Ok(Some(_))) => Err(deltatree_learner::Error::DuplicateKey { key }),
                    Some(Err(e)) => Err(e),
                    Some(Ok(None)) | None => open.inner.insert(key, value),
                },
            };
            done.map_err(|e| write_failed(e, &catalog))?;
        }
        Ok(())
    }

    /// How long to wait for locks: `innodb_lock_wait_timeout`.
    pub(crate) fn lock_patience(&self) -> Duration {
        Duration::from_secs(self.variables.number("innodb_lock_wait_timeout").max(1))
    }

    /// Locks rows that a statement has found: see [`Session::lock`]. A user's optimistic transaction finds out when
    /// it commits whether somebody has changed them.
    pub(crate) async fn lock_found(&mut self, keys: &[Bytes]) -> Result<Option<Timestamp>> {
        let open = self.writable()?;
        if !open.pessimistic() && !open.of_statement {
            open.inner.rely_on(keys);
        }
        self.lock(keys).await
    }

    /// Locks keys for the open transaction if it is pessimistic. Returns the timestamp at which the
    /// keys' state is now settled: nobody else changes them before this transaction ends.
    pub(crate) async fn lock(&mut self, keys: &[Bytes]) -> Result<Option<Timestamp>> {
        let wait = self.lock_patience();
        let open = self.writable()?;
        if !open.pessimistic() || keys.is_empty() {
            return Ok(None);
        }
        Ok(Some(open.inner.lock_keys(keys, wait).await?.for_update_ts))
    }
}

fn no_savepoint(name: &str) -> SqlError {
    SqlError::new(1305, format!("SAVEPOINT {name} does not exist"))
}
