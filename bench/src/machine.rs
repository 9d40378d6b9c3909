//! What the figures were measured on, and how much memory the process took.

use std::fmt;
use std::fs;
use std::time::Duration;

use serde::Serialize;

/// The machine as the operating system describes it.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, MiB; 0 when unknown.
    pub memory_mib: u64,
    /// The processor's name; empty when unknown.
    pub processor: String,
    /// Operating system and architecture.
    pub system: String,
    /// Whether the bench was compiled with optimisation: figures without it mean nothing.
    pub optimised: bool,
}

impl Machine {
    /// The one that runs this process.
    pub fn of_this_process() -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: cores(),
            memory_mib: kib_of("/proc/meminfo", "MemTotal:").unwrap_or(0) / 1024,
            processor: processor().unwrap_or_default(),
            system: format!("{} {} {}", std::env::consts::OS, std::env::consts::ARCH, kernel.trim()).trim().to_owned(),
            optimised: !cfg!(debug_assertions),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cores, {} MiB, {}, {}", self.cores, self.memory_mib, self.processor, self.system)?;
        if !self.optimised {
            f.write_str(", NOT OPTIMISED")?;
        }
        Ok(())
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The most memory that the process has had resident since its start, MiB; `None` where the system does not tell.
pub fn peak_memory_mib() -> Option<u64> {
    Some(kib_of("/proc/self/status", "VmHWM:")? / 1024)
}

/// Processor time that the calling thread has taken so far; zero where the system does not tell.
pub fn cpu_of_thread() -> Duration {
    cpu(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time that the process has taken so far, by all its threads; zero where the system does not tell.
pub fn cpu_of_process() -> Duration {
    cpu(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Keeps the calling thread, and the threads and processes that it starts from now on, to a core, where the
/// system lets it.
pub fn keep_to(core: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the set is ours, made of zeros as an empty one is, and only read. 0 means the calling thread.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut cores);
        if libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &cores) != 0 {
            eprintln!("a thread does not keep to core {core}: {}", std::io::Error::last_os_error());
        }
    }
    #[cfg(not(target_os = "linux"))]
    eprintln!("threads do not keep to core {core} on this system");
}

/// Runs `work` on a core, with all that it starts, and waits for it.
pub fn on_core<T: Send>(core: usize, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            keep_to(core);
            work()
        });
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn cpu(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is ours to be written.
    let told = unsafe { libc::clock_gettime(clock, &mut time) } == 0;
    if told { Duration::new(time.tv_sec as u64, time.tv_nsec as u32) } else { Duration::ZERO }
}

fn kib_of(path: &str, label: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(label)?.split_whitespace().next()?.parse().ok())
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix("model name")?.trim_start_matches([' ', '\t', ':']).to_owned()))
}
