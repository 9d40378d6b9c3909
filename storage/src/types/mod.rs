//! The vocabulary of the engine: ids, timestamps, values, keys, key ranges and schemas.

mod ids;
mod key;
mod key_range;
mod repeat;
mod schema;
mod search;
mod timestamp;
mod value;

pub use ids::{ColumnId, FileId, SegmentId, TableId};
pub use key::{KeyArray, KeyKind, KeyRef, RowKey, memcomparable};
pub use key_range::KeyRange;
pub(crate) use repeat::repeat;
pub use schema::{ColumnSchema, StoredType, TableSchema};
pub(crate) use search::search;
pub use timestamp::Timestamp;
pub use value::Value;
