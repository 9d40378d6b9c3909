//! The machine under a process: a clock that may be off, and a disk that may be slow.
//!
//! The server is as it is shipped and knows nothing of this. A small library takes the C library's place where a
//! process asks for the time or syncs a file. It is compiled when a run begins, and reads what it shall do from a
//! file that it shares with this program.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

const SOURCE: &str = include_str!("machine.c");

/// The compiled library.
#[derive(Clone, Debug)]
pub struct MachineLibrary(PathBuf);

impl MachineLibrary {
    /// Compiles it, in `dir`. Blocks.
    ///
    /// # Errors
    /// When there is no C compiler.
    pub fn build(dir: &Path) -> anyhow::Result<Self> {
        let (source, library) = (dir.join("machine.c"), dir.join("machine.so"));
        std::fs::write(&source, SOURCE)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let output = compiler.output().context("faults of clocks and disks need a C compiler, cc")?;
        ensure!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
        Ok(Self(library))
    }
}

/// The machine of one process, over all its lives.
#[derive(Debug)]
pub struct Machine {
    library: PathBuf,
    path: PathBuf,
    file: File,
}

impl Machine {
    /// One without faults. What it shall do is kept at `path`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn new(library: &MachineLibrary, path: PathBuf) -> anyhow::Result<Self> {
        let machine = Self { library: library.0.clone(), file: File::create(&path)?, path };
        machine.mend()?;
        Ok(machine)
    }

    /// Processes that are started by `command` run on it.
    pub fn carry(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("DELTATREE_FAULTS_MACHINE", &self.path);
    }

    /// The clock is off by so many milliseconds, from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_clock_off(&self, ms: i64) -> anyhow::Result<()> {
        Ok(self.file.write_all_at(&ms.to_ne_bytes(), 0)?)
    }

    /// Each sync of a file takes so much longer, from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_sync_takes(&self, time: Duration) -> anyhow::Result<()> {
        Ok(self.file.write_all_at(&i64::try_from(time.as_millis())?.to_ne_bytes(), 8)?)
    }

    /// The clock is right and the disk is fast.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn mend(&self) -> anyhow::Result<()> {
        self.set_clock_off(0)?;
        self.set_sync_takes(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    use super::*;

    /// What a process on the machine takes for now, in seconds.
    fn now(machine: &Machine) -> i64 {
        let mut command = Command::new("date");
        machine.carry(command.arg("+%s"));
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn a_process_sees_the_clock_and_the_disk_of_its_machine() {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::new(&MachineLibrary::build(dir.path()).unwrap(), dir.path().join("1")).unwrap();
        let here = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        for off in [0, 7_200_500, -7_200_500, 0] {
            machine.set_clock_off(off).unwrap();
            let (before, there, after) = (here(), now(&machine), here());
            let seconds = off.div_euclid(1000);
            assert!((before + seconds..=after + seconds + 1).contains(&there), "{off}: {before} {there} {after}");
        }
        machine.set_sync_takes(Duration::from_millis(300)).unwrap();
        let begun = Instant::now();
        let mut command = Command::new("dd");
        let to = format!("of={}", dir.path().join("file").display());
        machine.carry(command.args(["if=/dev/zero", &to, "bs=512", "count=1", "conv=fsync"]));
        assert!(command.output().unwrap().status.success());
        assert!(begun.elapsed() >= Duration::from_millis(300));
    }
}
