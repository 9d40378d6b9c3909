//! What is known of a snapshot as a whole, from metadata.

use std::sync::{Arc, OnceLock};

use super::snapshot::View;
use crate::api::{ColumnStatistics, SnapshotStatistics};
use crate::error::Result;
use crate::row_set::{RowSet, Rows};
use crate::types::{ColumnSchema, repeat};
use crate::zone_map::{NdvSketch, ZoneMap};

/// The statistics of what is newest in a version of a table. A copy of the version, which is how the
/// next one is made, knows nothing yet.
#[derive(Debug, Default)]
pub(crate) struct StatisticsMemo(OnceLock<Arc<SnapshotStatistics>>);

impl Clone for StatisticsMemo {
    fn clone(&self) -> Self {
        Self::default()
    }
}

pub(super) fn statistics(view: &View) -> Result<Arc<SnapshotStatistics>> {
    if view.ts < view.version.max_commit_ts {
        return compute(view).map(Arc::new);
    }
    let memo = &view.version.statistics.0;
    if let Some(known) = memo.get() {
        return Ok(known.clone());
    }
    let computed = Arc::new(compute(view)?);
    Ok(memo.get_or_init(|| computed).clone())
}

fn compute(view: &View) -> Result<SnapshotStatistics> {
    let (rows, exact_rows) = view.rows();
    let columns =
        view.version.schema.columns.iter().map(|c| column_statistics(view, c, rows)).collect::<Result<_>>()?;
    Ok(SnapshotStatistics { rows, exact_rows, columns })
}

fn column_statistics(view: &View, column: &ColumnSchema, rows: u64) -> Result<ColumnStatistics> {
    let mut bounds = ZoneMap::default();
    let mut sketch = NdvSketch::default();
    let mut exact = true;
    let mut bytes = 0;
    for set in view.version.segments.iter().flat_map(|s| s.sets()) {
        let visible = set.visible_at(view.ts);
        if visible == Some(0) {
            continue;
        }
        exact &= visible == Some(set.len() as u64);
        bytes += (0..set.rows.zone_count()).map(|z| set.rows.column_bytes(column, z)).sum::<u64>();
        add(set, column, &mut bounds, &mut sketch)?;
    }
    Ok(ColumnStatistics {
        exact: exact && bounds.min_exact && bounds.max_exact,
        distinct: (rows > 0).then(|| sketch.estimate().min(rows)),
        null_count: bounds.null_count,
        min: bounds.min,
        max: bounds.max,
        bytes,
    })
}

fn add(set: &RowSet, column: &ColumnSchema, bounds: &mut ZoneMap, sketch: &mut NdvSketch) -> Result<()> {
    match &set.rows {
        Rows::File(pack) => match (pack.column_zone_map(column.id), pack.ndv_sketch(column.id)) {
            (Some(map), Some(ndv)) => {
                bounds.merge(map);
                sketch.merge(ndv);
            }
            (None, _) | (_, None) => {
                bounds.merge(&ZoneMap::constant(&column.default, u64::from(pack.rows())));
                sketch.insert_array(&repeat(&column.default, column.data_type, 1)?);
            }
        },
        Rows::Memory(rows) => match rows.summary(column.id)? {
            Some((map, ndv)) => {
                bounds.merge(map);
                sketch.merge(ndv);
            }
            None => {
                bounds.merge(&ZoneMap::constant(&column.default, rows.len() as u64));
                sketch.insert_array(&repeat(&column.default, column.data_type, 1)?);
            }
        },
    }
    Ok(())
}
