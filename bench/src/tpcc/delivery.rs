//! Delivery (clause 2.7): the oldest order of each district of a warehouse that is not delivered yet.
//!
//! The specification has deliveries wait in a queue, and the terminal go on; here the terminal runs its own
//! and waits, so that its time is known. All ten districts are one transaction.

use mysql::prelude::Queryable;
use mysql::{Conn, Statement};

use super::moment;
use super::outcome::{Ended, Failure, read_one, write_one};
use super::random::Source;
use super::scale::DISTRICTS;
use super::terminal::{Place, Transaction};

/// Who delivers, when.
#[derive(Debug)]
pub struct Input {
    warehouse: u32,
    carrier: u32,
    delivered: String,
}

/// The statements.
#[derive(Debug)]
pub struct Delivery {
    oldest: Statement,
    delete_new_order: Statement,
    order: Statement,
    carry: Statement,
    deliver_lines: Statement,
    amount: Statement,
    bill: Statement,
}

impl Transaction for Delivery {
    type Input = Input;

    fn prepare(connection: &mut Conn) -> mysql::Result<Self> {
        const LINES: &str = "ol_w_id = ? and ol_d_id = ? and ol_o_id = ?";
        Ok(Self {
            oldest: connection.prep(
                "select no_o_id from new_order where no_w_id = ? and no_d_id = ? order by no_o_id limit 1 for update",
            )?,
            delete_new_order: connection
                .prep("delete from new_order where no_w_id = ? and no_d_id = ? and no_o_id = ?")?,
            order: connection
                .prep("select o_c_id, o_ol_cnt from orders where o_w_id = ? and o_d_id = ? and o_id = ?")?,
            carry: connection
                .prep("update orders set o_carrier_id = ? where o_w_id = ? and o_d_id = ? and o_id = ?")?,
            deliver_lines: connection.prep(format!("update order_line set ol_delivery_d = ? where {LINES}"))?,
            amount: connection.prep(format!("select sum(ol_amount) from order_line where {LINES}"))?,
            bill: connection.prep(
                "update customer set c_balance = c_balance + ?, c_delivery_cnt = c_delivery_cnt + 1 \
                 where c_w_id = ? and c_d_id = ? and c_id = ?",
            )?,
        })
    }

    fn input(source: &mut Source, place: Place) -> anyhow::Result<Input> {
        Ok(Input { warehouse: place.warehouse, carrier: source.number(1, 10), delivered: moment::now()? })
    }

    fn run(&self, connection: &mut Conn, input: &Input) -> Result<Ended, Failure> {
        for district in 1..=DISTRICTS {
            let oldest: Option<u32> = connection.exec_first(&self.oldest, (input.warehouse, district))?;
            // A district that has nothing to deliver is left out.
            if let Some(order) = oldest {
                self.deliver(connection, input, district, order)?;
            }
        }
        Ok(Ended::Committed)
    }
}

impl Delivery {
    fn deliver(&self, connection: &mut Conn, input: &Input, district: u32, order: u32) -> Result<(), Failure> {
        let warehouse = input.warehouse;
        let key = (warehouse, district, order);
        write_one(connection, &self.delete_new_order, key, "new order")?;
        let (customer, count): (u32, u64) = read_one(connection, &self.order, key, "order")?;
        write_one(connection, &self.carry, (input.carrier, warehouse, district, order), "order")?;
        connection.exec_drop(&self.deliver_lines, (&input.delivered, warehouse, district, order))?;
        let lines = connection.affected_rows();
        if lines != count {
            return Err(Failure::Wrong(format!("{lines} of {count} lines delivered of {key:?}")));
        }
        let amount: f64 = read_one(connection, &self.amount, key, "order line")?;
        write_one(connection, &self.bill, (amount, warehouse, district, customer), "customer")
    }
}
