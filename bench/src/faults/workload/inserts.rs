//! Every row whose insertion was acknowledged is found, and none whose insertion was refused.
//!
//! Rows get their primary keys from the server, and carry a token that must be unique. Some are inserted one
//! by one, some several at once: then all or none.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;
use serde_json::{Value, json};

use super::{BEGIN_OPTIMISTIC, BEGIN_PESSIMISTIC, Workload};
use crate::faults::history::{Client, Event, Failure, Kind, Operation, Path, operations, transact, write};

/// Most rows of one insertion.
const MOST_ROWS: u64 = 5;
/// Tokens that a look goes back.
const LOOK_BACK: u64 = 200;

/// See the module.
#[derive(Debug, Default)]
pub struct Inserts {
    tokens: AtomicU64,
}

/// Reads the tokens from one on. Those from the beginning are the last look, on both paths.
fn look(client: &mut Client<'_>, path: Path, from: u64) -> bool {
    let seen = client.ask(path, json!({"from": from}), |connection| {
        let sql = format!("select token from fault_rows where token >= {from}");
        let tokens: Vec<u64> = connection.query(sql)?;
        Ok(json!({"from": from, "tokens": tokens}))
    });
    seen.is_some()
}

fn insert(connection: &mut Conn, tokens: &[u64], way: u64) -> Result<(), Failure> {
    let rows: Vec<_> = tokens.iter().map(|token| format!("({token})")).collect();
    let insert = |rows: &str| format!("insert into fault_rows (token) values {rows}");
    if way == 0 {
        write(connection, &insert(&rows.join(", ")))?;
        return Ok(());
    }
    let begin = if way == 1 { BEGIN_OPTIMISTIC } else { BEGIN_PESSIMISTIC };
    transact(connection, begin, |connection| rows.iter().try_for_each(|row| connection.query_drop(insert(row))))
}

impl Workload for Inserts {
    fn name(&self) -> &'static str {
        "inserts"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_rows"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        Ok(connection.query_drop(
            "create table fault_rows (id bigint not null auto_increment primary key, token bigint not null, \
             unique key by_token (token))",
        )?)
    }

    fn step(&self, client: &mut Client<'_>) {
        if client.random.percent(25) {
            let path = Path::ALL[client.random.below(2) as usize];
            look(client, path, self.tokens.load(Ordering::Relaxed).saturating_sub(LOOK_BACK));
            return;
        }
        let rows = if client.random.percent(50) { 1 } else { 1 + client.random.below(MOST_ROWS) };
        let first = self.tokens.fetch_add(rows, Ordering::Relaxed);
        let tokens: Vec<_> = (first..first + rows).collect();
        let way = client.random.below(3);
        client.ask(Path::Row, json!(tokens), |connection| {
            insert(connection, &tokens, way)?;
            Ok(json!(tokens))
        });
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        Path::ALL.into_iter().all(|path| look(client, path, 0))
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        let operations = operations(events);
        let (looks, insertions): (Vec<_>, Vec<_>) = operations.into_iter().partition(|o| o.asked.is_object());
        let mut owners = HashMap::new();
        for (at, insertion) in insertions.iter().enumerate() {
            owners.extend(numbers(insertion.asked).into_iter().map(|token| (token, at)));
        }
        let looks = looks.iter().filter(|look| look.kind == Kind::Ok);
        looks
            .filter_map(|look| Some(format!("at event {}: {}", look.ended, wrong(look, &insertions, &owners)?)))
            .collect()
    }
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// What is wrong with a look. `owners` tells which insertion a token belongs to.
fn wrong(look: &Operation<'_>, insertions: &[Operation<'_>], owners: &HashMap<u64, usize>) -> Option<String> {
    let from = look.asked["from"].as_u64()?;
    let found = numbers(&look.answer["tokens"]);
    let seen: HashSet<u64> = found.iter().copied().collect();
    if seen.len() != found.len() {
        return Some("a token comes twice".into());
    }
    for token in &found {
        let Some(&owner) = owners.get(token) else { return Some(format!("nobody inserted token {token}")) };
        if insertions[owner].kind == Kind::Fail {
            return Some(format!("token {token} was refused and is there"));
        }
    }
    for insertion in insertions {
        let tokens: Vec<u64> = numbers(insertion.asked).into_iter().filter(|&token| token >= from).collect();
        let there = tokens.iter().filter(|token| seen.contains(token)).count();
        if there != 0 && there != tokens.len() {
            return Some(format!("of tokens {tokens:?}, inserted at once, {there} are there"));
        }
        if insertion.kind == Kind::Ok && insertion.ended < look.began && there != tokens.len() {
            return Some(format!("tokens {tokens:?} were acknowledged at event {} and are missing", insertion.ended));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(insertion: Kind, seen: Value) -> usize {
        let event = |kind, process, value| Event { kind, process, value, at: Duration::ZERO, note: None };
        let events = [
            event(Kind::Invoke, 0, json!([0, 1])),
            event(insertion, 0, json!([0, 1])),
            event(Kind::Invoke, 1, json!({"from": 0})),
            event(Kind::Ok, 1, json!({"from": 0, "tokens": seen})),
        ];
        Inserts::default().check(&events).len()
    }

    #[test]
    fn acknowledged_is_there_refused_is_not_and_unknown_is_whole() {
        for (insertion, seen, wrong) in [
            (Kind::Ok, json!([0, 1]), 0),
            (Kind::Ok, json!([]), 1),
            (Kind::Ok, json!([0, 1, 1]), 1),
            (Kind::Ok, json!([0, 1, 2]), 1),
            (Kind::Fail, json!([]), 0),
            (Kind::Fail, json!([0, 1]), 1),
            (Kind::Info, json!([]), 0),
            (Kind::Info, json!([0, 1]), 0),
            (Kind::Info, json!([1]), 1),
        ] {
            assert_eq!(check(insertion, seen.clone()), wrong, "{insertion:?} {seen}");
        }
    }
}
