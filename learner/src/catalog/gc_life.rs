//! How long overwritten versions stay readable, as the group has agreed on it.
//!
//! It is kept with the definitions, so every replica has it in memory and each moves its safe point by the same.
//! A safe point never goes back: what was collected under a shorter life does not come back with a longer one.

use std::time::Duration;

use super::CatalogSnapshot;
use super::ddl::{changed, put};
use super::meta_key::{encode_u64, gc_life_key};
use crate::table_write::KeyOp;

/// Makes `life` the GC life time of all replicas, to the millisecond.
pub fn set_gc_life(catalog: &CatalogSnapshot, life: Duration) -> Vec<KeyOp> {
    let mut ops = changed(catalog);
    let millis = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
    ops.push(put(gc_life_key(), encode_u64(millis)));
    ops
}
