use std::sync::Arc;

use datafusion::error::DataFusionError;

use super::SqlError;

#[test]
fn an_error_survives_the_way_through_datafusion() {
    let inner = SqlError::out_of_range("a", 3);
    let e: DataFusionError = inner.clone().into();
    assert_eq!(SqlError::from(e), inner);

    let shared =
        DataFusionError::Shared(Arc::new(DataFusionError::Context("x".into(), Box::new(inner.clone().into()))));
    assert_eq!(SqlError::from(shared), inner);
}

#[test]
fn planner_texts_become_mysql_sentences() {
    let e = SqlError::from(DataFusionError::Plan("table 'deltatree.test.t9' not found".into()));
    assert_eq!((e.code, e.state, e.message.as_str()), (1146, "42S02", "Table 'test.t9' doesn't exist"));

    let e = SqlError::from(DataFusionError::Plan("Invalid function 'nope'.\nDid you mean 'now'?".into()));
    assert_eq!((e.code, e.state), (1305, "42000"));
    assert_eq!(e.message, "FUNCTION nope does not exist");
}

#[test]
fn states_follow_from_codes() {
    for (code, state) in [
        (1062, "23000"),
        (1064, "42000"),
        (1049, "42000"),
        (1146, "42S02"),
        (1213, "40001"),
        (1264, "22003"),
        (1292, "22007"),
        (1406, "22001"),
        (9007, "HY000"),
    ] {
        assert_eq!(SqlError::new(code, "").state, state, "{code}");
    }
}
