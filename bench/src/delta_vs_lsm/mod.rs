//! The bench `delta-vs-lsm`: the DeltaTree paper's table. Scans run while rows are updated at some
//! rate; DeltaTree beside a column store that merges on read.
//!
//! | file | idea |
//! |---|---|
//! | `workload` | the rows of sysbench's table, and updates of any of them |
//! | `store` | DeltaTree and the baseline behind one trait |
//! | `pace` | scans, updates at a rate and maintenance at the same time |
//! | `clickhouse` | the same with chdb, as far as one connection goes |
//! | `run` | options, order, the table |

mod clickhouse;
mod pace;
pub mod run;
mod store;
mod workload;
