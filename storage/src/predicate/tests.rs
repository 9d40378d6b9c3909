//! Matchers and pruning against a row-by-row reading of predicates.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::i256;
use proptest::prelude::*;

use super::{CompareOp, Predicate};
use crate::testing;
use crate::types::*;
use crate::zone_map::{Verdict, ZoneMap, prune};

const TYPES: [StoredType; 9] = [
    StoredType::Int64,
    StoredType::Int8,
    StoredType::UInt64,
    StoredType::Float32,
    StoredType::Float64,
    StoredType::Decimal128(20, 2),
    StoredType::Decimal256(50, 2),
    StoredType::Utf8,
    StoredType::Date32,
];

fn schema() -> TableSchema {
    TableSchema { key_column: None, ..testing::schema(KeyKind::Int, &TYPES) }
}

/// Cell number `n` of a column: few different ones, so that predicates hit, and the awkward ones.
fn cell(column: usize, n: u8) -> Value {
    let int = i64::from(n) - 4;
    let float = [-0.0, 0.0, 1.5, -1.5, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1][n as usize % 9];
    match TYPES[column] {
        StoredType::UInt64 => Value::UInt([0, 1, 2, u64::MAX, 1 << 63][n as usize % 5]),
        StoredType::Float32 => Value::Float(f64::from(float as f32)),
        StoredType::Float64 => Value::Float(float),
        StoredType::Decimal128(..) => Value::Decimal(i128::from(int) << (n % 2 * 70)),
        StoredType::Decimal256(..) => Value::BigDecimal(i256::from_i128(int.into())),
        StoredType::Utf8 => Value::Bytes(
            ["", "a", "b", &"a".repeat(32), &"a".repeat(40), &"\u{10ffff}".repeat(9), &"a".repeat(33)][n as usize % 7]
                .as_bytes()
                .to_vec()
                .into(),
        ),
        _ => Value::Int(int),
    }
}

/// What a predicate may compare a column with: also values that no cell holds.
fn operand(column: usize, n: u8) -> Value {
    match (TYPES[column], n) {
        (_, 9) => Value::Null,
        (StoredType::Int8 | StoredType::Date32, 8) => Value::Int(1 << 40),
        (StoredType::Int8 | StoredType::Date32, 7) => Value::Int(-(1 << 40)),
        (StoredType::Float32, 8) => Value::Float(0.1),
        _ => cell(column, n),
    }
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let op = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::NotEq,
        CompareOp::Lt,
        CompareOp::LtEq,
        CompareOp::Gt,
        CompareOp::GtEq,
    ]);
    let column = 0..TYPES.len();
    let leaf = prop_oneof![
        4 => (column.clone(), op, 0..10u8).prop_map(|(column, op, n)| Predicate::Compare { column, op, value: operand(column, n) }),
        2 => (column.clone(), prop::collection::vec(0..9u8, 0..4)).prop_map(|(column, ns)| {
            let mut values: Vec<Value> = ns.into_iter().map(|n| cell(column, n)).collect();
            values.sort_by(|a, b| a.compare(b).unwrap());
            values.dedup();
            Predicate::In { column, values }
        }),
        1 => column.clone().prop_map(|column| Predicate::IsNull { column }),
        1 => column.prop_map(|column| Predicate::IsNotNull { column }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(|p| Predicate::Not(Box::new(p))),
        ]
    })
}

/// SQL's reading of a predicate over one row.
fn truth(predicate: &Predicate, row: &[Value]) -> Option<bool> {
    let compare = |column: usize, op: CompareOp, value: &Value| {
        let cell = &row[column];
        if cell.is_null() || value.is_null() {
            return None;
        }
        let order = cell.compare(value).unwrap();
        Some(match op {
            CompareOp::Eq => order == Ordering::Equal,
            CompareOp::NotEq => order != Ordering::Equal,
            CompareOp::Lt => order == Ordering::Less,
            CompareOp::LtEq => order != Ordering::Greater,
            CompareOp::Gt => order == Ordering::Greater,
            CompareOp::GtEq => order != Ordering::Less,
        })
    };
    let any = |parts: &mut dyn Iterator<Item = Option<bool>>| {
        let parts: Vec<_> = parts.collect();
        if parts.contains(&Some(true)) {
            return Some(true);
        }
        if parts.contains(&None) { None } else { Some(false) }
    };
    match predicate {
        Predicate::Compare { column, op, value } => compare(*column, *op, value),
        Predicate::In { column, values } => any(&mut values.iter().map(|v| compare(*column, CompareOp::Eq, v))),
        Predicate::IsNull { column } => Some(row[*column].is_null()),
        Predicate::IsNotNull { column } => Some(!row[*column].is_null()),
        Predicate::And(parts) => any(&mut parts.iter().map(|p| truth(p, row).map(|t| !t))).map(|t| !t),
        Predicate::Or(parts) => any(&mut parts.iter().map(|p| truth(p, row))),
        Predicate::Not(inner) => truth(inner, row).map(|t| !t),
    }
}

fn arrays(rows: &[Vec<Value>]) -> Vec<ArrayRef> {
    (0..TYPES.len())
        .map(|column| {
            let cells: Vec<ArrayRef> = rows.iter().map(|row| repeat(&row[column], TYPES[column], 1).unwrap()).collect();
            arrow::compute::concat(&cells.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap()
        })
        .collect()
}

fn rows() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let row = prop::collection::vec(0..11u8, TYPES.len()).prop_map(|ns| {
        ns.into_iter().enumerate().map(|(c, n)| if n >= 9 { Value::Null } else { cell(c, n) }).collect()
    });
    // One kind of row repeated lets verdicts other than "look" occur.
    (prop::collection::vec(row, 1..5), 1..4usize).prop_map(|(rows, times)| vec![rows; times].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn matchers_agree_with_sql(predicate in predicate(), rows in rows()) {
        let arrays = arrays(&rows);
        let matcher = predicate.matcher(&schema()).unwrap();
        let result = matcher.evaluate(rows.len(), &mut |c| Ok(arrays[c].clone())).unwrap();
        for (i, row) in rows.iter().enumerate() {
            let got = result.is_valid(i).then(|| result.value(i));
            prop_assert_eq!(got, truth(&predicate, row), "row {:?}", row);
        }
    }

    #[test]
    fn pruning_never_drops_a_row(predicate in predicate(), rows in rows(), other in rows(), unknown in 0..TYPES.len()) {
        let mut maps: Vec<ZoneMap> = arrays(&rows).iter().map(|a| ZoneMap::of(a).unwrap()).collect();
        let verdict = |maps: &[ZoneMap]| prune(&predicate, &|c| (c != unknown).then(|| &maps[c]));
        let mut all_rows = rows;
        // First one zone's map, then the merged map of two.
        for _ in 0..2 {
            let truths: Vec<_> = all_rows.iter().map(|row| truth(&predicate, row)).collect();
            match verdict(&maps) {
                Verdict::None => prop_assert!(!truths.contains(&Some(true)), "{:?}", truths),
                Verdict::All => prop_assert!(truths.iter().all(|t| *t == Some(true)), "{:?}", truths),
                Verdict::Some => {}
            }
            maps.iter_mut().zip(arrays(&other)).for_each(|(map, a)| map.merge(&ZoneMap::of(&a).unwrap()));
            all_rows.extend(other.clone());
        }
    }
}

fn ints(values: impl IntoIterator<Item = i64>) -> Predicate {
    Predicate::In { column: 0, values: values.into_iter().map(Value::Int).collect() }
}

#[test]
fn long_lists_of_near_and_far_integers_match() {
    let array: ArrayRef = Arc::new((0..1000).map(|i| (i % 7 > 0).then_some(i * 11)).collect::<Int64Array>());
    for list in [(0..5000).step_by(3).collect::<Vec<i64>>(), (0..500).map(|i| i * i * i * 1_000_003 + 22).collect()] {
        let matcher = ints(list.clone()).matcher(&schema()).unwrap();
        let result = matcher.evaluate(1000, &mut |_| Ok(array.clone())).unwrap();
        for i in 0..1000 {
            let expected = (i % 7 > 0).then(|| list.contains(&(i as i64 * 11)));
            assert_eq!(result.is_valid(i).then(|| result.value(i)), expected);
        }
    }
}

#[test]
fn wrong_columns_and_types_are_refused() {
    let compare = |column, value| Predicate::Compare { column, op: CompareOp::Eq, value };
    assert!(compare(99, Value::Int(1)).matcher(&schema()).is_err());
    assert!(compare(0, Value::Float(1.0)).matcher(&schema()).is_err());
    assert!(compare(7, Value::Int(1)).matcher(&schema()).is_err());
    assert!(ints([1]).matcher(&schema()).is_ok());
    assert!(Predicate::In { column: 7, values: vec![Value::Int(1)] }.matcher(&schema()).is_err());
}

#[test]
fn pruning_reaches_verdicts() {
    let map = ZoneMap::of(&(Arc::new(Int64Array::from(vec![3, 5, 9])) as ArrayRef)).unwrap();
    let verdict = |p: &Predicate| prune(p, &|_| Some(&map));
    let compare = |op, v| Predicate::Compare { column: 0, op, value: Value::Int(v) };
    assert_eq!(verdict(&compare(CompareOp::Lt, 3)), Verdict::None);
    assert_eq!(verdict(&compare(CompareOp::GtEq, 3)), Verdict::All);
    assert_eq!(verdict(&compare(CompareOp::Eq, 4)), Verdict::Some);
    assert_eq!(verdict(&ints([1, 2, 10])), Verdict::None);
    assert_eq!(verdict(&ints([1, 4])), Verdict::Some);
    assert_eq!(verdict(&Predicate::Not(Box::new(ints([1, 2, 10])))), Verdict::All);
    assert_eq!(verdict(&Predicate::IsNull { column: 0 }), Verdict::None);
}
