//! `kill -9` at random moments, and what must hold after the restart.
//!
//! Each round starts the server on the same directory, checks what it holds, lets workers write over
//! MySQL connections, and kills it while they do. Two kinds of workers:
//!
//! - [`items`]: each owns a range of keys and inserts, updates and deletes in it, singly or several
//!   rows in one transaction. Nobody else writes there, so it knows what its rows must be.
//! - [`transfers`]: all move money between the same accounts, against each other's locks, and enter
//!   every transfer into a journal in the same transaction. The journal says what the balances must be.
//!
//! A transaction has one of three outcomes ([`outcome`]): committed (the server said so), rolled back
//! (the server said so, or the connection broke before the commit was sent), or unknown (the connection
//! broke between). After the restart ([`check`]) every committed one must be there, no rolled-back one,
//! and of each unknown one all rows or none. Rows are read on the row path and on the columnar path,
//! and the two must be equal.

pub mod check;
pub mod items;
pub mod model;
pub mod outcome;
pub mod random;
pub mod rounds;
pub mod run;
pub mod transfers;
