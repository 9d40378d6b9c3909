//! What clients do, and what must hold of their histories.
//!
//! - [`appends`]: transactions over lists that grow; checked for every anomaly that snapshot isolation forbids
//! - [`registers`]: transactions over values that replace each other; likewise
//! - [`bank`]: money moves, and its sum stays
//! - [`fork`]: all readers, on both paths, see single writes in one order, and those acknowledged before
//! - [`cells`]: reads, writes and conditional writes of single rows are linearizable
//! - [`timestamps`]: they grow, whatever clocks do
//! - [`orders`]: TPC-C, whose twelve conditions hold at the end
//! - [`inserts`]: every acknowledged row is found, none of those refused

pub mod appends;
pub mod bank;
pub mod cells;
pub mod fork;
pub mod inserts;
pub mod orders;
pub mod registers;
pub mod timestamps;

use mysql::Conn;

use super::history::{Client, Event};

/// One kind of load.
pub trait Workload: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Its tables. Schema changes and compactions are theirs.
    fn tables(&self) -> &'static [&'static str];

    /// Makes the tables.
    ///
    /// # Errors
    /// When the server refuses a statement.
    fn create(&self, connection: &mut Conn) -> anyhow::Result<()>;

    /// How many clients it has.
    fn clients(&self) -> usize {
        3
    }

    /// One operation of a client, chosen by the client's random numbers.
    fn step(&self, client: &mut Client<'_>);

    /// What is asked when everything is whole again, through each front end in turn. False if it was not
    /// answered.
    fn finish(&self, client: &mut Client<'_>) -> bool;

    /// What was wrong, in words.
    fn check(&self, events: &[Event]) -> Vec<String>;
}

/// All of them.
pub fn all() -> Vec<Box<dyn Workload>> {
    vec![
        Box::new(appends::Appends::default()),
        Box::new(registers::Registers::default()),
        Box::new(bank::Bank),
        Box::new(fork::Fork::default()),
        Box::new(cells::Cells::default()),
        Box::new(inserts::Inserts::default()),
        Box::new(timestamps::Timestamps::default()),
        Box::new(orders::Orders),
    ]
}

/// The SQL words that begin a transaction of either mode.
const BEGIN_PESSIMISTIC: &str = "begin pessimistic";
const BEGIN_OPTIMISTIC: &str = "begin optimistic";
