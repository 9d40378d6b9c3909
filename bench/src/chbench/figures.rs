//! What phases are reported as.

use super::phase::Phase;
use crate::report::{Report, Target, align_right, geometric_mean, number, table};
use crate::tpcc::mix::Kind;

/// Of a share of transactions that is lost by queries on the same cores, in per cent.
const OLTP_LOSS: f64 = 20.0;
/// The same with the queries on other cores.
const OLTP_LOSS_APART: f64 = 5.0;

/// The phases of a run.
#[derive(Debug)]
pub struct Phases {
    /// Only transactions.
    pub transactions: Phase<()>,
    /// Only queries, before.
    pub queries: Phase<()>,
    /// Both.
    pub together: Phase<()>,
    /// Only queries, after.
    pub queries_again: Phase<()>,
    /// Analytical clients of the phases with queries.
    pub analysts: usize,
    /// Whether the two sides had cores of their own.
    pub apart: bool,
}

/// New orders committed a minute.
fn new_orders_a_minute(phase: &Phase<()>) -> f64 {
    phase.transactions.of(Kind::NewOrder).committed as f64 * 60.0 / phase.time.as_secs_f64()
}

/// How much less than before, in per cent.
fn loss(alone: f64, together: f64) -> f64 {
    if alone > 0.0 { (1.0 - together / alone) * 100.0 } else { 0.0 }
}

impl Phases {
    /// Reports all that failed, prints the tables, and adds the figures.
    pub fn report(&self, report: &mut Report) {
        self.report_failures(report);
        self.print_queries();
        let (alone, together) = (new_orders_a_minute(&self.transactions), new_orders_a_minute(&self.together));
        report.figure("transactions alone", alone, "tpmC");
        report.figure("transactions beside queries", together, "tpmC");
        let most = if self.apart { OLTP_LOSS_APART } else { OLTP_LOSS };
        report.figure_with_target("OLTP loss", loss(alone, together), "%", Target::AtMost(most));
        let an_hour = |phase: &Phase<()>| phase.queries.queries_per_hour(self.analysts);
        let (before, after) = (an_hour(&self.queries), an_hour(&self.queries_again));
        let (alone, together) = ((before + after) / 2.0, an_hour(&self.together));
        report.figure("queries alone, before", before, "queries/h");
        report.figure("queries alone, after", after, "queries/h");
        report.figure("queries beside transactions", together, "queries/h");
        report.figure("OLAP loss", loss(alone, together), "%");
        for (name, phase) in [("alone", &self.queries), ("beside transactions", &self.together)] {
            if let Some(mean) = geometric_mean(phase.queries.medians().map(|(_, seconds)| seconds * 1e3)) {
                report.figure(format!("geometric mean of the queries, {name}"), mean, "ms");
            }
        }
        for (name, phase) in [("alone", &self.transactions), ("beside queries", &self.together)] {
            Self::report_latencies(name, phase, report);
        }
        let gate = &self.together.gate;
        report.figure("columnar reads beside transactions", gate.count() as f64, "count");
        // Queries that may only read rows wait at no gate.
        if gate.count() > 0 {
            report.figure_with_target("gate wait p50", gate.quantile_ms(0.5), "ms", Target::AtMost(1.0));
            report.figure_with_target("gate wait p99", gate.quantile_ms(0.99), "ms", Target::AtMost(10.0));
        }
    }

    fn report_failures(&self, report: &mut Report) {
        let phases = [
            ("transactions alone", &self.transactions),
            ("queries alone", &self.queries),
            ("both together", &self.together),
            ("queries alone again", &self.queries_again),
        ];
        for (name, phase) in phases {
            for failure in phase.transactions.failures.iter().chain(&phase.queries.failures) {
                report.failure(format!("{name}: {failure}"));
            }
        }
    }

    fn report_latencies(name: &str, phase: &Phase<()>, report: &mut Report) {
        for kind in Kind::ALL {
            let latency = &phase.transactions.of(kind).latency;
            if latency.is_empty() {
                continue;
            }
            for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
                let ms = latency.value_at_quantile(share) as f64 / 1e3;
                report.figure(format!("{} {name}, {label}", kind.name()), ms, "ms");
            }
        }
        let transactions = &phase.transactions;
        let rate = transactions.committed() as f64 / phase.time.as_secs_f64();
        report.figure(format!("commits {name}"), rate, "1/s");
        report.figure(
            format!("new orders {name}, rolled back"),
            transactions.of(Kind::NewOrder).rolled_back as f64,
            "count",
        );
        report.figure(format!("races lost {name}"), transactions.retries() as f64, "count");
    }

    fn print_queries(&self) {
        let mut times = table(&["query", "alone ms", "beside transactions ms", "alone again ms"]);
        let phases = [&self.queries, &self.together, &self.queries_again];
        let medians = phases.map(|phase| phase.queries.medians().map(|(q, s)| (q.number, s)).collect::<Vec<_>>());
        for query in super::queries::QUERIES {
            let mut cells = vec![query.name()];
            cells.extend(medians.iter().map(|medians| {
                let found = medians.iter().find(|(number, _)| *number == query.number);
                found.map_or_else(String::new, |(_, seconds)| number(seconds * 1e3))
            }));
            times.add_row(cells);
        }
        align_right(&mut times, 1..4);
        println!("{times}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_a_share_of_what_there_was() {
        assert!((loss(200.0, 150.0) - 25.0).abs() < 1e-9);
        assert!((loss(100.0, 110.0) + 10.0).abs() < 1e-9);
        assert_eq!(loss(0.0, 5.0), 0.0);
    }
}
