//! Invariant 6. Money moves between accounts in transactions, so no read at any timestamp sees a sum
//! other than the one that was paid in.

use super::Verdict;
use crate::sim::history::Taken;
use crate::sim::workload::{ACCOUNTS, ACCOUNTS_SUM};

pub(crate) fn check(history: &Taken) -> Verdict {
    for read in &history.reads {
        let of_accounts = history.definition(read.table, read.schema_version).is_some_and(|t| t.name == ACCOUNTS);
        let sum: i64 = read.rows.values().filter_map(|row| row[1]).sum();
        if of_accounts && !read.rows.is_empty() && sum != ACCOUNTS_SUM {
            return Err(format!("no_partial_transaction_visible: the sum is {sum}: {read:?}"));
        }
    }
    Ok(())
}
