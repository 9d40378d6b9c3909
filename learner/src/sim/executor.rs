//! One thread, many tasks, and a time that passes only when nobody has anything to do.
//!
//! Tasks belong to a *life*: one run of one node's process. A task that a task starts belongs to the
//! same life, and [`Executor::kill`] ends a life with all that its tasks held, as a crash does.
//!
//! Everything that happens follows from the seed. Which of the tasks that are ready goes first is
//! drawn from it, so the order in which they were woken does not matter (tokio wakes the watchers of one
//! channel in an order of its own). Timers fire one at a time, each a little late by a random time, so
//! that no two things happen at the same moment: where tokio picks between two ready branches at
//! random, there is only one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::random::Random;

/// One run of one node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Life(u64);

/// What no node runs: clients, the network, the faults.
pub(crate) const WORLD: Life = Life(0);

type TaskId = u64;
type TimerId = (Duration, u64);

/// Clones are the same executor.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    ready: Arc<Mutex<BTreeSet<TaskId>>>,
}

struct State {
    now: Duration,
    random: Random,
    tasks: BTreeMap<TaskId, Task>,
    timers: BTreeMap<TimerId, Waker>,
    lives: BTreeSet<Life>,
    next_life: u64,
    next_id: u64,
    steps: u64,
    /// Sums up what ran when.
    trace: u64,
}

struct Task {
    life: Life,
    /// `None` while it runs.
    future: Option<BoxFuture<'static, ()>>,
}

thread_local! {
    /// The executor of this thread, and the life of the task that runs.
    static CURRENT: RefCell<Option<(Executor, Life)>> = const { RefCell::new(None) };
}

struct TaskWaker {
    id: TaskId,
    ready: Arc<Mutex<BTreeSet<TaskId>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.lock().insert(self.id);
    }
}

impl Executor {
    pub(crate) fn new(seed: u64) -> Self {
        let state = State {
            now: Duration::ZERO,
            random: Random::new(seed),
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            lives: [WORLD].into(),
            next_life: 1,
            next_id: 0,
            steps: 0,
            trace: 0,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), ready: Arc::default() }))
    }

    /// The executor whose task runs on this thread, and the task's life.
    pub(crate) fn current() -> Option<(Self, Life)> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs `work` as a part of a life.
    pub(crate) fn within<R>(&self, life: Life, work: impl FnOnce() -> R) -> R {
        struct Restore(Option<(Executor, Life)>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some((self.clone(), life))));
        work()
    }

    /// The time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.0.state.lock().now
    }

    /// Tasks polled so far, and a sum over which and when.
    pub(crate) fn trace(&self) -> (u64, u64) {
        let state = self.0.state.lock();
        (state.steps, state.trace)
    }

    /// Runs `draw` on the seed's random numbers.
    pub(crate) fn random<R>(&self, draw: impl FnOnce(&mut Random) -> R) -> R {
        draw(&mut self.0.state.lock().random)
    }

    /// Adds to what [`Executor::trace`] sums up.
    pub(crate) fn note(&self, what: u64) {
        self.0.state.lock().note(what);
    }

    /// A new process.
    pub(crate) fn begin_life(&self) -> Life {
        let mut state = self.0.state.lock();
        let life = Life(state.next_life);
        state.next_life += 1;
        state.lives.insert(life);
        life
    }

    /// Ends a process: its tasks never run again.
    pub(crate) fn kill(&self, life: Life) {
        self.0.state.lock().lives.remove(&life);
        loop {
            let dead: Vec<Task> = {
                let mut state = self.0.state.lock();
                state.tasks.extract_if(.., |_, task| task.life == life).map(|(_, task)| task).collect()
            };
            if dead.is_empty() {
                return;
            }
            // What a task drops may start others, which are not taken any more.
            self.within(life, || drop(dead));
        }
    }

    /// Starts a task of a life, unless that has ended.
    pub(crate) fn spawn(&self, life: Life, future: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.0.state.lock();
        if !state.lives.contains(&life) {
            drop(state);
            return;
        }
        let id = state.next_id;
        state.next_id += 1;
        state.tasks.insert(id, Task { life, future: Some(Box::pin(future)) });
        drop(state);
        self.0.ready.lock().insert(id);
    }

    /// Ends all tasks.
    pub(crate) fn end(&self) {
        loop {
            let tasks = std::mem::take(&mut self.0.state.lock().tasks);
            self.0.state.lock().lives.clear();
            if tasks.is_empty() {
                return;
            }
            self.within(WORLD, || drop(tasks));
        }
    }

    /// Runs until `done` resolves.
    pub(crate) fn run<R: Send + 'static>(&self, main: impl Future<Output = R> + Send + 'static) -> R {
        let result = Arc::new(Mutex::new(None));
        let out = result.clone();
        self.spawn(WORLD, async move {
            let value = main.await;
            *out.lock() = Some(value);
        });
        loop {
            if let Some(value) = result.lock().take() {
                return value;
            }
            assert!(self.step(), "everybody waits for somebody else");
        }
    }

    /// Polls one task, or lets time pass until a timer fires. Returns whether there was anything to do.
    fn step(&self) -> bool {
        let next = {
            let mut ready = self.0.ready.lock();
            let mut state = self.0.state.lock();
            let n = ready.len() as u64;
            let next = if n == 0 { None } else { ready.iter().nth(state.random.below(n) as usize).copied() };
            if let Some(id) = next {
                ready.remove(&id);
            }
            next
        };
        match next {
            Some(id) => self.poll(id),
            None => return self.pass_time(),
        }
        true
    }

    fn poll(&self, id: TaskId) {
        let (mut future, life) = {
            let mut state = self.0.state.lock();
            let Some(task) = state.tasks.get_mut(&id) else { return };
            let Some(future) = task.future.take() else { return };
            let life = task.life;
            state.steps += 1;
            state.note(id);
            (future, life)
        };
        let waker = Waker::from(Arc::new(TaskWaker { id, ready: self.0.ready.clone() }));
        let polled = self.within(life, || future.as_mut().poll(&mut Context::from_waker(&waker)));
        let mut state = self.0.state.lock();
        match polled {
            Poll::Ready(()) => drop(state.tasks.remove(&id)),
            Poll::Pending => {
                if let Some(task) = state.tasks.get_mut(&id) {
                    task.future = Some(future);
                    return;
                }
            }
        }
        drop(state);
        // It has ended, or its life has while it ran.
        self.within(life, || drop(future));
    }

    fn pass_time(&self) -> bool {
        let fired = {
            let mut state = self.0.state.lock();
            let Some(((at, _), waker)) = state.timers.pop_first() else { return false };
            state.now = state.now.max(at);
            waker
        };
        fired.wake();
        true
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        let mut state = self.0.state.lock();
        const LATENESS_NS: u64 = 200_000;
        let late = Duration::from_nanos(state.random.below(LATENESS_NS));
        let id = state.next_id;
        state.next_id += 1;
        Sleep { executor: self.clone(), timer: (deadline.max(state.now) + late, id) }
    }

    /// A timer.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        // Far enough for "never", near enough to be added to.
        const NEVER: Duration = Duration::from_secs(1 << 40);
        let deadline = self.now() + duration.min(NEVER);
        self.sleep_until(deadline)
    }
}

impl State {
    fn note(&mut self, what: u64) {
        let mixed = self.trace.rotate_left(7) ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.now.as_nanos() as u64;
        self.trace = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
    }
}

/// Resolves when its time has come.
pub(crate) struct Sleep {
    executor: Executor,
    timer: TimerId,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.executor.0.state.lock();
        if state.now >= self.timer.0 {
            state.timers.remove(&self.timer);
            return Poll::Ready(());
        }
        state.timers.insert(self.timer, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.executor.0.state.lock().timers.remove(&self.timer);
    }
}

/// Waits within a simulation.
pub(crate) async fn pause(duration: Duration) {
    let (executor, _) = Executor::current().expect("it is called by tasks of the simulation");
    executor.sleep(duration).await;
}
