//! The runtime of replication in tests: the simulation's on a thread that runs one, tokio otherwise.

use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use openraft::async_runtime::TokioOneShotSender;
use openraft::{AsyncRuntime, TokioRuntime};
use tokio::sync::oneshot;

use super::executor::{Executor, Sleep};

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SwitchRuntime;

/// A moment, counted from the first one asked for or from the beginning of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SwitchInstant(Duration);

impl openraft::Instant for SwitchInstant {
    fn now() -> Self {
        static BASE: OnceLock<std::time::Instant> = OnceLock::new();
        // Instants before the beginning are calculated with.
        const BEFORE: Duration = Duration::from_secs(1 << 20);
        let now = match Executor::current() {
            Some((executor, _)) => executor.now(),
            None => BASE.get_or_init(std::time::Instant::now).elapsed(),
        };
        Self(BEFORE + now)
    }
}

impl std::ops::Add<Duration> for SwitchInstant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl std::ops::AddAssign<Duration> for SwitchInstant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl std::ops::Sub<Duration> for SwitchInstant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

impl std::ops::SubAssign<Duration> for SwitchInstant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl std::ops::Sub for SwitchInstant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// A task ended without a result.
#[derive(Debug)]
pub struct SwitchJoinError(&'static str, bool);

impl std::fmt::Display for SwitchJoinError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A started task.
pub enum SwitchJoinHandle<T> {
    /// Of tokio.
    Tokio(tokio::task::JoinHandle<T>),
    /// Of the simulation.
    Simulated(oneshot::Receiver<T>),
}

impl<T> Future for SwitchJoinHandle<T> {
    type Output = Result<T, SwitchJoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Tokio(handle) => {
                Pin::new(handle).poll(cx).map_err(|e| SwitchJoinError("the task failed", e.is_panic()))
            }
            Self::Simulated(result) => {
                Pin::new(result).poll(cx).map_err(|_| SwitchJoinError("the task was ended", false))
            }
        }
    }
}

/// A timer.
pub enum SwitchSleep {
    /// Of tokio.
    Tokio(Pin<Box<tokio::time::Sleep>>),
    /// Of the simulation.
    Simulated(SimSleep),
}

/// A timer of the simulation.
pub struct SimSleep(Sleep);

impl Future for SwitchSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.get_mut() {
            Self::Tokio(sleep) => sleep.as_mut().poll(cx),
            Self::Simulated(sleep) => Pin::new(&mut sleep.0).poll(cx),
        }
    }
}

/// A bounded wait ended.
#[derive(Debug)]
pub struct SwitchElapsed;

impl std::fmt::Display for SwitchElapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the time is over")
    }
}

/// A future that is waited for within bounds.
pub struct SwitchTimeout<F> {
    future: Pin<Box<F>>,
    sleep: SwitchSleep,
}

impl<F: Future> Future for SwitchTimeout<F> {
    type Output = Result<F::Output, SwitchElapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Poll::Ready(output) = this.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut this.sleep).poll(cx).map(|()| Err(SwitchElapsed))
    }
}

impl AsyncRuntime for SwitchRuntime {
    type JoinError = SwitchJoinError;
    type JoinHandle<T: Send + 'static> = SwitchJoinHandle<T>;
    type Sleep = SwitchSleep;
    type Instant = SwitchInstant;
    type TimeoutError = SwitchElapsed;
    type Timeout<R, T: Future<Output = R> + Send> = SwitchTimeout<T>;
    type ThreadLocalRng = <TokioRuntime as AsyncRuntime>::ThreadLocalRng;
    type OneshotSender<T: Send> = TokioOneShotSender<T>;
    type OneshotReceiverError = oneshot::error::RecvError;
    type OneshotReceiver<T: Send> = oneshot::Receiver<T>;

    fn spawn<T>(future: T) -> SwitchJoinHandle<T::Output>
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        let Some((executor, life)) = Executor::current() else {
            return SwitchJoinHandle::Tokio(tokio::spawn(future));
        };
        let (done, result) = oneshot::channel();
        executor.spawn(life, async move {
            // Whoever does not wait needs no result.
            let _ = done.send(future.await);
        });
        SwitchJoinHandle::Simulated(result)
    }

    fn sleep(duration: Duration) -> SwitchSleep {
        match Executor::current() {
            Some((executor, _)) => SwitchSleep::Simulated(SimSleep(executor.sleep(duration))),
            None => SwitchSleep::Tokio(Box::pin(tokio::time::sleep(duration))),
        }
    }

    fn sleep_until(deadline: SwitchInstant) -> SwitchSleep {
        Self::sleep(deadline - <SwitchInstant as openraft::Instant>::now())
    }

    fn timeout<R, F: Future<Output = R> + Send>(duration: Duration, future: F) -> SwitchTimeout<F> {
        SwitchTimeout { future: Box::pin(future), sleep: Self::sleep(duration) }
    }

    fn timeout_at<R, F: Future<Output = R> + Send>(deadline: SwitchInstant, future: F) -> SwitchTimeout<F> {
        Self::timeout(deadline - <SwitchInstant as openraft::Instant>::now(), future)
    }

    fn is_panic(error: &SwitchJoinError) -> bool {
        error.1
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        // Where it matters, in the simulation, the ranges that are drawn from hold one number.
        TokioRuntime::thread_rng()
    }

    fn oneshot<T: Send>() -> (TokioOneShotSender<T>, oneshot::Receiver<T>) {
        TokioRuntime::oneshot()
    }
}
