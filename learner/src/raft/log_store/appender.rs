//! Who appends to the log, and says when an append is durable.
//!
//! A thread of its own: it writes and syncs while Raft's task stays free to receive messages. In a
//! simulation it is a task that takes its time.

use std::sync::Arc;
use std::sync::mpsc;

use openraft::storage::LogFlushed;

use super::codec::write_error;
use super::durable::Writer;
use crate::error::{Error, Result};
use crate::raft::{Entry, StorageError, TypeConfig};
use crate::runtime::Favour;

/// Entries to append, and who to tell.
pub(super) struct Append {
    pub(super) entries: Vec<Entry>,
    pub(super) callback: LogFlushed<TypeConfig>,
}

/// See the module. Dropping it waits for what was begun, so that the directory is free afterwards.
pub(super) enum Appender {
    /// The product's.
    Thread {
        /// `None` only while this is being dropped.
        queue: Option<mpsc::Sender<Append>>,
        /// Ends when the queue does.
        thread: Option<std::thread::JoinHandle<()>>,
    },
    /// A simulation's.
    #[cfg(test)]
    Task(tokio::sync::mpsc::UnboundedSender<Append>),
}

impl Appender {
    pub(super) fn thread(writer: Arc<Writer>) -> Result<Self> {
        let (queue, appends) = mpsc::channel();
        let run = move || {
            Favour::RELAY.apply();
            while let Ok(append) = appends.recv() {
                writer.perform(append);
            }
        };
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(run)
            .map_err(Error::io("start the log writer"))?;
        Ok(Self::Thread { queue: Some(queue), thread: Some(thread) })
    }

    /// A task on the simulated runtime. Each append takes as long as `pause` says.
    #[cfg(test)]
    pub(super) fn task(writer: Arc<Writer>, pause: impl Fn() -> std::time::Duration + Send + 'static) -> Self {
        let (queue, mut appends) = tokio::sync::mpsc::unbounded_channel();
        crate::runtime::spawn(async move {
            while let Some(append) = appends.recv().await {
                crate::runtime::sleep(pause()).await;
                writer.perform(append);
            }
        });
        Self::Task(queue)
    }

    pub(super) fn append(&self, append: Append) -> Result<(), StorageError> {
        let sent = match self {
            Self::Thread { queue, .. } => queue.as_ref().is_some_and(|q| q.send(append).is_ok()),
            #[cfg(test)]
            Self::Task(queue) => queue.send(append).is_ok(),
        };
        if sent {
            return Ok(());
        }
        let reason = "its writer has stopped".to_owned();
        Err(write_error(Error::Io { action: "append to the log", reason }))
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        match self {
            Self::Thread { queue, thread } => {
                drop(queue.take());
                if let Some(thread) = thread.take() {
                    // A panic of the writer has already shown as failed appends.
                    let _ = thread.join();
                }
            }
            #[cfg(test)]
            Self::Task(_) => {}
        }
    }
}
