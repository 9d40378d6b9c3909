//! Who asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mysql::Conn;
use mysql::prelude::Queryable;
use serde_json::Value;

use super::{Failure, Kind, Recorder};
use crate::crash::random::Random;
use crate::faults::cluster::Servers;

/// Pause before a client tries again to connect.
const PAUSE: Duration = Duration::from_millis(50);

/// An access path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Rows.
    Row,
    /// Columns.
    Columnar,
}

impl Path {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Row, Self::Columnar];

    /// Reads of the connection take this path from now on.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn choose(self, connection: &mut Conn) -> mysql::Result<()> {
        let engine = match self {
            Self::Row => "tikv",
            Self::Columnar => "tiflash",
        };
        connection.query_drop(format!("set session tidb_isolation_read_engines = '{engine}'"))
    }
}

/// What all clients of a run share.
#[derive(Debug)]
pub struct Surroundings {
    /// Whom they ask.
    pub servers: Servers,
    /// Whether they shall end.
    pub stop: AtomicBool,
}

/// A client of one workload. It reaches one front end, and connects anew when its connection breaks.
#[derive(Debug)]
pub struct Client<'a> {
    surroundings: &'a Surroundings,
    recorder: &'a Recorder,
    /// Who it is, from 0.
    pub number: usize,
    /// Its choices.
    pub random: Random,
    process: u64,
    speaker: usize,
    connection: Option<Conn>,
}

impl<'a> Client<'a> {
    /// The client of this number. Clients are spread over the front ends.
    pub fn new(surroundings: &'a Surroundings, recorder: &'a Recorder, number: usize, seed: u64) -> Self {
        let speakers = surroundings.servers.speakers();
        let random = Random::new(seed ^ ((number as u64 + 1) << 40));
        let speaker = speakers[number % speakers.len()];
        Self { surroundings, recorder, number, random, process: recorder.new_process(), speaker, connection: None }
    }

    /// Goes over to another front end.
    pub fn move_to(&mut self, speaker: usize) {
        self.speaker = speaker;
        self.connection = None;
    }

    /// Whether it shall end.
    pub fn is_told_to_stop(&self) -> bool {
        self.surroundings.stop.load(Ordering::Relaxed)
    }

    /// Connects, unless it is connected. False if that failed: it has waited a little then.
    fn connected(&mut self) -> bool {
        if self.connection.is_none() {
            self.connection = self.surroundings.servers.connect(self.speaker).ok();
            if self.connection.is_none() {
                std::thread::sleep(PAUSE);
            }
        }
        self.connection.is_some()
    }

    /// Asks, on the access path, and records question and answer. `None` without an answer.
    pub fn ask(
        &mut self,
        path: Path,
        question: Value,
        run: impl FnOnce(&mut Conn) -> Result<Value, Failure>,
    ) -> Option<Value> {
        if !self.connected() {
            return None;
        }
        let connection = self.connection.as_mut()?;
        self.recorder.record(Kind::Invoke, self.process, question.clone(), None);
        let outcome = path.choose(connection).map_err(Failure::from).and_then(|()| run(connection));
        match outcome {
            Ok(answer) => {
                self.recorder.record(Kind::Ok, self.process, answer.clone(), None);
                Some(answer)
            }
            Err(Failure { unknown, broken, why }) => {
                let kind = if unknown { Kind::Info } else { Kind::Fail };
                self.recorder.record(kind, self.process, question, Some(why));
                if unknown {
                    self.process = self.recorder.new_process();
                }
                if broken || unknown {
                    self.connection = None;
                }
                None
            }
        }
    }
}
