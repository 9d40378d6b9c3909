//! The query and its result, the same for everyone.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::RecordBatch;
use deltatree_query::tpch::answers::Row;

use crate::engine::rows_of;

/// By `c`: rows, sum of `a`, mean of `b`.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer(BTreeMap<i64, (i64, i64, f64)>);

/// The query over a source, which is `t` or what a peer needs instead.
pub(super) fn query(source: &str) -> String {
    format!("select c, count(*), sum(a), avg(b) from {source} where a < 900 group by c")
}

impl Answer {
    pub(super) fn of_batches(batches: &[RecordBatch]) -> anyhow::Result<Self> {
        Self::of_rows(&rows_of(batches)?)
    }

    pub(super) fn of_rows(rows: &[Row]) -> anyhow::Result<Self> {
        let mut groups = BTreeMap::new();
        for row in rows {
            let [Some(c), Some(count), Some(sum), Some(mean)] = row.as_slice() else {
                anyhow::bail!("not a group: {row:?}");
            };
            let group = (count.parse()?, sum.parse()?, mean.parse()?);
            let before = groups.insert(c.parse().with_context(|| format!("not a group: {row:?}"))?, group);
            anyhow::ensure!(before.is_none(), "group {c} comes twice");
        }
        Ok(Self(groups))
    }

    /// Equal but for the last digits of the means.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((c, a), (d, b))| c == d && a.0 == b.0 && a.1 == b.1 && close(a.2, b.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[[&str; 4]]) -> anyhow::Result<Answer> {
        let row = |row: &[&str; 4]| row.iter().map(|cell| Some((*cell).to_owned())).collect();
        Answer::of_rows(&rows.iter().map(row).collect::<Vec<Row>>())
    }

    #[test]
    fn order_and_last_digits_do_not_matter_but_counts_do() {
        let a = answer(&[["1", "2", "3", "0.30000000000000004"], ["2", "1", "1", "1.0"]]).unwrap();
        let b = answer(&[["2", "1", "1", "1"], ["1", "2", "3", "0.3"]]).unwrap();
        let c = answer(&[["2", "1", "1", "1"], ["1", "2", "4", "0.3"]]).unwrap();
        assert!(a.agrees_with(&b) && !a.agrees_with(&c));
        assert!(answer(&[["1", "2", "3", "4"], ["1", "2", "3", "4"]]).is_err());
    }
}
