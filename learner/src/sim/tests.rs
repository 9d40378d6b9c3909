//! Runs of the simulation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::run::{Report, run};

/// Each run has a thread of its own, so that none finds what another left on it.
fn run_apart(seed: u64) -> Report {
    let thread = std::thread::Builder::new().name(format!("seed-{seed}")).spawn(move || run(seed));
    match thread.unwrap().join() {
        Ok(report) => report,
        Err(_) => panic!("seed {seed} panicked; run it alone: {}", again(seed)),
    }
}

fn again(seed: u64) -> String {
    format!("DELTATREE_SIM_SEED={seed} cargo test -p deltatree-learner --lib many_seeds -- --ignored --nocapture")
}

fn check(report: &Report) {
    assert!(
        report.violations.is_empty(),
        "seed {} violates {} invariant(s):\n{}\n\nlast events:\n{}\n\nrun it alone, with all events: DELTATREE_SIM_TRACE=1 {}",
        report.seed,
        report.violations.len(),
        report.violations.join("\n"),
        report.last_events,
        again(report.seed)
    );
}

#[derive(Default)]
struct Sum {
    runs: u64,
    simulated: Duration,
    counts: BTreeMap<&'static str, u64>,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.simulated += report.simulated;
        for (what, n) in &report.counts {
            *self.counts.entry(what).or_default() += n;
        }
    }

    fn hours(&self) -> f64 {
        self.simulated.as_secs_f64() / 3600.0
    }
}

/// The short form.
#[test]
fn a_few_seeds_violate_nothing() {
    let mut sum = Sum::default();
    for seed in 0..20 {
        let report = run_apart(seed);
        check(&report);
        sum.add(&report);
    }
    for needed in ["commits", "reads of columns", "reads of rows", "crashes of voters", "crashes of learners"] {
        assert!(sum.counts.get(needed).is_some_and(|&n| n > 0), "no {needed}: {:?}", sum.counts);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let (first, second) = (run_apart(1_000), run_apart(1_000));
    assert_eq!(first.trace, second.trace);
    assert_eq!(first.counts, second.counts);
    assert_ne!(first.trace, run_apart(1_001).trace);
}

/// The long form: `DELTATREE_SIM_SEEDS` seeds from `DELTATREE_SIM_FROM` on, or one, `DELTATREE_SIM_SEED`.
#[test]
#[ignore = "takes minutes"]
fn many_seeds_violate_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (from, count) = match number("DELTATREE_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (number("DELTATREE_SIM_FROM").unwrap_or(0), number("DELTATREE_SIM_SEEDS").unwrap_or(1_000)),
    };
    let begun = Instant::now();
    let mut sum = Sum::default();
    for seed in from..from + count {
        let report = run_apart(seed);
        check(&report);
        sum.add(&report);
        if sum.runs % 20 == 0 || sum.runs == count {
            let took = begun.elapsed().as_secs();
            println!("{} seeds of {count}, {:.1} simulated hours, {took} s: {:?}", sum.runs, sum.hours(), sum.counts);
        }
    }
}
