//! How payments and order statuses find their customer: six in ten by last name, else by number.

use mysql::prelude::Queryable;
use mysql::{Conn, Statement};

use super::outcome::Failure;
use super::random::Source;
use super::scale::Scale;

/// What a terminal knows of the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The number.
    Number(u32),
    /// The last name, which several may have.
    LastName(String),
}

impl Wanted {
    /// Draws one.
    pub fn draw(source: &mut Source, scale: Scale) -> Self {
        if source.percent(60) {
            Self::LastName(source.wanted_last_name(scale.last_names()))
        } else {
            Self::Number(source.customer(scale.customers))
        }
    }
}

/// The search by last name.
#[derive(Debug)]
pub struct Search(Statement);

impl Search {
    /// Prepares it.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn prepare(connection: &mut Conn) -> mysql::Result<Self> {
        Ok(Self(
            connection
                .prep("select c_id from customer where c_w_id = ? and c_d_id = ? and c_last = ? order by c_first")?,
        ))
    }

    /// The customer's number: of those with the last name the middle one by first name.
    ///
    /// # Errors
    /// When nobody has the name, or the statement fails.
    pub fn find(&self, connection: &mut Conn, warehouse: u32, district: u32, wanted: &Wanted) -> Result<u32, Failure> {
        let name = match wanted {
            Wanted::Number(number) => return Ok(*number),
            Wanted::LastName(name) => name,
        };
        let found: Vec<u32> = connection.exec(&self.0, (warehouse, district, name))?;
        let middle = found.len().checked_sub(1).and_then(|last| found.get(last / 2)).copied();
        middle.ok_or_else(|| Failure::Wrong(format!("no customer {name} in district {district} of {warehouse}")))
    }
}
