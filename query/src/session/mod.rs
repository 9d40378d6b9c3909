//! One client's session: its variables, its transaction, and the running of its statements.
//!
//! - [`session`]: the session and how a statement passes through it
//! - [`transaction`]: explicit and implicit transactions, atomicity of statements
//! - [`read`]: what queries see, and the values of expressions
//! - [`run_query`]: running queries on the threads that are for them
//! - [`variables`], [`variable_list`]: system and user variables
//! - [`go_duration`]: durations as TiDB's variables have them
//! - [`authority`]: what it may do
//! - [`diagnostics`]: warnings and counters that the next statement may ask for
//! - [`result`]: what a statement gives back

mod authority;
mod diagnostics;
mod failure;
pub(crate) mod go_duration;
mod read;
mod result;
mod run_query;
#[expect(clippy::module_inception, reason = "the session is what this folder is about")]
mod session;
mod transaction;
mod value;
mod variable_list;
mod variables;

pub use result::{Completion, StatementResult};
pub use session::Session;
pub use variables::{GlobalVariables, SessionVariables, VariableValue};

pub(crate) use diagnostics::Level;
pub(crate) use failure::{schema_change_failed, write_failed};
pub(crate) use result::{TextTable, rows_of};
pub(crate) use run_query::StopOnDrop;

/// What clients are told as the server's version. The number says which MySQL's features to expect.
pub const SERVER_VERSION: &str = concat!("8.0.11-DeltaTree-", env!("CARGO_PKG_VERSION"));
