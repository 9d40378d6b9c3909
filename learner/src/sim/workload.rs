//! What clients do: transfers between accounts, writes and reads of items, schema changes, queries of the
//! columns.

use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::types::{ColumnId, RowKey};

use super::executor::{Executor, pause};
use super::history::History;
use super::invariants::ids_are_handed_out_once;
use super::nodes::{Nodes, RunningVoter, in_world};
use super::query;
use super::session::{Session, drop_data};
use crate::catalog::{
    ColumnInfo, PrimaryKey, SqlType, TableInfo, alter_table, create_database, create_table, truncate_table,
};
use crate::codec::row_key;
use crate::error::{Error, Result};
use crate::txn::TxnMode;

pub(crate) const DATABASE: &str = "test";
/// Money moves between these.
pub(crate) const ACCOUNTS: &str = "accounts";
/// Comes and goes, and changes its schema.
pub(crate) const ITEMS: &str = "items";
/// A row a transaction.
pub(crate) const MARKERS: &str = "markers";

const ACCOUNT_IDS: i64 = 10;
const PAID_IN: i64 = 100;
/// What all accounts hold together.
pub(crate) const ACCOUNTS_SUM: i64 = ACCOUNT_IDS * PAID_IN;
const ITEM_IDS: u64 = 80;

/// Creates the tables, or pays in. Returns whether both have happened.
async fn set_up(executor: Executor, history: History, voter: RunningVoter) -> Result<bool> {
    let mut session = Session::begin(executor, history, voter, TxnMode::Optimistic).await?;
    let catalog = session.definitions()?;
    if let Some(info) = catalog.table(DATABASE, ACCOUNTS) {
        let ts = session.start_ts();
        if session.row(info, 0, ts)?.is_none() {
            (0..ACCOUNT_IDS).try_for_each(|id| session.put(info, &[Some(id), Some(PAID_IN), Some(0)], false))?;
        }
        return session.commit().await.map(|_| true);
    }
    let invalid = |e: crate::catalog::CatalogError| Error::Invalid(e.to_string());
    let mut ops = create_database(&catalog, DATABASE).map_err(invalid)?.1;
    for name in [ACCOUNTS, ITEMS, MARKERS] {
        let mutations: Vec<_> = ops.iter().map(|op| (op.key().as_ref(), op.value().map(|v| v.as_ref()))).collect();
        let before = catalog.apply(mutations).map_err(invalid)?.unwrap_or_default();
        let column = |id, name| ColumnInfo::new(ColumnId(id), name, SqlType::BigInt { unsigned: false }, false);
        let columns = vec![column(1, "id"), column(2, "v"), column(3, "tag")];
        let info = TableInfo::new(DATABASE, name, columns, PrimaryKey::Integer { column: ColumnId(1) });
        let created = create_table(&before, info).map_err(invalid)?.1;
        ops.extend(created);
    }
    ops.into_iter().try_for_each(|op| session.write(op))?;
    session.commit().await?;
    Ok(false)
}

/// Sets up, trying until it works.
pub(crate) async fn prepare(nodes: &Nodes) {
    loop {
        if let Some((_, voter)) = nodes.leader() {
            let work = set_up(nodes.executor().clone(), nodes.history().clone(), voter.clone());
            match nodes.within(voter.life, work).await {
                Some(Ok(true)) => return,
                Some(Ok(false)) | None => {}
                Some(Err(e)) => nodes.history().event(format!("setting up failed: {e}")),
            }
        }
        pause(Duration::from_millis(300)).await;
    }
}

/// A client that does one thing after another until `until`.
pub(crate) fn start_client(nodes: &Nodes, until: Duration) {
    let nodes = nodes.clone();
    in_world(&nodes.executor().clone(), async move {
        while nodes.executor().now() < until {
            let think = nodes.executor().random(|r| r.between_ms(5, 400));
            pause(think).await;
            match nodes.executor().random(|r| r.below(100)) {
                0..=3 => change_schema(&nodes).await,
                4..=6 => reserve_ids(&nodes).await,
                7..=40 => query::columns(&nodes).await,
                _ => on_leader(&nodes).await,
            }
        }
    });
}

async fn on_leader(nodes: &Nodes) {
    let Some((_, voter)) = nodes.leader() else { return };
    let (executor, history) = (nodes.executor().clone(), nodes.history().clone());
    let life = voter.life;
    let work = async move {
        match executor.random(|r| r.below(10)) {
            0..=2 => read(executor, history, voter).await,
            3..=5 => transfer(executor, history, voter).await,
            _ => change_items(executor, history, voter).await,
        }
    };
    // What went wrong is in the record.
    drop(nodes.within(life, work).await);
}

async fn read(executor: Executor, history: History, voter: RunningVoter) -> Result<()> {
    let table = *executor.random(|r| r.pick(&[ACCOUNTS, ITEMS, MARKERS]));
    let hold = executor.random(|r| r.between_ms(0, 2_000));
    // Rows of a dropped table go for old readers, too.
    let past = match executor.random(|r| r.chance(300)) && table != ITEMS {
        true => history.some_commit_ts(|n| executor.random(|r| r.below(n))),
        false => None,
    };
    let session = Session::begin_at(executor, history.clone(), voter, TxnMode::Optimistic, past).await?;
    if past.is_some() {
        history.count("reads of the past");
    }
    let info = session.definitions()?.table(DATABASE, table).cloned();
    if let Some(info) = info {
        session.read_table(&info, hold).await?;
    }
    session.commit().await.map(drop)
}

async fn transfer(executor: Executor, history: History, voter: RunningVoter) -> Result<()> {
    let (from, to) = executor.random(|r| (r.below(ACCOUNT_IDS as u64) as i64, r.below(ACCOUNT_IDS as u64) as i64));
    let pessimistic = executor.random(|r| r.chance(500));
    let mode = if pessimistic { TxnMode::Pessimistic } else { TxnMode::Optimistic };
    let mut session = Session::begin(executor.clone(), history, voter, mode).await?;
    let info = session.table(ACCOUNTS)?;
    let mut ts = session.start_ts();
    if pessimistic {
        ts = session.lock(&[from, to].map(|id| row_key(info.id, RowKey::Int(id).as_ref()))).await?;
    }
    for (id, by) in [(from, -1), (to, 1)] {
        let row = session.row(&info, id, ts)?.ok_or(Error::Invalid("an account is gone".into()))?;
        let tag = session.tag();
        session.put(&info, &[Some(id), row[1].map(|v| v + by), Some(tag)], false)?;
        let dither = executor.random(|r| if r.chance(200) { r.between_ms(0, 1_500) } else { Duration::ZERO });
        pause(dither).await;
    }
    session.mark()?;
    session.commit().await.map(drop)
}

async fn change_items(executor: Executor, history: History, voter: RunningVoter) -> Result<()> {
    let mut session = Session::begin(executor.clone(), history, voter, TxnMode::Optimistic).await?;
    let info = session.table(ITEMS)?;
    let rows = executor.random(|r| if r.chance(150) { 40 } else { 1 + r.below(4) });
    let tag = session.tag();
    for _ in 0..rows {
        let id = executor.random(|r| r.below(ITEM_IDS)) as i64;
        if executor.random(|r| r.chance(300)) {
            session.delete(&info, id)?;
            continue;
        }
        let cell = || executor.random(|r| r.chance(800).then(|| r.below(1_000) as i64));
        let mut row = vec![Some(id), Some(cell().unwrap_or(0)), Some(tag)];
        row.extend((3..info.columns.len()).map(|_| cell()));
        session.put(&info, &row, false)?;
    }
    session.mark()?;
    session.commit().await.map(drop)
}

async fn reserve_ids(nodes: &Nodes) {
    let Some((_, voter)) = nodes.leader() else { return };
    let leader = voter.leader.clone();
    let n = nodes.executor().random(|r| 1 + r.below(3_000));
    let reserved = nodes.within(voter.life, async move {
        let table = leader.voter().catalog().table(DATABASE, ACCOUNTS).map(|t| t.id);
        leader.allocate_ids(table.ok_or(Error::Closed)?, n, None).await
    });
    if let Some(Ok(first)) = reserved.await {
        nodes.history().count("id ranges");
        let verdict = nodes.history().with(|t| ids_are_handed_out_once::check(&mut t.ids, first, n));
        nodes.history().judge(verdict);
    }
}

/// A schema change of the items.
async fn change_schema(nodes: &Nodes) {
    let Some((_, voter)) = nodes.leader() else { return };
    let (executor, history) = (nodes.executor().clone(), nodes.history().clone());
    let work = alter(executor, history, voter.clone());
    if let Some(Ok(Some(dropped))) = nodes.within(voter.life, work).await {
        // Longer than anybody holds a snapshot.
        pause(Duration::from_secs(4)).await;
        if let Some((_, voter)) = nodes.leader() {
            drop(nodes.within(voter.life, drop_data(voter.clone(), dropped)).await);
        }
    }
}

async fn alter(
    executor: Executor,
    history: History,
    voter: RunningVoter,
) -> Result<Option<deltatree_storage::types::TableId>> {
    let invalid = |e: crate::catalog::CatalogError| Error::Invalid(e.to_string());
    let mut session = Session::begin(executor.clone(), history.clone(), voter, TxnMode::Optimistic).await?;
    let catalog = session.definitions()?;
    let old = catalog.table(DATABASE, ITEMS).ok_or(Error::Invalid("no items".into()))?;
    let mut info = (**old).clone();
    let mut dropped = None;
    let ops = match executor.random(|r| r.below(10)) {
        0..=1 => {
            dropped = Some(old.id);
            truncate_table(&catalog, old.id).map_err(invalid)?.1
        }
        2..=4 => {
            info.columnar = !info.columnar;
            alter_table(&catalog, info).map_err(invalid)?.1
        }
        5..=6 if info.columns.len() > 3 => {
            let gone = executor.random(|r| 3 + r.below(info.columns.len() as u64 - 3)) as usize;
            info.columns.remove(gone);
            alter_table(&catalog, info).map_err(invalid)?.1
        }
        _ => {
            let id = info.next_column_id;
            let mut column = ColumnInfo::new(ColumnId(id), format!("c{id}"), SqlType::BigInt { unsigned: false }, true);
            if executor.random(|r| r.chance(500)) {
                column.origin_default = deltatree_storage::types::Value::Int(i64::from(id));
            }
            info.next_column_id += 1;
            info.columns.push(column);
            alter_table(&catalog, info).map_err(invalid)?.1
        }
    };
    ops.into_iter().try_for_each(|op| session.write(op))?;
    session.commit().await?;
    history.count("schema changes");
    Ok(dropped)
}

/// One small commit, if a leader is there to make it.
pub(crate) async fn try_commit(nodes: &Nodes) -> bool {
    let Some((_, voter)) = nodes.leader() else { return false };
    let work = transfer(nodes.executor().clone(), nodes.history().clone(), voter.clone());
    matches!(nodes.within(voter.life, work).await, Some(Ok(())))
}

/// The definition of a table on the leader.
pub(crate) fn table(nodes: &Nodes, name: &str) -> Option<Arc<TableInfo>> {
    nodes.leader()?.1.leader.voter().catalog().table(DATABASE, name).cloned()
}
