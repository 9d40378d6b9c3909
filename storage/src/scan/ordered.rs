//! A scan in key order.
//!
//! Segment by segment: the visible rows of delta and history are gathered and sorted once (they are
//! few), and merged with the packs' zones, which are in order already. Every key has at most one
//! visible row, so nothing needs comparing but keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{concat_batches, interleave, take};
use arrow::record_batch::RecordBatch;

use super::merge::merge_keys;
use super::plan::Plan;
use super::scan::Scan;
use super::snapshot::View;
use super::survivors::ZoneRows;
use super::survivors::batch_of;
use super::zone::read_unit;
use crate::api::ScanRequest;
use crate::error::Result;
use crate::pack::{concat_keys, key_order, slice_keys, take_keys, typed_keys};
use crate::predicate::Predicate;
use crate::types::KeyArray;

/// An iterator over (keys, rows) in key order; batches have any number of rows. After an error it is
/// over.
#[derive(Debug)]
pub struct OrderedScan {
    view: Arc<View>,
    request: ScanRequest,
    segment: usize,
    current: Option<Segment>,
    failed: bool,
}

/// The segment being read.
#[derive(Debug)]
struct Segment {
    scan: Scan,
    /// Units of packs, in key order.
    sorted: Vec<usize>,
    next: usize,
    /// Rows of delta and history, sorted, and how many were given out.
    loose: (KeyArray, RecordBatch),
    at: usize,
}

impl OrderedScan {
    pub(super) fn new(view: Arc<View>, request: ScanRequest) -> Result<Self> {
        // Checks the request.
        Plan::new(&view, &request, &Predicate::And(Vec::new()))?;
        Ok(Self { view, request, segment: 0, current: None, failed: false })
    }

    fn step(&mut self) -> Result<Option<(KeyArray, RecordBatch)>> {
        loop {
            self.request.cancel.check()?;
            let Some(segment) = &mut self.current else {
                let Some(segment) = self.view.version.segments.get(self.segment) else { return Ok(None) };
                self.segment += 1;
                if segment.range.overlaps(&self.request.key_range) {
                    let predicate = Predicate::And(self.request.predicates.clone());
                    let mut plan = Plan::default();
                    plan.add_segment(&self.view, segment, &self.request, &predicate)?;
                    let scan = Scan::planned(self.view.clone(), self.request.clone(), plan)?;
                    self.current = Some(Segment::new(scan)?);
                }
                continue;
            };
            match segment.step()? {
                Some(rows) if rows.0.is_empty() => {}
                Some(rows) => return Ok(Some(rows)),
                None => self.current = None,
            }
        }
    }
}

impl Iterator for OrderedScan {
    type Item = Result<(KeyArray, RecordBatch)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.step().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

impl Segment {
    fn new(scan: Scan) -> Result<Self> {
        let mut sorted = Vec::new();
        let mut keys = Vec::new();
        let mut batches = Vec::new();
        for (i, unit) in scan.plan.units.iter().enumerate() {
            if scan.plan.sources[unit.source].sorted {
                sorted.push(i);
            } else if let Some(ZoneRows { keys: Some(k), batch }) = read_unit(&scan, unit, true)? {
                keys.push(k);
                batches.push(batch);
            }
        }
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let batch = match scan.request.projection.is_empty() {
            true => batch_of(scan.schema.clone(), Vec::new(), rows)?,
            false => concat_batches(&scan.schema, &batches)?,
        };
        let keys = concat_keys(&keys, scan.view.version.schema.key)?;
        let order = UInt32Array::from(key_order(&keys));
        let keys = take_keys(&keys, &order)?;
        let columns = batch.columns().iter().map(|c| Ok(take(c, &order, None)?)).collect::<Result<_>>()?;
        let batch = batch_of(scan.schema.clone(), columns, rows)?;
        Ok(Self { scan, sorted, next: 0, loose: (keys, batch), at: 0 })
    }

    fn step(&mut self) -> Result<Option<(KeyArray, RecordBatch)>> {
        let (keys, batch) = &self.loose;
        let Some(unit) = self.sorted.get(self.next) else {
            let (at, rest) = (self.at, keys.len() - self.at);
            self.at += rest;
            return Ok((rest > 0).then(|| (slice_keys(keys, at, rest), batch.slice(at, rest))));
        };
        self.next += 1;
        let Some(ZoneRows { keys: Some(zone_keys), batch: zone }) =
            read_unit(&self.scan, &self.scan.plan.units[*unit], true)?
        else {
            return Ok(Some((KeyArray::empty(keys.kind()), batch.slice(0, 0))));
        };
        let (places, at) = merge_keys(&zone_keys, keys, self.at);
        if at == self.at {
            return Ok(Some((zone_keys, zone)));
        }
        self.at = at;
        let merged = typed_keys(&interleave(&[zone_keys.as_array(), keys.as_array()], &places)?, keys.kind());
        let pairs = zone.columns().iter().zip(batch.columns());
        let columns: Vec<ArrayRef> =
            pairs.map(|(a, b)| Ok(interleave(&[a.as_ref(), b.as_ref()], &places)?)).collect::<Result<_>>()?;
        Ok(Some((merged, batch_of(self.scan.schema.clone(), columns, places.len())?)))
    }
}
