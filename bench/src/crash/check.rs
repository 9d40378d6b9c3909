//! What the server holds after a restart, on both access paths, against the models.

use std::collections::BTreeMap;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::items::{self, Item, KeyKind};
use super::model::difference;
use super::rounds::Workers;
use super::transfers::Books;

/// The access paths, as `tidb_isolation_read_engines` names them.
const PATHS: [(&str, &str); 2] = [("row", "tikv"), ("columnar", "tiflash")];

/// What became of the transactions whose outcome was unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknowns {
    /// They were there.
    pub committed: u64,
    /// They were not.
    pub lost: u64,
}

/// Everything that one access path shows.
#[derive(PartialEq)]
struct Contents {
    items: Vec<BTreeMap<u64, Item>>,
    books: Books,
}

/// Compares both paths with each other and with the models, which learn the outcomes they lacked.
///
/// Returns what was wrong, in words, beside the resolved outcomes.
///
/// # Errors
/// When a query fails.
pub fn check(connection: &mut Conn, workers: &mut Workers) -> anyhow::Result<(Unknowns, Vec<String>)> {
    let mut wrong = Vec::new();
    let mut contents = Vec::new();
    for (_, engine) in PATHS {
        connection.query_drop(format!("set session tidb_isolation_read_engines = '{engine}'"))?;
        contents.push(read(connection)?);
    }
    let (rows, columns) = (&contents[0], &contents[1]);
    for (kind, (row, columnar)) in KeyKind::ALL.iter().zip(rows.items.iter().zip(&columns.items)) {
        wrong.extend(difference(row, columnar).map(|what| format!("columnar path, {}: {what}", kind.table())));
    }
    let (row, columnar) = (&rows.books, &columns.books);
    wrong.extend(difference(&row.balances, &columnar.balances).map(|what| format!("columnar path, accounts: {what}")));
    wrong.extend(difference(&row.journal, &columnar.journal).map(|what| format!("columnar path, journal: {what}")));
    wrong.extend(difference(&row.balances_by_journal(), &row.balances).map(|what| format!("balances: {what}")));
    let unknowns = resolve(workers, rows, &mut wrong);
    Ok((unknowns, wrong))
}

fn read(connection: &mut Conn) -> anyhow::Result<Contents> {
    let items = KeyKind::ALL.into_iter().map(|kind| items::read(connection, kind)).collect::<anyhow::Result<_>>()?;
    Ok(Contents { items, books: Books::read(connection)? })
}

fn resolve(workers: &mut Workers, contents: &Contents, wrong: &mut Vec<String>) -> Unknowns {
    let mut unknowns = Unknowns::default();
    let mut note = |who: String, resolved: Result<Option<bool>, String>| match resolved {
        Ok(Some(true)) => unknowns.committed += 1,
        Ok(Some(false)) => unknowns.lost += 1,
        Ok(None) => {}
        Err(difference) => wrong.push(format!("{who}: {difference}")),
    };
    for worker in &mut workers.items {
        let place = KeyKind::ALL.iter().position(|kind| *kind == worker.kind());
        let Some(all) = place.and_then(|place| contents.items.get(place)) else { continue };
        let own = all.iter().filter(|(key, _)| worker.owns(**key)).map(|(key, item)| (*key, item.clone())).collect();
        note(worker.kind().table().to_owned(), worker.model.resolve(&own));
    }
    for worker in &mut workers.transfers {
        let journal = contents.books.journal.iter().filter(|(number, _)| worker.owns(**number));
        let own = journal.map(|(number, transfer)| (*number, transfer.clone())).collect();
        note("journal".to_owned(), worker.model.resolve(&own));
    }
    unknowns
}
