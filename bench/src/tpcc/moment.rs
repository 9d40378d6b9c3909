//! Times as texts.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use arrow::temporal_conversions::timestamp_s_to_datetime;

/// When the population was made, in seconds since 1970: 2026-01-01 00:00:00. Fixed, so that one seed
/// gives one population.
pub const LOADED_AT: i64 = 1_767_225_600;

/// A second since 1970 as `YYYY-MM-DD hh:mm:ss`.
///
/// # Errors
/// When it is too far from now to have a date.
pub fn text_of(second: i64) -> anyhow::Result<String> {
    let time = timestamp_s_to_datetime(second).with_context(|| format!("second {second} has no date"))?;
    Ok(time.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// The current second.
///
/// # Errors
/// When the clock is before 1970 or far from now.
pub fn now() -> anyhow::Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    text_of(i64::try_from(since.as_secs())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_mysql_reads_them() {
        assert_eq!(text_of(LOADED_AT).unwrap(), "2026-01-01 00:00:00");
        assert_eq!(text_of(951_827_696).unwrap(), "2000-02-29 12:34:56");
        assert_eq!(now().unwrap().len(), 19);
    }
}
