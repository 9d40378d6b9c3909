//! One run of the simulation: trouble, then peace, then the reckoning.

use std::collections::BTreeMap;
use std::time::Duration;

use deltatree_storage::file::FaultPlan;

use super::executor::{Executor, pause};
use super::faults;
use super::history::History;
use super::invariants::{self, learner_down_never_blocks_oltp, nothing_is_left_behind, replicas_hold_the_same_rows};
use super::network::Weather;
use super::nodes::{Nodes, address};
use super::query;
use super::workload::{self, ACCOUNTS, ITEMS, MARKERS};
use crate::raft::NodeId;

/// What came of a run.
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) last_events: String,
    pub(crate) simulated: Duration,
    /// Steps taken, and a sum over them: equal for equal seeds.
    pub(crate) trace: (u64, u64),
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(60);
const VOTERS: std::ops::RangeInclusive<NodeId> = 1..=3;
const LEARNERS: std::ops::RangeInclusive<NodeId> = 51..=52;
const CLIENTS: usize = 4;

/// Runs one seed.
pub(crate) fn run(seed: u64) -> Report {
    let executor = Executor::new(seed);
    let history = History::new(executor.clone());
    let nodes = Nodes::new(executor.clone(), history.clone());
    let world = nodes.clone();
    executor.run(async move { scenario(&world).await });
    let report = Report {
        seed,
        simulated: executor.now(),
        trace: executor.trace(),
        violations: history.with(|t| {
            let mut found = std::mem::take(&mut t.violations);
            found.extend(invariants::check_all(t));
            found
        }),
        last_events: history.with(|t| t.last_events()),
        counts: history.with(|t| std::mem::take(&mut t.counts)),
    };
    nodes.end();
    report
}

async fn scenario(nodes: &Nodes) {
    begin(nodes).await;
    let until = nodes.executor().now() + TROUBLE;
    for _ in 0..CLIENTS {
        workload::start_client(nodes, until);
    }
    faults::run(nodes, until).await;
    make_peace(nodes).await;
    commit_without_learners(nodes).await;
    read_everything(nodes).await;
    compare_replicas(nodes).await;
}

async fn begin(nodes: &Nodes) {
    for id in VOTERS {
        nodes.start_voter(id).await.expect("an empty voter starts");
    }
    nodes.form_group(*VOTERS.start()).await.expect("a new group is formed");
    LEARNERS.for_each(|id| nodes.add_learner_place(id));
    for id in LEARNERS {
        nodes.start_learner(id).await.expect("an empty learner starts");
        add_learner(nodes, id).await;
    }
    workload::prepare(nodes).await;
    faults::watch_learners(nodes);
}

async fn add_learner(nodes: &Nodes, id: NodeId) {
    loop {
        if let Some((_, voter)) = nodes.leader() {
            let leader = voter.leader.clone();
            let added = nodes.within(voter.life, async move { leader.add_learner(id, address(id)).await });
            if matches!(added.await, Some(Ok(()))) {
                return;
            }
        }
        pause(Duration::from_millis(200)).await;
    }
}

/// All voters run, nothing is lost any more, clients and those who changed members have finished.
async fn make_peace(nodes: &Nodes) {
    nodes.history().event("peace");
    for id in nodes.learner_ids() {
        nodes.set_disk_faults(id, FaultPlan::default());
        nodes.crash_learner(id);
    }
    pause(Duration::from_secs(30)).await;
    nodes.network().heal();
    nodes.network().set_weather(Weather::CALM);
    for id in nodes.voter_ids() {
        faults::restart_voter(nodes, id).await;
    }
}

async fn commit_without_learners(nodes: &Nodes) {
    const LIMIT: Duration = Duration::from_secs(60);
    for id in nodes.learner_ids() {
        nodes.crash_learner(id);
    }
    let begun = nodes.executor().now();
    let mut committed = false;
    while !committed && nodes.executor().now() - begun < LIMIT {
        pause(Duration::from_millis(200)).await;
        committed = workload::try_commit(nodes).await;
    }
    nodes.history().judge(learner_down_never_blocks_oltp::check(committed, LIMIT));
}

/// Every learner comes back and shows every table as of now.
async fn read_everything(nodes: &Nodes) {
    const LIMIT: Duration = Duration::from_secs(120);
    for id in nodes.learner_ids() {
        let begun = nodes.executor().now();
        let mut unread = vec![ACCOUNTS, ITEMS, MARKERS];
        let mut last = String::new();
        while let Some(name) = unread.last() {
            if nodes.executor().now() - begun > LIMIT {
                let text =
                    format!("reads_see_every_commit_before_them: learner {id} shows no {name} after {LIMIT:?}: {last}");
                nodes.history().judge(Err(text));
                break;
            }
            pause(Duration::from_millis(500)).await;
            faults::restart_learner(nodes, id).await;
            let Some(info) = workload::table(nodes, name) else { continue };
            if !info.columnar {
                unread.pop();
                continue;
            }
            let Some(learner) = nodes.learner(id) else { continue };
            match query::query(nodes, id, learner, info.id, Duration::from_secs(10), Duration::ZERO).await {
                Ok(_) => drop(unread.pop()),
                Err(e) => last = e.to_string(),
            }
        }
    }
}

/// All voters reach one position and hold the same.
async fn compare_replicas(nodes: &Nodes) {
    const LIMIT: Duration = Duration::from_secs(60);
    let begun = nodes.executor().now();
    loop {
        let members = nodes.leader().and_then(|(_, v)| v.leader.members().ok()).unwrap_or_default();
        let of_group = |id: &NodeId| members.iter().any(|m| m.id == *id);
        let applied: Vec<_> = nodes
            .running_voters()
            .into_iter()
            .filter(|(id, _)| of_group(id))
            .map(|(id, v)| (id, v.leader.voter().applied().index))
            .collect();
        if !applied.is_empty() && applied.iter().all(|(_, index)| *index == applied[0].1) {
            break;
        }
        if nodes.executor().now() - begun > LIMIT {
            let text = format!("replicas_hold_the_same_rows: voters are at {applied:?} after {LIMIT:?}");
            return nodes.history().judge(Err(text));
        }
        pause(Duration::from_millis(200)).await;
    }
    for (id, voter) in nodes.running_voters() {
        let verdict = replicas_hold_the_same_rows::check(nodes.history(), id, voter.leader.voter());
        nodes.history().judge(verdict);
        nodes.history().judge(nothing_is_left_behind::check(id, &voter.leader));
    }
}
