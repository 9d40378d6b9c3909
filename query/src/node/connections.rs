//! Who is connected, what they run, and how they are interrupted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::catalog::system::Process;
use crate::error::{Result, SqlError};

/// Longest statement text that `SHOW PROCESSLIST` shows, in bytes.
const SHOWN_TEXT: usize = 1024;

/// The connections of a node. Embedded sessions count as connections too.
#[derive(Default)]
pub(crate) struct Connections {
    last_id: AtomicU32,
    open: Mutex<BTreeMap<u32, Arc<ConnectionEntry>>>,
}

/// One connection, as others see it.
pub(crate) struct ConnectionEntry {
    /// `CONNECTION_ID()`.
    pub(crate) id: u32,
    user: Mutex<String>,
    /// Peer address.
    pub(crate) host: String,
    activity: Mutex<Activity>,
    kill: watch::Sender<Kill>,
}

struct Activity {
    database: Option<String>,
    statement: Option<Arc<str>>,
    /// How far the statement is, if it says so.
    progress: Option<String>,
    since: Instant,
}

#[derive(Clone, Copy, Default)]
struct Kill {
    /// The whole connection shall end.
    connection: bool,
    /// How many times `KILL QUERY` was called for it.
    queries: u64,
}

impl Connections {
    /// Adds a connection.
    pub(crate) fn open(&self, user: &str, host: &str) -> Arc<ConnectionEntry> {
        // Zero is no connection id.
        let id = self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        let entry = Arc::new(ConnectionEntry {
            id,
            user: Mutex::new(user.to_owned()),
            host: host.to_owned(),
            activity: Mutex::new(Activity { database: None, statement: None, progress: None, since: Instant::now() }),
            kill: watch::Sender::default(),
        });
        self.open.lock().insert(id, entry.clone());
        entry
    }

    /// Removes a connection.
    pub(crate) fn close(&self, id: u32) {
        self.open.lock().remove(&id);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// How many of them run a statement.
    pub(crate) fn running(&self) -> usize {
        self.open.lock().values().filter(|entry| entry.activity.lock().statement.is_some()).count()
    }

    /// Ends a connection, or with `query_only` the statement that it runs. Fails with 1094 if there is
    /// none of that id.
    pub(crate) fn kill(&self, id: u32, query_only: bool) -> Result<()> {
        let entry = self.open.lock().get(&id).cloned();
        let entry = entry.ok_or_else(|| SqlError::new(1094, format!("Unknown thread id: {id}")))?;
        entry.kill.send_modify(|kill| {
            if query_only {
                kill.queries += 1;
            } else {
                kill.connection = true;
            }
        });
        Ok(())
    }

    /// The user of a connection.
    pub(crate) fn user_of(&self, id: u64) -> Option<String> {
        let id = u32::try_from(id).ok()?;
        self.open.lock().get(&id).map(|entry| entry.user())
    }

    /// Ends all connections.
    pub(crate) fn kill_all(&self) {
        for entry in self.open.lock().values() {
            entry.kill.send_modify(|kill| kill.connection = true);
        }
    }

    /// All connections, by id.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let open = self.open.lock();
        let rows = open.values().map(|entry| {
            let activity = entry.activity.lock();
            let (command, state) = match (&activity.statement, &activity.progress) {
                (Some(_), Some(progress)) => ("Query", progress.as_str()),
                (Some(_), None) => ("Query", "executing"),
                (None, _) => ("Sleep", ""),
            };
            Process {
                id: entry.id.into(),
                user: entry.user(),
                host: entry.host.clone(),
                database: activity.database.clone(),
                command: command.to_owned(),
                seconds: activity.since.elapsed().as_secs(),
                state: state.to_owned(),
                info: activity.statement.as_deref().map(|text| text[..text.floor_char_boundary(SHOWN_TEXT)].to_owned()),
            }
        });
        rows.collect()
    }
}

impl ConnectionEntry {
    /// User name.
    pub(crate) fn user(&self) -> String {
        self.user.lock().clone()
    }

    /// Notes who logged in.
    pub(crate) fn set_user(&self, user: &str) {
        user.clone_into(&mut self.user.lock());
    }

    /// Notes that a statement begins.
    pub(crate) fn begin(&self, statement: &Arc<str>, database: Option<&str>) {
        let mut activity = self.activity.lock();
        activity.statement = Some(statement.clone());
        if activity.database.as_deref() != database {
            activity.database = database.map(str::to_owned);
        }
        activity.since = Instant::now();
    }

    /// Notes that nothing runs.
    pub(crate) fn finish(&self) {
        let mut activity = self.activity.lock();
        if activity.statement.take().is_some() {
            activity.since = Instant::now();
        }
        activity.progress = None;
    }

    /// Notes how far the statement under way is, for `SHOW PROCESSLIST`.
    pub(crate) fn report(&self, progress: String) {
        self.activity.lock().progress = Some(progress);
    }

    /// Learns of interruptions from now on.
    pub(crate) fn interruption(&self) -> Interruption {
        let mut kill = self.kill.subscribe();
        let queries = kill.borrow_and_update().queries;
        Interruption { kill, queries }
    }
}

/// Waits for `KILL`.
#[derive(Clone)]
pub(crate) struct Interruption {
    kill: watch::Receiver<Kill>,
    /// `KILL QUERY` calls before this statement.
    queries: u64,
}

impl Interruption {
    /// Returns when the connection shall end.
    pub(crate) async fn connection_ended(&mut self) {
        // An error means that the connection is gone.
        let _ = self.kill.wait_for(|kill| kill.connection).await;
    }

    /// Returns when the statement that runs shall end.
    pub(crate) async fn query_ended(&mut self) {
        let before = self.queries;
        let _ = self.kill.wait_for(|kill| kill.queries > before).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn killing_a_query_ends_only_the_one_that_runs() {
        let connections = Connections::default();
        let entry = connections.open("root", "127.0.0.1");
        connections.kill(entry.id, true).unwrap();
        let mut later = entry.interruption();
        let waited = tokio::time::timeout(Duration::from_millis(20), later.query_ended()).await;
        assert!(waited.is_err(), "a kill before the statement began must not end it");
        connections.kill(entry.id, true).unwrap();
        later.query_ended().await;
        connections.kill(entry.id, false).unwrap();
        entry.interruption().connection_ended().await;
        connections.close(entry.id);
        assert_eq!(connections.kill(entry.id, false).unwrap_err().code, 1094);
    }
}
