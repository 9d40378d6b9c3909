use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_expr::expressions::{binary, case, col, in_list, is_null, like, lit, not};

use super::*;

fn schema() -> Schema {
    Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("s", DataType::Utf8View, true)])
}

/// Columns `a` and `s` lie at table positions 3 and 5.
const COLUMNS: [Option<(usize, StoredType)>; 2] = [Some((3, StoredType::Int64)), Some((5, StoredType::Utf8))];

fn a() -> Arc<dyn PhysicalExpr> {
    col("a", &schema()).unwrap()
}

fn s() -> Arc<dyn PhysicalExpr> {
    col("s", &schema()).unwrap()
}

fn op(l: Arc<dyn PhysicalExpr>, o: Operator, r: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    binary(l, o, r, &schema()).unwrap()
}

/// Something that storage has no words for.
fn opaque() -> Arc<dyn PhysicalExpr> {
    op(op(a(), Operator::Plus, lit(1i64)), Operator::Lt, lit(7i64))
}

fn compare(column: usize, op: CompareOp, value: i64) -> Predicate {
    Predicate::Compare { column, op, value: Value::Int(value) }
}

#[test]
fn comparisons_are_exact_on_either_side() {
    let less = op(a(), Operator::Lt, lit(5i64));
    assert_eq!(exact(less.as_ref(), &COLUMNS), Some(compare(3, CompareOp::Lt, 5)));
    let mirrored = op(lit(5i64), Operator::Lt, a());
    assert_eq!(exact(mirrored.as_ref(), &COLUMNS), Some(compare(3, CompareOp::Gt, 5)));
}

#[test]
fn a_literal_of_another_type_is_left_alone() {
    let wide = Schema::new(vec![Field::new("a", DataType::Int32, true)]);
    let expr = binary(col("a", &wide).unwrap(), Operator::Lt, lit(5i32), &wide).unwrap();
    assert_eq!(exact(expr.as_ref(), &COLUMNS), None);
}

#[test]
fn a_conjunction_weakens_to_what_is_understood() {
    let expr = op(op(a(), Operator::Lt, lit(5i64)), Operator::And, opaque());
    assert_eq!(exact(expr.as_ref(), &COLUMNS), None);
    assert_eq!(implied(expr.as_ref(), &COLUMNS), Some(compare(3, CompareOp::Lt, 5)));
}

#[test]
fn a_disjunction_with_an_unknown_branch_says_nothing() {
    let expr = op(op(a(), Operator::Lt, lit(5i64)), Operator::Or, opaque());
    assert_eq!(implied(expr.as_ref(), &COLUMNS), None);
}

#[test]
fn lists_are_sorted_and_null_in_them_is_not_understood() {
    let list = in_list(a(), vec![lit(9i64), lit(2i64), lit(9i64)], &false, &schema()).unwrap();
    let expected = Predicate::In { column: 3, values: vec![Value::Int(2), Value::Int(9)] };
    assert_eq!(exact(list.as_ref(), &COLUMNS), Some(expected));
    let with_null = in_list(a(), vec![lit(9i64), lit(ScalarValue::Int64(None))], &false, &schema()).unwrap();
    assert_eq!(exact(with_null.as_ref(), &COLUMNS), None);
}

#[test]
fn long_lists_imply_their_span() {
    let array = Arc::new(Int64Array::from_iter_values((0..1000).rev()));
    let list = InListExpr::try_new_from_array(a(), array, false, &schema()).unwrap();
    let expected = Predicate::And(vec![compare(3, CompareOp::GtEq, 0), compare(3, CompareOp::LtEq, 999)]);
    assert_eq!(implied(&list, &COLUMNS), Some(expected));
}

#[test]
fn every_branch_of_a_case_counts_the_else_too() {
    let branch = |v: i64| op(a(), Operator::Eq, lit(v));
    let with_else = case(Some(a()), vec![(lit(0i64), branch(1))], Some(branch(2))).unwrap();
    let expected = Predicate::Or(vec![compare(3, CompareOp::Eq, 1), compare(3, CompareOp::Eq, 2)]);
    assert_eq!(implied(with_else.as_ref(), &COLUMNS), Some(expected));
    let unknown_else = case(Some(a()), vec![(lit(0i64), branch(1))], Some(opaque())).unwrap();
    assert_eq!(implied(unknown_else.as_ref(), &COLUMNS), None);
}

#[test]
fn a_like_prefix_is_a_range() {
    let expr = like(false, false, s(), lit(ScalarValue::Utf8View(Some("ab%x".into()))), &schema()).unwrap();
    let bytes = |text: &'static str| Value::Bytes(Bytes::from_static(text.as_bytes()));
    let expected = Predicate::And(vec![
        Predicate::Compare { column: 5, op: CompareOp::GtEq, value: bytes("ab") },
        Predicate::Compare { column: 5, op: CompareOp::Lt, value: bytes("ac") },
    ]);
    assert_eq!(implied(expr.as_ref(), &COLUMNS), Some(expected));
    assert_eq!(exact(expr.as_ref(), &COLUMNS), None);
}

#[test]
fn negation_and_null_tests_are_exact() {
    let expr = not(is_null(a()).unwrap()).unwrap();
    let expected = Predicate::Not(Box::new(Predicate::IsNull { column: 3 }));
    assert_eq!(exact(expr.as_ref(), &COLUMNS), Some(expected));
}

#[test]
fn the_successor_of_a_prefix_is_above_all_its_extensions() {
    assert_eq!(successor(b"ab").as_deref(), Some(b"ac".as_slice()));
    assert_eq!(successor(b"a\xff").as_deref(), Some(b"b".as_slice()));
    assert_eq!(successor(b"\xff\xff"), None);
}
