//! The benches of the storage engine, small: they run, are right, and name every figure that has a
//! target.

use clap::Args;

use crate::report::Report;
use crate::{delta_vs_lsm, scan, upsert_grid};

fn options<O: Args>(line: &str) -> O {
    let command = O::augment_args(clap::Command::new("bench").no_binary_name(true));
    O::from_arg_matches(&command.get_matches_from(line.split_whitespace())).unwrap()
}

/// Names and targets of the figures that have one.
fn targets(report: &Report) -> Vec<(String, String)> {
    assert!(report.succeeded());
    let json = serde_json::to_value(report).unwrap();
    let figures = json["figures"].as_array().unwrap();
    assert!(figures.iter().all(|figure| figure["value"].as_f64().is_some_and(f64::is_finite)), "{json}");
    let text = |figure: &serde_json::Value, name: &str| figure[name].as_str().map(str::to_owned);
    figures.iter().filter_map(|figure| Some((text(figure, "name")?, text(figure, "target")?))).collect()
}

fn pair(name: &str, target: &str) -> (String, String) {
    (name.to_owned(), target.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn upsert_grid_names_its_targets() {
    let options = options("--quick --rows 20000 --keys integer,string --shares 0.1,10 --runs 1 --no-peers");
    let report = tokio::task::block_in_place(|| upsert_grid::run::run(&options)).unwrap();
    let mut expected = [
        pair("scan with 10 % scattered updates / clean scan", "<= 1.1"),
        pair("first scan after 4,000 new upserts / clean scan", "<= 1.05"),
        pair("apply, scattered upserts, batches of 10,000", ">= 1000000"),
        pair("apply, scattered upserts, single rows", ">= 200000"),
        pair("write amplification, scattered updates (10 %)", "<= 3"),
        pair("delta index, live integer key", "<= 40"),
        pair("reopen to first correct query, 10000 rows in the delta", "<= 1"),
    ];
    let mut found = targets(&report);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn delta_vs_lsm_names_its_targets() {
    let options = options("--quick --rows 20000 --seconds 1 --no-peers");
    let report = delta_vs_lsm::run::run(&options).unwrap();
    let expected = [
        pair("deltatree: flatness, 150 to 14,000 updates/s", "<= 1.05"),
        pair("lsm / deltatree, scan at 14000 updates/s", ">= 4"),
    ];
    assert_eq!(targets(&report), expected);
}

#[test]
fn scan_reads_the_same_everywhere() {
    let report = scan::run::run(&options("--quick --rows 20000 --runs 1 --no-peers")).unwrap();
    assert_eq!(targets(&report), []);
}
