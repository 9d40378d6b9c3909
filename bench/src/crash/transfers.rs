//! Workers that move money between the same accounts, and a journal of all transfers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;

use super::model::Model;
use super::outcome::{Outcome, transact};
use super::random::Random;

const ACCOUNTS: u64 = 20;
const FIRST_BALANCE: i64 = 1_000_000;
/// Journal numbers of one worker.
const NUMBERS_A_WORKER: u64 = 1 << 32;

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    source: u64,
    target: u64,
    amount: i64,
}

/// Statements that create the tables and the accounts.
pub fn ddl() -> Vec<String> {
    let accounts: Vec<String> = (0..ACCOUNTS).map(|id| format!("({id}, {FIRST_BALANCE})")).collect();
    vec![
        "create table crash_accounts (id bigint not null primary key, balance bigint not null)".to_owned(),
        "create table crash_transfers (id bigint not null primary key, source bigint not null, target bigint not null, \
         amount bigint not null)"
            .to_owned(),
        format!("insert into crash_accounts values {}", accounts.join(", ")),
    ]
}

/// One mover of money, over all rounds.
#[derive(Debug)]
pub struct Worker {
    first_number: u64,
    done: u64,
    random: Random,
    /// What its part of the journal must be.
    pub model: Model<u64, Transfer>,
    /// Commits that the server acknowledged.
    pub committed: u64,
    /// What no right server does.
    pub wrong: Vec<String>,
}

impl Worker {
    /// The mover of this number.
    pub fn new(number: u64, seed: u64) -> Self {
        let random = Random::new(seed ^ (number << 40));
        let first_number = number * NUMBERS_A_WORKER;
        Self { first_number, done: 0, random, model: Model::new(), committed: 0, wrong: Vec::new() }
    }

    /// Whether a journal number is one of its own.
    pub fn owns(&self, number: u64) -> bool {
        (self.first_number..self.first_number + NUMBERS_A_WORKER).contains(&number)
    }

    /// Moves money until told to stop or the connection breaks.
    pub fn run(&mut self, connection: &mut Conn, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let id = self.first_number + self.done;
            self.done += 1;
            let source = self.random.below(ACCOUNTS);
            let target = (source + 1 + self.random.below(ACCOUNTS - 1)) % ACCOUNTS;
            let amount = 1 + self.random.below(1000) as i64;
            let ended = transact(
                connection,
                &[
                    format!("update crash_accounts set balance = balance - {amount} where id = {source}"),
                    format!("update crash_accounts set balance = balance + {amount} where id = {target}"),
                    format!("insert into crash_transfers values ({id}, {source}, {target}, {amount})"),
                ],
            );
            self.committed += u64::from(ended.outcome == Outcome::Committed);
            self.model.note(BTreeMap::from([(id, Some(Transfer { source, target, amount }))]), ended.outcome);
            self.wrong.extend(ended.wrong);
            if ended.outcome == Outcome::Unknown || !ended.connected {
                return;
            }
        }
    }
}

/// The balances and the journal on the connection's current access path.
#[derive(Debug, PartialEq)]
pub struct Books {
    /// By account.
    pub balances: BTreeMap<u64, i64>,
    /// By number.
    pub journal: BTreeMap<u64, Transfer>,
}

impl Books {
    /// Reads them, at one timestamp.
    ///
    /// # Errors
    /// When a query fails.
    pub fn read(connection: &mut Conn) -> anyhow::Result<Self> {
        connection.query_drop("begin")?;
        let balances: Vec<(u64, i64)> = connection.query("select id, balance from crash_accounts")?;
        let journal: Vec<(u64, u64, u64, i64)> =
            connection.query("select id, source, target, amount from crash_transfers")?;
        connection.query_drop("commit")?;
        let transfer = |(id, source, target, amount)| (id, Transfer { source, target, amount });
        Ok(Self { balances: balances.into_iter().collect(), journal: journal.into_iter().map(transfer).collect() })
    }

    /// What the balances must be by the journal.
    pub fn balances_by_journal(&self) -> BTreeMap<u64, i64> {
        let mut balances: BTreeMap<u64, i64> = (0..ACCOUNTS).map(|id| (id, FIRST_BALANCE)).collect();
        for transfer in self.journal.values() {
            *balances.entry(transfer.source).or_default() -= transfer.amount;
            *balances.entry(transfer.target).or_default() += transfer.amount;
        }
        balances
    }
}
