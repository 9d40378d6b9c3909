//! How often each transaction comes (clause 5.2.3), and how long each took.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::outcome::Ended;
use super::random::Source;
use super::terminal::{Rider, Terminal};
use super::window::Window;

/// Longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// The five transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A customer orders.
    NewOrder,
    /// A customer pays.
    Payment,
    /// A customer asks for an order.
    OrderStatus,
    /// Orders are delivered.
    Delivery,
    /// Stocks are looked through.
    StockLevel,
}

impl Kind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 5] = [Self::NewOrder, Self::Payment, Self::OrderStatus, Self::Delivery, Self::StockLevel];

    /// The specification's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewOrder => "New-Order",
            Self::Payment => "Payment",
            Self::OrderStatus => "Order-Status",
            Self::Delivery => "Delivery",
            Self::StockLevel => "Stock-Level",
        }
    }

    /// Draws one of the standard mix: 45, 43, 4, 4 and 4 in a hundred.
    pub fn draw(source: &mut Source) -> Self {
        match source.number(1, 100) {
            1..=45 => Self::NewOrder,
            46..=88 => Self::Payment,
            89..=92 => Self::OrderStatus,
            93..=96 => Self::Delivery,
            _ => Self::StockLevel,
        }
    }
}

/// What clients did of one kind while they were measured.
#[derive(Clone, Debug)]
pub struct KindTally {
    /// Microseconds from `BEGIN` to the acknowledged end, races lost before included.
    pub latency: Histogram<u64>,
    /// Commits.
    pub committed: u64,
    /// Orders of items that do not exist.
    pub rolled_back: u64,
    /// Races lost.
    pub retries: u64,
}

/// What clients did while they were measured.
#[derive(Clone, Debug)]
pub struct Tally {
    kinds: [KindTally; Kind::ALL.len()],
    /// Why clients ended before they were told to.
    pub failures: Vec<String>,
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Errors
    /// When a histogram cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let latency = Histogram::new_with_max(LONGEST_US, 3)?;
        let kind = KindTally { latency, committed: 0, rolled_back: 0, retries: 0 };
        Ok(Self { kinds: std::array::from_fn(|_| kind.clone()), failures: Vec::new() })
    }

    /// Of one kind.
    pub fn of(&self, kind: Kind) -> &KindTally {
        &self.kinds[kind as usize]
    }

    /// Commits of all kinds.
    pub fn committed(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.committed).sum()
    }

    /// Races lost, of all kinds.
    pub fn retries(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.retries).sum()
    }

    /// Adds what another client did.
    ///
    /// # Errors
    /// Never: all histograms have the same bounds.
    pub fn add(&mut self, other: Self) -> anyhow::Result<()> {
        for (all, kind) in self.kinds.iter_mut().zip(&other.kinds) {
            all.latency.add(&kind.latency)?;
            all.committed += kind.committed;
            all.rolled_back += kind.rolled_back;
            all.retries += kind.retries;
        }
        self.failures.extend(other.failures);
        Ok(())
    }

    fn record(&mut self, kind: Kind, took: Duration, ended: Ended, retries: u32) {
        let tally = &mut self.kinds[kind as usize];
        tally.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        tally.retries += u64::from(retries);
        match ended {
            Ended::Committed => tally.committed += 1,
            Ended::RolledBack => tally.rolled_back += 1,
        }
    }
}

/// Runs a terminal's mix until the window closes or a transaction fails. Blocks.
///
/// # Errors
/// When a histogram cannot be made. A failed transaction is in the tally.
pub fn run(mut terminal: Terminal, mut rider: impl Rider, window: &Window) -> anyhow::Result<Tally> {
    let mut tally = Tally::new()?;
    while !window.is_closed() {
        let kind = terminal.next_kind();
        let counts = window.is_open();
        let start = Instant::now();
        match terminal.run(kind, &mut rider) {
            Ok(done) if counts && window.is_open() => {
                tally.record(kind, start.elapsed(), done.ended, done.retries);
            }
            Ok(_) => {}
            Err(failure) => {
                tally.failures.push(format!("{}: {failure}", kind.name()));
                break;
            }
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_the_standard_one() {
        let mut source = Source::new(1);
        let mut counts = [0_u32; 5];
        for _ in 0..100_000 {
            counts[Kind::draw(&mut source) as usize] += 1;
        }
        for (count, expected) in counts.into_iter().zip([45_000, 43_000, 4_000, 4_000, 4_000]) {
            assert!(count.abs_diff(expected) < 500, "{counts:?}");
        }
    }

    #[test]
    fn tallies_add_up() {
        let mut one = Tally::new().unwrap();
        one.record(Kind::Payment, Duration::from_millis(2), Ended::Committed, 1);
        let mut other = Tally::new().unwrap();
        other.record(Kind::NewOrder, Duration::from_millis(3), Ended::RolledBack, 0);
        other.failures.push("x".to_owned());
        one.add(other).unwrap();
        assert_eq!((one.committed(), one.retries(), one.failures.len()), (1, 1, 1));
        assert_eq!((one.of(Kind::NewOrder).rolled_back, one.of(Kind::NewOrder).latency.len()), (1, 1));
    }
}
