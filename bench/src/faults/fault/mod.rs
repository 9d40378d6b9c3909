//! What goes wrong.
//!
//! - [`target`]: whom it befalls
//! - [`process_faults`]: processes that die, stand still, or stutter as on a slow disk
//! - [`machine_faults`]: clocks that jump, disks that are slow
//! - [`network_faults`]: processes that do not reach each other, one of them not, or late
//! - [`upkeep`]: tables that are changed or compacted meanwhile
//!
//! A fault lasts a while and is not undone by itself: [`make_whole`] undoes all. Several may strike at a time.

pub mod machine_faults;
pub mod network_faults;
pub mod process_faults;
pub mod target;
pub mod upkeep;

use std::time::Duration;

use super::cluster::{Machine, Role, Servers};
use crate::crash::random::Random;

pub use target::Target;

/// What a fault finds.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The server.
    pub servers: &'a Servers,
    /// The tables in use.
    pub tables: &'a [&'static str],
}

/// Something that goes wrong.
pub trait Fault: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> String;

    /// Whether it can befall this server.
    fn applies(&self, servers: &Servers) -> bool;

    /// Whether processes must run on machines of their own.
    fn needs_machines(&self) -> bool {
        false
    }

    /// Happens, and lasts. Says what it did.
    ///
    /// # Errors
    /// When it cannot, because of what another fault did.
    fn strike(&self, world: World<'_>, random: &mut Random) -> anyhow::Result<String>;
}

/// All of them.
pub fn all() -> Vec<Box<dyn Fault>> {
    use machine_faults::{ClockJumps, SlowDisk};
    use network_faults::{Harm, Isolation, Lag};
    use process_faults::{Kill, Pause, Stutter};
    let mut all: Vec<Box<dyn Fault>> = Vec::new();
    for target in Target::ALL {
        all.push(Box::new(Kill(target)));
        all.push(Box::new(Pause(target)));
        all.push(Box::new(Stutter(target)));
        for harm in Harm::ALL {
            all.push(Box::new(Isolation { target, harm }));
        }
        all.push(Box::new(Lag(target)));
        all.push(Box::new(ClockJumps(target)));
        all.push(Box::new(SlowDisk(target)));
    }
    all.push(Box::new(process_faults::Outage));
    all.push(Box::new(upkeep::SchemaChange));
    all.push(Box::new(upkeep::Compaction));
    all
}

/// A time between two, in milliseconds.
fn between(random: &mut Random, shortest: u64, longest: u64) -> Duration {
    Duration::from_millis(shortest + random.below(longest - shortest))
}

/// Undoes all faults: ways are open, clocks are right and disks fast, who stood still goes on, who is dead lives again.
///
/// # Errors
/// When a process does not start.
pub fn make_whole(servers: &Servers) -> anyhow::Result<()> {
    if let Some(links) = servers.links() {
        links.open_all();
    }
    for place in servers.places() {
        let mut process = servers.process(place);
        process.go_on()?;
        process.machine().map_or(Ok(()), Machine::mend)?;
        if let Some(how) = process.ended() {
            anyhow::bail!(how);
        }
    }
    [Role::Voter, Role::Single, Role::Learner, Role::FrontEnd].into_iter().try_for_each(|role| servers.start_all(role))
}
