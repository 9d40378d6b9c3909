//! Timestamps of transactions, and rows that carry them.
//!
//! Whoever begins after another transaction has ended gets no lesser timestamp, and a greater one if that has written,
//! through whichever front end, and whatever clocks do. A row is there for whoever begins later, on both access paths.

use std::sync::atomic::{AtomicU64, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;
use serde_json::{Value, json};

use super::{BEGIN_OPTIMISTIC, Workload};
use crate::faults::history::{Client, Event, Kind, Path, operations, transact};

/// See the module.
#[derive(Debug, Default)]
pub struct Timestamps {
    rows: AtomicU64,
}

/// The transaction's timestamp, and how many rows it sees up to that of the number asked for.
fn run(connection: &mut Conn, write: Option<u64>) -> mysql::Result<Value> {
    let ts: Option<u64> = connection.query_first("select @@tidb_current_ts")?;
    let newest: Option<u64> = connection.query_first("select coalesce(max(id), 0) from fault_timestamps")?;
    if let Some(id) = write {
        connection.query_drop(format!("insert into fault_timestamps (id) values ({id})"))?;
    }
    Ok(json!({ "ts": ts, "newest": newest, "wrote": write }))
}

impl Workload for Timestamps {
    fn name(&self) -> &'static str {
        "timestamps"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_timestamps"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        Ok(connection.query_drop("create table fault_timestamps (id bigint not null primary key)")?)
    }

    fn step(&self, client: &mut Client<'_>) {
        let write = client.random.percent(40).then(|| 1 + self.rows.fetch_add(1, Ordering::Relaxed));
        let path = if client.random.percent(50) { Path::Columnar } else { Path::Row };
        client.ask(path, json!(write), |connection| {
            transact(connection, BEGIN_OPTIMISTIC, |connection| run(connection, write))
        });
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        Path::ALL.into_iter().all(|path| {
            let asked = client.ask(path, Value::Null, |connection| {
                transact(connection, BEGIN_OPTIMISTIC, |connection| run(connection, None))
            });
            asked.is_some()
        })
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        let operations = operations(events);
        let mut done: Vec<_> = operations.iter().filter(|operation| operation.kind == Kind::Ok).collect();
        let mut wrong = Vec::new();
        // What had ended before each began, in the order of the ends.
        let mut ended = done.clone();
        ended.sort_by_key(|operation| operation.ended);
        done.sort_by_key(|operation| operation.began);
        let (mut before, mut ts, mut id) = (ended.into_iter().peekable(), 0, 0);
        for operation in done {
            while let Some(earlier) = before.next_if(|earlier| earlier.ended < operation.began) {
                let wrote = number(earlier.answer, "wrote");
                ts = ts.max(number(earlier.answer, "ts") + u64::from(wrote > 0));
                id = id.max(wrote);
            }
            if number(operation.answer, "ts") < ts {
                wrong.push(format!("{} began when it was {ts} already", operation.answer));
            }
            if number(operation.answer, "newest") < id {
                wrong.push(format!("{} began after row {id} was there", operation.answer));
            }
        }
        wrong
    }
}

/// 0 for what is not there.
fn number(answer: &Value, field: &str) -> u64 {
    answer[field].as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn event(kind: Kind, process: u64, value: Value) -> Event {
        Event { kind, process, value, at: Duration::ZERO, note: None }
    }

    /// One process after the other, each with its timestamp, what it saw and what it wrote.
    fn history(answers: &[(u64, u64, Option<u64>)]) -> Vec<Event> {
        let operation = |(process, &(ts, newest, wrote)): (usize, &_)| {
            let answer = json!({ "ts": ts, "newest": newest, "wrote": wrote });
            [event(Kind::Invoke, process as u64, json!(wrote)), event(Kind::Ok, process as u64, answer)]
        };
        answers.iter().enumerate().flat_map(operation).collect()
    }

    #[test]
    fn time_that_goes_back_and_rows_that_are_missed_are_found() {
        let check = |answers: &[_]| Timestamps::default().check(&history(answers)).len();
        assert_eq!(check(&[(5, 0, Some(1)), (6, 1, None), (9, 1, Some(2)), (10, 2, None)]), 0);
        assert_eq!(check(&[(5, 0, None), (5, 0, None)]), 0, "nothing happened meanwhile");
        assert_eq!(check(&[(5, 0, Some(1)), (5, 1, None)]), 1, "a commit took no time");
        assert_eq!(check(&[(5, 0, None), (7, 0, None), (6, 0, None)]), 1, "time goes back");
        assert_eq!(check(&[(5, 0, Some(1)), (6, 0, None)]), 1, "a row is missed");
        // At the same time nothing is said of the order.
        let mut both = history(&[(7, 0, Some(1)), (6, 0, None)]);
        both.swap(1, 2);
        assert_eq!(Timestamps::default().check(&both).len(), 0);
    }
}
