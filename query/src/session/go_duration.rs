//! Durations as TiDB's variables have them: `10m0s`, `1h30m`, `1.5s`.

use std::time::Duration;

/// Units by their names, in nanoseconds. `m` comes after `ms`, so that the longest name is found.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration: numbers, each with a unit. `None` if it is none, negative, or longer than 290 years.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let (unit, after) = UNITS.iter().find_map(|(name, nanos)| Some((*nanos, after.strip_prefix(name)?)))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
        let fraction = format!("0.{fraction}0").parse::<f64>().ok()? * unit as f64;
        total = total.checked_add(whole.checked_mul(unit)?)?.checked_add(fraction as u64)?;
        rest = after;
    }
    i64::try_from(total).is_ok().then(|| Duration::from_nanos(total))
}

/// The text that Go shows, to the millisecond: `24h0m0s`.
pub(crate) fn shown(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
    let fraction = match millis % 1000 {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{fraction}s"),
        (0, minutes) => format!("{minutes}m{seconds}{fraction}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_shown_as_go_does() {
        for (text, seconds, back) in [
            ("10m0s", 600.0, "10m0s"),
            ("24h", 86_400.0, "24h0m0s"),
            ("1h30m", 5_400.0, "1h30m0s"),
            ("+1.5s", 1.5, "1.5s"),
            ("1500ms", 1.5, "1.5s"),
            (".5h", 1_800.0, "30m0s"),
            ("2m3us", 120.0, "2m0s"),
            ("0", 0.0, "0s"),
        ] {
            let duration = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert!((duration.as_secs_f64() - seconds).abs() < 0.001, "{text}: {duration:?}");
            assert_eq!(shown(duration), back);
        }
        for none in ["", "10", "m", "-10m", "1d", "1h-3m", "1.2.3s", ".s", "10 m", "9999999999999h", "1e3s"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
