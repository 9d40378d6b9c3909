//! Random histories: apply, flush, maintenance, schema changes, crashes; every answer compared.

use proptest::prelude::*;

use super::harness::{ALL_TYPES, Harness, schema};
use crate::api::CancelFlag;
use crate::config::Config;
use crate::types::{KeyKind, StoredType, Value};

#[derive(Clone, Debug)]
enum Op {
    Apply(Vec<Vec<(u16, Option<i64>)>>),
    Flush,
    Maintain,
    Settle,
    Compact,
    FlushDuring(Vec<Vec<(u16, Option<i64>)>>),
    MaintainDuring(Vec<Vec<(u16, Option<i64>)>>),
    CompactDuring(Vec<Vec<(u16, Option<i64>)>>),
    SafePoint(u8),
    Hold(u8),
    Release,
    Reopen(u8),
    AddColumn,
    DropColumn,
}

fn change() -> impl Strategy<Value = (u16, Option<i64>)> {
    (0u16..240, prop_oneof![4 => (-500i64..500).prop_map(Some), 1 => Just(None)])
}

fn transactions() -> impl Strategy<Value = Vec<Vec<(u16, Option<i64>)>>> {
    prop::collection::vec(prop::collection::vec(change(), 1..20), 1..6)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => transactions().prop_map(Op::Apply),
        1 => transactions().prop_map(Op::FlushDuring),
        1 => transactions().prop_map(Op::MaintainDuring),
        2 => transactions().prop_map(Op::CompactDuring),
        3 => change().prop_map(|c| Op::Apply(vec![vec![c]])),
        2 => Just(Op::Flush),
        3 => Just(Op::Maintain),
        1 => Just(Op::Settle),
        1 => Just(Op::Compact),
        2 => any::<u8>().prop_map(Op::SafePoint),
        1 => any::<u8>().prop_map(Op::Hold),
        1 => Just(Op::Release),
        2 => (0u8..20).prop_map(Op::Reopen),
        1 => Just(Op::AddColumn),
        1 => Just(Op::DropColumn),
    ]
}

fn run(key: KeyKind, types: &[StoredType], ops: &[Op]) {
    run_with(Config::tiny(), key, types, ops);
}

fn run_with(config: Config, key: KeyKind, types: &[StoredType], ops: &[Op]) {
    let mut harness = Harness::with_config(schema(key, types), config);
    for op in ops {
        match op {
            Op::Apply(transactions) => harness.apply(transactions),
            Op::Flush => harness.engine.flush().unwrap(),
            Op::Maintain => {
                harness.engine.maintain().unwrap();
            }
            Op::Settle => harness.settle(),
            Op::FlushDuring(t) => harness.apply_during(t, |engine| engine.flush().unwrap()),
            Op::MaintainDuring(t) => harness.apply_during(t, |engine| {
                engine.maintain().unwrap();
            }),
            Op::CompactDuring(t) => {
                harness
                    .apply_during(t, |engine| engine.compact(super::harness::TABLE, &CancelFlag::default()).unwrap());
            }
            Op::Compact => harness.engine.compact(super::harness::TABLE, &CancelFlag::default()).unwrap(),
            Op::SafePoint(back) => harness.set_safe_point(harness.now.saturating_sub(u64::from(*back) / 8)),
            Op::Hold(back) => harness.hold(harness.now.saturating_sub(u64::from(*back) / 8)),
            Op::Release => harness.release(),
            Op::Reopen(extra) => harness.reopen(usize::from(*extra)),
            Op::AddColumn => harness.add_column(StoredType::Int32, Value::Int(42)),
            Op::DropColumn => harness.drop_column(),
        }
        harness.check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn columnar_equals_row_at_ts_with_integer_keys(ops in prop::collection::vec(op(), 1..40)) {
        run(KeyKind::Int, &[StoredType::Int64, StoredType::Utf8, StoredType::Int64], &ops);
    }

    #[test]
    fn columnar_equals_row_at_ts_with_byte_keys(ops in prop::collection::vec(op(), 1..40)) {
        run(KeyKind::Bytes, &[StoredType::Int64, StoredType::Decimal128(12, 2)], &ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn several_threads_merge_as_one_does(ops in prop::collection::vec(op(), 1..40)) {
        let config = Config { background_threads: 3, ..Config::tiny() };
        run_with(config, KeyKind::Int, &[StoredType::Int64, StoredType::Utf8, StoredType::Int64], &ops);
    }

    #[test]
    fn every_column_type_comes_back(ops in prop::collection::vec(op(), 1..25)) {
        run(KeyKind::Int, &ALL_TYPES, &ops);
        run(KeyKind::Bytes, &ALL_TYPES, &ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "takes minutes"]
    fn long_histories_equal_the_model(ops in prop::collection::vec(op(), 1..120)) {
        run(KeyKind::Int, &[StoredType::Int64, StoredType::Utf8, StoredType::Int64], &ops);
        run(KeyKind::Bytes, &[StoredType::Int64, StoredType::Decimal128(12, 2)], &ops);
    }
}
