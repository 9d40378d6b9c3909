//! Transactions over lists that grow.
//!
//! A list is one row whose text has its elements in order, so a read tells in which order all appends before
//! it happened, and a checker can find out which transaction must have come before which other.
//!
//! Transactions that write are of two modes. Optimistic ones read at their snapshot. Pessimistic ones read
//! with `FOR UPDATE`: their other reads would be of their snapshot although what they change is newer, as in
//! MySQL. Those that only read take either access path, or both in turns.

use std::sync::atomic::{AtomicU64, Ordering};

use adya::Workload as Model;
use mysql::Conn;
use mysql::prelude::Queryable;
use serde_json::{Value, json};

use super::{BEGIN_OPTIMISTIC, BEGIN_PESSIMISTIC, Workload};
use crate::faults::check::anomalies;
use crate::faults::history::{Client, Event, Path, transact};

/// Lists that are in use at a time.
const LISTS: u64 = 6;
/// Appends after which one of the lists gives way to a new one.
const APPENDS_A_LIST: u64 = 40;

/// How transactions treat what they read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Care {
    /// As a transaction should.
    #[default]
    Right,
    /// They append to what a read without lock has shown, which others may have appended to since: the
    /// check must find it.
    Careless,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Appends {
    care: Care,
    elements: AtomicU64,
}

impl Appends {
    /// With transactions of this kind.
    pub fn new(care: Care) -> Self {
        Self { care, elements: AtomicU64::new(0) }
    }

    fn list(&self, client: &mut Client<'_>) -> u64 {
        self.elements.load(Ordering::Relaxed) / APPENDS_A_LIST + client.random.below(LISTS)
    }

    fn plan(&self, client: &mut Client<'_>, writes: bool) -> Vec<Value> {
        let length = 1 + client.random.below(4);
        let mut plan: Vec<Value> = Vec::new();
        for _ in 0..length {
            let list = self.list(client);
            if writes && client.random.percent(50) {
                plan.push(json!(["append", list, self.elements.fetch_add(1, Ordering::Relaxed)]));
            } else {
                plan.push(json!(["r", list, null]));
            }
        }
        plan
    }

    fn run(&self, connection: &mut Conn, plan: &[Value], locks: bool, other: Option<Path>) -> mysql::Result<Value> {
        let mut answer = Vec::new();
        for (place, step) in plan.iter().enumerate() {
            let list = &step[1];
            if step[0] == "r" {
                if let Some(path) = other.filter(|_| place % 2 == 1) {
                    path.choose(connection)?;
                }
                let read = read(connection, list, locks)?.unwrap_or_default();
                answer.push(json!(["r", list, elements(&read)]));
                continue;
            }
            let element = &step[2];
            let append = match self.care {
                Care::Right => format!(
                    "insert into fault_lists (id, elements) values ({list}, '{element}') \
                     on duplicate key update elements = concat(elements, ',{element}')"
                ),
                Care::Careless => {
                    let read = read(connection, list, false)?;
                    let longer = read.map_or(element.to_string(), |read| format!("{read},{element}"));
                    format!("replace into fault_lists (id, elements) values ({list}, '{longer}')")
                }
            };
            connection.query_drop(append)?;
            answer.push(step.clone());
        }
        Ok(Value::Array(answer))
    }
}

fn read(connection: &mut Conn, list: &Value, lock: bool) -> mysql::Result<Option<String>> {
    let lock = if lock { " for update" } else { "" };
    connection.query_first(format!("select elements from fault_lists where id = {list}{lock}"))
}

fn elements(list: &str) -> Value {
    list.split(',').filter_map(|element| element.parse::<u64>().ok()).collect()
}

impl Workload for Appends {
    fn name(&self) -> &'static str {
        "appends"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_lists"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        Ok(connection
            .query_drop("create table fault_lists (id bigint not null primary key, elements text not null)")?)
    }

    fn clients(&self) -> usize {
        6
    }

    fn step(&self, client: &mut Client<'_>) {
        let writes = client.random.percent(60);
        let plan = self.plan(client, writes);
        let path = if client.random.percent(50) { Path::Row } else { Path::Columnar };
        if !writes {
            let other = client.random.percent(50).then_some(if path == Path::Row { Path::Columnar } else { Path::Row });
            client.ask(path, json!(plan), |connection| {
                transact(connection, BEGIN_OPTIMISTIC, |connection| self.run(connection, &plan, false, other))
            });
            return;
        }
        let pessimistic = self.care == Care::Careless || client.random.percent(50);
        let begin = if pessimistic { BEGIN_PESSIMISTIC } else { BEGIN_OPTIMISTIC };
        let locks = pessimistic && self.care == Care::Right;
        // What is read for update comes from rows, on whichever path reads are.
        let path = if pessimistic { Path::Row } else { path };
        client.ask(path, json!(plan), |connection| {
            transact(connection, begin, |connection| self.run(connection, &plan, locks, None))
        });
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        let lists = self.elements.load(Ordering::Relaxed) / APPENDS_A_LIST + LISTS;
        let newest: Vec<_> = (lists.saturating_sub(2 * LISTS)..lists).map(|list| json!(["r", list, null])).collect();
        Path::ALL.into_iter().all(|path| {
            let asked = client.ask(path, json!(newest), |connection| {
                transact(connection, BEGIN_OPTIMISTIC, |connection| self.run(connection, &newest, false, None))
            });
            asked.is_some()
        })
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        anomalies(events, Model::ListAppend)
    }
}
