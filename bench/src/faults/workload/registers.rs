//! Transactions over values that replace each other.
//!
//! Every transaction reads a register before it writes it, so that a checker knows which value it replaced.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use adya::Workload as Model;
use mysql::Conn;
use mysql::prelude::Queryable;
use serde_json::{Value, json};

use super::{BEGIN_OPTIMISTIC, BEGIN_PESSIMISTIC, Workload};
use crate::faults::check::anomalies;
use crate::faults::history::{Client, Event, Path, transact};

/// Registers that are in use at a time.
const REGISTERS: u64 = 5;
/// Writes after which one of them gives way to a new one.
const WRITES_A_REGISTER: u64 = 60;

/// See the module.
#[derive(Debug, Default)]
pub struct Registers {
    values: AtomicU64,
}

impl Registers {
    fn plan(&self, client: &mut Client<'_>, writes: bool) -> Vec<Value> {
        let first = self.values.load(Ordering::Relaxed) / WRITES_A_REGISTER;
        let registers: BTreeSet<u64> =
            (0..=client.random.below(3)).map(|_| first + client.random.below(REGISTERS)).collect();
        let mut plan: Vec<Value> = registers.iter().map(|register| json!(["r", register, null])).collect();
        for register in registers {
            if writes && client.random.percent(60) {
                plan.push(json!(["w", register, self.values.fetch_add(1, Ordering::Relaxed)]));
            }
        }
        plan
    }
}

fn run(connection: &mut Conn, plan: &[Value], lock: &str) -> mysql::Result<Value> {
    let mut answer = Vec::new();
    for step in plan {
        let (register, value) = (&step[1], &step[2]);
        if step[0] == "r" {
            let read: Option<u64> =
                connection.query_first(format!("select v from fault_registers where id = {register}{lock}"))?;
            answer.push(json!(["r", register, read]));
        } else {
            connection.query_drop(format!("replace into fault_registers (id, v) values ({register}, {value})"))?;
            answer.push(step.clone());
        }
    }
    Ok(Value::Array(answer))
}

impl Workload for Registers {
    fn name(&self) -> &'static str {
        "registers"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_registers"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        Ok(connection.query_drop("create table fault_registers (id bigint not null primary key, v bigint not null)")?)
    }

    fn clients(&self) -> usize {
        4
    }

    fn step(&self, client: &mut Client<'_>) {
        let writes = client.random.percent(60);
        let plan = self.plan(client, writes);
        let pessimistic = writes && client.random.percent(50);
        let path = if !pessimistic && client.random.percent(50) { Path::Columnar } else { Path::Row };
        let (begin, lock) = if pessimistic { (BEGIN_PESSIMISTIC, " for update") } else { (BEGIN_OPTIMISTIC, "") };
        client.ask(path, json!(plan), |connection| {
            transact(connection, begin, |connection| run(connection, &plan, lock))
        });
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        let first = self.values.load(Ordering::Relaxed) / WRITES_A_REGISTER;
        let plan: Vec<_> = (first..first + REGISTERS).map(|register| json!(["r", register, null])).collect();
        Path::ALL.into_iter().all(|path| {
            let asked = client.ask(path, json!(plan), |connection| {
                transact(connection, BEGIN_OPTIMISTIC, |connection| run(connection, &plan, ""))
            });
            asked.is_some()
        })
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        anomalies(events, Model::RwRegister)
    }
}
