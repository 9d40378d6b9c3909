//! Reading plans: one scan of the columnar replica, one of the row store.

mod columnar_scan;
mod columnar_stream;
mod filters;
mod own_rows;
mod perfect_hash;
mod row_filter;
mod row_read;
mod row_source;
mod scan_shape;

pub use columnar_scan::{ColumnarRead, ColumnarScanExec};
pub use filters::ScanFilters;
pub(crate) use own_rows::OwnRows;
pub(crate) use perfect_hash::PerfectHashAggregateExec;
pub use row_read::{RowRead, RowReadExec};
pub use row_source::{ReadRows, RowSource};
pub use scan_shape::ScanShape;
