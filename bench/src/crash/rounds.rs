//! Rounds of start, check, write, kill.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mysql::prelude::Queryable;

use super::check::{Unknowns, check};
use super::items::{self, KeyKind};
use super::random::Random;
use super::transfers;
use crate::server::{Server, ServerCommand};

/// Workers that own rows: half of them on each kind of key.
const ITEM_WORKERS: u64 = 6;
/// Workers that move money.
const TRANSFER_WORKERS: u64 = 4;
/// The kill comes this long after the writing began, at least and at most.
const KILL_AFTER_MS: (u64, u64) = (50, 1500);

/// All writers, over all rounds.
#[derive(Debug)]
pub struct Workers {
    /// Those that own rows.
    pub items: Vec<items::Worker>,
    /// Those that move money.
    pub transfers: Vec<transfers::Worker>,
}

impl Workers {
    fn new(seed: u64) -> Self {
        let kind = |number: u64| KeyKind::ALL[(number % 2) as usize];
        Self {
            items: (0..ITEM_WORKERS).map(|number| items::Worker::new(number, kind(number), seed)).collect(),
            transfers: (0..TRANSFER_WORKERS).map(|number| transfers::Worker::new(number, seed)).collect(),
        }
    }

    fn committed(&self) -> u64 {
        let items = self.items.iter().map(|worker| worker.committed);
        items.chain(self.transfers.iter().map(|worker| worker.committed)).sum()
    }

    fn take_wrong(&mut self) -> Vec<String> {
        let items = self.items.iter_mut().flat_map(|worker| worker.wrong.drain(..));
        items.chain(self.transfers.iter_mut().flat_map(|worker| worker.wrong.drain(..))).collect()
    }
}

/// What one round did.
#[derive(Clone, Debug)]
pub struct Round {
    /// From 1; the last one only checks.
    pub number: usize,
    /// From the server's start, recovery included, until it accepted.
    pub ready_after: Duration,
    /// Unknown transactions of the round before, as found.
    pub unknowns: Unknowns,
    /// Commits acknowledged in all rounds so far.
    pub committed: u64,
    /// What was wrong, in words.
    pub wrong: Vec<String>,
}

/// Kills the server `rounds` times and checks after each time; calls `each` after every round.
///
/// # Errors
/// When the server does not start, or a query of a check fails: as bad as a wrong result, and the
/// directory is of no more use.
pub fn run(
    command: &ServerCommand,
    data_dir: &Path,
    rounds: usize,
    seed: u64,
    mut each: impl FnMut(&Round),
) -> anyhow::Result<()> {
    let mut random = Random::new(seed);
    let mut workers = Workers::new(seed);
    for number in 1..=rounds + 1 {
        let server = Server::start(command, data_dir)?;
        let ready_after = server.ready_after;
        let mut connection = server.connect()?;
        if number == 1 {
            for sql in KeyKind::ALL.into_iter().map(KeyKind::ddl).chain(transfers::ddl()) {
                connection.query_drop(sql)?;
            }
        }
        let (unknowns, mut wrong) = check(&mut connection, &mut workers)?;
        drop(connection);
        if number <= rounds {
            let pause = KILL_AFTER_MS.0 + random.below(KILL_AFTER_MS.1 - KILL_AFTER_MS.0);
            write_and_kill(server, &mut workers, Duration::from_millis(pause))?;
            wrong.extend(workers.take_wrong());
        } else {
            server.stop()?;
        }
        each(&Round { number, ready_after, unknowns, committed: workers.committed(), wrong });
    }
    Ok(())
}

fn write_and_kill(server: Server, workers: &mut Workers, pause: Duration) -> anyhow::Result<()> {
    let stop = AtomicBool::new(false);
    let items = workers.items.iter().map(|_| server.connect()).collect::<anyhow::Result<Vec<_>>>()?;
    let transfers = workers.transfers.iter().map(|_| server.connect()).collect::<anyhow::Result<Vec<_>>>()?;
    thread::scope(|scope| {
        for (worker, mut connection) in workers.items.iter_mut().zip(items) {
            let stop = &stop;
            scope.spawn(move || worker.run(&mut connection, stop));
        }
        for (worker, mut connection) in workers.transfers.iter_mut().zip(transfers) {
            let stop = &stop;
            scope.spawn(move || worker.run(&mut connection, stop));
        }
        thread::sleep(pause);
        server.kill();
        stop.store(true, Ordering::Relaxed);
    });
    Ok(())
}
