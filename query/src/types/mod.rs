//! MySQL's types over Arrow's: declaration, assignment, rendering.
//!
//! A column has a declared [`SqlType`](deltatree_learner::catalog::SqlType) and a stored Arrow type that
//! follows from it. Arrow fields carry the declared type in their metadata ([`field`]), so that what the
//! Arrow type cannot say (`CHAR` or `VARCHAR`, digits of a fraction) is not lost on the way to the client.

pub(crate) mod assign;
pub mod calendar;
pub mod coerce;
pub mod column_type;
pub mod datum;
pub mod decimal;
pub mod display;
pub mod field;
pub mod json;
pub mod literal;
pub mod number;
pub mod parse;
pub mod temporal;
pub mod text;
pub mod zone;

pub use column_type::{MysqlColumn, mysql_column};
pub use datum::Datum;
pub use decimal::Decimal;
pub use zone::SessionZone;
