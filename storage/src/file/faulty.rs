//! A store in memory that fails as disks do: for tests of crashes and of full or broken disks.
//!
//! It keeps two states of each file and of the directory: what the process sees, and what the disk
//! surely holds. A sync carries the one over to the other. [`FaultyStore::crash`] throws away what
//! the process saw and leaves what the disk might: everything synced, and of the rest whatever the
//! seed decides — all of a write, none, or its beginning (a torn write), a name without its file's
//! bytes, a removal undone.
//!
//! ```text
//!               process sees          disk surely holds       after a crash
//! write         new bytes             old bytes               old, or old + some of the new
//! sync          new bytes             new bytes               new
//! create        name                  no name                 either
//! sync_dir      names                 the same names          these
//! replace       new contents + name   the same                new
//! ```
//!
//! Besides, a [`FaultPlan`] makes operations fail with chosen odds. Everything follows from one seed.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{FileStore, FileWriter};
use crate::error::{Error, Result};

/// How likely operations fail, in thousandths. Failures are decided by the store's seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Reads, listings, creations and removals that fail with EIO.
    pub io_errors: u16,
    /// Writes that fail with EIO after a part of the bytes was written.
    pub short_writes: u16,
    /// Syncs that fail with EIO; what they should have made durable is lost at the next crash.
    pub failed_syncs: u16,
    /// Bytes that fit on the disk before writes fail with ENOSPC. `None`: no bound.
    pub disk_bytes: Option<u64>,
}

/// A disk in memory that fails on demand. Clones share it, so that the "restarted" engine finds
/// what the "crashed" one left.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct Disk {
    plan: FaultPlan,
    random: u64,
    /// Counts crashes; writers of an earlier life fail.
    life: u64,
    next_inode: u64,
    files: BTreeMap<u64, Contents>,
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

impl FaultyStore {
    /// An empty disk whose faults follow from `seed`.
    pub fn new(seed: u64, plan: FaultPlan) -> Self {
        let disk = Disk {
            plan,
            random: seed,
            life: 0,
            next_inode: 0,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
        };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    /// Changes the odds from here on.
    pub fn set_plan(&self, plan: FaultPlan) {
        self.disk.lock().plan = plan;
    }

    /// Pulls the plug: un-synced bytes and names survive in whole, in part or not at all. Writers
    /// that were open fail from now on; bytes that were read stay readable.
    pub fn crash(&self) {
        let disk = &mut *self.disk.lock();
        disk.life += 1;
        let mut names = disk.synced_names.clone();
        for (name, inode) in &disk.names {
            if disk.synced_names.get(name) != Some(inode) && coin(&mut disk.random) {
                names.insert(name.clone(), *inode);
            }
        }
        for name in disk.synced_names.keys() {
            if !disk.names.contains_key(name) && coin(&mut disk.random) {
                names.remove(name);
            }
        }
        for contents in disk.files.values_mut() {
            contents.tear(&mut disk.random);
        }
        disk.files.retain(|inode, _| names.values().any(|i| i == inode));
        disk.names.clone_from(&names);
        disk.synced_names = names;
    }

    /// Changes one byte of a file, as a decaying disk does. Returns false if there is no such byte.
    pub fn damage(&self, name: &str, offset: usize, xor: u8) -> bool {
        let mut disk = self.disk.lock();
        let Some(contents) = disk.names.get(name).copied().and_then(|inode| disk.files.get_mut(&inode)) else {
            return false;
        };
        let bytes = [&mut contents.bytes, &mut contents.synced];
        bytes.into_iter().filter_map(|b| b.get_mut(offset)).map(|byte| *byte ^= xor).count() > 0
    }
}

impl Contents {
    /// What a crash leaves: the synced bytes, and perhaps a beginning of those written after them,
    /// the end of which may be zeros (the length got to the disk, the bytes did not).
    fn tear(&mut self, random: &mut u64) {
        let common = self.synced.iter().zip(&self.bytes).take_while(|(a, b)| a == b).count();
        if common < self.synced.len() {
            // Cut or rewritten: one state or the other.
            if coin(random) {
                self.bytes.clone_from(&self.synced);
            }
        } else {
            let unsynced = self.bytes.len() - common;
            let kept = common + (next(random) % (unsynced as u64 + 1)) as usize;
            let written = common + (next(random) % ((kept - common) as u64 + 1)) as usize;
            self.bytes.truncate(kept);
            self.bytes[written..].fill(0);
        }
        self.synced.clone_from(&self.bytes);
    }
}

impl Disk {
    fn chance(&mut self, thousandths: u16) -> bool {
        next(&mut self.random) % 1000 < u64::from(thousandths)
    }

    fn fail_at_random(&mut self, action: &'static str, name: &str) -> Result<()> {
        if self.chance(self.plan.io_errors) { Err(failed(action, name, EIO)) } else { Ok(()) }
    }

    fn contents(&mut self, action: &'static str, name: &str) -> Result<(u64, &mut Contents)> {
        let found = self.names.get(name).copied().and_then(|inode| Some((inode, self.files.get_mut(&inode)?)));
        found.ok_or_else(|| Error::io(action, path(name))(io::ErrorKind::NotFound.into()))
    }

    fn add(&mut self, name: &str, contents: Contents) -> u64 {
        self.next_inode += 1;
        self.files.insert(self.next_inode, contents);
        self.names.insert(name.to_owned(), self.next_inode);
        self.next_inode
    }

    /// Bytes that still fit.
    fn room(&self) -> u64 {
        let used: u64 = self.files.values().map(|c| c.bytes.len() as u64).sum();
        self.plan.disk_bytes.map_or(u64::MAX, |all| all.saturating_sub(used))
    }
}

impl FileStore for FaultyStore {
    fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let mut disk = self.disk.lock();
        disk.fail_at_random("create", name)?;
        if disk.names.contains_key(name) {
            return Err(Error::io("create", path(name))(io::ErrorKind::AlreadyExists.into()));
        }
        let inode = disk.add(name, Contents::default());
        Ok(Box::new(FaultyWriter { disk: self.disk.clone(), life: disk.life, inode, name: name.to_owned() }))
    }

    fn open(&self, name: &str) -> Result<Bytes> {
        let mut disk = self.disk.lock();
        disk.fail_at_random("open", name)?;
        let (_, contents) = disk.contents("open", name)?;
        Ok(Bytes::copy_from_slice(&contents.bytes))
    }

    fn replace(&self, name: &str, contents: &[u8]) -> Result<()> {
        let mut disk = self.disk.lock();
        disk.fail_at_random("replace", name)?;
        if disk.room() < contents.len() as u64 {
            return Err(failed("write", name, ENOSPC));
        }
        let inode = disk.add(name, Contents { bytes: contents.to_vec(), synced: contents.to_vec() });
        // The contents are synced before the rename, so a failure here leaves the old or the new.
        let odds = disk.plan.failed_syncs;
        if disk.chance(odds) {
            return Err(failed("sync directory", name, EIO));
        }
        disk.synced_names.insert(name.to_owned(), inode);
        Ok(())
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut disk = self.disk.lock();
        disk.fail_at_random("list", "")?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut disk = self.disk.lock();
        disk.fail_at_random("remove", name)?;
        disk.names.remove(name);
        Ok(())
    }

    fn sync_dir(&self) -> Result<()> {
        let disk = &mut *self.disk.lock();
        if disk.chance(disk.plan.failed_syncs) {
            return Err(failed("sync directory", "", EIO));
        }
        disk.synced_names.clone_from(&disk.names);
        disk.files.retain(|inode, _| disk.names.values().any(|i| i == inode));
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        path(name)
    }
}

#[derive(Debug)]
struct FaultyWriter {
    disk: Arc<Mutex<Disk>>,
    life: u64,
    inode: u64,
    name: String,
}

impl FaultyWriter {
    /// Runs `act` on the file, unless the disk has crashed since it was opened.
    fn with<T>(&self, action: &'static str, act: impl FnOnce(&mut Disk) -> Result<T>) -> Result<T> {
        let mut disk = self.disk.lock();
        if disk.life != self.life || !disk.files.contains_key(&self.inode) {
            return Err(failed(action, &self.name, EIO));
        }
        act(&mut disk)
    }
}

impl FileWriter for FaultyWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.with("write", |disk| {
            let room = disk.room();
            let (written, outcome) = if disk.chance(disk.plan.short_writes) {
                (next(&mut disk.random) % (bytes.len() as u64 + 1), Err(failed("write", &self.name, EIO)))
            } else if room < bytes.len() as u64 {
                (room, Err(failed("write", &self.name, ENOSPC)))
            } else {
                (bytes.len() as u64, Ok(()))
            };
            if let Some(contents) = disk.files.get_mut(&self.inode) {
                contents.bytes.extend_from_slice(&bytes[..written as usize]);
            }
            outcome
        })
    }

    fn sync(&mut self) -> Result<()> {
        self.with("sync", |disk| {
            if disk.chance(disk.plan.failed_syncs) {
                return Err(failed("sync", &self.name, EIO));
            }
            if let Some(contents) = disk.files.get_mut(&self.inode) {
                contents.synced.clone_from(&contents.bytes);
            }
            Ok(())
        })
    }

    fn len(&self) -> u64 {
        self.disk.lock().files.get(&self.inode).map_or(0, |c| c.bytes.len() as u64)
    }
}

/// The numbers of Linux.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn failed(action: &'static str, name: &str, code: i32) -> Error {
    Error::io(action, path(name))(io::Error::from_raw_os_error(code))
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("faulty").join(name)
}

/// SplitMix64.
fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut h = *random;
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

fn coin(random: &mut u64) -> bool {
    next(random) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_and_the_rest_may() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let store = FaultyStore::new(seed, FaultPlan::default());
            let mut a = store.create("a").unwrap();
            a.write(b"synced").unwrap();
            a.sync().unwrap();
            store.sync_dir().unwrap();
            a.write(b" torn").unwrap();
            store.create("b").unwrap().write(b"unnamed").unwrap();
            store.replace("c", b"whole").unwrap();
            store.crash();
            assert!(a.write(b"x").is_err());
            assert_eq!(store.open("c").unwrap(), "whole");
            let bytes = store.open("a").unwrap();
            assert!(bytes.starts_with(b"synced"));
            outcomes.insert((bytes.len(), store.open("b").is_ok()));
        }
        assert!(outcomes.len() > 6, "{outcomes:?}");
    }

    #[test]
    fn a_full_disk_says_so_and_keeps_what_fits() {
        let store = FaultyStore::new(1, FaultPlan { disk_bytes: Some(10), ..FaultPlan::default() });
        let mut a = store.create("a").unwrap();
        a.write(b"12345678").unwrap();
        let error = a.write(b"12345678").unwrap_err();
        assert!(matches!(error, Error::Io { source, .. } if source.raw_os_error() == Some(ENOSPC)));
        assert_eq!(a.len(), 10);
    }

    #[test]
    fn one_seed_gives_one_history() {
        let history = |seed| {
            let store = FaultyStore::new(seed, FaultPlan { short_writes: 300, io_errors: 100, ..FaultPlan::default() });
            (0..50)
                .map(|i| store.create(&format!("{i}")).and_then(|mut w| w.write(&[7; 90])).is_ok())
                .collect::<Vec<_>>()
        };
        assert_eq!(history(5), history(5));
        assert_ne!(history(5), history(6));
    }
}
