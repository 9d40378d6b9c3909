//! One run: processes start, clients work, faults strike, everything is made whole, and the histories are
//! checked.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::{Servers, Shape};
use super::fault::{Fault, World, make_whole};
use super::history::recorder::Counts;
use super::history::{Client, Recorder, Surroundings};
use super::whole::{self, await_service, paths_agree};
use super::workload::Workload;
use crate::crash::random::Random;

/// How often a last look is tried, however long each try takes: a machine with other work is slow.
const LEAST_TRIES: u32 = 10;
/// How long the server may take, once everything is whole, until it serves all clients again.
const SERVES_WITHIN: Duration = Duration::from_secs(60);

/// What is run.
pub struct Phase<'a> {
    /// The program that serves.
    pub program: &'a Path,
    /// As which processes.
    pub shape: Shape,
    /// Where data, logs and histories go.
    pub dir: PathBuf,
    /// What clients do.
    pub workloads: Vec<Box<dyn Workload>>,
    /// What goes wrong, one or two at a time.
    pub faults: Vec<Box<dyn Fault>>,
    /// How long clients work.
    pub time: Duration,
    /// Of all choices.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Faults that struck, in words.
    pub struck: Vec<String>,
    /// How operations ended, by workload.
    pub counts: Vec<(&'static str, Counts)>,
    /// What was wrong, in words.
    pub wrong: Vec<String>,
    /// Longest time from the undoing of faults until all clients were served.
    pub slowest_recovery: Duration,
}

impl Phase<'_> {
    /// Runs it. `tell` hears of each fault as it ends. Blocks.
    ///
    /// # Errors
    /// When the processes do not start at the beginning, or a history cannot be written.
    pub fn run(&self, mut tell: impl FnMut(&str)) -> anyhow::Result<Outcome> {
        std::fs::create_dir_all(&self.dir)?;
        let machines = self.faults.iter().any(|fault| fault.needs_machines());
        let servers = Servers::start(self.program, self.shape, &self.dir, machines)?;
        let surroundings = Surroundings { servers, stop: AtomicBool::new(false) };
        let servers = &surroundings.servers;
        let tables: Vec<_> = self.workloads.iter().flat_map(|workload| workload.tables()).copied().collect();
        let mut connection = servers.connect(servers.speakers()[0])?;
        for workload in &self.workloads {
            workload.create(&mut connection)?;
        }
        whole::create(&mut connection)?;
        drop(connection);
        let mut outcome = Outcome::default();
        await_service(servers, SERVES_WITHIN)?;
        let recorders: Vec<_> = self.workloads.iter().map(|_| Recorder::default()).collect();
        thread::scope(|scope| {
            let mut number = 0;
            for (workload, recorder) in self.workloads.iter().zip(&recorders) {
                for _ in 0..workload.clients() {
                    let mut client = Client::new(&surroundings, recorder, number, self.seed);
                    number += 1;
                    scope.spawn(move || {
                        while !client.is_told_to_stop() {
                            workload.step(&mut client);
                        }
                    });
                }
            }
            self.strike(World { servers, tables: &tables }, &mut outcome, &mut tell);
            surroundings.stop.store(true, Ordering::Relaxed);
        });
        for (workload, recorder) in self.workloads.iter().zip(&recorders) {
            self.look_at_the_end(workload.as_ref(), recorder, &surroundings, &mut outcome);
            recorder.write(&self.dir.join(format!("{}.jsonl", workload.name())))?;
            let wrong = workload.check(&recorder.events());
            outcome.wrong.extend(wrong.into_iter().map(|what| format!("{}: {what}", workload.name())));
            outcome.counts.push((workload.name(), recorder.counts()));
        }
        outcome.wrong.extend(paths_agree(servers, &tables));
        outcome.wrong.extend(servers.ended());
        if let Err(error) = servers.stop() {
            outcome.wrong.push(format!("{error:#}"));
        }
        Ok(outcome)
    }

    /// Faults come and go until the time is over.
    fn strike(&self, world: World<'_>, outcome: &mut Outcome, tell: &mut impl FnMut(&str)) {
        let mut random = Random::new(self.seed);
        let faults: Vec<&dyn Fault> =
            self.faults.iter().map(Box::as_ref).filter(|fault| fault.applies(world.servers)).collect();
        let begun = Instant::now();
        while begun.elapsed() < self.time {
            thread::sleep(Duration::from_millis(300 + random.below(1_500)));
            if faults.is_empty() || begun.elapsed() >= self.time {
                continue;
            }
            let at_a_time = 1 + usize::from(random.percent(30));
            let chosen: Vec<_> = (0..at_a_time).map(|_| faults[random.below(faults.len() as u64) as usize]).collect();
            let seeds: Vec<_> = chosen.iter().map(|_| random.number()).collect();
            let told: Vec<_> = thread::scope(|scope| {
                let mut striking = Vec::new();
                for (&fault, seed) in chosen.iter().zip(seeds) {
                    striking.push(scope.spawn(move || {
                        let mut random = Random::new(seed);
                        thread::sleep(Duration::from_millis(random.below(800)));
                        match fault.strike(world, &mut random) {
                            Ok(what) => format!("{}: {what}", fault.name()),
                            Err(error) => format!("{} did not strike: {error:#}", fault.name()),
                        }
                    }));
                }
                striking.into_iter().filter_map(|fault| fault.join().ok()).collect()
            });
            let undone = Instant::now();
            let served = make_whole(world.servers).and_then(|()| await_service(world.servers, SERVES_WITHIN));
            let recovery = undone.elapsed();
            outcome.slowest_recovery = outcome.slowest_recovery.max(recovery);
            let told = format!(
                "at {:5.1} s {}; served again after {} ms",
                begun.elapsed().as_secs_f64(),
                told.join("; "),
                recovery.as_millis()
            );
            tell(&told);
            if let Err(error) = served {
                outcome.wrong.push(format!("{told}: {error:#}"));
            }
            outcome.struck.push(told);
        }
    }

    /// Last reads through every front end.
    fn look_at_the_end(
        &self,
        workload: &dyn Workload,
        recorder: &Recorder,
        surroundings: &Surroundings,
        outcome: &mut Outcome,
    ) {
        let mut client = Client::new(surroundings, recorder, 0, self.seed);
        for speaker in surroundings.servers.speakers() {
            client.move_to(speaker);
            let deadline = Instant::now() + SERVES_WITHIN;
            let mut tries = 0;
            while !workload.finish(&mut client) {
                tries += 1;
                if Instant::now() > deadline && tries >= LEAST_TRIES {
                    let name = surroundings.servers.name(speaker);
                    outcome.wrong.push(format!("{}: no last look through {name}", workload.name()));
                    break;
                }
            }
        }
    }
}
