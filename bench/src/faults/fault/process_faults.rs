//! Processes that die, stand still, or stutter.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Fault, Target, World, between};
use crate::crash::random::Random;
use crate::faults::cluster::{Role, Servers};

/// `kill -9`. It is dead for up to four seconds.
pub struct Kill(pub Target);

impl Fault for Kill {
    fn name(&self) -> String {
        format!("kill-{}", self.0.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        self.0.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        let place = self.0.place(world.servers, random)?;
        world.servers.process(place).kill();
        let dead = between(random, 50, 4_000);
        sleep(dead);
        Ok(format!("{} was dead for {} ms", world.servers.name(place), dead.as_millis()))
    }
}

/// `kill -9` of all voters at once, as when the power fails.
pub struct Outage;

impl Fault for Outage {
    fn name(&self) -> String {
        "outage".into()
    }

    fn applies(&self, servers: &Servers) -> bool {
        Target::Leader.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        for place in world.servers.of(Role::Voter) {
            world.servers.process(place).kill();
        }
        let dead = between(random, 50, 1_500);
        sleep(dead);
        Ok(format!("all voters were dead for {} ms", dead.as_millis()))
    }
}

/// A process stands still, longer than its peers wait for a leader or shorter, and goes on as if no time had
/// passed.
pub struct Pause(pub Target);

impl Fault for Pause {
    fn name(&self) -> String {
        format!("pause-{}", self.0.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        self.0.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        let place = self.0.place(world.servers, random)?;
        world.servers.process(place).pause()?;
        let longest = if random.percent(50) { 1_500 } else { 8_000 };
        let paused = between(random, 100, longest);
        sleep(paused);
        world.servers.process(place).go_on()?;
        Ok(format!("{} stood still for {} ms", world.servers.name(place), paused.as_millis()))
    }
}

/// A process that hardly gets on: it stands still most of the time, in short bursts, as it does on a disk whose
/// every sync takes long.
pub struct Stutter(pub Target);

impl Fault for Stutter {
    fn name(&self) -> String {
        format!("stutter-{}", self.0.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        self.0.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        const RUNS: Duration = Duration::from_millis(15);
        let place = self.0.place(world.servers, random)?;
        let stands = between(random, 20, 300);
        let time = between(random, 1_000, 5_000);
        let begun = Instant::now();
        while begun.elapsed() < time {
            world.servers.process(place).pause()?;
            sleep(stands);
            world.servers.process(place).go_on()?;
            sleep(RUNS);
        }
        Ok(format!(
            "{} stood still for {} of every {} ms, for {} ms",
            world.servers.name(place),
            stands.as_millis(),
            (stands + RUNS).as_millis(),
            time.as_millis()
        ))
    }
}
