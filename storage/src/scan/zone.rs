//! Reading one zone: visibility, then conditions, then whatever columns are left.

use std::sync::atomic::Ordering;

use arrow::buffer::BooleanBuffer;

use super::condition::best_first;
use super::exclude::not_in;
use super::plan::{Source, Unit};
use super::scan::Scan;
use super::survivors::{Survivors, ZoneRows};
use super::visibility::visible;
use crate::error::Result;
use crate::zone_map::{Verdict, prune};

/// Before a condition is evaluated, rows that are ruled out are dropped if those left are fewer than
/// one in this many: if the condition is dear (a value of text and more), or cheap. To unpack and
/// compare numbers is hardly more work than to gather them.
const DROP_IF_DEAR: usize = 2;
const DROP_IF_CHEAP: usize = 16;
/// Conditions of at least this relative cost are dear.
const DEAR: f64 = 4.0;

/// Reads a unit; `None` if no row survives. Rows keep their order only if keys are asked for.
pub(super) fn read_unit(scan: &Scan, unit: &Unit, with_keys: bool) -> Result<Option<ZoneRows>> {
    let source = &scan.plan.sources[unit.source];
    if pruned_by_now(scan, source, unit) {
        scan.metrics.zones_pruned.fetch_add(1, Ordering::Relaxed);
        return Ok(None);
    }
    let metrics = &scan.metrics;
    metrics.rows_scanned.fetch_add(unit.rows.len() as u64, Ordering::Relaxed);
    if source.set.rows.pack().is_some() && !source.touched.swap(true, Ordering::Relaxed) {
        metrics.packs_read.fetch_add(1, Ordering::Relaxed);
    }
    let offset = unit.rows.start - source.set.rows.zone_rows(unit.zone).start;
    let schema = &scan.view.version.schema;
    let mut rows = Survivors::new(schema, &source.set.rows, unit.zone, offset, unit.rows.len());
    if !select_visible(scan, source, unit, &mut rows)? || !select_matching(scan, unit, &mut rows)? {
        return Ok(None);
    }
    let rows = rows.finish(&scan.request.projection, scan.schema.clone(), with_keys)?;
    metrics.rows_returned.fetch_add(rows.batch.num_rows() as u64, Ordering::Relaxed);
    if !source.sorted {
        metrics.delta_rows.fetch_add(rows.batch.num_rows() as u64, Ordering::Relaxed);
    }
    Ok(Some(rows))
}

/// Whether the filters, as sharp as they are now, rule the zone out.
fn pruned_by_now(scan: &Scan, source: &Source, unit: &Unit) -> bool {
    let columns = &scan.view.version.schema.columns;
    scan.request.filters.iter().filter_map(|f| f.bounds()).any(|bounds| {
        let map = |column: usize| columns.get(column).and_then(|c| source.set.rows.zone_map(c, unit.zone));
        prune(&bounds, &map) == Verdict::None
    })
}

/// Rules out what the snapshot does not show, what lies outside of the key range, and what the request
/// excludes. False if nothing is left.
fn select_visible(scan: &Scan, source: &Source, unit: &Unit, rows: &mut Survivors<'_>) -> Result<bool> {
    let shown = visible(&source.set, &source.deleted, scan.view.ts, unit.zone, &unit.rows)?;
    let positions = source.excluded.as_ref().and_then(|e| e.mask(unit.rows.start, unit.rows.len()));
    for mask in [shown, positions].into_iter().flatten() {
        if !rows.and(mask) {
            return Ok(false);
        }
    }
    let exclude = scan.request.exclude.as_ref().filter(|_| !source.sorted);
    if !unit.check_keys && exclude.is_none() {
        return Ok(true);
    }
    let keys = rows.keys()?;
    let range = &scan.request.key_range;
    if unit.check_keys && !rows.and(BooleanBuffer::collect_bool(keys.len(), |i| range.contains(keys.get(i)))) {
        return Ok(false);
    }
    Ok(exclude.is_none_or(|excluded| rows.and(not_in(&keys, excluded))))
}

/// Rules out what does not meet the conditions. False if nothing is left.
fn select_matching(scan: &Scan, unit: &Unit, rows: &mut Survivors<'_>) -> Result<bool> {
    let conditions = &scan.conditions;
    let order = best_first(conditions);
    for (i, at) in order.iter().enumerate() {
        let condition = &conditions[*at];
        if unit.all_match && condition.settled_by_zone_maps || !condition.is_active() {
            continue;
        }
        let one_in = if condition.cost >= DEAR { DROP_IF_DEAR } else { DROP_IF_CHEAP };
        if rows.count() * one_in < rows.len() {
            let later = |column: usize| order[i..].iter().any(|at| conditions[*at].columns.contains(&column));
            rows.drop_ruled_out(|column| scan.request.projection.contains(&column) || later(column))?;
        }
        if !rows.hold_against(condition)? {
            return Ok(false);
        }
    }
    Ok(true)
}
