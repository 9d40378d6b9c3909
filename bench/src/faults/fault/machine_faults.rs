//! Machines whose clocks jump and whose disks are slow.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::{Fault, Target, World, between};
use crate::crash::random::Random;
use crate::faults::cluster::Servers;

/// A clock jumps forwards and backwards, mostly by seconds, sometimes by minutes, and is right again in the end.
pub struct ClockJumps(pub Target);

impl Fault for ClockJumps {
    fn name(&self) -> String {
        format!("clock-{}", self.0.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        self.0.exists(servers)
    }

    fn needs_machines(&self) -> bool {
        true
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        const SECONDS: u64 = 5_000;
        const MINUTES: u64 = 20 * 60_000;
        let place = self.0.place(world.servers, random)?;
        let time = between(random, 1_000, 4_000);
        let begun = Instant::now();
        let mut jumps = Vec::new();
        while begun.elapsed() < time {
            let farthest = if random.percent(70) { SECONDS } else { MINUTES };
            let off = i64::try_from(random.below(2 * farthest))? - i64::try_from(farthest)?;
            world.servers.process(place).machine().context("the machine is not ours")?.set_clock_off(off)?;
            jumps.push(off.to_string());
            sleep(between(random, 100, 1_500));
        }
        Ok(format!("the clock of {} was off by {} ms", world.servers.name(place), jumps.join(", then ")))
    }
}

/// Every sync of a file takes long: of the log, of the row store, of the columnar engine.
pub struct SlowDisk(pub Target);

impl Fault for SlowDisk {
    fn name(&self) -> String {
        format!("disk-{}", self.0.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        self.0 != Target::FrontEnd && self.0.exists(servers)
    }

    fn needs_machines(&self) -> bool {
        true
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        let place = self.0.place(world.servers, random)?;
        let takes: Duration = between(random, 50, 500);
        let time = between(random, 1_000, 6_000);
        world.servers.process(place).machine().context("the machine is not ours")?.set_sync_takes(takes)?;
        sleep(time);
        let name = world.servers.name(place);
        Ok(format!("each sync of {name} took {} ms more, for {} ms", takes.as_millis(), time.as_millis()))
    }
}
