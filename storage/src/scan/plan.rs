//! Which zones a scan must look at, decided from metadata.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::exclude::{check_ascending, excluded_rows};
use super::snapshot::View;
use super::visibility::Deleted;
use crate::api::{ScanEstimate, ScanRequest};
use crate::delete_vector::RowBitmap;
use crate::error::{Error, Result};
use crate::predicate::Predicate;
use crate::row_set::{RowSet, Rows};
use crate::segment::Segment;
use crate::types::{KeyRange, KeyRef, TableSchema};
use crate::zone_map::{Verdict, prune};

/// An array of rows that takes part in the scan.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) set: RowSet,
    pub(super) deleted: Deleted,
    /// Whether rows are in key order, one a key.
    pub(super) sorted: bool,
    /// Rows left out by key, where that was resolved to positions.
    pub(super) excluded: Option<RowBitmap>,
    pub(super) touched: AtomicBool,
}

/// The part of one zone that lies in the key range: what one thread reads at a time.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) source: usize,
    pub(super) zone: usize,
    /// Row numbers in the source.
    pub(super) rows: Range<usize>,
    /// Whether single rows must be held against the key range.
    pub(super) check_keys: bool,
    /// Whether the predicates are known to hold for every row.
    pub(super) all_match: bool,
}

/// See the module documentation.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) sources: Vec<Source>,
    pub(super) units: Vec<Unit>,
    pub(super) zones_total: u64,
    pub(super) zones_pruned: u64,
    pub(super) packs_pruned: u64,
}

impl Plan {
    /// Plans the whole request. `predicate` is the conjunction of all that zones can be pruned by.
    pub(super) fn new(view: &View, request: &ScanRequest, predicate: &Predicate) -> Result<Self> {
        check_request(&view.version.schema, request)?;
        let mut plan = Self::default();
        for segment in view.version.segments.iter().filter(|s| s.range.overlaps(&request.key_range)) {
            plan.add_segment(view, segment, request, predicate)?;
        }
        Ok(plan)
    }

    /// Adds the zones of one segment.
    pub(super) fn add_segment(
        &mut self,
        view: &View,
        segment: &Segment,
        request: &ScanRequest,
        predicate: &Predicate,
    ) -> Result<()> {
        for set in &segment.stable.packs {
            let rows = sorted_rows(set, &request.key_range)?;
            self.add_set(view, set, true, rows, request, predicate)?;
        }
        for set in segment.delta.parts().iter().map(|p| &p.set).chain(&segment.history) {
            self.add_set(view, set, false, 0..set.len(), request, predicate)?;
        }
        Ok(())
    }

    fn add_set(
        &mut self,
        view: &View,
        set: &RowSet,
        sorted: bool,
        rows: Range<usize>,
        request: &ScanRequest,
        predicate: &Predicate,
    ) -> Result<()> {
        let schema = &view.version.schema;
        let source = self.sources.len();
        let before = self.units.len();
        let deleted = Deleted::at(set, view.ts);
        let mut zones = 0;
        for zone in 0..set.rows.zone_count() {
            let of_zone = set.rows.zone_rows(zone);
            let rows = of_zone.start.max(rows.start)..of_zone.end.min(rows.end);
            let keys = set.rows.zone_keys(zone);
            if rows.is_empty() || keys.is_some_and(|(first, last)| outside(&request.key_range, first, last)) {
                continue;
            }
            zones += 1;
            let verdict =
                prune(predicate, &|column| schema.columns.get(column).and_then(|c| set.rows.zone_map(c, zone)));
            if verdict == Verdict::None {
                self.zones_pruned += 1;
                continue;
            }
            let inside =
                keys.is_some_and(|(first, last)| request.key_range.contains(first) && request.key_range.contains(last));
            let check_keys = !sorted && !inside && request.key_range != KeyRange::ALL;
            self.units.push(Unit { source, zone, rows, check_keys, all_match: verdict == Verdict::All });
        }
        self.zones_total += zones;
        if self.units.len() == before {
            self.packs_pruned += u64::from(zones > 0 && matches!(set.rows, Rows::File(_)));
            return Ok(());
        }
        let excluded = match &request.exclude {
            Some(keys) if sorted => excluded_rows(set, keys)?,
            Some(_) | None => None,
        };
        self.sources.push(Source { set: set.clone(), deleted, sorted, excluded, touched: AtomicBool::new(false) });
        Ok(())
    }

    /// What reading all this would touch.
    pub(super) fn estimate(&self, view: &View, request: &ScanRequest) -> ScanEstimate {
        let columns: std::collections::BTreeSet<usize> = request
            .projection
            .iter()
            .copied()
            .chain(request.predicates.iter().flat_map(Predicate::columns))
            .chain(request.filters.iter().flat_map(|f| f.columns().to_vec()))
            .collect();
        let columns: Vec<_> = columns.into_iter().filter_map(|c| view.version.schema.columns.get(c)).collect();
        let mut estimate = ScanEstimate {
            zones_total: self.zones_total,
            zones_kept: self.units.len() as u64,
            rows_total: view.rows().0,
            ..ScanEstimate::default()
        };
        for unit in &self.units {
            let rows = &self.sources[unit.source].set.rows;
            estimate.rows_kept += unit.rows.len() as u64;
            estimate.bytes_kept += columns.iter().map(|c| rows.column_bytes(c, unit.zone)).sum::<u64>();
        }
        estimate
    }
}

fn check_request(schema: &TableSchema, request: &ScanRequest) -> Result<()> {
    let used = request
        .projection
        .iter()
        .copied()
        .chain(request.predicates.iter().flat_map(Predicate::columns))
        .chain(request.filters.iter().flat_map(|f| f.columns().to_vec()));
    for column in used {
        if column >= schema.columns.len() {
            return Err(Error::Invalid(format!("table {} has no column at position {column}", schema.table)));
        }
    }
    if request.batch_rows == 0 {
        return Err(Error::Invalid("a scan cannot return batches of 0 rows".into()));
    }
    match &request.exclude {
        Some(keys) if keys.kind() != schema.key => {
            Err(Error::Invalid(format!("the keys to leave out are {:?}, not {:?}", keys.kind(), schema.key)))
        }
        Some(keys) => check_ascending(keys),
        None => Ok(()),
    }
}

/// The rows of a sorted pack that lie in the range.
fn sorted_rows(set: &RowSet, range: &KeyRange) -> Result<Range<usize>> {
    let Some(pack) = set.rows.pack() else { return Ok(0..set.len()) };
    let start = match &range.start {
        Some(key) => pack.lower_bound(key.as_ref())? as usize,
        None => 0,
    };
    let end = match &range.end {
        Some(key) => pack.lower_bound(key.as_ref())? as usize,
        None => set.len(),
    };
    Ok(start..end)
}

fn outside(range: &KeyRange, first: KeyRef<'_>, last: KeyRef<'_>) -> bool {
    range.end.as_ref().is_some_and(|end| end.as_ref() <= first)
        || range.start.as_ref().is_some_and(|start| last < start.as_ref())
}
