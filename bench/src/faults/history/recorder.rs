//! All events of one workload.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use serde_json::Value;

use super::{Event, Kind};

/// Clients share it. The order of its events is that in which they were seen: an answer is recorded after it
/// came, a question before it is sent.
#[derive(Debug)]
pub struct Recorder {
    begun: Instant,
    events: Mutex<Vec<Event>>,
    next_process: AtomicU64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { begun: Instant::now(), events: Mutex::default(), next_process: AtomicU64::new(0) }
    }
}

/// How many operations ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Happened.
    pub ok: u64,
    /// Did not.
    pub fail: u64,
    /// Unknown.
    pub info: u64,
    /// What the server said, without its numbers, and how often.
    pub notes: BTreeMap<String, u64>,
}

impl Recorder {
    /// A number that no process has.
    pub fn new_process(&self) -> u64 {
        self.next_process.fetch_add(1, Ordering::Relaxed)
    }

    /// Something happened now.
    pub fn record(&self, kind: Kind, process: u64, value: Value, note: Option<String>) {
        let mut events = self.events.lock();
        let at = self.begun.elapsed();
        events.push(Event { kind, process, value, at, note });
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().clone()
    }

    /// How the operations so far ended.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for event in self.events.lock().iter() {
            match event.kind {
                Kind::Invoke => {}
                Kind::Ok => counts.ok += 1,
                Kind::Fail => counts.fail += 1,
                Kind::Info => counts.info += 1,
            }
            if let Some(note) = &event.note {
                *counts.notes.entry(without_numbers(note)).or_default() += 1;
            }
        }
        counts
    }

    /// Writes the history, a line an event.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        for (index, event) in self.events.lock().iter().enumerate() {
            writeln!(file, "{}", event.line(index))?;
        }
        Ok(file.flush()?)
    }
}

/// Messages that differ only in numbers and quoted names are one. The number at the beginning is the error's.
fn without_numbers(note: &str) -> String {
    const LONGEST: usize = 100;
    let (code, rest) = note.split_once(' ').unwrap_or((note, ""));
    let mut text = format!("{code} ");
    for c in rest.chars() {
        if !c.is_ascii_digit() {
            text.push(c);
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    text.chars().take(LONGEST).collect()
}
