//! The columnar replicas of the group, as a front end knows them: which of them answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use futures::future::join_all;
use parking_lot::Mutex;

use crate::columnar::{RemoteReplica, ReplicaProgress};
use crate::error::Result;
use crate::grpc::PeerLinks;
use crate::runtime::OwnRuntime;

/// Longest wait for a sign of life of a replica. One that is slower is done without until it answers.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Replicas {
    links: PeerLinks,
    runtime: Arc<OwnRuntime>,
    /// Where learners listen, according to the leader.
    addresses: Mutex<Vec<String>>,
    known: Mutex<Vec<Arc<RemoteReplica>>>,
    alive: ArcSwap<Vec<Arc<RemoteReplica>>>,
    /// How far the first of them is.
    progress: ArcSwapOption<ReplicaProgress>,
    next: AtomicUsize,
}

impl Replicas {
    /// None yet. Connections live on `runtime`.
    pub(super) fn new(links: PeerLinks, runtime: Arc<OwnRuntime>) -> Self {
        Self {
            links,
            runtime,
            addresses: Mutex::default(),
            known: Mutex::default(),
            alive: ArcSwap::default(),
            progress: ArcSwapOption::empty(),
            next: AtomicUsize::new(0),
        }
    }

    /// One that answered at the last look.
    pub(super) fn next(&self) -> Option<Arc<RemoteReplica>> {
        let alive = self.alive.load();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        alive.get(turn.checked_rem(alive.len())?).cloned()
    }

    /// These are all the learners. Some may hold rows, and be voters soon.
    pub(super) fn learn(&self, addresses: Vec<String>) {
        *self.addresses.lock() = addresses;
    }

    /// How far the first of those is that answered at the last look.
    pub(super) fn progress(&self) -> Option<ReplicaProgress> {
        self.progress.load().as_deref().cloned()
    }

    /// Asks them again and again, on the runtime, as long as the front end lives.
    pub(super) fn watch(self: &Arc<Self>) -> Result<()> {
        let watched = Arc::downgrade(self);
        self.runtime.spawn(async move {
            while let Some(replicas) = watched.upgrade() {
                replicas.look().await;
                drop(replicas);
                tokio::time::sleep(LOOK).await;
            }
        })
    }

    async fn look(&self) {
        let addresses = self.addresses.lock().clone();
        let known = {
            let mut known = self.known.lock();
            known.retain(|replica| addresses.iter().any(|address| address == replica.address()));
            for address in addresses {
                if known.iter().any(|replica| replica.address() == address) {
                    continue;
                }
                match RemoteReplica::new(&address, self.links.clone(), self.runtime.clone()) {
                    Ok(replica) => known.push(Arc::new(replica)),
                    Err(e) => tracing::warn!(error = %e, "a columnar replica cannot be reached"),
                }
            }
            known.clone()
        };
        let asked = known.into_iter().map(|replica| async move {
            let progress = tokio::time::timeout(ANSWER, replica.progress()).await.ok()?.ok()?;
            progress.failure.is_none().then_some((replica, progress))
        });
        let answered: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        self.progress.store(answered.first().map(|(_, progress)| Arc::new(progress.clone())));
        self.alive.store(Arc::new(answered.into_iter().map(|(replica, _)| replica).collect()));
    }
}
