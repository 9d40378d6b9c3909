//! A table as DataFusion sees it: one name, two physical paths.

mod htap_table;
mod statistics;

pub use htap_table::HtapTable;
