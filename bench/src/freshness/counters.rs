//! What was acknowledged when, and what a query that saw too little was behind: the freshness of the
//! benchmark HATtrick.
//!
//! Each transactional client has a row with a counter and adds one to it in every transaction that writes.
//! A query at one timestamp reads the counters. If it does not see a number whose commit had been
//! acknowledged before it began, it is stale, by the time from that acknowledgement to its beginning.
//! The score of a query is the longest such time over all clients: 0 if it saw everything.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use mysql::Conn;
use mysql::prelude::Queryable;

use crate::tpcc::outcome::{Failure, write_one};
use crate::tpcc::terminal::Rider;

/// Sets a client's counter.
const SET: &str = "update freshness set f_number = ? where f_client = ?";

/// The counters of all clients, as far as they are acknowledged.
#[derive(Debug)]
pub struct Counters {
    /// By client: when its numbers from 1 on were acknowledged.
    acknowledged: Vec<Mutex<Vec<Instant>>>,
}

/// What one query saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Counters that it saw.
    pub checked: u64,
    /// Those among them that lacked something acknowledged.
    pub stale: u64,
    /// How old what it lacked was.
    pub score: Duration,
}

impl Counters {
    /// Those of so many clients, in a new table.
    ///
    /// # Errors
    /// When the table cannot be made.
    pub fn create(connection: &mut Conn, clients: usize) -> mysql::Result<Self> {
        connection.query_drop("drop table if exists freshness")?;
        connection
            .query_drop("create table freshness (f_client int not null primary key, f_number bigint not null)")?;
        let rows: Vec<_> = (0..clients).map(|client| format!("({client}, 0)")).collect();
        connection.query_drop(format!("insert into freshness values {}", rows.join(", ")))?;
        Ok(Self { acknowledged: (0..clients).map(|_| Mutex::default()).collect() })
    }

    /// Writes the next number of a client, without its commit unless the connection commits by itself.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn write_next(&self, connection: &mut Conn, client: usize) -> Result<(), Failure> {
        let set = connection.prep(SET)?;
        let next = self.times(client, |times| times.len()) + 1;
        write_one(connection, &set, (next, client), "counter")
    }

    /// A client's next number has just been acknowledged. The moment from which it must be seen.
    pub fn acknowledge(&self, client: usize) -> Instant {
        self.times(client, |times| {
            let now = Instant::now();
            times.push(now);
            now
        })
    }

    /// Reads all counters at the connection's timestamp, and judges what it sees by when the query began.
    ///
    /// # Errors
    /// When the query fails, or does not return every client's row.
    pub fn read(&self, connection: &mut Conn, began: Instant) -> anyhow::Result<Judgement> {
        let statement = connection.prep("select f_client, f_number from freshness")?;
        let seen: Vec<(usize, usize)> = connection.exec(statement, ())?;
        anyhow::ensure!(
            seen.len() == self.acknowledged.len(),
            "{} of {} rows of the table freshness were seen",
            seen.len(),
            self.acknowledged.len()
        );
        Ok(self.judge(began, &seen))
    }

    fn judge(&self, began: Instant, seen: &[(usize, usize)]) -> Judgement {
        let mut judgement = Judgement { checked: 0, stale: 0, score: Duration::ZERO };
        for &(client, number) in seen {
            judgement.checked += 1;
            // The first number that it did not see.
            let missed = self.times(client, |times| times.get(number).copied());
            if let Some(at) = missed.filter(|&at| at <= began) {
                judgement.stale += 1;
                judgement.score = judgement.score.max(began.duration_since(at));
            }
        }
        judgement
    }

    /// Nobody else has a client's times for longer than this takes.
    fn times<T>(&self, client: usize, look: impl FnOnce(&mut Vec<Instant>) -> T) -> T {
        let mut none = Vec::new();
        match self.acknowledged.get(client) {
            Some(times) => look(&mut times.lock().unwrap_or_else(PoisonError::into_inner)),
            None => look(&mut none),
        }
    }
}

/// Adds one to a client's counter in each of its transactions.
#[derive(Debug)]
pub struct Counting<'a> {
    /// All counters.
    pub counters: &'a Counters,
    /// Whose this is.
    pub client: usize,
}

impl Rider for Counting<'_> {
    fn before_commit(&mut self, connection: &mut Conn) -> Result<(), Failure> {
        self.counters.write_next(connection, self.client)
    }

    fn committed(&mut self) {
        self.counters.acknowledge(self.client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_as_stale_as_the_oldest_it_missed() {
        let counters = Counters { acknowledged: vec![Mutex::default(), Mutex::default()] };
        let first = counters.acknowledge(0);
        let second = counters.acknowledge(0);
        let other = counters.acknowledge(1);
        let began = other + Duration::from_millis(5);
        let judged = |seen: &[_]| {
            let Judgement { checked, stale, score } = counters.judge(began, seen);
            (checked, stale, score)
        };
        assert_eq!(judged(&[(0, 2), (1, 1)]), (2, 0, Duration::ZERO));
        assert_eq!(judged(&[(0, 1), (1, 1)]), (2, 1, began - second));
        assert_eq!(judged(&[(0, 0), (1, 0)]), (2, 2, began - first));
        // What is acknowledged after a query began need not be in it.
        assert_eq!(counters.judge(first, &[(0, 1), (1, 0)]).stale, 0);
    }
}
