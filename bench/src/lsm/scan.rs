//! The merge over key ranges, by all threads, and the columns.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::anyhow;
use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder};
use arrow::compute::{and, filter, not};
use arrow::error::ArrowError;
use deltatree_storage::types::TableSchema;

use super::merge::{Sink, merge};
use super::run::Run;

/// Zones of the largest run in one unit of work.
const ZONES_A_UNIT: usize = 16;

/// Hands the columns of every visible row to `fold`, by so many threads, each with a state of its own.
pub(super) fn scan<S: Default + Send>(
    schema: &TableSchema,
    runs: &[Run],
    columns: &[usize],
    threads: usize,
    fold: impl Fn(&mut S, &[ArrayRef]) + Sync,
) -> anyhow::Result<Vec<S>> {
    let units = units(runs)?;
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<S> {
        let mut state = S::default();
        while let Some(keys) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
            let pieces = vec![Vec::new(); runs.len()];
            merge(
                runs,
                keys,
                &mut Reader { schema, runs, columns, pieces, fold: |read: &[ArrayRef]| fold(&mut state, read) },
            )?;
        }
        Ok(state)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a scanning thread failed"))?).collect()
    })
}

/// Key ranges that cover every key, cut where zones of the largest run begin.
fn units(runs: &[Run]) -> anyhow::Result<Vec<Range<i64>>> {
    let mut units = Vec::new();
    let mut start = i64::MIN;
    if let Some(largest) = runs.iter().max_by_key(|run| run.rows()) {
        for zone in (ZONES_A_UNIT..largest.zone_count()).step_by(ZONES_A_UNIT) {
            let (first, _) = largest.zone_bounds(zone)?;
            units.push(start..first);
            start = first;
        }
    }
    // `i64::MAX` itself is no key of this store.
    units.push(start..i64::MAX);
    Ok(units)
}

/// Gathers the stretches of each run's present zone, and reads them when it is over.
struct Reader<'a, F> {
    schema: &'a TableSchema,
    runs: &'a [Run],
    columns: &'a [usize],
    /// One list a run, in order.
    pieces: Vec<Vec<Range<usize>>>,
    fold: F,
}

impl<F: FnMut(&[ArrayRef])> Sink for Reader<'_, F> {
    fn stretch(&mut self, run: usize, _: usize, rows: Range<usize>) -> anyhow::Result<()> {
        let pieces = &mut self.pieces[run];
        match pieces.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            Some(_) | None => pieces.push(rows),
        }
        Ok(())
    }

    fn zone_over(&mut self, run: usize, zone: usize) -> anyhow::Result<()> {
        let pieces = std::mem::take(&mut self.pieces[run]);
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Ok(()) };
        let (start, len) = (first.start, last.end - first.start);
        let run = &self.runs[run];
        let tombstones = run.read_tombstones(zone)?.map(|flags| flags.slice(start, len));
        let read = |column: &usize| Ok(run.read_column(self.schema, *column, zone)?.slice(start, len));
        let columns: Vec<ArrayRef> = self.columns.iter().map(read).collect::<anyhow::Result<_>>()?;
        // One stretch is a slice: no row is copied.
        if pieces.len() == 1 && tombstones.is_none() {
            (self.fold)(&columns);
            return Ok(());
        }
        let mut mask = mask(&pieces, start, len);
        if let Some(tombstones) = &tombstones {
            // Not `and_not`: that of Arrow 59.3 mixes up the offsets of its two sides.
            mask = and(&mask, &not(tombstones)?)?;
        }
        if mask.true_count() > 0 {
            let kept: Vec<ArrayRef> =
                columns.iter().map(|column| filter(column, &mask)).collect::<Result<_, ArrowError>>()?;
            (self.fold)(&kept);
        }
        Ok(())
    }
}

/// True for the rows of the pieces, of `len` rows from `start`.
fn mask(pieces: &[Range<usize>], start: usize, len: usize) -> BooleanArray {
    let mut bits = BooleanBufferBuilder::new(len);
    for piece in pieces {
        bits.append_n(piece.start - start - bits.len(), false);
        bits.append_n(piece.len(), true);
    }
    BooleanArray::new(bits.finish(), None)
}
