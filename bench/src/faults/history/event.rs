//! One moment of one operation.
//!
//! The form is Jepsen's: a *process* is a client that does one operation after the other, so an operation is
//! two events of one process, its invocation and what came of it. A client that does not know what came of
//! an operation goes on as another process, since the operation may still happen at any later time.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

/// Which moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It begins.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows.
    Info,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which moment.
    pub kind: Kind,
    /// Whose.
    pub process: u64,
    /// What is asked, or the answer. Each workload has its own form.
    pub value: Value,
    /// Since the beginning of the history.
    pub at: Duration,
    /// What the server said, if it failed, and where.
    pub note: Option<String>,
}

impl Event {
    /// As a line of a history that other checkers read too.
    pub fn line(&self, index: usize) -> String {
        let mut line = json!({
            "index": index,
            "type": self.kind.name(),
            "process": self.process,
            "f": "txn",
            "value": self.value,
            "time": u64::try_from(self.at.as_nanos()).unwrap_or(u64::MAX),
        });
        if let Some(note) = &self.note {
            line["error"] = json!(note);
        }
        line.to_string()
    }
}

/// An operation as a whole.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// What was asked.
    pub asked: &'a Value,
    /// What came of it.
    pub kind: Kind,
    /// The answer, if it happened.
    pub answer: &'a Value,
    /// Place of its invocation among the events.
    pub began: usize,
    /// Place of its end; [`usize::MAX`] if it may happen at any time.
    pub ended: usize,
}

/// The operations of a history, in the order of their beginnings.
pub fn operations(events: &[Event]) -> Vec<Operation<'_>> {
    let mut open = HashMap::new();
    let mut operations: Vec<Operation<'_>> = Vec::new();
    for (place, event) in events.iter().enumerate() {
        match event.kind {
            Kind::Invoke => {
                open.insert(event.process, operations.len());
                operations.push(Operation {
                    asked: &event.value,
                    kind: Kind::Info,
                    answer: &event.value,
                    began: place,
                    ended: usize::MAX,
                });
            }
            Kind::Ok | Kind::Fail | Kind::Info => {
                if let Some(operation) = open.remove(&event.process).and_then(|at: usize| operations.get_mut(at)) {
                    operation.kind = event.kind;
                    operation.answer = &event.value;
                    operation.ended = if event.kind == Kind::Info { usize::MAX } else { place };
                }
            }
        }
    }
    operations
}
