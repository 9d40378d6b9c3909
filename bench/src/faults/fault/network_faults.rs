//! Processes that do not reach each other.

use std::thread::sleep;

use anyhow::Context;

use super::{Fault, Target, World, between};
use crate::crash::random::Random;
use crate::faults::cluster::{Links, Servers, Way};

/// How a process is separated from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Connections break.
    Cut,
    /// Nothing arrives, in either direction, and connections stay: what was sent arrives afterwards.
    Stall,
    /// What it sends does not arrive.
    Mute,
    /// What is sent to it does not arrive.
    Deafen,
}

impl Harm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cut, Self::Stall, Self::Mute, Self::Deafen];

    fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Stall => "stall",
            Self::Mute => "mute",
            Self::Deafen => "deafen",
        }
    }

    fn strike(self, links: &Links, place: usize, other: usize) {
        let (from, to) = match self {
            Self::Cut => (Some(Way::Cut), Some(Way::Cut)),
            Self::Stall => (Some(Way::Stalled), Some(Way::Stalled)),
            Self::Mute => (Some(Way::Stalled), None),
            Self::Deafen => (None, Some(Way::Stalled)),
        };
        if let Some(way) = from {
            links.set(place, other, way);
        }
        if let Some(way) = to {
            links.set(other, place, way);
        }
    }
}

/// A process is separated from all others, or from some of them.
pub struct Isolation {
    /// Which.
    pub target: Target,
    /// How.
    pub harm: Harm,
}

impl Fault for Isolation {
    fn name(&self) -> String {
        format!("{}-{}", self.harm.name(), self.target.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        servers.links().is_some() && self.target.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        let links = world.servers.links().context("the processes have no links")?;
        let place = self.target.place(world.servers, random)?;
        let from_all = random.percent(60);
        let mut from = Vec::new();
        for other in world.servers.places().filter(|&other| other != place) {
            if from_all || random.percent(50) {
                self.harm.strike(links, place, other);
                from.push(world.servers.name(other));
            }
        }
        let time = between(random, 300, 7_000);
        sleep(time);
        let name = world.servers.name(place);
        Ok(format!("{name}: {} from {} for {} ms", self.harm.name(), from.join(" and "), time.as_millis()))
    }
}

/// Everything to and from a process takes long.
pub struct Lag(pub Target);

impl Fault for Lag {
    fn name(&self) -> String {
        format!("lag-{}", self.0.name())
    }

    fn applies(&self, servers: &Servers) -> bool {
        servers.links().is_some() && self.0.exists(servers)
    }

    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String> {
        let links = world.servers.links().context("the processes have no links")?;
        let place = self.0.place(world.servers, random)?;
        for other in world.servers.places().filter(|&other| other != place) {
            links.set(place, other, Way::Slow(between(random, 1, 250)));
            links.set(other, place, Way::Slow(between(random, 1, 250)));
        }
        let time = between(random, 500, 6_000);
        sleep(time);
        Ok(format!("{} was up to 250 ms away for {} ms", world.servers.name(place), time.as_millis()))
    }
}
