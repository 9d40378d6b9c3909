//! Foreign keys are kept and shown; checks are enforced.

use mysql::prelude::Queryable;

use crate::common::{code, connect, with_server};

#[test]
fn a_row_that_violates_a_check_is_refused_however_it_comes() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop(
            "CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a > 0), b INT, c VARCHAR(9), \
             CONSTRAINT ordered CHECK (a < b), CHECK (c IN ('x', 'y')), CONSTRAINT off CHECK (id < 0) NOT ENFORCED)",
        )
        .unwrap();
        c.query_drop("INSERT INTO t VALUES (1, 1, 2, 'x'), (2, NULL, NULL, NULL)").unwrap();
        for sql in [
            "INSERT INTO t VALUES (3, 0, 1, 'x')",
            "INSERT INTO t VALUES (3, 5, 5, 'x')",
            "INSERT INTO t VALUES (3, 1, 2, 'z')",
            "INSERT INTO t SELECT id + 10, -a, b, c FROM t WHERE id = 1",
            "UPDATE t SET a = 2 WHERE id = 1",
            "UPDATE t SET a = a + 1 WHERE c = 'x'",
            "REPLACE INTO t VALUES (1, 3, 2, 'x')",
            "INSERT INTO t VALUES (1, 1, 2, 'x') ON DUPLICATE KEY UPDATE b = 0",
        ] {
            assert_eq!(code(c.query_drop(sql)), 3819, "{sql}");
        }
        assert_eq!(code(c.query_drop("CREATE TABLE u (a INT, CHECK (nothing > 1))")), 1054);
        assert_eq!(code(c.query_drop("ALTER TABLE t ADD CONSTRAINT big CHECK (b > 10)")), 3819);
        c.query_drop("ALTER TABLE t DROP CONSTRAINT ordered").unwrap();
        c.query_drop("UPDATE t SET a = 2 WHERE id = 1").unwrap();
        let names: Vec<String> =
            c.query("SELECT CONSTRAINT_NAME FROM information_schema.check_constraints ORDER BY 1").unwrap();
        assert_eq!(names, ["off", "t_chk_1", "t_chk_2"]);
    });
}

#[test]
fn foreign_keys_are_shown_to_those_who_reflect() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE p (id INT PRIMARY KEY, code VARCHAR(9) UNIQUE)").unwrap();
        c.query_drop(
            "CREATE TABLE k (id INT PRIMARY KEY, pid INT, code VARCHAR(9), \
             CONSTRAINT fk_p FOREIGN KEY (pid) REFERENCES p (id) ON DELETE CASCADE, \
             FOREIGN KEY (code) REFERENCES p (code))",
        )
        .unwrap();
        let shown: Option<(String, String)> = c.query_first("SHOW CREATE TABLE k").unwrap();
        let text = shown.unwrap().1;
        for line in [
            "KEY `fk_p` (`pid`)",
            "CONSTRAINT `fk_p` FOREIGN KEY (`pid`) REFERENCES `p` (`id`) ON DELETE CASCADE",
            "CONSTRAINT `k_ibfk_1` FOREIGN KEY (`code`) REFERENCES `p` (`code`)",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let used: Vec<(String, String, String, String)> = c
            .query(
                "SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM \
                 information_schema.key_column_usage WHERE REFERENCED_TABLE_NAME IS NOT NULL ORDER BY 1",
            )
            .unwrap();
        assert_eq!(used.len(), 2);
        assert_eq!(used[0], ("fk_p".into(), "pid".into(), "p".into(), "id".into()));
        let rules: Vec<(String, String, String)> = c
            .query(
                "SELECT CONSTRAINT_NAME, UNIQUE_CONSTRAINT_NAME, DELETE_RULE FROM \
                 information_schema.referential_constraints ORDER BY 1",
            )
            .unwrap();
        assert_eq!(rules[0], ("fk_p".into(), "PRIMARY".into(), "CASCADE".into()));
        assert_eq!(rules[1], ("k_ibfk_1".into(), "code".into(), "NO ACTION".into()));
        c.query_drop("ALTER TABLE k DROP FOREIGN KEY fk_p").unwrap();
        assert_eq!(code(c.query_drop("ALTER TABLE k DROP FOREIGN KEY fk_p")), 1091);
        c.query_drop("ALTER TABLE k ADD CONSTRAINT again FOREIGN KEY (pid) REFERENCES p (id)").unwrap();
        // The text makes the same table again.
        let shown: Option<(String, String)> = c.query_first("SHOW CREATE TABLE k").unwrap();
        c.query_drop("DROP TABLE k").unwrap();
        c.query_drop(shown.unwrap().1).unwrap();
    });
}
