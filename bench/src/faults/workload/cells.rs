//! Reads, writes and conditional writes of single rows, each a statement by itself: as if each took effect at
//! one moment between question and answer (*linearizable*).

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Workload;
use crate::faults::check::{CellOperation, Verdict, linearizable};
use crate::faults::history::{Client, Event, Kind, Path, operations, write};

/// Cells that are in use at a time.
const CELLS: u64 = 3;
/// Operations after which one of them gives way to a new one. The check takes long for many more.
const OPERATIONS_A_CELL: u64 = 24;

/// See the module.
#[derive(Debug, Default)]
pub struct Cells {
    operations: AtomicU64,
    /// The value of each cell that was acknowledged last.
    newest: Mutex<HashMap<u64, u64>>,
}

fn read(client: &mut Client<'_>, cell: u64, path: Path) -> bool {
    let answer = client.ask(path, json!(["r", cell]), |connection| {
        let value: Option<u64> = connection.query_first(format!("select v from fault_cells where id = {cell}"))?;
        Ok(json!(["r", cell, value]))
    });
    answer.is_some()
}

impl Workload for Cells {
    fn name(&self) -> &'static str {
        "cells"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_cells"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        Ok(connection.query_drop("create table fault_cells (id bigint not null primary key, v bigint not null)")?)
    }

    fn clients(&self) -> usize {
        4
    }

    fn step(&self, client: &mut Client<'_>) {
        // Its number is the value that an operation writes.
        let new = self.operations.fetch_add(1, Ordering::Relaxed);
        let cell = new / OPERATIONS_A_CELL / CELLS * CELLS + client.random.below(CELLS);
        match client.random.below(5) {
            0 => drop(read(client, cell, Path::Row)),
            1 => drop(read(client, cell, Path::Columnar)),
            2 => {
                let question = json!(["w", cell, new]);
                client.ask(Path::Row, question.clone(), |connection| {
                    let insert = format!("insert into fault_cells (id, v) values ({cell}, {new})");
                    write(connection, &format!("{insert} on duplicate key update v = {new}"))?;
                    self.newest.lock().insert(cell, new);
                    Ok(question)
                });
            }
            _ => {
                // Clients race for the newest value, and sometimes one has won by the time it is read here.
                let old = self.newest.lock().get(&cell).copied().unwrap_or(0);
                client.ask(Path::Row, json!(["cas", cell, old, new]), |connection| {
                    let sql = format!("update fault_cells set v = {new} where id = {cell} and v = {old}");
                    let changed = write(connection, &sql)? == 1;
                    if changed {
                        self.newest.lock().insert(cell, new);
                    }
                    Ok(json!(["cas", cell, old, new, changed]))
                });
            }
        }
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        let first = self.operations.load(Ordering::Relaxed) / OPERATIONS_A_CELL / CELLS * CELLS;
        (first..first + CELLS).all(|cell| Path::ALL.into_iter().all(|path| read(client, cell, path)))
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        let mut cells: BTreeMap<u64, Vec<(usize, usize, CellOperation)>> = BTreeMap::new();
        for operation in operations(events) {
            let cell = operation.asked[1].as_u64().unwrap_or_default();
            if let Some(what) = cell_operation(operation.kind, operation.answer) {
                cells.entry(cell).or_default().push((operation.began, operation.ended, what));
            }
        }
        let judged = cells.into_iter().filter_map(|(cell, operations)| match linearizable(&operations) {
            Verdict::Yes => None,
            Verdict::No => Some(format!("cell {cell} is not linearizable: {operations:?}")),
            Verdict::Unknown => Some(format!("cell {cell} cannot be checked: {} operations", operations.len())),
        });
        judged.collect()
    }
}

/// What an operation did, or may have done.
fn cell_operation(kind: Kind, value: &Value) -> Option<CellOperation> {
    let number = |place: usize| value[place].as_u64();
    Some(match (kind, value[0].as_str()?) {
        (Kind::Fail | Kind::Invoke, _) | (Kind::Info, "r") => return None,
        (Kind::Ok, "r") => CellOperation::Read(number(2)),
        (_, "w") => CellOperation::Write(number(2)?),
        (Kind::Ok, "cas") if value[4] == false => CellOperation::Differs(number(2)?),
        (_, "cas") => CellOperation::Swap(number(2)?, number(3)?),
        _ => return None,
    })
}
