//! Workers that insert, update and delete rows of their own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;

use super::model::Model;
use super::outcome::{Outcome, transact};
use super::random::Random;

/// Keys that one worker writes.
const KEYS: u64 = 300;
/// Rows of one transaction, at most.
const ROWS_A_TRANSACTION: u64 = 5;

/// What the primary key of an items table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// One integer.
    Integer,
    /// A string, and a number: both kinds of key bytes.
    Composite,
}

impl KeyKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Integer, Self::Composite];

    /// The table's name.
    pub fn table(self) -> &'static str {
        match self {
            Self::Integer => "crash_items",
            Self::Composite => "crash_named_items",
        }
    }

    /// `CREATE TABLE`.
    pub fn ddl(self) -> String {
        let (columns, key) = match self {
            Self::Integer => ("id bigint not null", "id"),
            Self::Composite => ("name varchar(20) not null, id bigint not null", "name, id"),
        };
        format!(
            "create table {} ({columns}, version bigint not null, note varchar(200), primary key ({key}))",
            self.table()
        )
    }

    fn key_values(self, id: u64) -> String {
        match self {
            Self::Integer => id.to_string(),
            Self::Composite => format!("'{}', {id}", name(id)),
        }
    }

    fn condition(self, id: u64) -> String {
        match self {
            Self::Integer => format!("id = {id}"),
            Self::Composite => format!("name = '{}' and id = {id}", name(id)),
        }
    }
}

fn name(id: u64) -> String {
    format!("item {:02}", id % 17)
}

/// The row beside its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    version: i64,
    note: Option<String>,
}

/// One writer, over all rounds.
#[derive(Debug)]
pub struct Worker {
    kind: KeyKind,
    first_key: u64,
    random: Random,
    versions: i64,
    /// What its rows must be.
    pub model: Model<u64, Item>,
    /// Commits that the server acknowledged.
    pub committed: u64,
    /// What no right server does.
    pub wrong: Vec<String>,
}

impl Worker {
    /// The writer of this number: its keys are nobody else's.
    pub fn new(number: u64, kind: KeyKind, seed: u64) -> Self {
        let random = Random::new(seed ^ (number << 32));
        let model = Model::new();
        Self { kind, first_key: number * KEYS, random, versions: 0, model, committed: 0, wrong: Vec::new() }
    }

    /// The table that it writes.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether a key is one of its own.
    pub fn owns(&self, key: u64) -> bool {
        (self.first_key..self.first_key + KEYS).contains(&key)
    }

    /// Writes until told to stop or the connection breaks.
    pub fn run(&mut self, connection: &mut Conn, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let mut changes = BTreeMap::new();
            let rows = if self.random.percent(50) { 1 } else { 1 + self.random.below(ROWS_A_TRANSACTION) };
            for _ in 0..rows {
                let key = self.first_key + self.random.below(KEYS);
                let deletes = self.model.get(&key).is_some() && self.random.percent(30);
                let row = if deletes { None } else { Some(self.new_item()) };
                changes.insert(key, row);
            }
            let statements: Vec<String> = changes.iter().map(|(key, row)| self.statement(*key, row.as_ref())).collect();
            let ended = transact(connection, &statements);
            self.committed += u64::from(ended.outcome == Outcome::Committed);
            self.model.note(changes, ended.outcome);
            self.wrong.extend(ended.wrong);
            if ended.outcome == Outcome::Unknown || !ended.connected {
                return;
            }
        }
    }

    fn new_item(&mut self) -> Item {
        self.versions += 1;
        let note = match self.random.below(4) {
            0 => None,
            1 => Some(String::new()),
            _ => Some(format!("note {}", "x".repeat(self.random.below(150) as usize))),
        };
        Item { version: self.versions, note }
    }

    fn statement(&self, key: u64, row: Option<&Item>) -> String {
        let (table, condition) = (self.kind.table(), self.kind.condition(key));
        let Some(Item { version, note }) = row else { return format!("delete from {table} where {condition}") };
        let note = note.as_ref().map_or("null".to_owned(), |note| format!("'{note}'"));
        if self.model.get(&key).is_some() {
            format!("update {table} set version = {version}, note = {note} where {condition}")
        } else {
            format!("insert into {table} values ({}, {version}, {note})", self.kind.key_values(key))
        }
    }
}

/// All rows of an items table on the connection's current access path, by key.
///
/// # Errors
/// When the query fails or a key comes twice.
pub fn read(connection: &mut Conn, kind: KeyKind) -> anyhow::Result<BTreeMap<u64, Item>> {
    let rows: Vec<(u64, i64, Option<String>)> =
        connection.query(format!("select id, version, note from {}", kind.table()))?;
    let count = rows.len();
    let rows: BTreeMap<_, _> = rows.into_iter().map(|(id, version, note)| (id, Item { version, note })).collect();
    anyhow::ensure!(rows.len() == count, "a key of {} came twice", kind.table());
    Ok(rows)
}
