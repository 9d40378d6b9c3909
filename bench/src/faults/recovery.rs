//! How long a loss is felt: of the leader by writers, of the columnar replica by its readers, and whether
//! writers feel the latter at all.
//!
//! The processes reach each other directly here, as users' do.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mysql::Conn;
use mysql::prelude::Queryable;

use super::cluster::{Role, Servers, Shape};
use super::history::Path as AccessPath;
use crate::report::{Report, Target, median, ms};

/// Clients that write.
const WRITERS: usize = 4;
/// Longest time that is waited for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Measures, with so many kills of each, into the report. Blocks.
///
/// # Errors
/// When a process does not start, or does not serve again.
pub fn measure(program: &Path, dir: &Path, rounds: usize, report: &mut Report) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir)?;
    let shape = Shape::Cluster { voters: 3, learners: 1, front_ends: 2, linked: false };
    let servers = Servers::start(program, shape, dir, false)?;
    let mut connection = servers.connect(servers.speakers()[0])?;
    connection.query_drop("create table recovery (id bigint not null primary key, v bigint not null)")?;
    let ids: Vec<_> = (0..WRITERS).map(|id| format!("({id}, 0)")).collect();
    connection.query_drop(format!("insert into recovery values {}", ids.join(", ")))?;
    served(&servers, read_columns)?;
    let (mut leader, mut readers) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        leader.push(kill_leader(&servers)?);
        readers.push(kill_learner(&servers)?);
    }
    let longest = |times: &[Duration]| times.iter().max().copied().map_or(0.0, ms);
    let middle = |times: &[Duration]| median(times).map_or(0.0, ms);
    report.figure("from kill -9 of the leader to the next acknowledged write, median", middle(&leader), "ms");
    let target = Target::AtMost(3_000.0);
    report.figure_with_target(
        "from kill -9 of the leader to the next acknowledged write, longest",
        longest(&leader),
        "ms",
        target,
    );
    report.figure("from the learner's restart after kill -9 to a columnar read, median", middle(&readers), "ms");
    report.figure("from the learner's restart after kill -9 to a columnar read, longest", longest(&readers), "ms");
    let (alive, dead) = writes_with_and_without_the_learner(&servers, rounds)?;
    report.figure("writes/s with the learner alive", alive, "1/s");
    report.figure_with_target("writes/s with the learner dead / alive", dead / alive, "x", Target::AtLeast(0.97));
    servers.stop()
}

/// Kills the leader; how long it takes until a write that was begun afterwards is acknowledged.
fn kill_leader(servers: &Servers) -> anyhow::Result<Duration> {
    let leader = servers.leader()?;
    servers.process(leader).kill();
    let took = served(servers, write)?;
    servers.restart(leader)?;
    // The next leader must not be the one that has just come back and lacks half of the log.
    thread::sleep(Duration::from_secs(1));
    Ok(took)
}

/// Kills the columnar replica and starts it again; how long it takes until it is read.
fn kill_learner(servers: &Servers) -> anyhow::Result<Duration> {
    let learner = servers.of(Role::Learner).first().copied().context("there is no learner")?;
    servers.process(learner).kill();
    let killed = Instant::now();
    servers.restart(learner)?;
    served(servers, read_columns)?;
    Ok(killed.elapsed())
}

fn write(connection: &mut Conn) -> anyhow::Result<()> {
    Ok(connection.query_drop("update recovery set v = v + 1 where id = 0")?)
}

fn read_columns(connection: &mut Conn) -> anyhow::Result<()> {
    AccessPath::Columnar.choose(connection)?;
    Ok(connection.query_drop("select sum(v) from recovery where v >= 0")?)
}

/// How long it takes until all front ends have done something.
fn served(servers: &Servers, mut ask: impl FnMut(&mut Conn) -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    for speaker in servers.speakers() {
        while let Err(error) = servers.connect(speaker).and_then(|mut connection| ask(&mut connection)) {
            ensure!(begun.elapsed() < PATIENCE, "{} does not serve: {error:#}", servers.name(speaker));
            thread::sleep(PAUSE);
        }
    }
    Ok(begun.elapsed())
}

/// Writes a second, with the columnar replica alive and dead, in turns.
fn writes_with_and_without_the_learner(servers: &Servers, rounds: usize) -> anyhow::Result<(f64, f64)> {
    const WINDOW: Duration = Duration::from_secs(3);
    let learner = servers.of(Role::Learner).first().copied().context("there is no learner")?;
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let window = || {
        // What was under way when the learner came or went is not counted.
        thread::sleep(Duration::from_millis(500));
        let (before, begun) = (done.load(Ordering::Relaxed), Instant::now());
        thread::sleep(WINDOW);
        (done.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (stop, done) = (&stop, &done);
            let speakers = servers.speakers();
            let mut connection = servers.connect(speakers[writer % speakers.len()])?;
            scope.spawn(move || {
                let sql = format!("update recovery set v = v + 1 where id = {writer}");
                while !stop.load(Ordering::Relaxed) && connection.query_drop(&sql).is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let windows = || -> anyhow::Result<(f64, f64)> {
            let (mut alive, mut dead) = (0.0, 0.0);
            for _ in 0..rounds {
                alive += window();
                servers.process(learner).kill();
                dead += window();
                servers.restart(learner)?;
            }
            Ok((alive / rounds as f64, dead / rounds as f64))
        };
        let measured = windows();
        stop.store(true, Ordering::Relaxed);
        measured
    })
}
