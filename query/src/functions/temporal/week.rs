//! Week numbers, in the eight ways in which MySQL counts them.

use crate::types::calendar::{civil_from_days, days_from_civil, is_leap};

/// Day of the week: 0 is Monday.
pub(super) fn weekday(days: i32) -> i32 {
    (days + 3).rem_euclid(7)
}

/// Day of the year, from 1.
pub(super) fn day_of_year(days: i32) -> i32 {
    let (year, _, _) = civil_from_days(days);
    days - first_day(year) + 1
}

fn first_day(year: i32) -> i32 {
    days_from_civil(year, 1, 1).unwrap_or(crate::types::calendar::MIN_DATE)
}

/// `WEEK(date, mode)` and the year that the week belongs to. `mode` 0 to 7: bit 0 begins weeks on Monday,
/// bit 1 counts the last days of a year into 1 to 53 instead of week 0, bit 2 turns the rule for the first
/// week around.
pub(super) fn week(days: i32, mode: i64) -> (i32, i32) {
    let monday_first = mode & 1 != 0;
    let mut count_from_one = mode & 2 != 0;
    // With weeks from Monday, the first week has four days in the year; from Sunday, it begins in it.
    let first_weekday = (mode & 4 != 0) ^ !monday_first;
    let (mut year, _, _) = civil_from_days(days);
    let mut first = first_day(year);
    let mut weekday_of_first = if monday_first { weekday(first) } else { (weekday(first) + 1) % 7 };
    let (_, month, day) = civil_from_days(days);
    if month == 1 && day as i32 <= 7 - weekday_of_first {
        let belongs_to_last = (first_weekday && weekday_of_first != 0) || (!first_weekday && weekday_of_first >= 4);
        if !count_from_one && belongs_to_last {
            return (0, year);
        }
        if belongs_to_last {
            count_from_one = true;
            year -= 1;
            let length = 365 + i32::from(is_leap(year));
            first -= length;
            weekday_of_first = (weekday_of_first + 53 * 7 - length).rem_euclid(7);
        }
    }
    let late = (first_weekday && weekday_of_first != 0) || (!first_weekday && weekday_of_first >= 4);
    let since = if late { days - (first + 7 - weekday_of_first) } else { days - (first - weekday_of_first) };
    if count_from_one && since >= 52 * 7 {
        let next = (weekday_of_first + 365 + i32::from(is_leap(year))) % 7;
        if (!first_weekday && next < 4) || (first_weekday && next == 0) {
            return (1, year + 1);
        }
    }
    (since / 7 + 1, year)
}
