//! Units of intervals: `DAY`, `HOUR_MINUTE`, …

use crate::error::{Result, SqlError};
use crate::types::calendar::{Civil, DAY, MAX_DATETIME, MIN_DATETIME, SECOND, days_in_month};

/// What `INTERVAL n unit` adds: months, then microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) months: i64,
    pub(super) micros: i64,
}

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Microsecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    /// Several fields in one text, from the first to the last: years, months, days, hours, minutes,
    /// seconds, microseconds are 0 to 6.
    Fields(usize, usize),
}

impl Unit {
    /// Reads a unit's name.
    pub(super) fn parse(name: &str) -> Result<Self> {
        Ok(match name.to_ascii_uppercase().trim_start_matches("SQL_TSI_") {
            "MICROSECOND" | "MICROSECONDS" | "FRAC_SECOND" => Self::Microsecond,
            "SECOND" | "SECONDS" => Self::Second,
            "MINUTE" | "MINUTES" => Self::Minute,
            "HOUR" | "HOURS" => Self::Hour,
            "DAY" | "DAYS" => Self::Day,
            "WEEK" | "WEEKS" => Self::Week,
            "MONTH" | "MONTHS" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" | "YEARS" => Self::Year,
            "YEAR_MONTH" => Self::Fields(0, 1),
            "DAY_HOUR" => Self::Fields(2, 3),
            "DAY_MINUTE" => Self::Fields(2, 4),
            "DAY_SECOND" => Self::Fields(2, 5),
            "DAY_MICROSECOND" => Self::Fields(2, 6),
            "HOUR_MINUTE" => Self::Fields(3, 4),
            "HOUR_SECOND" => Self::Fields(3, 5),
            "HOUR_MICROSECOND" => Self::Fields(3, 6),
            "MINUTE_SECOND" => Self::Fields(4, 5),
            "MINUTE_MICROSECOND" => Self::Fields(4, 6),
            "SECOND_MICROSECOND" => Self::Fields(5, 6),
            _ => return Err(SqlError::parse(name, 1)),
        })
    }

    /// Whether adding the unit can move the time of day.
    pub(super) fn has_time(self) -> bool {
        match self {
            Self::Microsecond | Self::Second | Self::Minute | Self::Hour => true,
            Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year => false,
            Self::Fields(_, last) => last > 2,
        }
    }

    /// Whether adding the unit can give a fraction of a second.
    pub(super) fn has_fraction(self) -> bool {
        matches!(self, Self::Microsecond | Self::Fields(_, 6))
    }

    /// Whether an amount is a whole number of this unit; seconds may have a fraction, fields are text.
    pub(super) fn takes_text(self) -> bool {
        matches!(self, Self::Fields(..))
    }

    /// What an amount of this unit adds. `micros` is the amount in millionths, for seconds.
    pub(super) fn step(self, amount: i64) -> Option<Step> {
        let micros = |unit: i64| amount.checked_mul(unit).map(|micros| Step { months: 0, micros });
        let months = |unit: i64| amount.checked_mul(unit).map(|months| Step { months, micros: 0 });
        match self {
            Self::Microsecond => micros(1),
            Self::Second => micros(SECOND),
            Self::Minute => micros(60 * SECOND),
            Self::Hour => micros(3600 * SECOND),
            Self::Day => micros(DAY),
            Self::Week => micros(7 * DAY),
            Self::Month => months(1),
            Self::Quarter => months(3),
            Self::Year => months(12),
            Self::Fields(..) => self.step_of_text(&amount.to_string()),
        }
    }

    /// What a text like `1 2:3` adds. Missing fields are missing on the left: `'5'` of `HOUR_MINUTE` is
    /// five minutes.
    pub(super) fn step_of_text(self, text: &str) -> Option<Step> {
        let Self::Fields(first, last) = self else { return None };
        let negative = text.trim_start().starts_with('-');
        let mut parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|p| !p.is_empty()).collect();
        let wanted = last - first + 1;
        if parts.is_empty() || parts.len() > wanted {
            return None;
        }
        let missing = wanted - parts.len();
        let fraction = if last == 6 { parts.pop() } else { None };
        let mut step = Step::default();
        for (i, part) in parts.iter().enumerate() {
            let v: i64 = part.parse().ok()?;
            let unit = match first + missing + i {
                0 => {
                    step.months = step.months.checked_add(v.checked_mul(12)?)?;
                    continue;
                }
                1 => {
                    step.months = step.months.checked_add(v)?;
                    continue;
                }
                2 => DAY,
                3 => 3600 * SECOND,
                4 => 60 * SECOND,
                _ => SECOND,
            };
            step.micros = step.micros.checked_add(v.checked_mul(unit)?)?;
        }
        if let Some(fraction) = fraction {
            // Digits after the point: `.5` is half a second.
            let digits = &fraction[..fraction.len().min(6)];
            let v: i64 = digits.parse().ok()?;
            step.micros = step.micros.checked_add(v * 10_i64.pow(6 - digits.len() as u32))?;
        }
        Some(if negative { step.negated() } else { step })
    }
}

impl Step {
    pub(super) fn negated(self) -> Self {
        Self { months: -self.months, micros: -self.micros }
    }

    /// A local time, moved. `None` outside years 0 to 9999.
    pub(super) fn apply(self, micros: i64) -> Option<i64> {
        let mut at = micros;
        if self.months != 0 {
            let mut civil = Civil::from_micros(at);
            let month = (i64::from(civil.year) * 12 + i64::from(civil.month) - 1).checked_add(self.months)?;
            civil.year = i32::try_from(month.div_euclid(12)).ok().filter(|y| (0..=9999).contains(y))?;
            civil.month = month.rem_euclid(12) as u32 + 1;
            civil.day = civil.day.min(days_in_month(civil.year, civil.month));
            at = civil.to_micros()?;
        }
        at.checked_add(self.micros).filter(|at| (MIN_DATETIME..=MAX_DATETIME).contains(at))
    }
}
