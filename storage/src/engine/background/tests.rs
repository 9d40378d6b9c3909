//! Tables of facts and of what follows from them.

use super::*;
use crate::config::Config;
use crate::segment::SlotFacts;
use crate::types::{SegmentId, TableId};

const CONFIG: fn() -> Config = Config::default;
const PACK: u64 = 1 << 18;

fn pack(live: u64, reclaimable: u64, superseded: u64, delta_keys: u64) -> SlotFacts {
    SlotFacts { live, reclaimable, superseded, delta_keys }
}

fn gap(delta_keys: u64) -> SlotFacts {
    SlotFacts { delta_keys, ..SlotFacts::default() }
}

/// A full pack of which so many rows were updated.
fn updated(rows: u64) -> SlotFacts {
    pack(PACK - rows, rows, 0, rows)
}

fn facts(slots: Vec<SlotFacts>) -> SegmentFacts {
    let stable_rows = slots.iter().map(|s| s.live + s.reclaimable + s.superseded).sum();
    let delta_mergeable = slots.iter().map(|s| s.delta_keys).sum();
    SegmentFacts { stable_rows, delta_rows: delta_mergeable, delta_mergeable, slots, ..SegmentFacts::default() }
}

/// What is merged, as one letter a slot: `M`, or `.` if it is left alone.
fn merged(facts: &SegmentFacts) -> String {
    match plan_merge(facts, &CONFIG()) {
        Some(plan) => plan.slots.iter().map(|merged| if *merged { 'M' } else { '.' }).collect(),
        None => "nothing".into(),
    }
}

#[test]
fn slots_are_merged_when_they_pay() {
    let half = PACK / 2;
    let table: Vec<(&str, Vec<SlotFacts>, &str)> = vec![
        ("no rows", vec![gap(0)], "nothing"),
        ("few new keys", vec![gap(60_000)], "nothing"),
        ("many new keys", vec![gap(70_000)], "M"),
        ("new keys behind a full pack", vec![gap(0), updated(0), gap(70_000)], "..M"),
        ("new keys behind a small pack", vec![gap(0), pack(9_000, 0, 0, 0), gap(70_000)], ".MM"),
        ("a tenth updated", vec![gap(0), updated(PACK / 10), gap(0), updated(PACK / 10), gap(0)], "nothing"),
        ("half updated", vec![gap(0), updated(half), gap(0), updated(half), gap(0)], ".M.M."),
        ("half of one updated", vec![gap(0), updated(half), gap(9), updated(9_000), gap(9)], ".MM.."),
        ("nearly as ripe as a ripe one", vec![gap(0), updated(half), gap(0), updated(half / 10 * 8), gap(0)], ".M.M."),
        ("half updated, but a reader needs it", vec![gap(0), pack(half, 0, half, half), gap(0)], "nothing"),
        ("a third deleted", vec![gap(0), pack(PACK / 3 * 2, PACK / 3 + 9, 0, 0), gap(0)], ".M."),
        ("all deleted", vec![gap(0), pack(0, PACK, 0, 0), gap(0)], ".M."),
        ("as many new keys in a pack as it has", vec![gap(0), pack(PACK, 0, 0, PACK), gap(0)], ".M."),
        (
            "small packs beside a ripe one",
            vec![gap(0), pack(9, 0, 0, 0), gap(0), pack(9, 0, 0, 0), gap(0), updated(half), gap(0)],
            ".M.M.M.",
        ),
    ];
    for (what, slots, expected) in table {
        assert_eq!(merged(&facts(slots)), expected, "{what}");
    }
}

#[test]
fn a_merge_writes_at_most_two_rows_for_each_change_it_was_chosen_for() {
    for changed in (0..=PACK).step_by(4096) {
        let facts = facts(vec![gap(0), updated(changed), gap(0)]);
        if plan_merge(&facts, &CONFIG()).is_some() {
            assert!(facts.slots[1].rows_written() <= 2 * facts.slots[1].changes(), "{changed}");
        } else {
            assert!(changed < PACK / 2, "{changed}");
        }
    }
}

#[test]
fn a_delta_at_its_limit_is_halved_by_the_cheapest_slots() {
    let mut facts = facts(vec![gap(0), updated(90_000), gap(0), updated(80_000), gap(0), updated(10_000), gap(0)]);
    assert_eq!(merged(&facts), "nothing");
    facts.delta_mergeable = CONFIG().delta_rows_limit;
    assert_eq!(merged(&facts), ".M.....");
}

#[test]
fn tombstones_that_must_stay_are_no_reason_for_a_merge() {
    let mut facts = facts(vec![gap(0), pack(1_000, 0, 0, 100_000), gap(0)]);
    assert_eq!(merged(&facts), ".M.");
    facts.tombstones_kept = 99_000;
    assert_eq!(merged(&facts), "nothing");
}

#[test]
fn dead_parts_of_the_delta_are_written_anew_without_the_packs() {
    let mut facts = facts(vec![gap(0), updated(1_000), gap(0)]);
    facts.delta_dead = 100_000;
    let plan = plan_merge(&facts, &CONFIG()).unwrap();
    assert!(!plan.any() && !plan.whole_delta);
}

#[test]
fn only_a_merge_of_the_whole_delta_may_split() {
    let whole = |slots| plan_merge(&facts(slots), &CONFIG()).unwrap().whole_delta;
    assert!(whole(vec![gap(0), updated(PACK / 2), gap(5)]));
    assert!(!whole(vec![gap(0), updated(PACK / 2), gap(5), updated(5), gap(0)]));
    let mut large = facts(vec![gap(0), updated(0), gap(1)]);
    large.stable_rows = CONFIG().segment_rows_limit + 1;
    assert_eq!(plan_merge(&large, &CONFIG()), Some(merge_all(&large.slots, &CONFIG())));
}

#[test]
fn work_has_its_order() {
    let (table, other) = (TableId(1), TableId(2));
    let segment = |n, facts: &SegmentFacts| (table, SegmentId(n), facts.clone());
    let idle = SegmentFacts { stable_rows: 9 << 20, ..SegmentFacts::default() };
    let small = SegmentFacts { stable_rows: 9, ..SegmentFacts::default() };
    let dead_history = SegmentFacts { history_dead: true, ..idle.clone() };
    let (ripe, riper) = (facts(vec![gap(70_000)]), facts(vec![gap(80_000)]));
    let choice = |segments: &[(TableId, SegmentId, SegmentFacts)], memory| choose(segments, memory, &CONFIG());

    let all = [segment(1, &ripe), segment(2, &riper), segment(3, &dead_history), segment(4, &idle)];
    assert_eq!(choice(&all, u64::MAX), Some(Work::Flush));
    assert_eq!(choice(&all, 0), Some(Work::MergeDelta(table, SegmentId(2))));
    assert_eq!(choice(&all[2..], 0), Some(Work::Checkpoint(table)));
    assert_eq!(choice(&all[3..], 0), None);
    let neighbours = [segment(1, &idle), segment(2, &small), segment(3, &small), segment(4, &dead_history)];
    assert_eq!(choice(&neighbours, 0), Some(Work::JoinSegments(table, SegmentId(2))));
    assert_eq!(choice(&[segment(1, &small), (other, SegmentId(2), small.clone())], 0), None);
}
