//! Reading dates by a format.

use super::parts::{day_name, month_name};
use crate::types::calendar::{SECOND, civil_from_days, days_from_civil};

/// What a format reads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    pub(super) date: bool,
    pub(super) time: bool,
    pub(super) fraction: bool,
}

/// What a format reads, by its codes.
pub(super) fn kind(format: &str) -> Kind {
    let mut kind = Kind::default();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        match chars.next() {
            Some('f') => {
                kind.time = true;
                kind.fraction = true;
            }
            Some('H' | 'k' | 'h' | 'I' | 'l' | 'i' | 's' | 'S' | 'p' | 'r' | 'T') => kind.time = true,
            Some(
                'Y' | 'y' | 'm' | 'c' | 'M' | 'b' | 'd' | 'e' | 'D' | 'j' | 'W' | 'a' | 'w' | 'U' | 'u' | 'V' | 'v'
                | 'X' | 'x',
            ) => {
                kind.date = true;
            }
            _ => {}
        }
    }
    kind
}

/// What was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    pub(super) year: i32,
    pub(super) month: u32,
    pub(super) day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    micro: u32,
    afternoon: Option<bool>,
    day_of_year: Option<u32>,
}

impl Fields {
    /// The time of day, in microseconds.
    pub(super) fn clock(&self) -> i64 {
        i64::from(self.hour * 3600 + self.minute * 60 + self.second) * SECOND + i64::from(self.micro)
    }
}

/// Reads a text by a format; `None` if it does not fit, or is no date or time.
pub(super) fn read(text: &str, format: &str) -> Option<Fields> {
    let mut fields = Fields::default();
    let mut rest = text;
    let mut codes = format.chars();
    while let Some(c) = codes.next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if c != '%' {
            rest = rest.strip_prefix(c)?;
            continue;
        }
        rest = field(codes.next()?, rest.trim_start(), &mut fields)?;
    }
    // Text beyond the format is passed over.
    match fields.afternoon {
        Some(_) if !(1..=12).contains(&fields.hour) => return None,
        Some(true) => fields.hour = fields.hour % 12 + 12,
        Some(false) => fields.hour %= 12,
        None => {}
    }
    if let Some(day) = fields.day_of_year {
        let days = days_from_civil(fields.year, 1, 1)?.checked_add(day as i32)? - 1;
        let (_, month, day) = civil_from_days(days);
        (fields.month, fields.day) = (month, day);
    }
    (fields.hour < 24 && fields.minute < 60 && fields.second < 60).then_some(fields)
}

fn field<'a>(code: char, text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    let number = |width: usize| -> Option<(u32, &'a str)> {
        let digits = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
        Some((text[..digits].parse().ok()?, &text[digits..]))
    };
    Some(match code {
        'Y' => {
            let (v, rest) = number(4)?;
            fields.year = v as i32;
            rest
        }
        'y' => {
            let (v, rest) = number(2)?;
            fields.year = v as i32 + if v < 70 { 2000 } else { 1900 };
            rest
        }
        'm' | 'c' => {
            let (v, rest) = number(2)?;
            fields.month = v;
            rest
        }
        'd' | 'e' => {
            let (v, rest) = number(2)?;
            fields.day = v;
            rest
        }
        'D' => {
            let (v, rest) = number(2)?;
            fields.day = v;
            rest.get(2..)?
        }
        'j' => {
            let (v, rest) = number(3)?;
            fields.day_of_year = Some(v);
            rest
        }
        'H' | 'k' | 'h' | 'I' | 'l' => {
            let (v, rest) = number(2)?;
            fields.hour = v;
            rest
        }
        'i' => {
            let (v, rest) = number(2)?;
            fields.minute = v;
            rest
        }
        's' | 'S' => {
            let (v, rest) = number(2)?;
            fields.second = v;
            rest
        }
        'f' => {
            let (v, rest) = number(6)?;
            let digits = text.len() - rest.len();
            fields.micro = v * 10_u32.pow(6 - digits as u32);
            rest
        }
        'p' => {
            let half = text.get(..2)?;
            fields.afternoon = Some(if half.eq_ignore_ascii_case("PM") {
                true
            } else if half.eq_ignore_ascii_case("AM") {
                false
            } else {
                return None;
            });
            &text[2..]
        }
        'M' | 'b' => {
            let (month, rest) = name(text, code == 'b', (1..=12).map(|m| (m, month_name(m))))?;
            fields.month = month;
            rest
        }
        'W' | 'a' => name(text, code == 'a', (0..7).map(|d| (d as u32, day_name(d))))?.1,
        'T' => read_all(text, "%H:%i:%s", fields)?,
        'r' => read_all(text, "%h:%i:%s %p", fields)?,
        '%' => text.strip_prefix('%')?,
        _ => return None,
    })
}

fn read_all<'a>(mut text: &'a str, format: &str, fields: &mut Fields) -> Option<&'a str> {
    let mut codes = format.chars();
    while let Some(c) = codes.next() {
        text = match c {
            '%' => field(codes.next()?, text.trim_start(), fields)?,
            ' ' => text.trim_start(),
            c => text.strip_prefix(c)?,
        };
    }
    Some(text)
}

/// A name at the front of a text, whole or by its first three letters.
fn name(text: &str, short: bool, names: impl Iterator<Item = (u32, &'static str)>) -> Option<(u32, &str)> {
    for (value, name) in names {
        let name = if short { &name[..3] } else { name };
        if text.get(..name.len()).is_some_and(|front| front.eq_ignore_ascii_case(name)) {
            return Some((value, &text[name.len()..]));
        }
    }
    None
}
