//! Order-Status (clause 2.6): how a customer's last order is doing. It writes nothing.

use mysql::prelude::Queryable;
use mysql::{Conn, Statement};

use super::customer::{Search, Wanted};
use super::outcome::{Ended, Failure, read_one};
use super::random::Source;
use super::terminal::{Place, Transaction};

/// Who asks.
#[derive(Debug)]
pub struct Input {
    warehouse: u32,
    district: u32,
    customer: Wanted,
}

/// The statements.
#[derive(Debug)]
pub struct OrderStatus {
    search: Search,
    customer: Statement,
    last_order: Statement,
    lines: Statement,
}

impl Transaction for OrderStatus {
    type Input = Input;

    fn prepare(connection: &mut Conn) -> mysql::Result<Self> {
        Ok(Self {
            search: Search::prepare(connection)?,
            customer: connection.prep(
                "select c_first, c_middle, c_last, c_balance from customer \
                 where c_w_id = ? and c_d_id = ? and c_id = ?",
            )?,
            last_order: connection.prep(
                "select o_id, o_entry_d, o_carrier_id, o_ol_cnt from orders \
                 where o_w_id = ? and o_d_id = ? and o_c_id = ? order by o_id desc limit 1",
            )?,
            lines: connection.prep(
                "select ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d from order_line \
                 where ol_w_id = ? and ol_d_id = ? and ol_o_id = ?",
            )?,
        })
    }

    fn input(source: &mut Source, place: Place) -> anyhow::Result<Input> {
        let district = place.district(source);
        Ok(Input { warehouse: place.warehouse, district, customer: Wanted::draw(source, place.scale) })
    }

    fn run(&self, connection: &mut Conn, input: &Input) -> Result<Ended, Failure> {
        let &Input { warehouse, district, .. } = input;
        let customer = self.search.find(connection, warehouse, district, &input.customer)?;
        let key = (warehouse, district, customer);
        let _shown: (String, String, String, f64) = read_one(connection, &self.customer, key, "customer")?;
        // Every customer begins with an order.
        type Order = (u32, mysql::Value, Option<u32>, usize);
        let (order, _, carrier, count): Order = read_one(connection, &self.last_order, key, "customer's order")?;
        type Line = (u32, u32, u32, f64, Option<mysql::Value>);
        let lines: Vec<Line> = connection.exec(&self.lines, (warehouse, district, order))?;
        let delivered = lines.iter().filter(|line| line.4.as_ref().is_some_and(|at| *at != mysql::Value::NULL)).count();
        let expected = if carrier.is_some() { count } else { 0 };
        if (lines.len(), delivered) != (count, expected) {
            return Err(Failure::Wrong(format!(
                "order {order} of district {district} of {warehouse} has {count} lines, of which {expected} are \
                 delivered; {} were found, {delivered} delivered",
                lines.len()
            )));
        }
        Ok(Ended::Committed)
    }
}
