//! Clients of both sides at once, measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use mysql::Conn;
use mysql::prelude::Queryable;

use super::analyst::{self, Ask, QueryTally};
use super::sites::Site;
use crate::gate_wait::GateWaits;
use crate::tpcc::mix::{self, Tally};
use crate::tpcc::scale::Scale;
use crate::tpcc::terminal::{Rider, Terminal};
use crate::tpcc::window::Window;

/// What clients do unmeasured before.
const WARM_UP: Duration = Duration::from_secs(1);
/// How often the first rounds of queries are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The clients of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Clients<'a> {
    /// Where transactions go.
    pub transactions: Site<'a>,
    /// Where queries go.
    pub queries: Site<'a>,
    /// The size of its tables.
    pub scale: Scale,
    /// How many run transactions.
    pub transactional: u32,
    /// How many run queries.
    pub analytical: usize,
    /// The `tidb_isolation_read_engines` of those.
    pub engines: &'a str,
    /// Of the transactions' inputs. Measurements with different seeds run different transactions.
    pub seed: u64,
}

/// What they did.
#[derive(Debug)]
pub struct Phase<T> {
    /// How long they were measured.
    pub time: Duration,
    /// One side.
    pub transactions: Tally,
    /// The other.
    pub queries: QueryTally,
    /// How long columnar reads had to wait.
    pub gate: GateWaits,
    /// What `during` returned.
    pub other: T,
}

impl<'a> Clients<'a> {
    /// Lets the clients run while `during` does, and measures them. Each transactional client has a rider;
    /// analytical ones run queries by `ask`. With `whole_round` the measurement goes on until each of those
    /// has run all 22. Blocks.
    ///
    /// # Errors
    /// When a client cannot connect, or `during` fails. A failed transaction or query is in the tallies.
    pub fn measure<R: Rider, T>(
        &self,
        rider: impl Fn(u32) -> R,
        ask: &Ask<'_>,
        whole_round: bool,
        during: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<Phase<T>> {
        let terminals = (0..self.transactional)
            .map(|number| Ok((rider(number), self.terminal(number)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let analysts = (0..self.analytical).map(|_| self.analyst()).collect::<anyhow::Result<Vec<_>>>()?;
        let window = Window::default();
        let in_first_round = AtomicUsize::new(self.analytical);
        thread::scope(|scope| {
            let (window, in_first_round) = (&window, &in_first_round);
            let terminals: Vec<_> = terminals
                .into_iter()
                .map(|(rider, terminal)| {
                    let site = self.transactions;
                    scope.spawn(move || {
                        site.enter();
                        mix::run(terminal, rider, window)
                    })
                })
                .collect();
            let analysts: Vec<_> = analysts
                .into_iter()
                .enumerate()
                .map(|(number, connection)| {
                    let site = self.queries;
                    scope.spawn(move || {
                        site.enter();
                        analyst::run(connection, number, window, in_first_round, ask)
                    })
                })
                .collect();
            thread::sleep(WARM_UP);
            let before = GateWaits::of(self.queries.server);
            let start = Instant::now();
            window.open();
            let other = during();
            while other.is_ok() && whole_round && in_first_round.load(Ordering::SeqCst) > 0 {
                thread::sleep(LOOK_EVERY);
            }
            let time = start.elapsed();
            // Whatever happened: the clients wait for this.
            window.close();
            let (mut transactions, mut queries) = (Tally::new()?, QueryTally::default());
            for terminal in terminals {
                transactions.add(terminal.join().map_err(|_| anyhow!("a thread of transactions failed"))??)?;
            }
            for analyst in analysts {
                queries.add(analyst.join().map_err(|_| anyhow!("a thread of queries failed"))?);
            }
            let gate = GateWaits::of(self.queries.server)?.since(&before?);
            Ok(Phase { time, transactions, queries, gate, other: other? })
        })
    }

    fn terminal(&self, number: u32) -> anyhow::Result<Terminal> {
        Ok(Terminal::new(self.transactions.server.connect()?, number, self.scale, self.seed)?)
    }

    fn analyst(&self) -> anyhow::Result<Conn> {
        let mut connection = self.queries.server.connect()?;
        connection.query_drop(format!("set session tidb_isolation_read_engines = '{}'", self.engines))?;
        Ok(connection)
    }
}
