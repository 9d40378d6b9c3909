//! Money moves between accounts, and its sum stays.
//!
//! Each look at the accounts is one transaction that reads them on the row path and on the columnar path, and
//! through the secondary index: all must show the same balances, and their sum.

use mysql::Conn;
use mysql::prelude::Queryable;
use serde_json::{Value, json};

use super::{BEGIN_OPTIMISTIC, BEGIN_PESSIMISTIC, Workload};
use crate::faults::history::{Client, Event, Kind, Path, operations, transact};

const ACCOUNTS: u64 = 8;
const FIRST_BALANCE: i64 = 100;

/// See the module.
#[derive(Debug, Default)]
pub struct Bank;

fn look(connection: &mut Conn) -> mysql::Result<Value> {
    let rows = |connection: &mut Conn, from: &str| -> mysql::Result<Vec<(u64, i64)>> {
        connection.query(format!("select id, balance from {from} order by id"))
    };
    let by_row = rows(connection, "fault_accounts")?;
    let by_index = rows(connection, "fault_accounts force index (by_balance) where balance >= 0")?;
    Path::Columnar.choose(connection)?;
    let by_column = rows(connection, "fault_accounts")?;
    Ok(json!({"row": by_row, "index": by_index, "columnar": by_column}))
}

impl Workload for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fault_accounts"]
    }

    fn create(&self, connection: &mut Conn) -> anyhow::Result<()> {
        connection.query_drop(
            "create table fault_accounts (id bigint not null primary key, balance bigint not null, \
             key by_balance (balance))",
        )?;
        let accounts: Vec<_> = (0..ACCOUNTS).map(|id| format!("({id}, {FIRST_BALANCE})")).collect();
        Ok(connection.query_drop(format!("insert into fault_accounts (id, balance) values {}", accounts.join(", ")))?)
    }

    fn step(&self, client: &mut Client<'_>) {
        if client.random.percent(35) {
            self.finish(client);
            return;
        }
        let from = client.random.below(ACCOUNTS);
        let to = (from + 1 + client.random.below(ACCOUNTS - 1)) % ACCOUNTS;
        let amount = 1 + client.random.below(20);
        let question = json!({"from": from, "to": to, "amount": amount});
        if client.random.percent(50) {
            client.ask(Path::Row, question.clone(), |connection| {
                transact(connection, BEGIN_PESSIMISTIC, |connection| {
                    let take = "update fault_accounts set balance = balance";
                    connection.query_drop(format!("{take} - {amount} where id = {from} and balance >= {amount}"))?;
                    if connection.affected_rows() == 1 {
                        connection.query_drop(format!("{take} + {amount} where id = {to}"))?;
                    }
                    Ok(question)
                })
            });
        } else {
            client.ask(Path::Row, question.clone(), |connection| {
                transact(connection, BEGIN_OPTIMISTIC, |connection| {
                    let balance = |connection: &mut Conn, id: u64| -> mysql::Result<i64> {
                        let sql = format!("select balance from fault_accounts where id = {id}");
                        Ok(connection.query_first(sql)?.unwrap_or_default())
                    };
                    let amount = amount as i64;
                    let (before, there) = (balance(connection, from)?, balance(connection, to)?);
                    if before >= amount {
                        for (id, balance) in [(from, before - amount), (to, there + amount)] {
                            connection
                                .query_drop(format!("update fault_accounts set balance = {balance} where id = {id}"))?;
                        }
                    }
                    Ok(question)
                })
            });
        }
    }

    fn finish(&self, client: &mut Client<'_>) -> bool {
        client.ask(Path::Row, json!("look"), |connection| transact(connection, BEGIN_OPTIMISTIC, look)).is_some()
    }

    fn check(&self, events: &[Event]) -> Vec<String> {
        let looks = operations(events).into_iter().filter(|o| o.kind == Kind::Ok && o.asked == "look");
        looks.filter_map(|look| Some(format!("at event {}: {}", look.ended, wrong(look.answer)?))).collect()
    }
}

/// What is wrong with a look.
fn wrong(look: &Value) -> Option<String> {
    for path in ["index", "columnar"] {
        if look[path] != look["row"] {
            return Some(format!("the rows are {}, by {path} they are {}", look["row"], look[path]));
        }
    }
    let balances: Vec<i64> =
        look["row"].as_array().into_iter().flatten().filter_map(|account| account[1].as_i64()).collect();
    let whole = balances.len() == ACCOUNTS as usize
        && balances.iter().all(|&balance| balance >= 0)
        && balances.iter().sum::<i64>() == ACCOUNTS as i64 * FIRST_BALANCE;
    (!whole).then(|| format!("the accounts are {}", look["row"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_is_lost_is_missed_and_so_is_a_path_that_differs() {
        let accounts = |first: i64| (0..8).map(|id| json!([id, if id == 0 { first } else { 100 }])).collect::<Value>();
        let look = |row: i64, columnar: i64| json!({"row": accounts(row), "index": accounts(row), "columnar": accounts(columnar)});
        assert_eq!(wrong(&look(100, 100)), None);
        assert!(wrong(&look(99, 99)).is_some());
        assert!(wrong(&look(100, 99)).is_some());
    }
}
