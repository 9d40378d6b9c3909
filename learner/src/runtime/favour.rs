//! What the operating system's scheduler is told about a thread.
//!
//! On a machine with fewer cores than busy threads, who runs when is decided by the scheduler. Linux
//! gives each runnable thread its share by weight (`nice`), and among those with time left runs the one whose
//! *slice* would be over first. So a thread that wakes up with a short slice runs at once instead of after all
//! others' slices, and gets no more of the processor for it (EEVDF; slices of ordinary threads can be set
//! since Linux 6.12).

use std::io;
use std::time::Duration;

/// How a thread is to be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Favour {
    /// How much less than others it is favoured, in `nice` steps: five of them are a third of the weight.
    pub niceness: i32,
    /// For how long it likes to run at a time. The kernel takes 0.1 ms to 100 ms.
    pub slice: Duration,
}

impl Favour {
    /// For what hands work on from one replica to the other, or to those that wait: little to do, and everybody
    /// waits for it.
    pub const RELAY: Self = Self { niceness: 0, slice: Duration::from_micros(100) };

    /// For what nobody waits for, such as merging: it keeps up with the others and does not hold them up.
    pub const BACKGROUND: Self = Self { niceness: 5, slice: Duration::from_millis(3) };

    /// Tells the scheduler about the calling thread, and about those that it will start. A kernel that knows no
    /// slices of ordinary threads takes the niceness alone.
    #[cfg(target_os = "linux")]
    pub fn apply(self) {
        let attributes = libc::sched_attr {
            size: size_of::<libc::sched_attr>() as u32,
            sched_policy: libc::SCHED_OTHER as u32,
            sched_flags: 0,
            sched_nice: self.niceness,
            sched_priority: 0,
            sched_runtime: u64::try_from(self.slice.as_nanos()).unwrap_or(u64::MAX),
            sched_deadline: 0,
            sched_period: 0,
        };
        // SAFETY: the kernel reads the structure, whose size is in it, and keeps no pointer to it. 0 means the
        // calling thread.
        if unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } != 0 {
            tracing::debug!("a thread cannot be scheduled as it should: {}", io::Error::last_os_error());
        }
    }

    /// Niceness is the process's on other systems, and must not be lowered for all of it.
    #[cfg(not(target_os = "linux"))]
    pub fn apply(self) {}

    /// Runs `work`, and waits for it. Threads that it starts, as those of libraries, are scheduled like this.
    pub(crate) fn inherited<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                self.apply();
                work()
            });
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}
