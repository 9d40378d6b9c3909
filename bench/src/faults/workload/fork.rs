//! Single writes, and readers who must agree on their order.
//!
//! Each client has a counter of its own that only it raises, by single statements. A look reads all counters at
//! once, on one path. Of any two looks one must have seen everything that the other has (else the two saw the
//! writes in different orders: a *long fork*); a look must have seen everything that was acknowledged, or seen
//! by another look, before it began; and no write that was refused.
//!
//! A client whose write has an unknown outcome goes on with a new counter, since that write may come later.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;
use parking_lot::Mutex;
use serde_json::json;

use super::Workload;
use crate::faults::history::{Client, Event, Kind, Path, write};

/// See the module.
#[derive(Debug, Default)]
pub struct Fork {
    next_counter: AtomicU64,
    /// Each client's counter and its next value.
    own: Mutex<HashMap<usize, (u64, u64)>>,
}

/// What a look saw: each counter's value.
type Seen = BTreeMap<u64, u64>;

impl Fork {
    fn raise(&self, client: &mut Client<'_>) {
        let new = || (self.next_counter.fetch_add(1, Ordering::Relaxed), 1);
        let (counter, value) = *self.own.lock().entry(client.number).or_insert_with(new);
        let raised = client.ask(Path::Row, json!([counter, value]), |connection| {
            let sql = format!(
                "insert into fault_counters (id, v) values ({counter}, {value}) \
                 on duplicate key update v = {value}"
            );
            write(connection, &sql)?;
            Ok(json!([counter, value]))
        });
        let next = if raised.is_some() { (counter, value + 1) } else { new() };
        self.own.lock().insert(client.number, next);
    }

    fn look(client: &mut Client<'_>, path: Path) -> bool {
        let seen = client.ask(path, json!("look"), |connection| {
            let seen: Vec<(u64, u64)> = connection.query("select id, v from fault_counters where v > 0 order by id")?;
            Ok(json!(seen))
        });
        seen.is_some()
    }
}

impl Workload for Fork {
    fn name(&self) -> &'static str {
        "fork"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_counters"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        Ok(connection.query_drop("create table fault_counters (id bigint not null primary key, v bigint not null)")?)
    }

    fn clients(&self) -> usize {
        4
    }

    fn step(&self, client: &mut Client<'_>) {
        match client.random.below(4) {
            0 | 1 => self.raise(client),
            2 => drop(Self::look(client, Path::Row)),
            _ => drop(Self::look(client, Path::Columnar)),
        }
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        Path::ALL.into_iter().all(|path| Self::look(client, path))
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        let mut wrong = too_little_seen(events);
        wrong.extend(refused_and_seen(events));
        wrong.extend(forks(events));
        wrong
    }
}

fn seen(event: &Event) -> Option<Seen> {
    let pairs = event.value.as_array().filter(|pairs| pairs.iter().all(serde_json::Value::is_array))?;
    pairs.iter().map(|pair| Some((pair[0].as_u64()?, pair[1].as_u64()?))).collect()
}

fn raised(event: &Event) -> Option<(u64, u64)> {
    Some((event.value.get(0)?.as_u64()?, event.value.get(1)?.as_u64()?))
}

/// What of `floor` is not in `seen`.
fn lacks(seen: &Seen, floor: &Seen) -> Option<String> {
    floor.iter().find_map(|(counter, &value)| {
        let found = seen.get(counter).copied().unwrap_or(0);
        (found < value).then(|| format!("counter {counter} is {found} and was {value} before"))
    })
}

fn too_little_seen(events: &[Event]) -> Vec<String> {
    let mut known = Seen::new();
    let mut floors: HashMap<u64, Seen> = HashMap::new();
    let mut wrong = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let raise = |known: &mut Seen, counter, value| {
            let known: &mut u64 = known.entry(counter).or_default();
            *known = (*known).max(value);
        };
        match event.kind {
            Kind::Invoke => drop(floors.insert(event.process, known.clone())),
            Kind::Ok => {
                let floor = floors.remove(&event.process).unwrap_or_default();
                if let Some((counter, value)) = raised(event) {
                    raise(&mut known, counter, value);
                } else if let Some(seen) = seen(event) {
                    wrong.extend(lacks(&seen, &floor).map(|what| format!("at event {place}: {what}")));
                    seen.into_iter().for_each(|(counter, value)| raise(&mut known, counter, value));
                }
            }
            Kind::Fail | Kind::Info => drop(floors.remove(&event.process)),
        }
    }
    wrong
}

fn refused_and_seen(events: &[Event]) -> Vec<String> {
    let refused: HashSet<(u64, u64)> = events.iter().filter(|e| e.kind == Kind::Fail).filter_map(raised).collect();
    let looks = events.iter().enumerate().filter(|(_, e)| e.kind == Kind::Ok);
    let looks = looks.filter_map(|(place, e)| Some((place, seen(e)?)));
    let mut wrong = Vec::new();
    for (place, seen) in looks {
        let found = seen.into_iter().find(|pair| refused.contains(pair));
        wrong.extend(
            found.map(|(counter, value)| format!("at event {place}: counter {counter} is {value}, which was refused")),
        );
    }
    wrong
}

fn forks(events: &[Event]) -> Vec<String> {
    let mut looks: Vec<(u64, usize, Seen)> = (0..)
        .zip(events)
        .filter(|(_, event)| event.kind == Kind::Ok)
        .filter_map(|(place, event)| seen(event).map(|seen| (seen.values().sum(), place, seen)))
        .collect();
    // If all of them are in one order, it is that of their sums.
    looks.sort_by_key(|(sum, place, _)| (*sum, *place));
    let pairs = looks.windows(2).filter_map(|pair| {
        let [(_, one, less), (_, other, more)] = pair else { return None };
        let what = lacks(more, less)?;
        Some(format!("the looks at events {one} and {other} are a long fork: {what}"))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    fn event(kind: Kind, process: u64, value: Value) -> Event {
        Event { kind, process, value, at: Duration::ZERO, note: None }
    }

    /// Operations one after the other: asked and answered.
    fn history(operations: &[(Kind, Value, Value)]) -> Vec<Event> {
        let events = operations.iter().zip(0..).flat_map(|((kind, asked, answer), process)| {
            [event(Kind::Invoke, process, asked.clone()), event(*kind, process, answer.clone())]
        });
        events.collect()
    }

    fn look(answer: Value) -> (Kind, Value, Value) {
        (Kind::Ok, json!("look"), answer)
    }

    fn raise(kind: Kind, counter: u64, value: u64) -> (Kind, Value, Value) {
        (kind, json!([counter, value]), json!([counter, value]))
    }

    #[test]
    fn right_looks_pass() {
        let events = history(&[
            look(json!([])),
            raise(Kind::Ok, 0, 1),
            raise(Kind::Info, 1, 1),
            look(json!([[0, 1]])),
            look(json!([[0, 1], [1, 1]])),
        ]);
        assert_eq!(Fork::default().check(&events), Vec::<String>::new());
    }

    #[test]
    fn stale_looks_and_refused_writes_are_found() {
        let stale = history(&[raise(Kind::Ok, 0, 1), look(json!([]))]);
        assert_eq!(Fork::default().check(&stale).len(), 1);
        let backwards = history(&[raise(Kind::Info, 0, 1), look(json!([[0, 1]])), look(json!([]))]);
        assert_eq!(Fork::default().check(&backwards).len(), 1);
        let refused = history(&[raise(Kind::Fail, 0, 1), look(json!([[0, 1]]))]);
        assert_eq!(Fork::default().check(&refused).len(), 1);
    }

    #[test]
    fn looks_at_the_same_time_may_not_disagree_about_the_order() {
        let mut events: Vec<_> = (0..4).map(|process| event(Kind::Invoke, process, json!("?"))).collect();
        events.push(event(Kind::Ok, 0, json!([[0, 1]])));
        events.push(event(Kind::Ok, 1, json!([[1, 1]])));
        let wrong = Fork::default().check(&events);
        assert!(wrong.len() == 1 && wrong[0].contains("long fork"), "{wrong:?}");
    }
}
