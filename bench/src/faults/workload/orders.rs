//! TPC-C, small. Its terminals do not ask again what became of a transaction whose outcome they do not know: the
//! twelve conditions must hold either way.

use mysql::prelude::Queryable;
use mysql::{Conn, Row};
use serde_json::{Value, json};

use super::Workload;
use crate::faults::history::{Client, Event, Failure, Kind, Path};
use crate::tpcc;
use crate::tpcc::consistency::{Condition, conditions};
use crate::tpcc::load::load_alone;
use crate::tpcc::random::Source;
use crate::tpcc::scale::Scale;
use crate::tpcc::terminal::{Place, perform};

/// See the module.
#[derive(Debug, Default)]
pub struct Orders;

fn scale() -> Scale {
    Scale::hundredth(1)
}

fn trade(connection: &mut Conn, kind: tpcc::mix::Kind, seed: u64) -> Result<Value, Failure> {
    let place = Place { scale: scale(), warehouse: 1 };
    match perform(kind, connection, &mut Source::new(seed), place) {
        Ok(_) => Ok(json!(kind.name())),
        Err(tpcc::outcome::Failure::Statement(error)) => {
            let mut failure = Failure::at_commit(&error);
            failure.broken = failure.broken || connection.query_drop("rollback").is_err();
            Err(failure)
        }
        Err(tpcc::outcome::Failure::Wrong(what)) => {
            connection.query_drop("rollback")?;
            Ok(json!({"wrong": what}))
        }
    }
}

/// What violates the conditions, in words.
fn violations(connection: &mut Conn) -> Result<Value, Failure> {
    let mut violations = Vec::new();
    for Condition { number, sql } in conditions(scale()) {
        let rows: Vec<Row> = connection.query(sql)?;
        if let Some(row) = rows.into_iter().next() {
            violations.push(format!("condition 3.3.2.{number} is violated by {:?}", row.unwrap()));
        }
    }
    Ok(json!({"wrong": violations}))
}

impl Workload for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn tables(&self) -> &'static [&'static str] {
        // They have conditions of their own, and are not changed.
        &[]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        load_alone(connection, scale()).map(drop)
    }

    fn clients(&self) -> usize {
        2
    }

    fn step(&self, client: &mut Client<'_>) {
        let seed = client.random.number();
        let kind = tpcc::mix::Kind::draw(&mut Source::new(seed));
        client.ask(Path::Row, json!(kind.name()), |connection| trade(connection, kind, seed));
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        Path::ALL.into_iter().all(|path| client.ask(path, json!("conditions"), violations).is_some())
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        let answers = events.iter().enumerate().filter(|(_, event)| event.kind == Kind::Ok);
        let wrong = answers.filter(|(_, event)| match &event.value["wrong"] {
            Value::Null => false,
            Value::Array(violations) => !violations.is_empty(),
            _ => true,
        });
        wrong.map(|(place, event)| format!("at event {place}: {}", event.value["wrong"])).collect()
    }
}
