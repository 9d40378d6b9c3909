//! Names of databases and tables as DataFusion looks them up, and the tables about tables.

mod provider;
pub mod system;

pub use provider::{CATALOG, QueryCatalog};
