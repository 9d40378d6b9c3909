//! What must hold whenever nobody writes: the twelve conditions of clause 3.3.2.
//!
//! Each is a query for what violates it. Condition 11 is about the population in the specification; here it
//! also holds after deliveries, which customers count.

use anyhow::Context;
use mysql::Conn;
use mysql::prelude::Queryable;

use super::scale::Scale;
use crate::report::Report;

/// The access paths, as `tidb_isolation_read_engines` names them.
const PATHS: [(&str, &str); 2] = [("row", "tikv"), ("columnar", "tiflash")];

/// Checks of all conditions: each on both paths.
pub const CHECKS: u32 = 24;

/// What a customer bought and had delivered.
const BOUGHT: &str = "select o_w_id, o_d_id, o_c_id, sum(ol_amount) as bought from orders \
     join order_line on ol_w_id = o_w_id and ol_d_id = o_d_id and ol_o_id = o_id \
     where ol_delivery_d is not null group by o_w_id, o_d_id, o_c_id";

/// One condition.
#[derive(Clone, Debug)]
pub struct Condition {
    /// `n` of clause 3.3.2.n.
    pub number: u8,
    /// Finds what violates it.
    pub sql: String,
}

/// All twelve.
pub fn conditions(scale: Scale) -> Vec<Condition> {
    let delivered = scale.delivered();
    let texts = [
        // A warehouse has taken in what its districts have.
        "select w_id, w_ytd, ytd from warehouse \
         join (select d_w_id, sum(d_ytd) as ytd from district group by d_w_id) d on d_w_id = w_id \
         where w_ytd <> ytd"
            .to_owned(),
        // A district's next order is the one after its newest, which is not delivered before all others.
        "select d_w_id, d_id, d_next_o_id, newest, newest_undelivered from district \
         join (select o_w_id, o_d_id, max(o_id) as newest from orders group by o_w_id, o_d_id) o \
         on o_w_id = d_w_id and o_d_id = d_id \
         left join (select no_w_id, no_d_id, max(no_o_id) as newest_undelivered from new_order \
         group by no_w_id, no_d_id) n on no_w_id = d_w_id and no_d_id = d_id \
         where d_next_o_id - 1 <> newest or d_next_o_id - 1 <> newest_undelivered"
            .to_owned(),
        // Undelivered orders have consecutive numbers.
        "select no_w_id, no_d_id, max(no_o_id), min(no_o_id), count(*) from new_order group by no_w_id, no_d_id \
         having max(no_o_id) - min(no_o_id) + 1 <> count(*)"
            .to_owned(),
        // A district has as many lines as its orders say.
        "select o_w_id, o_d_id, expected, found from \
         (select o_w_id, o_d_id, sum(o_ol_cnt) as expected from orders group by o_w_id, o_d_id) o \
         left join (select ol_w_id, ol_d_id, count(*) as found from order_line group by ol_w_id, ol_d_id) l \
         on ol_w_id = o_w_id and ol_d_id = o_d_id where found is null or expected <> found"
            .to_owned(),
        // An order has no carrier as long as it is not delivered.
        "select o_w_id, o_d_id, o_id, o_carrier_id from orders \
         left join new_order on no_w_id = o_w_id and no_d_id = o_d_id and no_o_id = o_id \
         where (o_carrier_id is null and no_o_id is null) or (o_carrier_id is not null and no_o_id is not null)"
            .to_owned(),
        // An order has as many lines as it says.
        "select o_w_id, o_d_id, o_id, o_ol_cnt, found from orders \
         left join (select ol_w_id, ol_d_id, ol_o_id, count(*) as found from order_line \
         group by ol_w_id, ol_d_id, ol_o_id) l on ol_w_id = o_w_id and ol_d_id = o_d_id and ol_o_id = o_id \
         where found is null or o_ol_cnt <> found"
            .to_owned(),
        // A line is delivered if and only if its order has a carrier.
        "select ol_w_id, ol_d_id, ol_o_id, ol_number from order_line \
         join orders on o_w_id = ol_w_id and o_d_id = ol_d_id and o_id = ol_o_id \
         where (ol_delivery_d is null and o_carrier_id is not null) \
         or (ol_delivery_d is not null and o_carrier_id is null)"
            .to_owned(),
        // A warehouse has taken in what was paid there.
        "select w_id, w_ytd, paid from warehouse \
         left join (select h_w_id, sum(h_amount) as paid from history group by h_w_id) h on h_w_id = w_id \
         where paid is null or w_ytd <> paid"
            .to_owned(),
        // So has a district.
        "select d_w_id, d_id, d_ytd, paid from district \
         left join (select h_w_id, h_d_id, sum(h_amount) as paid from history group by h_w_id, h_d_id) h \
         on h_w_id = d_w_id and h_d_id = d_id where paid is null or d_ytd <> paid"
            .to_owned(),
        // A customer owes what was delivered and not paid.
        format!(
            "select c_w_id, c_d_id, c_id, c_balance, bought, paid from customer \
             left join ({BOUGHT}) o on o_w_id = c_w_id and o_d_id = c_d_id and o_c_id = c_id \
             left join (select h_c_w_id, h_c_d_id, h_c_id, sum(h_amount) as paid from history \
             group by h_c_w_id, h_c_d_id, h_c_id) h on h_c_w_id = c_w_id and h_c_d_id = c_d_id and h_c_id = c_id \
             where c_balance <> coalesce(bought, 0) - coalesce(paid, 0)"
        ),
        // A district has delivered what it began with and what its customers have received since.
        format!(
            "select o_w_id, o_d_id, ordered, undelivered, received from \
             (select o_w_id, o_d_id, count(*) as ordered from orders group by o_w_id, o_d_id) o \
             join (select c_w_id, c_d_id, sum(c_delivery_cnt) as received from customer group by c_w_id, c_d_id) c \
             on c_w_id = o_w_id and c_d_id = o_d_id \
             left join (select no_w_id, no_d_id, count(*) as undelivered from new_order \
             group by no_w_id, no_d_id) n on no_w_id = o_w_id and no_d_id = o_d_id \
             where ordered - coalesce(undelivered, 0) <> {delivered} + received"
        ),
        // What a customer owes and has paid is what was delivered.
        format!(
            "select c_w_id, c_d_id, c_id, c_balance, c_ytd_payment, bought from customer \
             left join ({BOUGHT}) o on o_w_id = c_w_id and o_d_id = c_d_id and o_c_id = c_id \
             where c_balance + c_ytd_payment <> coalesce(bought, 0)"
        ),
    ];
    (1..).zip(texts).map(|(number, sql)| Condition { number, sql }).collect()
}

/// Checks all twelve on both access paths. Each violated one is a failure in the report; `state` says
/// there what the tables have gone through. How many held,
/// of [`CHECKS`].
///
/// # Errors
/// When a path cannot be chosen.
pub fn check(connection: &mut Conn, scale: Scale, state: &str, report: &mut Report) -> anyhow::Result<u32> {
    let mut held = 0;
    for (path, engine) in PATHS {
        connection
            .query_drop(format!("set session tidb_isolation_read_engines = '{engine}'"))
            .with_context(|| format!("cannot choose the {path} path"))?;
        for Condition { number, sql } in conditions(scale) {
            let condition = format!("condition 3.3.2.{number}, {state}, {path} path");
            match connection.query::<mysql::Row, _>(sql) {
                Ok(rows) => match rows.first() {
                    None => held += 1,
                    Some(row) => {
                        let values: Vec<_> = (0..row.len()).filter_map(|i| row.as_ref(i)).collect();
                        let values: Vec<_> = values.iter().map(|value| value.as_sql(false)).collect();
                        report.failure(format!(
                            "{condition}: {} rows violate it, the first: {}",
                            rows.len(),
                            values.join(", ")
                        ));
                    }
                },
                Err(error) => report.failure(format!("{condition}: {error}")),
            }
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twelve_conditions() {
        let conditions = conditions(Scale::full(1));
        assert_eq!(
            conditions.iter().map(|condition| condition.number).collect::<Vec<_>>(),
            (1..=12).collect::<Vec<_>>()
        );
        assert_eq!(conditions.len() * PATHS.len(), CHECKS as usize);
        assert!(conditions[10].sql.contains("<> 2100 + received"));
    }
}
