//! From when to when clients are measured: they warm up before, and end soon after.

use std::sync::atomic::{AtomicU8, Ordering};

/// 0 is the warm-up.
const OPEN: u8 = 1;
const CLOSED: u8 = 2;

/// What all clients of a measurement look at between two things they do.
#[derive(Debug, Default)]
pub struct Window(AtomicU8);

impl Window {
    /// What begins and ends from now on counts.
    pub fn open(&self) {
        self.0.store(OPEN, Ordering::SeqCst);
    }

    /// Nothing counts any more, and clients end.
    pub fn close(&self) {
        self.0.store(CLOSED, Ordering::SeqCst);
    }

    /// Whether what happens now counts.
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst) == OPEN
    }

    /// Whether clients should end.
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst) == CLOSED
    }
}
