//! Transactions while processes are killed, stopped and cut off, clocks jump and disks are slow: their histories must show nothing that
//! snapshot isolation forbids. The long form is `deltatree-bench faults`.

use std::path::Path;
use std::time::Duration;

use deltatree_bench::faults::cluster::Shape;
use deltatree_bench::faults::fault::{self, Fault};
use deltatree_bench::faults::phase::{Outcome, Phase};
use deltatree_bench::faults::workload::appends::{Appends, Care};
use deltatree_bench::faults::workload::{self, Workload};

const PROGRAM: &str = env!("CARGO_BIN_EXE_deltatree");

fn run(shape: Shape, workloads: Vec<Box<dyn Workload>>, faults: &[&str], seconds: u64, seed: u64) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let faults = fault::all().into_iter().filter(|fault| faults.contains(&fault.name().as_str()));
    let phase = Phase {
        program: Path::new(PROGRAM),
        shape,
        dir: dir.path().to_owned(),
        workloads,
        faults: faults.collect::<Vec<Box<dyn Fault>>>(),
        time: Duration::from_secs(seconds),
        seed,
    };
    phase.run(|told| println!("{told}")).unwrap()
}

/// All but TPC-C, whose tables take a while to load.
fn small() -> Vec<Box<dyn Workload>> {
    workload::all().into_iter().filter(|workload| workload.name() != "orders").collect()
}

fn assert_right(outcome: &Outcome, seed: u64) {
    assert!(outcome.wrong.is_empty(), "seed {seed}: {:#?}\n{:#?}", outcome.wrong, outcome.struck);
    for (workload, counts) in &outcome.counts {
        assert!(counts.ok > 0, "seed {seed}: nothing happened in {workload}: {counts:?}");
    }
}

#[test]
fn one_process_that_dies_shows_no_anomaly() {
    let seed = 7;
    assert_right(&run(Shape::Single, small(), &["kill-server", "compact"], 6, seed), seed);
}

#[test]
fn a_cluster_whose_leader_dies_or_stops_shows_no_anomaly() {
    let seed = 11;
    assert_right(&run(Shape::CLUSTER, small(), &["kill-leader", "pause-leader", "cut-learner"], 10, seed), seed);
}

/// The clock of the timestamp oracle jumps, and of who may follow it.
#[test]
fn a_cluster_whose_clocks_jump_shows_no_anomaly() {
    let seed = 1;
    let outcome = run(Shape::CLUSTER, small(), &["clock-leader", "clock-follower", "clock-learner"], 8, seed);
    assert_right(&outcome, seed);
    assert!(outcome.struck.iter().any(|told| told.contains("the clock of kv-")), "{:?}", outcome.struck);
}

#[test]
fn a_cluster_whose_disks_are_slow_shows_no_anomaly() {
    let seed = 4;
    let outcome = run(Shape::CLUSTER, small(), &["disk-leader", "disk-learner"], 8, seed);
    assert_right(&outcome, seed);
    assert!(outcome.struck.iter().any(|told| told.contains("each sync of kv-")), "{:?}", outcome.struck);
}

/// The checkers see what they look for: clients that write what follows from a read without a lock lose updates.
#[test]
fn careless_transactions_are_found() {
    let careless: Vec<Box<dyn Workload>> = vec![Box::new(Appends::new(Care::Careless))];
    let outcome = run(Shape::Single, careless, &[], 3, 1);
    assert!(!outcome.wrong.is_empty(), "nothing was found: {:?}", outcome.counts);
}

#[test]
#[ignore = "takes many minutes"]
fn no_seed_and_no_fault_shows_an_anomaly() {
    let faults: Vec<_> = fault::all().iter().map(|fault| fault.name()).collect();
    let faults: Vec<_> = faults.iter().map(String::as_str).collect();
    for seed in 0..20 {
        for shape in [Shape::Single, Shape::CLUSTER] {
            assert_right(&run(shape, workload::all(), &faults, 40, seed), seed);
        }
    }
}
