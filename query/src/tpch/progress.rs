//! How far a load is: bars on a terminal, plain lines otherwise.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// Where nobody watches a bar, a line comes at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress of one piece of work, counted in rows. Shown on standard error.
pub struct Progress {
    bar: ProgressBar,
    name: String,
    rows: u64,
    total: u64,
    start: Instant,
    last_line: Instant,
}

impl Progress {
    /// Begins; `total` may be an estimate.
    pub fn start(name: &str, total: u64) -> Self {
        let bar = ProgressBar::new(total);
        let style = ProgressStyle::with_template("{prefix:>9} {wide_bar} {human_pos} rows, {per_sec}, {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name.to_owned());
        let now = Instant::now();
        Self { bar, name: name.to_owned(), rows: 0, total, start: now, last_line: now }
    }

    /// So many more rows are done.
    pub fn advance(&mut self, rows: u64) {
        self.rows += rows;
        self.bar.inc(rows);
        if self.bar.is_hidden() && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            eprintln!("{:>9} {} of about {} rows", self.name, HumanCount(self.rows), HumanCount(self.total));
        }
    }

    /// Ends; how long it took.
    pub fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        let elapsed = self.start.elapsed();
        let rate = self.rows as f64 / elapsed.as_secs_f64().max(1e-9);
        let (rows, rate, seconds) = (HumanCount(self.rows), HumanCount(rate as u64), elapsed.as_secs_f64());
        eprintln!("{:>9} {rows} rows in {seconds:.1} s, {rate} rows/s", self.name);
        elapsed
    }
}
