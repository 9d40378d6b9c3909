//! New-Order (clause 2.4): a customer orders five to fifteen items.
//!
//! One order in a hundred names an item that does not exist and is rolled back, after it has written.

use mysql::prelude::Queryable;
use mysql::{Conn, Statement};

use super::moment;
use super::outcome::{Ended, Failure, read_one, write_one};
use super::random::Source;
use super::scale::DISTRICTS;
use super::terminal::{Place, Transaction};

/// What is ordered.
#[derive(Debug)]
pub struct Input {
    warehouse: u32,
    district: u32,
    customer: u32,
    entered: String,
    lines: Vec<Line>,
}

/// One item of it.
#[derive(Debug)]
struct Line {
    item: u32,
    supplier: u32,
    quantity: u32,
}

/// The statements.
#[derive(Debug)]
pub struct NewOrder {
    warehouse: Statement,
    customer: Statement,
    district: Statement,
    advance_district: Statement,
    insert_order: Statement,
    insert_new_order: Statement,
    item: Statement,
    /// One for each district: a stock has a text for each.
    stocks: Vec<Statement>,
    take_from_stock: Statement,
    insert_line: Statement,
}

impl Transaction for NewOrder {
    type Input = Input;

    fn prepare(connection: &mut Conn) -> mysql::Result<Self> {
        let stock = |district| {
            format!(
                "select s_quantity, s_data, s_dist_{district:02} from stock where s_w_id = ? and s_i_id = ? for update"
            )
        };
        Ok(Self {
            warehouse: connection.prep("select w_tax from warehouse where w_id = ?")?,
            customer: connection.prep(
                "select c_discount, c_last, c_credit from customer where c_w_id = ? and c_d_id = ? and c_id = ?",
            )?,
            district: connection
                .prep("select d_next_o_id, d_tax from district where d_w_id = ? and d_id = ? for update")?,
            advance_district: connection
                .prep("update district set d_next_o_id = d_next_o_id + 1 where d_w_id = ? and d_id = ?")?,
            insert_order: connection.prep(
                "insert into orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_carrier_id, o_ol_cnt, o_all_local) \
                 values (?, ?, ?, ?, ?, null, ?, ?)",
            )?,
            insert_new_order: connection.prep("insert into new_order (no_o_id, no_d_id, no_w_id) values (?, ?, ?)")?,
            item: connection.prep("select i_price, i_name, i_data from item where i_id = ?")?,
            stocks: (1..=DISTRICTS).map(|district| connection.prep(stock(district))).collect::<mysql::Result<_>>()?,
            take_from_stock: connection.prep(
                "update stock set s_quantity = ?, s_ytd = s_ytd + ?, s_order_cnt = s_order_cnt + 1, \
                 s_remote_cnt = s_remote_cnt + ? where s_w_id = ? and s_i_id = ?",
            )?,
            insert_line: connection.prep(
                "insert into order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, \
                 ol_delivery_d, ol_quantity, ol_amount, ol_dist_info) values (?, ?, ?, ?, ?, ?, null, ?, ?, ?)",
            )?,
        })
    }

    fn input(source: &mut Source, place: Place) -> anyhow::Result<Input> {
        let district = place.district(source);
        let customer = source.customer(place.scale.customers);
        let count = source.number(5, 15);
        let mut lines: Vec<Line> = (0..count)
            .map(|_| Line {
                item: source.item(place.scale.items),
                supplier: if source.percent(1) { place.other_warehouse(source) } else { place.warehouse },
                quantity: source.number(1, 10),
            })
            .collect();
        // Two orders take their stocks in the same sequence, so that neither waits for the other's.
        lines.sort_by_key(|line| (line.supplier, line.item));
        if source.percent(1)
            && let Some(last) = lines.last_mut()
        {
            last.item = place.scale.items + 1;
        }
        Ok(Input { warehouse: place.warehouse, district, customer, entered: moment::now()?, lines })
    }

    fn run(&self, connection: &mut Conn, input: &Input) -> Result<Ended, Failure> {
        let &Input { warehouse, district, customer, .. } = input;
        let _tax: f64 = read_one(connection, &self.warehouse, (warehouse,), "warehouse")?;
        let _customer: (f64, String, String) =
            read_one(connection, &self.customer, (warehouse, district, customer), "customer")?;
        let (order, _tax): (u32, f64) = read_one(connection, &self.district, (warehouse, district), "district")?;
        write_one(connection, &self.advance_district, (warehouse, district), "district")?;
        let all_local = input.lines.iter().all(|line| line.supplier == warehouse);
        let values = (order, district, warehouse, customer, &input.entered, input.lines.len(), u32::from(all_local));
        write_one(connection, &self.insert_order, values, "order")?;
        write_one(connection, &self.insert_new_order, (order, district, warehouse), "new order")?;
        for (number, line) in (1_u32..).zip(&input.lines) {
            let item: Option<(f64, String, String)> = connection.exec_first(&self.item, (line.item,))?;
            let Some((price, _, _)) = item else { return Ok(Ended::RolledBack) };
            let info = self.take_from_stock(connection, input, line)?;
            let amount = f64::from(line.quantity) * price;
            let values = (order, district, warehouse, number, line.item, line.supplier, line.quantity, amount, info);
            write_one(connection, &self.insert_line, values, "order line")?;
        }
        Ok(Ended::Committed)
    }
}

impl NewOrder {
    /// Takes what a line orders, and has the stock filled up when it gets low. The text that goes with it.
    fn take_from_stock(&self, connection: &mut Conn, input: &Input, line: &Line) -> Result<String, Failure> {
        let statement = self.stocks.get(input.district as usize - 1);
        let statement =
            statement.ok_or_else(|| Failure::Wrong(format!("stocks know no district {}", input.district)))?;
        let key = (line.supplier, line.item);
        let (stocked, _, info): (u32, String, String) = read_one(connection, statement, key, "stock")?;
        let left = quantity_after(stocked, line.quantity);
        let remote = u32::from(line.supplier != input.warehouse);
        let values = (left, line.quantity, remote, line.supplier, line.item);
        write_one(connection, &self.take_from_stock, values, "stock")?;
        Ok(info)
    }
}

/// How much a stock has after an order: at least ten, because it is filled up by 91 before it has less.
fn quantity_after(stocked: u32, ordered: u32) -> u32 {
    if stocked >= ordered + 10 { stocked - ordered } else { stocked + 91 - ordered }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpcc::scale::Scale;

    #[test]
    fn a_low_stock_is_filled_up() {
        assert_eq!(quantity_after(20, 10), 10);
        assert_eq!(quantity_after(19, 10), 100);
    }

    #[test]
    fn one_order_in_a_hundred_names_a_missing_item() {
        let mut source = Source::new(1);
        let place = Place { scale: Scale::full(3), warehouse: 2 };
        let (mut missing, mut remote, mut lines) = (0, 0, 0);
        for _ in 0..10_000 {
            let input = NewOrder::input(&mut source, place).unwrap();
            assert!((5..=15).contains(&input.lines.len()));
            missing += u32::from(input.lines.iter().any(|line| line.item > place.scale.items));
            remote += input.lines.iter().filter(|line| line.supplier != 2).count();
            lines += input.lines.len();
        }
        assert!((60..=140).contains(&missing), "{missing}");
        assert!((lines / 200..=lines / 70).contains(&remote), "{remote} of {lines}");
    }
}
