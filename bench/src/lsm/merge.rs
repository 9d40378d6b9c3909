//! Several runs → the newest row of each key.
//!
//! One cursor a run. The cursor with the smallest key gives its rows up to the next key that any other
//! cursor has; of cursors with equal keys the newest run's gives its row, and the others skip theirs.

use std::ops::Range;

use arrow::array::Int64Array;

use super::run::Run;

/// Takes what a merge finds.
pub(super) trait Sink {
    /// Rows of a zone that are the newest of their keys. Over all runs, stretches come in key order.
    fn stretch(&mut self, run: usize, zone: usize, rows: Range<usize>) -> anyhow::Result<()>;

    /// Nothing more comes of this zone.
    fn zone_over(&mut self, run: usize, zone: usize) -> anyhow::Result<()>;
}

/// Merges `runs`, newest first, over a key range.
pub(super) fn merge(runs: &[Run], keys: &Range<i64>, sink: &mut impl Sink) -> anyhow::Result<()> {
    let mut cursors = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let mut cursor = Cursor { run: at, zones: run.zones_of(keys), end: keys.end, zone: Zone::default() };
        if cursor.enter(run, keys.start)? {
            cursors.push(cursor);
        }
    }
    let mut given: Option<i64> = None;
    while let Some((at, bound)) = smallest(&cursors) {
        let cursor = &mut cursors[at];
        let (run, zone) = (&runs[cursor.run], cursor.zones.start);
        if given == Some(cursor.zone.key) {
            cursor.zone.skip(run, zone)?;
        } else {
            let (rows, last) = cursor.zone.take_until(run, zone, bound.min(keys.end))?;
            given = Some(last);
            sink.stretch(cursor.run, zone, rows)?;
        }
        if cursor.zone.is_over() {
            sink.zone_over(cursor.run, zone)?;
            cursor.zones.start += 1;
            if !cursor.enter(run, keys.start)? {
                cursors.remove(at);
            }
        }
    }
    Ok(())
}

/// The cursor to go on with (of equal keys the newest run's), and the smallest key of the others.
fn smallest(cursors: &[Cursor]) -> Option<(usize, i64)> {
    let mut best: Option<usize> = None;
    let mut bound = i64::MAX;
    for (at, cursor) in cursors.iter().enumerate() {
        match best {
            Some(first) if cursors[first].zone.key <= cursor.zone.key => bound = bound.min(cursor.zone.key),
            Some(first) => {
                bound = bound.min(cursors[first].zone.key);
                best = Some(at);
            }
            None => best = Some(at),
        }
    }
    best.map(|at| (at, bound))
}

#[derive(Debug)]
struct Cursor {
    run: usize,
    /// Zones left, the present one first.
    zones: Range<usize>,
    /// First key beyond the range that is merged.
    end: i64,
    zone: Zone,
}

impl Cursor {
    /// Goes to the first row at or after `from` of the zones left. False if there is none.
    fn enter(&mut self, run: &Run, from: i64) -> anyhow::Result<bool> {
        while !self.zones.is_empty() {
            let (first, last) = run.zone_bounds(self.zones.start)?;
            if first >= self.end {
                return Ok(false);
            }
            let rows = run.zone_rows(self.zones.start);
            self.zone = Zone { row: 0, rows, key: first, last, end: self.end, keys: None };
            if rows > 0 && (first >= from || self.zone.seek(run, self.zones.start, from)?) {
                return Ok(true);
            }
            self.zones.start += 1;
        }
        Ok(false)
    }
}

/// Where a cursor is in its zone. Keys are read when bounds do not decide.
#[derive(Debug, Default)]
struct Zone {
    row: usize,
    rows: usize,
    /// Key of `row`.
    key: i64,
    /// Key of the last row.
    last: i64,
    end: i64,
    keys: Option<Int64Array>,
}

impl Zone {
    fn is_over(&self) -> bool {
        self.row == self.rows || self.key >= self.end
    }

    fn keys(&mut self, run: &Run, zone: usize) -> anyhow::Result<Int64Array> {
        if self.keys.is_none() {
            self.keys = Some(run.read_keys(zone)?);
        }
        Ok(self.keys.clone().unwrap_or_else(|| Int64Array::from(Vec::<i64>::new())))
    }

    fn go_to(&mut self, row: usize, keys: &[i64]) {
        self.row = row;
        if let Some(key) = keys.get(row) {
            self.key = *key;
        }
    }

    /// Goes to the first row with a key at or after `from`. False if there is none before the end.
    fn seek(&mut self, run: &Run, zone: usize, from: i64) -> anyhow::Result<bool> {
        let keys = self.keys(run, zone)?;
        self.go_to(keys.values().partition_point(|key| *key < from), keys.values());
        Ok(!self.is_over())
    }

    /// Leaves a row out.
    fn skip(&mut self, run: &Run, zone: usize) -> anyhow::Result<()> {
        let keys = self.keys(run, zone)?;
        self.go_to(self.row + 1, keys.values());
        Ok(())
    }

    /// Takes the present row and all after it with keys below `bound`. Gives the last key taken, too.
    fn take_until(&mut self, run: &Run, zone: usize, bound: i64) -> anyhow::Result<(Range<usize>, i64)> {
        let from = self.row;
        if self.last < bound {
            self.row = self.rows;
            return Ok((from..self.rows, self.last));
        }
        let keys = self.keys(run, zone)?;
        let keys = keys.values();
        let to = gallop(keys, from + 1, bound);
        self.go_to(to, keys);
        Ok((from..to, keys[to - 1]))
    }
}

/// The first row at or after `from` whose key is not below `bound`: steps that double, then a search.
fn gallop(keys: &[i64], from: usize, bound: i64) -> usize {
    let mut low = from;
    let mut step = 1;
    while low + step <= keys.len() && keys[low + step - 1] < bound {
        low += step;
        step *= 2;
    }
    let high = (low + step - 1).min(keys.len());
    low + keys[low.min(high)..high].partition_point(|key| *key < bound)
}
