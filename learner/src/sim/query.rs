//! Queries of the columns: timestamp, gate, snapshot, scan.

use std::time::Duration;

use deltatree_storage::api::ScanRequest;
use deltatree_storage::types::{TableId, Timestamp};

use super::columns::{rows_of, width};
use super::executor::pause;
use super::history::{Copy, Moment, Read};
use super::invariants::{pruning_never_drops_a_row, snapshot_reads_are_repeatable};
use super::nodes::{Nodes, RunningLearner};
use super::workload::{ACCOUNTS, ITEMS, MARKERS, table};
use crate::access::LeaderAccess;
use crate::clock::Clock;
use crate::columnar::pass_gate_by;
use crate::error::{Error, Result};
use crate::raft::NodeId;
use crate::tso::timestamp_at;

const PATIENCE: Duration = Duration::from_secs(5);

/// A query of some table on some learner. What goes wrong for want of a leader or of time is no matter.
pub(crate) async fn columns(nodes: &Nodes) {
    let learners: Vec<_> = nodes.learner_ids().into_iter().filter_map(|id| Some((id, nodes.learner(id)?))).collect();
    if learners.is_empty() {
        return;
    }
    let (id, learner) = nodes.executor().random(|r| r.pick(&learners).clone());
    let name = *nodes.executor().random(|r| r.pick(&[ACCOUNTS, ITEMS, MARKERS]));
    let Some(info) = table(nodes, name) else { return };
    let hold = nodes.executor().random(|r| r.between_ms(0, 2_000));
    drop(query(nodes, id, learner, info.id, PATIENCE, hold).await);
}

/// Reads a table, holds the snapshot for a while, and reads it again. Returns the timestamp.
pub(crate) async fn query(
    nodes: &Nodes,
    id: NodeId,
    learner: RunningLearner,
    table: TableId,
    patience: Duration,
    hold: Duration,
) -> Result<Timestamp> {
    let mut called = nodes.history().moment();
    // The front end has a timestamp, of now or of the past, or the replica asks for one.
    let registered = match nodes.leader() {
        Some((leading, voter)) if !hold.is_zero() && nodes.executor().random(|r| r.chance(300)) => {
            called = 0;
            // By the clock it may be above what is in flight, which the gate must wait for.
            let ts = match nodes.executor().random(|r| r.chance(500)) {
                true => Some(timestamp_at(nodes.clock(leading).now_ms())),
                false => nodes.history().some_commit_ts(|n| nodes.executor().random(|r| r.below(n))),
            };
            ts.map(|ts| voter.leader.register_reader(ts)).transpose()?
        }
        Some((_, voter)) if nodes.executor().random(|r| r.chance(500)) => {
            let access = LeaderAccess::Here(voter.leader.clone());
            nodes.within(voter.life, async move { access.read_snapshot().await }).await.transpose()?
        }
        Some(_) | None => None,
    };
    let wanted = registered.as_ref().map(|guard| guard.ts());
    let there = nodes.clone();
    let read = async move { at_the_gate(&there, id, &learner, table, wanted, called, patience, hold).await };
    let life = nodes.learner(id).map(|l| l.life).ok_or(Error::Closed)?;
    nodes.within(life, read).await.ok_or(Error::Closed)?
}

#[expect(clippy::too_many_arguments, reason = "one step of a query, not an interface")]
async fn at_the_gate(
    nodes: &Nodes,
    id: NodeId,
    learner: &RunningLearner,
    table: TableId,
    wanted: Option<Timestamp>,
    called: Moment,
    patience: Duration,
    hold: Duration,
) -> Result<Timestamp> {
    let ask = |address: String, left: Duration| ask_leader(nodes.clone(), id, address, wanted, left);
    let (ts, _) = pass_gate_by(&learner.learner, patience, ask).await?;
    let history = nodes.history();
    history.count("gates passed");
    let snapshot = learner.learner.engine().snapshot(table, ts)?;
    let all = || rows_of(&snapshot, ScanRequest::all((0..width(&snapshot)).collect()));
    let rows = match all() {
        Ok(rows) => rows,
        Err(violation) => {
            history.judge(Err(violation.clone()));
            return Err(Error::Internal(violation));
        }
    };
    history.count("reads of columns");
    history.with(|t| {
        t.reads.push(Read {
            copy: Copy::Columns,
            called,
            table,
            ts,
            schema_version: snapshot.schema().version,
            rows: rows.clone(),
            at: nodes.executor().now(),
        });
    });
    let (column, bound) =
        nodes.executor().random(|r| (r.below(width(&snapshot) as u64) as usize, r.below(1_000) as i64));
    history.judge(pruning_never_drops_a_row::check(&snapshot, &rows, column, bound));
    pause(hold).await;
    match all() {
        Ok(again) => history.judge(snapshot_reads_are_repeatable::check(Copy::Columns, ts, &rows, &again)),
        Err(violation) => history.judge(Err(violation)),
    }
    Ok(ts)
}

/// Sends the question to the node at `address`, as the product does by gRPC.
async fn ask_leader(
    nodes: Nodes,
    from: NodeId,
    address: String,
    ts: Option<Timestamp>,
    left: Duration,
) -> Result<(Timestamp, u64)> {
    let lost = || Error::NotLeader { leader: None };
    let to: NodeId = address.strip_prefix("sim:").and_then(|n| n.parse().ok()).ok_or_else(lost)?;
    if !nodes.network().travel(from, to).await {
        return Err(lost());
    }
    let (_, voter) = nodes.running_voters().into_iter().find(|(id, _)| *id == to).ok_or_else(lost)?;
    let leader = voter.leader.clone();
    let answer = nodes.within(voter.life, async move {
        let ts = match ts {
            Some(ts) => ts,
            None => leader.read_ts().await?,
        };
        Ok((ts, leader.read_index(ts, left).await?))
    });
    let answer = crate::runtime::timeout(left, answer).await.map_err(|_| lost())?.ok_or_else(lost)?;
    if !nodes.network().travel(to, from).await {
        return Err(lost());
    }
    answer
}
