//! Stock-Level (clause 2.8): how many items of a district's last twenty orders are low in stock. It writes
//! nothing.

use mysql::prelude::Queryable;
use mysql::{Conn, Statement};

use super::outcome::{Ended, Failure, read_one};
use super::random::Source;
use super::terminal::{Place, Transaction};

/// Where, and what is low.
#[derive(Debug)]
pub struct Input {
    warehouse: u32,
    district: u32,
    threshold: u32,
}

/// The statements.
#[derive(Debug)]
pub struct StockLevel {
    district: Statement,
    low: Statement,
}

impl Transaction for StockLevel {
    type Input = Input;

    fn prepare(connection: &mut Conn) -> mysql::Result<Self> {
        Ok(Self {
            district: connection.prep("select d_next_o_id from district where d_w_id = ? and d_id = ?")?,
            low: connection.prep(
                "select count(distinct s_i_id) from order_line join stock on s_i_id = ol_i_id \
                 where ol_w_id = ? and ol_d_id = ? and ol_o_id >= ? and ol_o_id < ? \
                 and s_w_id = ? and s_quantity < ?",
            )?,
        })
    }

    fn input(source: &mut Source, place: Place) -> anyhow::Result<Input> {
        let district = place.district(source);
        Ok(Input { warehouse: place.warehouse, district, threshold: source.number(10, 20) })
    }

    fn run(&self, connection: &mut Conn, input: &Input) -> Result<Ended, Failure> {
        let &Input { warehouse, district, threshold } = input;
        let next: u32 = read_one(connection, &self.district, (warehouse, district), "district")?;
        let values = (warehouse, district, next.saturating_sub(20), next, warehouse, threshold);
        let _low: u64 = read_one(connection, &self.low, values, "count")?;
        Ok(Ended::Committed)
    }
}
