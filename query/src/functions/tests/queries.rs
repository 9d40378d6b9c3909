//! Whole queries: grouping, names, aggregates, types of columns.

use super::Session;
use crate::types::column_type::type_code;
use crate::types::mysql_column;

fn session() -> Session {
    let session = Session::new();
    session.table(
        "CREATE TABLE t (ID bigint NOT NULL, a int, b bigint unsigned, d decimal(10,2), f double, s varchar(20), \
         day date, at datetime, seen timestamp NOT NULL)",
        "1, 1, 10, 1.50, 0.5, 'x', '2024-01-01', '2024-01-01 10:00:00', '2024-01-01 00:00:00'; \
         2, 2, 20, 2.25, 1.5, 'y', '2024-01-02', '2024-01-02 10:00:00', '2024-01-02 00:00:00'; \
         3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-03 00:00:00'; \
         4, 2, 20, 0.25, 2.5, 'x', '2024-02-01', '2024-02-01 10:00:00', '2024-01-04 00:00:00'",
    );
    session
}

fn one(sql: &str) -> String {
    session().rows(sql).unwrap()[0].join("|")
}

fn code(sql: &str) -> (u16, String) {
    let e = session().rows(sql).unwrap_err();
    (e.code, e.message)
}

#[test]
fn sums_and_averages_have_mysqls_digits() {
    assert_eq!(one("select sum(a), avg(a), sum(b), avg(b) from t"), "5|1.6667|50|16.6667");
    assert_eq!(one("select sum(d), avg(d), sum(f), avg(f) from t"), "4.00|1.333333|4.5|1.5");
    assert_eq!(one("select sum(a = 2), avg(a = 2), sum(s) from t"), "2|0.6667|0");
    assert_eq!(one("select sum(a), avg(a), count(a), count(*) from t where id > 99"), "NULL|NULL|0|0");
    assert_eq!(one("select sum(distinct a), count(distinct a), avg(distinct a) from t"), "3|2|1.5000");
    assert_eq!(one("select sum(9223372036854775807) from t"), "36893488147419103228");
}

#[test]
fn other_aggregates() {
    assert_eq!(one("select min(s), max(day), min(at), max(d) from t"), "x|2024-02-01|2024-01-01 10:00:00|2.25");
    assert_eq!(one("select count(distinct a, s) from t"), "3");
    assert_eq!(one("select group_concat(s order by id desc separator '-') from t"), "x-y-x");
    assert_eq!(one("select group_concat(distinct s order by s) from t"), "x,y");
    assert_eq!(one("select group_concat(a, ':', s order by id) from t"), "1:x,2:y,2:x");
    assert_eq!(one("select bit_or(a), bit_and(a), bit_xor(a) from t"), "3|0|1");
    assert_eq!(one("select bit_and(a), bit_or(a) from t where id > 99"), "18446744073709551615|0");
    assert_eq!(one("select round(std(a), 4), round(var_samp(a), 4), stddev_pop(a) from t where a = 2"), "0|0|0");
    assert_eq!(one("select any_value(a) from t where id = 1"), "1");
}

#[test]
fn groups_names_and_order() {
    let session = session();
    let rows = |sql| session.rows(sql).unwrap().into_iter().map(|r| r.join("|")).collect::<Vec<_>>().join(" ");
    assert_eq!(rows("select A, count(*) as N from t group by a order by n desc, A"), "2|2 NULL|1 1|1");
    assert_eq!(rows("select a + 1 as x, sum(d) from t group by x having X > 2 order by 1"), "3|2.50");
    assert_eq!(rows("select year(day) y, month(day) from t group by 1, 2 order by 1, 2"), "NULL|NULL 2024|1 2024|2");
    assert_eq!(rows("select id from t order by a, id desc"), "3 1 4 2");
    assert_eq!(rows("select id from t order by a desc, id limit 1, 2"), "4 1");
    assert_eq!(rows("select T.Id from t as T where `ID` = 1"), "1");
    assert_eq!(
        rows("select a, sum(id) from t where a is not null group by a with rollup order by a"),
        "NULL|7 1|1 2|6"
    );
    assert_eq!(rows("select x.id from t x straight_join t y on x.id = y.a where y.id = 1"), "1");
    assert_eq!(rows("select count(*) from t x join t y"), "16");
    assert_eq!(rows("select 1 from dual"), "1");
    assert_eq!(rows("select distinct s from t order by s"), "NULL x y");
    assert_eq!(rows("select id, a from t where a union all select 9, 9 order by id"), "1|1 2|2 4|2 9|9");
}

#[test]
fn headers_are_what_was_written() {
    let session = session();
    let headers = |sql| session.headers(sql).join("|");
    assert_eq!(
        headers("select ID, a, T.A, count( * ), sum(a)+1 as Total from t group by id, a"),
        "ID|a|A|count( * )|Total"
    );
    assert_eq!(headers("select 1, 1, 'x' from t where 1 = 0"), "1|1|x");
}

#[test]
fn comparisons_between_kinds() {
    let ids = |condition: &str| {
        let rows = session().rows(&format!("select id from t where {condition} order by id")).unwrap();
        rows.into_iter().map(|r| r.join("")).collect::<Vec<_>>().join(",")
    };
    assert_eq!(ids("id = '2'"), "2");
    assert_eq!(ids("id in ('1', '4')"), "1,4");
    assert_eq!(ids("s = 0"), "1,2,4");
    assert_eq!(ids("a"), "1,2,4");
    assert_eq!(ids("not a"), "");
    assert_eq!(ids("d > '1'"), "1,2");
    assert_eq!(ids("day = '2024-1-2'"), "2");
    assert_eq!(ids("day between '2024-01-01' and '2024-01-31'"), "1,2");
    assert_eq!(ids("day in ('2024-01-01', 20240201)"), "1,4");
    assert_eq!(ids("day > 20240102"), "4");
    assert_eq!(ids("at >= '2024-01-02'"), "2,4");
    assert_eq!(ids("at < day + interval 1 day"), "1,2,4");
    assert_eq!(ids("seen >= '2024-01-03' and seen < '2024-01-04 00:00:01'"), "3,4");
    assert_eq!(ids("a <=> null"), "3");
    assert_eq!(ids("(a, s) in ((1, 'x'), (2, 'x'))"), "1,4");
    assert_eq!(ids("a = 2 xor s = 'x'"), "1,2");
    assert_eq!(ids("s regexp '^[x]$'"), "1,4");
    assert_eq!(ids("exists (select 1 from t u where u.a = t.id)"), "1,2");
    assert_eq!(ids("id in (select a from t)"), "1,2");
    assert_eq!(ids("day = (select max(day) from t)"), "4");
}

#[test]
fn timestamps_follow_the_session_zone() {
    let session = Session::in_zone(crate::types::SessionZone::parse("+02:00").unwrap());
    session.table("CREATE TABLE t (at timestamp NOT NULL)", "'2024-01-01 01:00:00'; '2024-01-01 12:00:00'");
    let one = |sql| session.rows(sql).unwrap().concat().join("|");
    assert_eq!(one("select at from t where at = '2024-01-01 01:00:00'"), "2024-01-01 01:00:00");
    assert_eq!(
        one("select day(at), hour(at), unix_timestamp(at) from t where at < '2024-01-01 02:00:00'"),
        "1|1|1704063600"
    );
    assert_eq!(one("select now()"), "2024-05-06 09:08:09");
    assert_eq!(one("select date_add(at, interval 1 hour) from t order by 1 limit 1"), "2024-01-01 02:00:00");
}

#[test]
fn integers_overflow_with_an_error() {
    assert_eq!(code("select id + 9223372036854775807 from t").0, 1690);
    assert_eq!(code("select b - 21 from t"), (1690, "BIGINT UNSIGNED value is out of range in '(10 - 21)'".into()));
    assert_eq!(one("select a + a, a * 2, a - 5, a div 2, a / 4, -a from t where id = 2"), "4|4|-3|1|0.5000|-2");
}

#[test]
fn errors_have_mysqls_codes() {
    assert_eq!(code("select nope from t"), (1054, "Unknown column 'nope' in 'field list'".into()));
    assert_eq!(code("select * from nowhere").0, 1146);
    assert_eq!(code("select nope(1)").0, 1305);
    assert_eq!(
        code("select id from t x join t y on x.id = y.id"),
        (1052, "Column 'id' in field list is ambiguous".into())
    );
    assert_eq!(code("select a, count(*) from t group by s").0, 1055);
    assert_eq!(code("select (select id from t)").0, 1242);
    assert_eq!(code("select id from t where day = 'nonsense'").0, 1525);
    assert_eq!(code("select @@no_such_variable").0, 1193);
}

#[test]
fn result_columns_have_mysqls_types() {
    let session = session();
    let types = |sql: &str| {
        let batches = session.batches(sql).unwrap();
        let schema = batches[0].schema();
        schema.fields().iter().map(|f| (mysql_column(f).type_code, mysql_column(f).decimals)).collect::<Vec<_>>()
    };
    assert_eq!(
        types("select id, a, d, f, s, day, at, seen, 1 = 1 from t"),
        [
            (type_code::LONGLONG, 0),
            (type_code::LONG, 0),
            (type_code::NEWDECIMAL, 2),
            (type_code::DOUBLE, 31),
            (type_code::VAR_STRING, 0),
            (type_code::DATE, 0),
            (type_code::DATETIME, 0),
            (type_code::TIMESTAMP, 0),
            (type_code::LONGLONG, 0),
        ]
    );
    assert_eq!(
        types("select sum(d), avg(d), avg(a) from t"),
        [(type_code::NEWDECIMAL, 2), (type_code::NEWDECIMAL, 6), (type_code::NEWDECIMAL, 4),]
    );
}

#[test]
fn long_chains_of_conditions_fit_on_the_stack() {
    let session = session();
    let chain = |n: usize| format!("select id from t where {}", vec!["a = 1"; n].join(" or "));
    assert_eq!(session.rows(&chain(1000)).unwrap(), [["1"]]);
    let rows = format!("select id from t where (id, a) in ({})", vec!["(1, 1), (4, 2)"; 3000].join(", "));
    assert_eq!(session.rows(&rows).unwrap(), [["1"], ["4"]]);
    let refused = session.rows(&chain(20_000)).unwrap_err();
    assert_eq!(refused.code, 1436);
}

#[test]
fn columns_stand_beside_text() {
    let session = Session::new();
    let rows = |select: &str| {
        let table = "select 1 as a, date '2024-01-02' as d, 'x' as s union all select null, null, null";
        session.rows(&format!("select {select} from ({table}) t order by a is null")).unwrap()
    };
    assert_eq!(rows("ifnull(a, 'none')"), [["1"], ["none"]]);
    assert_eq!(rows("coalesce(d, s, 'none')"), [["2024-01-02"], ["none"]]);
    assert_eq!(rows("if(a = 99, d, ''), case when a = 1 then a else s end"), [["", "1"], ["", "NULL"]]);
}
