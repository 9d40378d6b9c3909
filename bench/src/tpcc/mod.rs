//! TPC-C: the order entry of a wholesale supplier, as load for the benches that need transactions.
//!
//! Schema, population and transactions follow the specification (revision 5.11), with the changes that
//! CH-benCHmark makes: the three TPC-H tables `supplier`, `nation` and `region`, and customers' states
//! that begin with a letter that stands for a nation. Terminals neither key nor think: they are as fast as
//! the server lets them be, so a figure in transactions a minute is not a result of the benchmark TPC-C.
//!
//! - [`scale`]: how large the tables are
//! - [`random`]: the specification's random texts and its skewed numbers
//! - [`moment`]: times as texts
//! - [`schema`]: the twelve tables
//! - [`lines`]: rows of a table as a text file has them
//! - [`generate`]: the population, in parts that can be made by themselves
//! - [`load`]: the parts into a server, by `LOAD DATA LOCAL`
//! - [`new_order`], [`payment`], [`order_status`], [`delivery`], [`stock_level`]: the transactions
//! - [`customer`]: how payments and order statuses find their customer
//! - [`outcome`]: how a transaction ends
//! - [`terminal`]: a client that runs them, and runs them again if they lost a race
//! - [`mix`]: how often each transaction comes, and how long each took
//! - [`window`]: from when to when clients are measured
//! - [`consistency`]: what must hold whenever nobody writes

pub mod consistency;
pub mod customer;
pub mod delivery;
pub mod generate;
pub mod lines;
pub mod load;
pub mod mix;
pub mod moment;
pub mod new_order;
pub mod order_status;
pub mod outcome;
pub mod payment;
pub mod random;
pub mod scale;
pub mod schema;
pub mod stock_level;
pub mod terminal;
pub mod window;
