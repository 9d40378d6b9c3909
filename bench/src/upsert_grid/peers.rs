//! A peer as a subject.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answer::{Answer, query};
use super::statements::Statements;
use super::subject::Subject;
use super::workload::Workload;
use crate::peer::{Package, Peer};

/// A peer with the workload's table.
pub(super) struct PeerSubject {
    statements: Statements,
    directory: PathBuf,
    peer: Peer,
}

impl PeerSubject {
    /// A new database in `directory`, filled.
    pub(super) fn start(
        package: Package,
        workload: Workload,
        directory: &Path,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let statements = Statements { package, workload };
        let mut peer = Peer::start(package, directory, threads)?;
        peer.run(&statements.create())?;
        peer.run(&statements.build())?;
        peer.run(statements.settle())?;
        Ok(Self { statements, directory: directory.to_path_buf(), peer })
    }

    pub(super) fn version(&self) -> &str {
        self.peer.version()
    }
}

impl Subject for PeerSubject {
    fn name(&self) -> &'static str {
        self.statements.package.name()
    }

    fn upsert(&mut self, upserts: Range<u64>) -> anyhow::Result<Duration> {
        Ok(self.peer.run(&self.statements.upsert(upserts))?.elapsed)
    }

    /// Peers work in the background by themselves.
    fn upkeep(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// A peer's statement is durable when it ends.
    fn flush(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        self.peer.run(self.statements.settle()).map(drop)
    }

    fn query(&mut self) -> anyhow::Result<(Duration, Answer)> {
        let reply = self.peer.run(&query(self.statements.source()))?;
        Ok((reply.elapsed, Answer::of_rows(&reply.rows)?))
    }

    fn bytes_on_disk(&self) -> anyhow::Result<u64> {
        bytes_below(&self.directory)
    }

    fn bytes_written(&self) -> Option<u64> {
        None
    }
}

fn bytes_below(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        // A peer may remove files meanwhile.
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()).unwrap_or_default(),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        };
    }
    Ok(bytes)
}
