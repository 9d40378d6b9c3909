//! Days, months and the written form of dates and times, in the proleptic Gregorian calendar.

/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400 * SECOND;
/// The longest `TIME`: 838:59:59, in microseconds.
pub const MAX_TIME: i64 = (838 * 3600 + 59 * 60 + 59) * SECOND;
/// Days from 1970-01-01 to 0000-01-01.
pub const MIN_DATE: i32 = -719_528;
/// Days from 1970-01-01 to 9999-12-31.
pub const MAX_DATE: i32 = 2_932_896;
/// The first microsecond that a `DATETIME` can hold.
pub const MIN_DATETIME: i64 = MIN_DATE as i64 * DAY;
/// The last microsecond that a `DATETIME` can hold.
pub const MAX_DATETIME: i64 = (MAX_DATE as i64 + 1) * DAY - 1;

/// Days since 1970-01-01; `None` if there is no such day.
pub fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = (month as i32 + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of a day since 1970-01-01.
#[inline]
pub fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Days of a month.
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether the year has 366 days.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// A point of local time, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what they are called")]
pub struct Civil {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub micro: u32,
}

impl Civil {
    /// Takes microseconds since 1970-01-01 00:00:00 apart.
    #[inline]
    pub fn from_micros(micros: i64) -> Self {
        let days = micros.div_euclid(DAY);
        let rest = micros.rem_euclid(DAY);
        let (year, month, day) = civil_from_days(days as i32);
        let seconds = (rest / SECOND) as u32;
        Self {
            year,
            month,
            day,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micro: (rest % SECOND) as u32,
        }
    }

    /// Microseconds since 1970-01-01 00:00:00; `None` if there is no such time.
    pub fn to_micros(self) -> Option<i64> {
        if self.hour > 23 || self.minute > 59 || self.second > 59 || self.micro > 999_999 {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day)?;
        let seconds = self.hour * 3600 + self.minute * 60 + self.second;
        Some(i64::from(days) * DAY + i64::from(seconds) * SECOND + i64::from(self.micro))
    }
}

/// Rounds to `fsp` digits of a second, half up (away from zero for times below zero).
pub fn round_to_fsp(micros: i64, fsp: u8) -> i64 {
    let unit = fsp_unit(fsp);
    if unit == 1 {
        return micros;
    }
    if micros < 0 { -((-micros + unit / 2) / unit * unit) } else { (micros + unit / 2) / unit * unit }
}

/// Cuts to `fsp` digits of a second.
pub fn cut_to_fsp(micros: i64, fsp: u8) -> i64 {
    let unit = fsp_unit(fsp);
    micros - micros.rem_euclid(unit)
}

/// Microseconds of the last digit.
pub fn fsp_unit(fsp: u8) -> i64 {
    10_i64.pow(6 - u32::from(fsp.min(6)))
}

/// Appends `YYYY-MM-DD`.
#[inline]
pub fn write_date(days: i32, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    write_civil_date(year, month, day, out);
}

#[inline]
fn write_civil_date(year: i32, month: u32, day: u32, out: &mut Vec<u8>) {
    let year = year.clamp(0, 9999) as u32;
    let (y1, y2) = (two(year / 100), two(year % 100));
    let (m, d) = (two(month), two(day));
    out.extend_from_slice(&[y1[0], y1[1], y2[0], y2[1], b'-', m[0], m[1], b'-', d[0], d[1]]);
}

/// Appends `YYYY-MM-DD hh:mm:ss` and `fsp` digits of the second's fraction.
#[inline]
pub fn write_datetime(micros: i64, fsp: u8, out: &mut Vec<u8>) {
    let c = Civil::from_micros(micros);
    write_civil_date(c.year, c.month, c.day, out);
    let (h, m, s) = (two(c.hour), two(c.minute), two(c.second));
    out.extend_from_slice(&[b' ', h[0], h[1], b':', m[0], m[1], b':', s[0], s[1]]);
    write_fraction(c.micro, fsp, out);
}

/// Appends `[-]hh:mm:ss` and `fsp` digits of the second's fraction; hours take three digits if they must.
pub fn write_time(micros: i64, fsp: u8, out: &mut Vec<u8>) {
    if micros < 0 {
        out.push(b'-');
    }
    let magnitude = micros.unsigned_abs();
    let seconds = magnitude / SECOND as u64;
    let hours = seconds / 3600;
    if hours >= 100 {
        super::number::write_u64(hours, out);
    } else {
        out.extend_from_slice(&two(hours as u32));
    }
    let (m, s) = (two((seconds / 60 % 60) as u32), two((seconds % 60) as u32));
    out.extend_from_slice(&[b':', m[0], m[1], b':', s[0], s[1]]);
    write_fraction((magnitude % SECOND as u64) as u32, fsp, out);
}

#[inline]
fn write_fraction(micro: u32, fsp: u8, out: &mut Vec<u8>) {
    if fsp == 0 {
        return;
    }
    let (a, b, c) = (two(micro / 10_000), two(micro / 100 % 100), two(micro % 100));
    let digits = [a[0], a[1], b[0], b[1], c[0], c[1]];
    out.push(b'.');
    out.extend_from_slice(&digits[..usize::from(fsp.min(6))]);
}

#[inline]
fn two(v: u32) -> [u8; 2] {
    [b'0' + (v / 10 % 10) as u8, b'0' + (v % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_civil_dates_are_inverse() {
        for days in (MIN_DATE..=MAX_DATE).step_by(17) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), Some(days));
        }
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(0, 1, 1), Some(MIN_DATE));
        assert_eq!(days_from_civil(9999, 12, 31), Some(MAX_DATE));
        assert_eq!(days_from_civil(2023, 2, 29), None);
    }

    #[test]
    fn writes_as_mysql_does() {
        let mut out = Vec::new();
        write_datetime(-1, 6, &mut out);
        out.push(b' ');
        write_time(-(90 * SECOND + 500_000), 1, &mut out);
        out.push(b' ');
        write_time(MAX_TIME, 0, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "1969-12-31 23:59:59.999999 -00:01:30.5 838:59:59");
    }
}
