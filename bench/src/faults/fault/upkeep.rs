//! Tables are changed or compacted while other faults strike.

use std::time::{Duration, Instant};

use anyhow::Context;
use mysql::prelude::Queryable;

use super::{Fault, Target, World, between};
use crate::crash::random::Random;
use crate::faults::cluster::Servers;

/// Columns and indexes come and go.
pub struct SchemaChange;

impl Fault for SchemaChange {
    fn name(&self) -> String {
        "schema".into()
    }

    fn applies(&self, _: &Servers) -> bool {
        true
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        const NAMES: u64 = 3;
        run(world, random, |table, random| {
            let number = random.below(NAMES);
            match random.below(4) {
                0 => format!("alter table {table} add column extra_{number} int not null default {number}"),
                1 => format!("alter table {table} drop column extra_{number}"),
                2 => format!("alter table {table} add index by_id_{number} (id)"),
                _ => format!("alter table {table} drop index by_id_{number}"),
            }
        })
    }
}

/// Deltas are merged into packs.
pub struct Compaction;

impl Fault for Compaction {
    fn name(&self) -> String {
        "compact".into()
    }

    fn applies(&self, servers: &Servers) -> bool {
        // A front end cannot compact a replica in another process.
        Target::Server.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        run(world, random, |table, _| format!("alter table {table} compact"))
    }
}

/// Runs statements on tables for a while. Some fail: what they add is there, what they drop is not, or whoever
/// serves them dies.
fn run(
    world: World<'_>,
    random: &mut Random,
    statement: impl Fn(&str, &mut Random) -> String,
) -> anyhow::Result<String> {
    let time = between(random, 1_000, 4_000);
    let begun = Instant::now();
    let (mut done, mut failed) = (0, 0);
    let speakers = world.servers.speakers();
    while begun.elapsed() < time {
        let speaker = speakers[random.below(speakers.len() as u64) as usize];
        let Ok(mut connection) = world.servers.connect(speaker) else {
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let table =
            world.tables.get(random.below(world.tables.len().max(1) as u64) as usize).context("there is no table")?;
        match connection.query_drop(statement(table, random)) {
            Ok(()) => done += 1,
            Err(_) => failed += 1,
        }
    }
    Ok(format!("{done} statements, and {failed} that failed"))
}
