//! What goes wrong: crashes, partitions, bad weather, clocks, disks, and changes of members and leaders.

use std::time::Duration;

use deltatree_storage::file::FaultPlan;

use super::executor::pause;
use super::network::Weather;
use super::nodes::{Nodes, RunningVoter, address, in_world};
use crate::raft::NodeId;

/// Lets things go wrong until `until`.
pub(crate) async fn run(nodes: &Nodes, until: Duration) {
    while nodes.executor().now() < until {
        pause(nodes.executor().random(|r| r.between_ms(100, 2_500))).await;
        one(nodes);
    }
}

fn one(nodes: &Nodes) {
    let some = |ids: Vec<NodeId>| nodes.executor().random(|r| *r.pick(&ids));
    match nodes.executor().random(|r| r.below(100)) {
        0..=15 => crash_voter(nodes, some(nodes.voter_ids())),
        16..=31 => crash_learner(nodes, some(nodes.learner_ids())),
        32..=47 => partition(nodes),
        48..=55 => change_weather(nodes),
        56..=65 => jump(nodes),
        66..=73 => elect(nodes, some(nodes.voter_ids())),
        74..=83 => purge(nodes, some(nodes.voter_ids())),
        84..=91 => change_members(nodes),
        _ => fail_disk(nodes, some(nodes.learner_ids())),
    }
}

/// Crashes a voter and starts it again after a while.
fn crash_voter(nodes: &Nodes, id: NodeId) {
    let Some((_, _)) = nodes.running_voters().into_iter().find(|(running, _)| *running == id) else { return };
    nodes.history().event(format!("voter {id} crashes"));
    nodes.history().count("crashes of voters");
    nodes.crash_voter(id);
    let (nodes, down) = (nodes.clone(), nodes.executor().random(|r| r.between_ms(10, 8_000)));
    in_world(&nodes.executor().clone(), async move {
        pause(down).await;
        restart_voter(&nodes, id).await;
    });
}

/// Starts a voter, unless it runs or is gone.
pub(crate) async fn restart_voter(nodes: &Nodes, id: NodeId) {
    let runs = nodes.running_voters().iter().any(|(running, _)| *running == id);
    if runs || !nodes.voter_ids().contains(&id) {
        return;
    }
    nodes.history().event(format!("voter {id} starts"));
    if let Err(e) = nodes.start_voter(id).await {
        nodes.history().judge(Err(format!("crash_anywhere_then_reopen_equals_model: voter {id} does not start: {e}")));
    }
}

fn crash_learner(nodes: &Nodes, id: NodeId) {
    if nodes.learner(id).is_none() {
        return;
    }
    nodes.history().event(format!("learner {id} crashes"));
    nodes.history().count("crashes of learners");
    nodes.crash_learner(id);
    let (down, lost) = nodes.executor().random(|r| (r.between_ms(10, 12_000), r.chance(100)));
    if lost {
        nodes.history().event(format!("the disk of learner {id} is lost"));
        nodes.scrap_columns(id);
    }
    let nodes = nodes.clone();
    in_world(&nodes.executor().clone(), async move {
        pause(down).await;
        restart_learner(&nodes, id).await;
    });
}

/// Starts a learner; one that cannot start, for want of a voter with rows or by its disk, is started
/// again after a while. One that has stopped counts as one that does not run.
pub(crate) async fn restart_learner(nodes: &Nodes, id: NodeId) {
    if nodes.learner(id).is_some() {
        return;
    }
    nodes.history().event(format!("learner {id} starts"));
    if let Err(e) = nodes.start_learner(id).await {
        nodes.history().event(format!("learner {id} does not start: {e}"));
        nodes.history().count("learners that did not start");
    }
}

/// Starts stopped learners again, as whoever runs a process would.
pub(crate) fn watch_learners(nodes: &Nodes) {
    let nodes = nodes.clone();
    in_world(&nodes.executor().clone(), async move {
        loop {
            pause(Duration::from_secs(3)).await;
            for id in nodes.learner_ids() {
                let Some(running) = nodes.learner(id) else { continue };
                if let Some(e) = running.learner.failure() {
                    nodes.history().event(format!("learner {id} has stopped: {e}"));
                    nodes.history().count("learners that stopped");
                    drop(running);
                    nodes.crash_learner(id);
                    restart_learner(&nodes, id).await;
                }
            }
        }
    });
}

/// Cuts some nodes off from the others, one way or both ways.
fn partition(nodes: &Nodes) {
    let all: Vec<NodeId> = nodes.voter_ids().into_iter().chain(nodes.learner_ids()).collect();
    let (cut, one_way, lasts) = nodes.executor().random(|r| {
        let cut: Vec<_> = all.iter().copied().filter(|_| r.chance(350)).collect();
        (cut, r.chance(300), r.between_ms(500, 9_000))
    });
    nodes.history().event(format!("{cut:?} are cut off{}", if one_way { ", one way" } else { "" }));
    nodes.history().count("partitions");
    for &from in &all {
        for &to in all.iter().filter(|to| cut.contains(&from) != cut.contains(to)) {
            if !one_way || cut.contains(&from) {
                nodes.network().cut(from, to);
            }
        }
    }
    let nodes = nodes.clone();
    in_world(&nodes.executor().clone(), async move {
        pause(lasts).await;
        nodes.network().heal();
    });
}

fn change_weather(nodes: &Nodes) {
    let weather = nodes.executor().random(|r| match r.below(4) {
        0 => Weather { lost: 150, doubled: 100, delay_ms: 60 },
        1 => Weather { lost: 20, doubled: 20, delay_ms: 400 },
        _ => Weather { lost: 0, doubled: 30, delay_ms: 5 },
    });
    nodes.history().event(format!("{weather:?}"));
    nodes.network().set_weather(weather);
}

/// A clock jumps, mostly by seconds.
fn jump(nodes: &Nodes) {
    let ids: Vec<NodeId> = nodes.voter_ids().into_iter().chain(nodes.learner_ids()).collect();
    let (id, off_ms) = nodes.executor().random(|r| {
        let far: i64 = if r.chance(50) { 3_600_000 } else { 20_000 };
        (*r.pick(&ids), r.below(2 * far as u64) as i64 - far)
    });
    nodes.history().event(format!("the clock of node {id} is off by {off_ms} ms"));
    nodes.history().count("clock jumps");
    nodes.clock(id).set_off(off_ms);
}

fn running(nodes: &Nodes, id: NodeId) -> Option<RunningVoter> {
    nodes.running_voters().into_iter().find(|(running, _)| *running == id).map(|(_, voter)| voter)
}

/// A voter wants to lead at once.
fn elect(nodes: &Nodes, id: NodeId) {
    let Some(voter) = running(nodes, id) else { return };
    nodes.history().event(format!("voter {id} wants to lead"));
    nodes.history().count("forced elections");
    let raft = voter.leader.raft().clone();
    nodes.executor().spawn(voter.life, async move {
        // One that has just stopped leads nobody.
        drop(raft.trigger().elect().await);
    });
}

/// A voter's log is purged as far as it is applied, so that whoever lacks it gets a raft snapshot.
fn purge(nodes: &Nodes, id: NodeId) {
    let Some(voter) = running(nodes, id) else { return };
    nodes.history().event(format!("voter {id} purges its log"));
    nodes.history().count("purges");
    let leader = voter.leader.clone();
    nodes.executor().spawn(voter.life, async move { leader.purge_log(leader.voter().applied().index) });
}

/// A voter goes for good, or a new one comes.
fn change_members(nodes: &Nodes) {
    const MANY: usize = 5;
    let nodes = nodes.clone();
    in_world(&nodes.executor().clone(), async move {
        let grows = match nodes.voter_ids().len() {
            0..=3 => true,
            MANY.. => false,
            _ => nodes.executor().random(|r| r.chance(500)),
        };
        if grows {
            join(&nodes).await;
        } else {
            leave(&nodes).await;
        }
    });
}

/// A new voter joins as a learner and becomes a voter when it has caught up.
async fn join(nodes: &Nodes) {
    let Some((_, voter)) = nodes.leader() else { return };
    let leader = voter.leader.clone();
    let listens = nodes.history().with(|t| t.moment());
    let admitted = nodes.within(voter.life, async move { leader.admit_member(&format!("new:{listens}")).await }).await;
    let Some(Ok(id)) = admitted else { return };
    // Its address is known only now; whoever asks at the gate needs it.
    nodes.history().event(format!("voter {id} joins"));
    nodes.history().count("members joined");
    if let Err(e) = nodes.start_voter(id).await {
        return nodes.history().event(format!("voter {id} does not start: {e}"));
    }
    for _ in 0..30 {
        pause(Duration::from_millis(700)).await;
        let Some((_, voter)) = nodes.leader() else { continue };
        let leader = voter.leader.clone();
        let promoted = nodes.within(voter.life, async move {
            leader.add_learner(id, address(id)).await?;
            leader.promote_member(id).await
        });
        if matches!(promoted.await, Some(Ok(()))) {
            nodes.history().event(format!("voter {id} votes"));
            nodes.history().count("members promoted");
            return;
        }
    }
}

/// A voter leaves for good.
async fn leave(nodes: &Nodes) {
    let Some((leading, voter)) = nodes.leader() else { return };
    let others: Vec<_> = nodes.voter_ids().into_iter().filter(|id| *id != leading).collect();
    if others.is_empty() {
        return;
    }
    let id = nodes.executor().random(|r| *r.pick(&others));
    let leader = voter.leader.clone();
    let removed = nodes.within(voter.life, async move { leader.remove_member(&address(id).addr).await }).await;
    if matches!(removed, Some(Ok(()))) {
        nodes.history().event(format!("voter {id} has left"));
        nodes.history().count("members removed");
        nodes.scrap_voter(id);
    }
}

/// A learner's disk fails now and then, for a while.
fn fail_disk(nodes: &Nodes, id: NodeId) {
    nodes.history().event(format!("the disk of learner {id} fails"));
    nodes.history().count("failing disks");
    let faults = FaultPlan { io_errors: 30, short_writes: 100, failed_syncs: 100, disk_bytes: None };
    nodes.set_disk_faults(id, faults);
    let (nodes, lasts) = (nodes.clone(), nodes.executor().random(|r| r.between_ms(500, 5_000)));
    in_world(&nodes.executor().clone(), async move {
        pause(lasts).await;
        nodes.set_disk_faults(id, FaultPlan::default());
    });
}
