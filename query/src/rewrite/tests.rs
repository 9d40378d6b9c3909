use super::*;

fn rewritten(sql: &str) -> String {
    let context = RewriteContext { function: &FunctionContext::at(0), variables: &(), parameters: &[] };
    let mut statements = parse(sql).unwrap();
    statement(&mut statements[0], &context).unwrap();
    statements[0].to_string()
}

fn error(sql: &str) -> String {
    parse(sql).unwrap_err().message
}

#[test]
fn names_are_in_lower_case_and_headers_as_written() {
    assert_eq!(rewritten("SELECT A FROM T"), r#"SELECT a AS "A" FROM t"#);
    assert_eq!(rewritten("SELECT a FROM t"), "SELECT a FROM t");
    assert_eq!(rewritten("SELECT `T`.`b` x FROM T order by X"), r#"SELECT `t`.`b` AS "x" FROM t ORDER BY x"#);
    assert_eq!(rewritten("SELECT COUNT( * ) FROM t"), r#"SELECT count(*) AS "COUNT( * )" FROM t"#);
    assert_eq!(column_label("a\u{1}2"), "a");
}

#[test]
fn equal_headers_become_distinct_names() {
    let sql = rewritten("SELECT 1, 1");
    assert_eq!(sql, "SELECT 1 AS \"1\", 1 AS \"1\u{1}1\"");
}

#[test]
fn definitions_are_read_in_their_short_forms() {
    for sql in [
        "CREATE TABLE t (a CHAR(9) CHARSET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY CLUSTERED, charset INT) CHARSET=utf8mb4",
        "CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b) NONCLUSTERED) DEFAULT CHARSET utf8mb4",
        "ALTER TABLE t ADD COLUMN b TEXT CHARSET latin1",
        "SELECT charset FROM clustered",
    ] {
        assert!(parse(sql).is_ok(), "{sql}: {:?}", parse(sql));
    }
}

#[test]
fn having_without_groups_filters_rows() {
    assert_eq!(rewritten("SELECT a + 1 AS B FROM t HAVING b > 2"), r#"SELECT a + 1 AS "B" FROM t WHERE (a + 1) > 2"#);
    assert!(rewritten("SELECT COUNT(*) AS n FROM t HAVING n > 2").contains("HAVING"));
}

#[test]
fn conditions_are_conditions() {
    assert_eq!(rewritten("SELECT a FROM t WHERE a"), "SELECT a FROM t WHERE mysql_truth(a)");
    assert_eq!(rewritten("SELECT a FROM t WHERE a = 1"), "SELECT a FROM t WHERE a = 1");
    assert_eq!(rewritten("SELECT a FROM t WHERE a BETWEEN 1 AND 2"), "SELECT a FROM t WHERE ((a >= 1) AND (a <= 2))");
}

#[test]
fn rows_become_comparisons_of_their_parts() {
    assert_eq!(
        rewritten("SELECT a FROM t WHERE (a, b) IN ((1, 2), (1, 3))"),
        "SELECT a FROM t WHERE ((a = 1) AND (b IN (2, 3)))"
    );
}

#[test]
fn syntax_errors_quote_where_reading_stopped() {
    assert!(
        error("SELECT\n FROM WHERE x").ends_with("near 'WHERE x' at line 2")
            || error("SELECT\n FROM WHERE x").contains("at line 2")
    );
    assert!(error("SELECT * FROM t WHERE (a = 1").contains("near ''"), "{}", error("SELECT * FROM t WHERE (a = 1"));
    assert!(error("FOO BAR").contains("near 'FOO BAR' at line 1"), "{}", error("FOO BAR"));
}

#[test]
fn statements_are_told_apart_by_their_tokens() {
    let statements = parse("SELECT ';'; ; -- nothing\n SELECT 2").unwrap();
    assert_eq!(statements.len(), 2);
    assert!(parse(" ;; ").unwrap().is_empty());
}

#[test]
fn parameters_are_numbered_as_written() {
    let mut statements = parse("SELECT ? FROM t WHERE a = ? LIMIT ?").unwrap();
    assert_eq!(parameter_count(&statements[0]), 3);
    let context = RewriteContext {
        function: &FunctionContext::at(0),
        variables: &(),
        parameters: &[Datum::Int(1), Datum::Text("x'y".into()), Datum::Int(-3)],
    };
    statement(&mut statements[0], &context).unwrap();
    assert_eq!(statements[0].to_string(), r#"SELECT 1 AS "?" FROM t WHERE a = 'x''y' LIMIT -3"#);
}

#[test]
fn deep_and_long_expressions_are_refused_not_overflowed() {
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(parse(&deep).is_err());
    let long = format!("SELECT 1{}", " OR 1".repeat(100_000));
    assert_eq!(parse(&long).unwrap_err().code, 1436);
    let rows = format!("INSERT INTO t VALUES {}", vec!["(1 + 1, 2)"; 5000].join(", "));
    assert!(parse(&rows).is_ok());
}
