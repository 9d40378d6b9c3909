//! What the disk itself can do.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a second one writer makes 4 KiB at the end of a file durable. Takes two seconds.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn syncs_per_second(dir: &Path) -> anyhow::Result<f64> {
    const TIME: Duration = Duration::from_secs(2);
    let path = dir.join("syncs");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let mut syncs = 0_u32;
    let start = Instant::now();
    while start.elapsed() < TIME {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / start.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}
