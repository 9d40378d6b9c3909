//! What columnar queries see of the writes acknowledged before they began.
//!
//! - [`smoke`]: the bench `freshness-smoke`, one table, each acknowledged write looked for
//! - [`run`]: the bench `freshness`, beside transactions and analytical queries
//! - [`counters`]: what was acknowledged when, and what a query that saw too little was behind
//! - [`prober`]: a client that writes and at once looks for what it wrote
//! - [`delays`]: how long that took

pub mod counters;
pub mod delays;
pub mod prober;
pub mod run;
pub mod smoke;
