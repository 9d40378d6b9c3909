//! Rows of a key range as a transaction sees them: the snapshot with its own changes on top.

use std::iter::Peekable;
use std::vec::IntoIter;

use crate::access::RowScan;
use crate::error::Result;
use crate::row_store::Row;
use crate::txn::DirtyEntry;

/// An iterator over the rows that a transaction sees in a key range. It does not borrow the
/// transaction: changes made after it was created do not show.
pub struct TxnScan {
    stored: Peekable<RowScan>,
    own: Peekable<IntoIter<DirtyEntry>>,
    reverse: bool,
}

impl TxnScan {
    /// `own` in the order of the scan.
    pub(crate) fn new(stored: RowScan, own: Vec<DirtyEntry>, reverse: bool) -> Self {
        Self { stored: stored.peekable(), own: own.into_iter().peekable(), reverse }
    }
}

impl Iterator for TxnScan {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((own_key, _)) = self.own.peek() else { return self.stored.next() };
            let own_first = match self.stored.peek() {
                Some(Ok(row)) => {
                    let order = own_key.as_ref().cmp(row.key());
                    if order.is_eq() {
                        self.stored.next();
                        continue;
                    }
                    order.is_lt() != self.reverse
                }
                Some(Err(_)) => return self.stored.next(),
                None => true,
            };
            if !own_first {
                return self.stored.next();
            }
            if let Some((key, Some(value))) = self.own.next() {
                return Some(Ok(Row::own(key, value)));
            }
        }
    }
}
