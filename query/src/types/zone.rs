//! Session time zones: `SYSTEM`, an offset, or a name.

use std::fmt;

use chrono::{NaiveDateTime, Offset, TimeZone};

use super::calendar::SECOND;
use crate::error::{Result, SqlError};

/// What `@@time_zone` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionZone {
    /// A fixed number of seconds east of UTC.
    Fixed(i32),
    /// A zone with a history.
    Named(chrono_tz::Tz),
}

impl SessionZone {
    /// UTC.
    pub const UTC: Self = Self::Fixed(0);

    /// Reads `SYSTEM`, `+08:00`, `UTC` or `Europe/Berlin`. Fails with 1298.
    pub fn parse(text: &str) -> Result<Self> {
        let unknown = || SqlError::new(1298, format!("Unknown or incorrect time zone: '{text}'"));
        if text.eq_ignore_ascii_case("SYSTEM") || text.eq_ignore_ascii_case("UTC") {
            return Ok(Self::UTC);
        }
        let sign = match text.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => {
                let named = chrono_tz::TZ_VARIANTS.iter().find(|tz| tz.name().eq_ignore_ascii_case(text));
                return named.copied().map(Self::Named).ok_or_else(unknown);
            }
        };
        let (hours, minutes) = text[1..].split_once(':').ok_or_else(unknown)?;
        let hours: i32 = hours.parse().map_err(|_| unknown())?;
        let minutes: i32 = minutes.parse().map_err(|_| unknown())?;
        let total = hours * 60 + minutes;
        if minutes > 59 || hours < 0 || minutes < 0 || (sign > 0 && total > 14 * 60) || (sign < 0 && total >= 14 * 60) {
            return Err(unknown());
        }
        Ok(Self::Fixed(sign * total * 60))
    }

    /// Local time of a point of UTC, both in microseconds since 1970-01-01 00:00:00.
    pub fn local_from_utc(self, utc: i64) -> i64 {
        match self {
            Self::Fixed(seconds) => utc + i64::from(seconds) * SECOND,
            Self::Named(tz) => match naive(utc) {
                Some(at) => utc + i64::from(tz.offset_from_utc_datetime(&at).fix().local_minus_utc()) * SECOND,
                None => utc,
            },
        }
    }

    /// UTC of a local time. In the hour that a clock repeats the earlier point is meant; a time that the
    /// clock leaps over becomes the moment of the leap.
    pub fn utc_from_local(self, local: i64) -> i64 {
        match self {
            Self::Fixed(seconds) => local - i64::from(seconds) * SECOND,
            Self::Named(tz) => {
                let Some(at) = naive(local) else { return local };
                if let Some(offset) = tz.offset_from_local_datetime(&at).earliest() {
                    return local - i64::from(offset.fix().local_minus_utc()) * SECOND;
                }
                // Inside a leap: the offset before it holds up to the moment of the leap.
                let before = local - 3 * 3600 * SECOND;
                let offset = naive(before)
                    .and_then(|at| tz.offset_from_local_datetime(&at).earliest())
                    .map_or(0, |offset| offset.fix().local_minus_utc());
                local - i64::from(offset) * SECOND
            }
        }
    }
}

/// The text that [`SessionZone::parse`] reads back.
impl fmt::Display for SessionZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(seconds) => {
                let minutes = seconds.abs() / 60;
                let sign = if *seconds < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Self::Named(tz) => f.write_str(tz.name()),
        }
    }
}

fn naive(micros: i64) -> Option<NaiveDateTime> {
    chrono::DateTime::from_timestamp_micros(micros).map(|at| at.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_names_convert_both_ways() {
        let east = SessionZone::parse("+08:00").unwrap();
        assert_eq!(east.local_from_utc(0), 8 * 3600 * SECOND);
        assert_eq!(east.utc_from_local(8 * 3600 * SECOND), 0);
        let berlin = SessionZone::parse("europe/berlin").unwrap();
        let summer = 1_720_000_000 * SECOND;
        assert_eq!(berlin.local_from_utc(summer) - summer, 2 * 3600 * SECOND);
        assert_eq!(berlin.utc_from_local(berlin.local_from_utc(summer)), summer);
        for bad in ["", "+8", "+15:00", "-14:00", "Mars/Base", "+1:x"] {
            assert_eq!(SessionZone::parse(bad).unwrap_err().code, 1298, "{bad}");
        }
    }
}
