//! The statements of the benchmarks: what they must plan to, and the digits of their answers.

use super::Session;

const LINEITEM: &str = "CREATE TABLE lineitem (L_ORDERKEY bigint NOT NULL, L_PARTKEY bigint NOT NULL, \
    L_QUANTITY decimal(15,2) NOT NULL, L_EXTENDEDPRICE decimal(15,2) NOT NULL, L_DISCOUNT decimal(15,2) NOT NULL, \
    L_TAX decimal(15,2) NOT NULL, L_RETURNFLAG char(1) NOT NULL, L_SHIPDATE date NOT NULL)";

fn session() -> Session {
    let session = Session::new();
    session.table(
        LINEITEM,
        "1, 10, 17, 21168.23, 0.04, 0.02, 'N', '1996-03-13'; 1, 11, 36, 45983.16, 0.09, 0.06, 'N', '1996-04-12'; \
         2, 10, 8, 13309.60, 0.10, 0.02, 'A', '1998-09-01'; 3, 12, 28, 28955.64, 0.09, 0.06, 'A', '1998-10-30'",
    );
    session
}

#[test]
fn q1_sums_are_exact_and_averages_have_four_digits_more() {
    let rows = session()
        .rows(
            "select l_returnflag, sum(l_quantity), sum(l_extendedprice * (1 - l_discount)), \
             sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), \
             avg(l_discount), count(*) from lineitem where l_shipdate <= date_sub('1998-12-01', interval 90 day) \
             group by l_returnflag order by l_returnflag",
        )
        .unwrap();
    assert_eq!(
        rows,
        [
            ["A", "8.00", "11978.6400", "12218.212800", "8.000000", "13309.600000", "0.100000", "1"],
            ["N", "53.00", "62166.1764", "65083.286952", "26.500000", "33575.695000", "0.065000", "2"],
        ]
    );
}

#[test]
fn ratios_of_sums_have_the_scale_of_the_dividend_and_four_digits() {
    let session = session();
    let q8 = "select extract(year from l_shipdate) as o_year, sum(case when l_partkey = 10 then \
        l_extendedprice * (1 - l_discount) else 0 end) / sum(l_extendedprice * (1 - l_discount)) as mkt_share \
        from lineitem group by o_year order by o_year";
    assert_eq!(session.rows(q8).unwrap(), [["1996", "0.32688999"], ["1998", "0.31252752"]]);
    let q14 = "select 100.00 * sum(case when l_returnflag like 'N%' then l_extendedprice * (1 - l_discount) else 0 \
        end) / sum(l_extendedprice * (1 - l_discount)) as promo_revenue from lineitem";
    assert_eq!(session.rows(q14).unwrap(), [["61.8603088452"]]);
    let q17 = "select sum(l_extendedprice) / 7.0 as avg_yearly from lineitem where l_quantity < \
        (select 0.9 * avg(l_quantity) from lineitem)";
    assert_eq!(session.rows(q17).unwrap(), [["4925.404286"]]);
}

#[test]
fn q6_compares_exactly_and_folds_its_constants() {
    let session = session();
    let sql = "select sum(l_extendedprice * l_discount) as revenue from lineitem where l_shipdate >= '1996-01-01' \
        and l_shipdate < date_add('1996-01-01', interval '1' year) and l_discount between 0.06 - 0.02 and \
        0.06 + 0.01 and l_quantity < 24";
    assert_eq!(session.rows(sql).unwrap(), [["846.7292"]]);
    let plan = session.plan(sql).unwrap();
    assert!(!plan.contains("mysql_"), "{plan}");
    assert!(plan.contains("Date32(\"1997-01-01\")"), "{plan}");
}
