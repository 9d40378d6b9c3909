//! Dates and times as people write them.
//!
//! MySQL reads many spellings: any punctuation between the parts, none at all (`20240102`), one-digit
//! parts, two-digit years, a `T` before the time. All readers here give `None` for what is not a date or
//! time at all; ranges that only a column type sets are the caller's to check.

use super::calendar::{Civil, DAY, MAX_TIME, SECOND, days_from_civil};

/// A date with or without a time, read from text or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Microseconds since 1970-01-01 00:00:00.
    pub micros: i64,
    /// Digits of the second's fraction that were written, at most 6.
    pub fsp: u8,
    /// Whether a time was written.
    pub has_time: bool,
}

impl Parsed {
    /// The day, since 1970-01-01.
    pub fn days(&self) -> i32 {
        self.micros.div_euclid(DAY) as i32
    }
}

/// Reads a date or datetime. A trailing UTC offset (`+08:00`) is not accepted here.
pub fn parse_datetime(text: &str) -> Option<Parsed> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let run = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole_is_digits = run == bytes.len() || (bytes[run] == b'.' && run >= 12 && all_digits(&bytes[run + 1..]));
    if whole_is_digits || (run >= 8 && run != bytes.len() && bytes[run] == b'T') {
        return parse_compact(text, run);
    }
    let mut parts = Parts { bytes, at: 0 };
    let (year, year_digits) = parts.number(4)?;
    parts.separator()?;
    let (month, _) = parts.number(2)?;
    parts.separator()?;
    let (day, _) = parts.number(2)?;
    let year = full_year(year, year_digits);
    let mut civil = Civil { year, month, day, hour: 0, minute: 0, second: 0, micro: 0 };
    let mut fsp = 0;
    let mut carry = 0;
    let has_time = parts.time_separator()?;
    if has_time {
        civil.hour = parts.number(2)?.0;
        if parts.separator_if_any()? {
            civil.minute = parts.number(2)?.0;
            if parts.separator_if_any()? {
                civil.second = parts.number(2)?.0;
                (civil.micro, fsp, carry) = parts.fraction()?;
            }
        }
    }
    parts.end()?;
    Some(Parsed { micros: civil.to_micros()? + carry, fsp, has_time })
}

/// `YYYYMMDD`, `YYMMDD`, `YYYYMMDDhhmmss[.f]`, `YYMMDDhhmmss[.f]`, `YYYYMMDDThhmmss`.
fn parse_compact(text: &str, run: usize) -> Option<Parsed> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let digits = &date[..run.min(date.len())];
    let (date_digits, clock) = match (digits.len(), time) {
        (6 | 8, None) => (digits, ""),
        (12, None) => digits.split_at(6),
        (14, None) => digits.split_at(8),
        (6 | 8, Some(time)) => (digits, time),
        // Shorter numbers are dates of the years 2000..: 101 is 2000-01-01.
        (3..=5, None) => return from_number(digits.parse().ok()?),
        _ => return None,
    };
    let clock_digits = clock.bytes().take_while(u8::is_ascii_digit).count();
    let (year_text, rest) = date_digits.split_at(date_digits.len() - 4);
    let number = |text: &str| text.parse::<u32>().ok();
    let mut civil = Civil {
        year: full_year(number(year_text)?, year_text.len()),
        month: number(&rest[..2])?,
        day: number(&rest[2..])?,
        hour: 0,
        minute: 0,
        second: 0,
        micro: 0,
    };
    if !clock.is_empty() {
        if clock_digits != 6 && clock_digits != 4 {
            return None;
        }
        civil.hour = number(&clock[..2])?;
        civil.minute = number(&clock[2..4])?;
        if clock_digits == 6 {
            civil.second = number(&clock[4..6])?;
        }
    }
    let after = match time {
        Some(time) => &time[clock_digits..],
        None => &text[run..],
    };
    let mut parts = Parts { bytes: after.as_bytes(), at: 0 };
    let (micro, fsp, carry) = parts.fraction()?;
    parts.end()?;
    civil.micro = micro;
    Some(Parsed { micros: civil.to_micros()? + carry, fsp, has_time: !clock.is_empty() })
}

/// A date or datetime from a number: `20240102`, `20240102030405`, two-digit years likewise.
pub fn from_number(v: i64) -> Option<Parsed> {
    let (date, clock, has_time) = match v {
        101..=99_991_231 => (v, 0, false),
        101_000_000..=99_991_231_235_959 => (v / 1_000_000, v % 1_000_000, true),
        _ => return None,
    };
    let year_part = date / 10_000;
    let two_digits = date < 1_000_000 && year_part < 100;
    let year = full_year(year_part as u32, if two_digits { 2 } else { 4 });
    let civil = Civil {
        year,
        month: (date / 100 % 100) as u32,
        day: (date % 100) as u32,
        hour: (clock / 10_000) as u32,
        minute: (clock / 100 % 100) as u32,
        second: (clock % 100) as u32,
        micro: 0,
    };
    Some(Parsed { micros: civil.to_micros()?, fsp: 0, has_time })
}

/// Reads a `TIME`: `[-][D ]hh:mm[:ss[.f]]`, `[-]hhmmss[.f]`, or the time of a datetime. Gives microseconds
/// (not yet limited to 838:59:59) and the digits of the fraction.
pub fn parse_time(text: &str) -> Option<(i64, u8)> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let bytes = text.as_bytes();
    let run = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if run == 0 {
        return None;
    }
    let is_date = matches!(bytes.get(run), Some(b'-' | b'/')) || (run >= 12 && all_digits(&bytes[..run]));
    if is_date {
        let parsed = parse_datetime(text)?;
        return (!negative).then_some((parsed.micros.rem_euclid(DAY), parsed.fsp));
    }
    let mut parts = Parts { bytes, at: 0 };
    let (first, _) = parts.number(10)?;
    let (mut days, hours, minutes, seconds);
    days = 0;
    match parts.bytes.get(parts.at) {
        Some(b' ') => {
            days = first;
            while parts.bytes.get(parts.at) == Some(&b' ') {
                parts.at += 1;
            }
            hours = parts.number(3)?.0;
            (minutes, seconds) = parts.clock_tail()?;
        }
        Some(b':') => {
            hours = first;
            (minutes, seconds) = parts.clock_tail()?;
        }
        _ => {
            hours = first / 10_000;
            minutes = first / 100 % 100;
            seconds = first % 100;
        }
    }
    let (micro, fsp, carry) = parts.fraction()?;
    parts.end()?;
    if minutes > 59 || seconds > 59 || days > 10_000 {
        return None;
    }
    let total = i64::from(days) * DAY
        + (i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds)) * SECOND
        + i64::from(micro)
        + carry;
    Some((if negative { -total } else { total }, fsp))
}

/// A `TIME` from a number: `123456` is 12:34:56.
pub fn time_from_number(v: i64) -> Option<i64> {
    let magnitude = i64::try_from(v.unsigned_abs()).ok()?;
    if magnitude > 9_999_999 {
        return from_number(v).map(|p| p.micros.rem_euclid(DAY));
    }
    let (hours, minutes, seconds) = (magnitude / 10_000, magnitude / 100 % 100, magnitude % 100);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let total = (hours * 3600 + minutes * 60 + seconds) * SECOND;
    Some(if v < 0 { -total } else { total })
}

/// A time, limited to what `TIME` holds.
pub fn clamp_time(micros: i64) -> i64 {
    micros.clamp(-MAX_TIME, MAX_TIME)
}

/// The day of a year, month and day; `None` if there is no such day.
pub fn date(year: i32, month: u32, day: u32) -> Option<i32> {
    days_from_civil(year, month, day)
}

fn full_year(year: u32, digits: usize) -> i32 {
    if digits > 2 {
        year as i32
    } else if year < 70 {
        year as i32 + 2000
    } else {
        year as i32 + 1900
    }
}

fn all_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

/// A walk over the parts of a written date.
struct Parts<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parts<'_> {
    /// A number of at most `width` digits, and how many there were.
    fn number(&mut self, width: usize) -> Option<(u32, usize)> {
        let start = self.at;
        let mut value = 0_u32;
        while let Some(b) = self.bytes.get(self.at).filter(|b| b.is_ascii_digit()) {
            if self.at - start == width {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(u32::from(b - b'0'))?;
            self.at += 1;
        }
        (self.at > start).then_some((value, self.at - start))
    }

    /// Any punctuation.
    fn separator(&mut self) -> Option<()> {
        let b = self.bytes.get(self.at)?;
        b.is_ascii_punctuation().then(|| self.at += 1)
    }

    /// Punctuation if the text goes on; a `.` before a fraction is none.
    fn separator_if_any(&mut self) -> Option<bool> {
        match self.bytes.get(self.at) {
            None => Some(false),
            Some(_) => self.separator().map(|()| true),
        }
    }

    /// Blanks or a `T` between date and time.
    fn time_separator(&mut self) -> Option<bool> {
        match self.bytes.get(self.at) {
            None => Some(false),
            Some(b'T' | b't') => {
                self.at += 1;
                Some(true)
            }
            Some(b) if b.is_ascii_whitespace() || b.is_ascii_punctuation() => {
                while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || b.is_ascii_punctuation()) {
                    self.at += 1;
                }
                Some(self.at < self.bytes.len())
            }
            Some(_) => None,
        }
    }

    /// `:mm[:ss]`.
    fn clock_tail(&mut self) -> Option<(u32, u32)> {
        let mut tail = [0, 0];
        for part in &mut tail {
            if self.bytes.get(self.at) != Some(&b':') {
                break;
            }
            self.at += 1;
            *part = self.number(2)?.0;
        }
        Some((tail[0], tail[1]))
    }

    /// `.ffffff`: microseconds, digits written (at most 6), and what rounding the seventh digit adds.
    fn fraction(&mut self) -> Option<(u32, u8, i64)> {
        if self.bytes.get(self.at) != Some(&b'.') {
            return Some((0, 0, 0));
        }
        self.at += 1;
        let (mut micro, mut digits, mut carry) = (0_u32, 0_u8, 0);
        while let Some(b) = self.bytes.get(self.at).filter(|b| b.is_ascii_digit()) {
            match digits {
                0..=5 => micro = micro * 10 + u32::from(b - b'0'),
                6 => carry = i64::from(*b >= b'5'),
                _ => {}
            }
            digits = digits.saturating_add(1).min(8);
            self.at += 1;
        }
        let fsp = digits.min(6);
        Some((micro * 10_u32.pow(6 - u32::from(fsp)), fsp, carry))
    }

    fn end(&self) -> Option<()> {
        self.bytes[self.at..].iter().all(u8::is_ascii_whitespace).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::{write_datetime, write_time};
    use super::*;

    fn datetime(text: &str) -> Option<String> {
        let p = parse_datetime(text)?;
        let mut out = Vec::new();
        write_datetime(p.micros, p.fsp, &mut out);
        String::from_utf8(out).ok()
    }

    #[test]
    fn many_spellings_of_one_date() {
        for text in ["2024-01-02", "2024-1-2", "20240102", "240102", "2024/01/02", "2024.1.2", "24-1-2", "2024-01-02 "]
        {
            assert_eq!(datetime(text).as_deref(), Some("2024-01-02 00:00:00"), "{text}");
        }
        for text in [
            "2024-01-02 03:04:05",
            "2024-01-02T03:04:05",
            "20240102030405",
            "240102030405",
            "20240102T030405",
            "2024-1-2 3:4:5",
            "2024-01-02  03:04:05",
        ] {
            assert_eq!(datetime(text).as_deref(), Some("2024-01-02 03:04:05"), "{text}");
        }
        assert_eq!(datetime("2024-01-02 03:04:05.6789").as_deref(), Some("2024-01-02 03:04:05.6789"));
        assert_eq!(datetime("2024-01-02 23:59:59.9999999").as_deref(), Some("2024-01-03 00:00:00.000000"));
        assert_eq!(datetime("20240102030405.5").as_deref(), Some("2024-01-02 03:04:05.5"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["", "abc", "2024-13-01", "2024-02-30", "2024-00-01", "2024-01-02 25:00:00", "2024-01-02x", "1", "99999"]
        {
            assert_eq!(datetime(text), None, "{text}");
        }
    }

    #[test]
    fn times_in_all_forms() {
        for (text, expected) in [
            ("12:34:56", "12:34:56"),
            ("12:34", "12:34:00"),
            ("123456", "12:34:56"),
            ("-1:2:3", "-01:02:03"),
            ("1 02:03:04", "26:03:04"),
            ("838:59:59", "838:59:59"),
            ("11", "00:00:11"),
            ("2024-01-02 03:04:05", "03:04:05"),
        ] {
            let (micros, fsp) = parse_time(text).unwrap();
            let mut out = Vec::new();
            write_time(micros, fsp, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text}");
        }
        for text in ["", "ab", "12:60:00", "1:2:3:4", "12:34:56x"] {
            assert!(parse_time(text).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_are_dates_too() {
        assert_eq!(from_number(20_240_102).map(|p| p.days()), date(2024, 1, 2));
        assert_eq!(from_number(240_102).map(|p| p.days()), date(2024, 1, 2));
        assert_eq!(from_number(101).map(|p| p.days()), date(2000, 1, 1));
        assert!(from_number(20_241_302).is_none());
        assert_eq!(time_from_number(-123_456), Some(-(12 * 3600 + 34 * 60 + 56) * SECOND));
    }
}
