//! Run lengths: each stretch of equal numbers is stored once.
//!
//! Payload: `runs u64`, a [sequence](super::bitpack) of the runs' values, one of their ends (the
//! row after each run's last), ascending up to the number of rows.

use super::Damage;
use super::bitpack::{self, Lane, Sequence, sequence_bytes, width_of};

/// Bytes of the payload.
pub(super) fn bytes(runs: usize, width: u32, rows: usize) -> usize {
    8 + sequence_bytes(runs, width) + sequence_bytes(runs, width_of(rows as u64))
}

/// Appends the payload.
pub(super) fn encode(out: &mut Vec<u8>, numbers: &[i64]) {
    let (mut values, mut ends) = (Vec::new(), Vec::new());
    for run in numbers.chunk_by(|a, b| a == b) {
        values.push(run[0]);
        ends.push(ends.last().copied().unwrap_or(0) + run.len() as i64);
    }
    out.extend_from_slice(&(values.len() as u64).to_le_bytes());
    bitpack::write(out, &values);
    bitpack::write(out, &ends);
}

/// The numbers of `rows` rows.
pub(super) fn decode<T: Lane>(payload: &[u8], rows: usize) -> Result<Vec<T>, Damage> {
    let (runs, rest) = payload.split_first_chunk().ok_or_else(|| Damage::new("the block ends before its runs"))?;
    let runs = u64::from_le_bytes(*runs);
    if runs > rows as u64 {
        return Err(Damage::new(format!("{runs} runs in {rows} rows")));
    }
    let (values, rest) = Sequence::read(rest, runs as usize)?;
    let (ends, _) = Sequence::read(rest, runs as usize)?;
    let mut out = Vec::with_capacity(rows);
    for (value, end) in values.unpack::<T>().into_iter().zip(ends.unpack::<u64>()) {
        if end < out.len() as u64 || end > rows as u64 {
            return Err(Damage::new("runs do not follow each other"));
        }
        out.resize(end as usize, value);
    }
    if out.len() != rows {
        return Err(Damage::new(format!("the runs end at row {}, not {rows}", out.len())));
    }
    Ok(out)
}
