//! Payment (clause 2.5): a customer pays, at the own warehouse or, fifteen times in a hundred, at another.
//!
//! The customer is written first and the warehouse last: every payment at a warehouse waits for its row, so
//! that row is locked for as short a time as can be.

use mysql::prelude::Queryable;
use mysql::{Conn, Statement};

use super::customer::{Search, Wanted};
use super::moment;
use super::outcome::{Ended, Failure, read_one, write_one};
use super::random::Source;
use super::terminal::{Place, Transaction};

/// Characters of `c_data`.
const DATA_LENGTH: usize = 500;

/// Who pays what, and where.
#[derive(Debug)]
pub struct Input {
    warehouse: u32,
    district: u32,
    /// Of the customer.
    customer_warehouse: u32,
    customer_district: u32,
    customer: Wanted,
    amount: f64,
    paid: String,
}

/// The statements.
#[derive(Debug)]
pub struct Payment {
    search: Search,
    customer: Statement,
    customer_data: Statement,
    pay: Statement,
    pay_with_data: Statement,
    district: Statement,
    pay_district: Statement,
    warehouse: Statement,
    pay_warehouse: Statement,
    insert_history: Statement,
}

/// A customer's columns that a receipt shows.
type Customer = (String, String, String, String, f64, f64, f64);

impl Transaction for Payment {
    type Input = Input;

    fn prepare(connection: &mut Conn) -> mysql::Result<Self> {
        const PAID: &str = "c_balance = c_balance - ?, c_ytd_payment = c_ytd_payment + ?, \
                            c_payment_cnt = c_payment_cnt + 1";
        const KEY: &str = "c_w_id = ? and c_d_id = ? and c_id = ?";
        Ok(Self {
            search: Search::prepare(connection)?,
            customer: connection.prep(format!(
                "select c_first, c_last, c_phone, c_credit, c_credit_lim, c_discount, c_balance from customer \
                 where {KEY} for update"
            ))?,
            customer_data: connection.prep(format!("select c_data from customer where {KEY}"))?,
            pay: connection.prep(format!("update customer set {PAID} where {KEY}"))?,
            pay_with_data: connection.prep(format!("update customer set {PAID}, c_data = ? where {KEY}"))?,
            district: connection.prep(
                "select d_name, d_street_1, d_street_2, d_city, d_state, d_zip from district \
                 where d_w_id = ? and d_id = ?",
            )?,
            pay_district: connection.prep("update district set d_ytd = d_ytd + ? where d_w_id = ? and d_id = ?")?,
            warehouse: connection
                .prep("select w_name, w_street_1, w_street_2, w_city, w_state, w_zip from warehouse where w_id = ?")?,
            pay_warehouse: connection.prep("update warehouse set w_ytd = w_ytd + ? where w_id = ?")?,
            insert_history: connection.prep(
                "insert into history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) \
                 values (?, ?, ?, ?, ?, ?, ?, ?)",
            )?,
        })
    }

    fn input(source: &mut Source, place: Place) -> anyhow::Result<Input> {
        let district = place.district(source);
        let (customer_warehouse, customer_district) = if source.percent(85) {
            (place.warehouse, district)
        } else {
            (place.other_warehouse(source), place.district(source))
        };
        Ok(Input {
            warehouse: place.warehouse,
            district,
            customer_warehouse,
            customer_district,
            customer: Wanted::draw(source, place.scale),
            amount: f64::from(source.number(100, 500_000)) / 100.0,
            paid: moment::now()?,
        })
    }

    fn run(&self, connection: &mut Conn, input: &Input) -> Result<Ended, Failure> {
        let customer = self.pay(connection, input)?;
        let &Input { warehouse, district, amount, .. } = input;
        type Address = (String, String, String, String, String, String);
        let from: Address = read_one(connection, &self.district, (warehouse, district), "district")?;
        let of: Address = read_one(connection, &self.warehouse, (warehouse,), "warehouse")?;
        let data = format!("{}    {}", of.0, from.0);
        let (customer_district, customer_warehouse) = (input.customer_district, input.customer_warehouse);
        let values = (customer, customer_district, customer_warehouse, district, warehouse, &input.paid, amount, data);
        write_one(connection, &self.insert_history, values, "payment")?;
        write_one(connection, &self.pay_district, (amount, warehouse, district), "district")?;
        write_one(connection, &self.pay_warehouse, (amount, warehouse), "warehouse")?;
        Ok(Ended::Committed)
    }
}

impl Payment {
    /// Takes the amount off what the customer owes. The customer's number.
    fn pay(&self, connection: &mut Conn, input: &Input) -> Result<u32, Failure> {
        let (warehouse, district) = (input.customer_warehouse, input.customer_district);
        let number = self.search.find(connection, warehouse, district, &input.customer)?;
        let key = (warehouse, district, number);
        let (_, _, _, credit, _, _, _): Customer = read_one(connection, &self.customer, key, "customer")?;
        let amount = input.amount;
        if credit != "BC" {
            let values = (amount, amount, warehouse, district, number);
            write_one(connection, &self.pay, values, "customer")?;
            return Ok(number);
        }
        let old: String = read_one(connection, &self.customer_data, key, "customer")?;
        let data = format!("{number} {district} {warehouse} {} {} {amount:.2}|{old}", input.district, input.warehouse);
        let data: String = data.chars().take(DATA_LENGTH).collect();
        let values = (amount, amount, data, warehouse, district, number);
        write_one(connection, &self.pay_with_data, values, "customer")?;
        Ok(number)
    }
}
