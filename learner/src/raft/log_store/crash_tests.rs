//! The files of the log against a model, through crashes that tear what was being written, and damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use openraft::testing::log_id;
use openraft::{EntryPayload, Vote};
use proptest::prelude::*;

use super::files::LogFiles;
use super::frame::ALIGNMENT;
use super::log_disk::{LogDisk, LogState};
use crate::error::{Error, ErrorKind};
use crate::raft::{Command, CommitRecord, Entry, LogId, Mutation, NodeId};

/// Small, so that a few entries fill a file.
const FILE_BYTES: u64 = 16 << 10;

#[derive(Clone, Debug)]
enum Step {
    /// Entries with so many bytes each.
    Append(Vec<usize>),
    Vote(u64),
    Commit,
    /// So many of the last entries.
    Truncate(u64),
    /// So many of the first.
    Purge(u64),
    Reopen,
    /// In the midst of an append, of which the disk has got the sectors that the number's bits say.
    Crash(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![4 => 0_usize..600, 2 => 600_usize..5_000, 1 => Just(20_000)];
    let step = prop_oneof![
        8 => prop::collection::vec(size.clone(), 1..4).prop_map(Step::Append),
        1 => (1_u64..9).prop_map(Step::Vote),
        1 => Just(Step::Commit),
        1 => (1_u64..6).prop_map(Step::Truncate),
        3 => (1_u64..12).prop_map(Step::Purge),
        1 => Just(Step::Reopen),
        2 => (size, any::<u64>()).prop_map(|(size, sectors)| Step::Crash(size, sectors)),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the log should hold.
#[derive(Clone, Default)]
struct Model {
    entries: BTreeMap<u64, Entry>,
    state: LogState,
    /// As of the last durable write.
    durable: LogState,
    /// Counts entries, so that no two are alike.
    term: u64,
}

impl Model {
    fn entry(&mut self, bytes: usize) -> Entry {
        self.term += 1;
        let value = (0..bytes).map(|n| (n as u64 * self.term) as u8).collect::<Vec<_>>();
        let mutation = Mutation { key: "k".into(), value: Some(value.into()) };
        let record = CommitRecord {
            start_ts: deltatree_storage::types::Timestamp(self.term),
            commit_ts: deltatree_storage::types::Timestamp(self.term),
            mutations: vec![mutation],
        };
        let payload = EntryPayload::Normal(Command::Commits(vec![record].into()));
        Entry { log_id: log_id(self.term, 0, self.state.next()), payload }
    }

    fn append(&mut self, entry: Entry) {
        self.state.last = Some(entry.log_id);
        self.entries.insert(entry.log_id.index, entry);
    }

    fn written(&mut self) {
        self.durable = self.state.clone();
    }

    /// What was not written is gone.
    fn crash(&mut self) {
        self.state = LogState { last: self.state.last, ..self.durable.clone() };
    }

    fn kept(&self) -> impl Iterator<Item = &Entry> {
        let first = self.state.purged.map_or(0, |id| id.index + 1);
        self.entries.range(first..self.state.next()).map(|(_, entry)| entry)
    }

    fn check(&self, log: &LogFiles) {
        assert_eq!(log.state(), self.state);
        let expected: Vec<_> = self.kept().cloned().collect();
        assert_eq!(log.first_index(), expected.first().map(|entry| entry.log_id.index));
        assert_eq!(log.entries(0, u64::MAX, usize::MAX).unwrap(), expected);
        if let [.., last] = &expected[..] {
            let index = last.log_id.index;
            assert_eq!(log.entries(index, index + 1, 1).unwrap(), expected[expected.len() - 1..]);
        }
    }
}

type Files = BTreeMap<String, Vec<u8>>;

fn files(dir: &Path) -> Files {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect()
}

fn restore(dir: &Path, files: &Files) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir(dir).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(dir.join(name), bytes).unwrap());
}

/// Files that were being written: of each sector that changed either what was there before, or what came after.
fn torn(before: &Files, after: &Files, sectors: u64) -> Files {
    let mut bits = (0..).map(|n| sectors.rotate_right(n) & 1 == 1);
    let mut mix = |name: &String, new: &Vec<u8>| {
        let mut old = before.get(name).cloned().unwrap_or_default();
        old.resize(new.len(), 0);
        let pairs = old.chunks(ALIGNMENT).zip(new.chunks(ALIGNMENT));
        pairs.flat_map(|(old, new)| if old != new && bits.next() == Some(true) { new } else { old }).copied().collect()
    };
    after.iter().map(|(name, new)| (name.clone(), mix(name, new))).collect()
}

fn open(dir: &Path) -> Result<LogFiles, Error> {
    LogFiles::with_file_bytes(dir, FILE_BYTES)
}

fn id_of(model: &Model, index: u64) -> Option<LogId> {
    model.entries.get(&index).map(|entry| entry.log_id)
}

/// Makes a step in both, but for crashes.
fn take(step: &Step, log: &LogFiles, model: &mut Model) {
    match *step {
        Step::Append(ref sizes) => {
            let entries: Vec<Entry> = sizes
                .iter()
                .map(|&bytes| {
                    let entry = model.entry(bytes);
                    model.append(entry.clone());
                    entry
                })
                .collect();
            log.append(&entries).unwrap();
            model.written();
        }
        Step::Vote(term) => {
            let vote: Vote<NodeId> = Vote::new(term, 1);
            log.save_vote(vote).unwrap();
            model.state.vote = Some(vote);
            model.written();
        }
        Step::Commit => {
            log.save_committed(model.state.last).unwrap();
            model.state.committed = model.state.last;
        }
        Step::Truncate(n) => {
            let kept = model.kept().count() as u64;
            let first = model.state.next() - n.min(kept);
            log.truncate(first).unwrap();
            if n.min(kept) > 0 {
                model.entries.split_off(&first);
                model.state.last = match first.checked_sub(1) {
                    Some(last) => id_of(model, last),
                    None => None,
                };
            }
            model.written();
        }
        Step::Purge(n) => {
            let upto = model.kept().take(n as usize).last().map(|entry| entry.log_id);
            if let Some(upto) = upto {
                log.purge(upto).unwrap();
                model.state.purged = Some(upto);
            }
        }
        Step::Reopen | Step::Crash(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_is_durable_outlives_crashes_and_nothing_else_appears(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path()).unwrap();
        let mut model = Model::default();
        for step in &steps {
            take(step, &log, &mut model);
            if let Step::Crash(bytes, sectors) = *step {
                let before = files(dir.path());
                let entry = model.entry(bytes);
                log.append(std::slice::from_ref(&entry)).unwrap();
                drop(log);
                let after = files(dir.path());
                let found = torn(&before, &after, sectors);
                restore(dir.path(), &found);
                log = open(dir.path()).unwrap();
                if log.state().last == Some(entry.log_id) {
                    // All of it, or enough: the rest did not change.
                    model.append(entry);
                    model.written();
                }
                model.crash();
            }
            if let Step::Reopen = step {
                drop(log);
                log = open(dir.path()).unwrap();
                model.crash();
            }
            model.check(&log);
        }
    }

    #[test]
    fn damage_is_noticed(steps in steps(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        let log = open(dir.path()).unwrap();
        steps.iter().for_each(|step| take(step, &log, &mut model));
        // Entries in the last frame may go without anybody noticing: nobody may have been told of them.
        take(&Step::Vote(100), &log, &mut model);
        drop(log);
        let mut found = files(dir.path());
        let last_write: Vec<_> = found.values().map(Vec::len).collect();
        let at = place.index(last_write.iter().sum::<usize>().max(1));
        let mut passed = 0;
        for bytes in found.values_mut() {
            if let Some(byte) = at.checked_sub(passed).and_then(|at| bytes.get_mut(at)) {
                *byte ^= 1 << bit;
            }
            passed += bytes.len();
        }
        restore(dir.path(), &found);
        match open(dir.path()) {
            // It was in what nobody needs, or in the last frame: then the log is as of the one before.
            Ok(log) => {
                let found = log.state();
                model.state = LogState { last: model.state.last, ..found };
                model.check(&log);
            }
            Err(e) => assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}"),
        }
    }
}

#[test]
fn files_are_written_over_and_do_not_pile_up() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let mut model = Model::default();
    for _ in 0..400 {
        take(&Step::Append(vec![3_000]), &log, &mut model);
        take(&Step::Purge(1), &log, &mut model);
    }
    let found = files(dir.path());
    let lengths: Vec<_> = found.values().map(Vec::len).filter(|&bytes| bytes > 0).collect();
    assert!(lengths.len() <= 4, "{} files for one entry", lengths.len());
    assert!(lengths.iter().all(|&bytes| bytes == FILE_BYTES as usize), "{lengths:?}");
    model.check(&log);
}

#[test]
fn a_log_in_use_is_locked_and_an_older_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    assert_eq!(open(dir.path()).err().map(|e| e.kind()), Some(ErrorKind::Locked));
    drop(log);
    fs::write(dir.path().join("0.jnl"), "x").unwrap();
    let refused = open(dir.path()).err().unwrap().to_string();
    assert!(refused.contains("earlier version"), "{refused}");
}
