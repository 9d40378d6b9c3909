//! Numbers as MySQL reads and writes them.

use std::io::Write;

/// Appends a signed integer.
#[inline]
pub fn write_i64(v: i64, out: &mut Vec<u8>) {
    if v < 0 {
        out.push(b'-');
    }
    write_u64(v.unsigned_abs(), out);
}

/// Appends an unsigned integer.
#[inline]
pub fn write_u64(mut v: u64, out: &mut Vec<u8>) {
    let mut buffer = [0_u8; 20];
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (v % 10) as u8;
        v /= 10;
        if v == 0 {
            break;
        }
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Appends a `DOUBLE`: the shortest digits that read back as the same number, with an exponent from
/// 1e15 up and below 1e-15.
pub fn write_f64(v: f64, out: &mut Vec<u8>) {
    let mut buffer = [0_u8; 40];
    let mut rest: &mut [u8] = &mut buffer;
    let written = match write!(rest, "{v:e}") {
        Ok(()) => 40 - rest.len(),
        Err(_) => 0,
    };
    write_scientific(&buffer[..written], v.is_finite(), out);
}

/// Appends a `FLOAT`: six significant digits, without trailing zeros.
pub fn write_f32(v: f32, out: &mut Vec<u8>) {
    let mut buffer = [0_u8; 40];
    let mut rest: &mut [u8] = &mut buffer;
    let written = match write!(rest, "{v:.5e}") {
        Ok(()) => 40 - rest.len(),
        Err(_) => 0,
    };
    write_scientific(&buffer[..written], v.is_finite(), out);
}

/// Rewrites `[-]d.ddde[-]x` in MySQL's form.
fn write_scientific(text: &[u8], finite: bool, out: &mut Vec<u8>) {
    if !finite {
        // Not storable in MySQL; expressions that give them are NULL or errors before they come here.
        out.extend_from_slice(text);
        return;
    }
    let (negative, text) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|b| *b == b'e') {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok().and_then(|e| e.parse::<i32>().ok())),
        None => (text, Some(0)),
    };
    let exponent = exponent.unwrap_or(0);
    let mut digits = [b'0'; 32];
    let mut count = 0;
    for b in mantissa.iter().filter(|b| b.is_ascii_digit()).take(32) {
        digits[count] = *b;
        count += 1;
    }
    while count > 1 && digits[count - 1] == b'0' {
        count -= 1;
    }
    let digits = &digits[..count.max(1)];
    if digits == b"0" {
        out.extend_from_slice(if negative { b"-0" } else { b"0" });
        return;
    }
    if negative {
        out.push(b'-');
    }
    let point = exponent + 1;
    if !(-14..=15).contains(&point) {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.push(b'e');
        write_i64(exponent.into(), out);
    } else if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-point) as usize));
        out.extend_from_slice(digits);
    } else if digits.len() <= point as usize {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', point as usize - digits.len()));
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

/// The number at the front of `text`, 0 if there is none, and whether all of `text` belonged to it.
pub fn parse_f64_prefix(text: &str) -> (f64, bool) {
    let trimmed = text.trim();
    let bytes = trimmed.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let start = at;
    let mut digits = 0;
    let mut point = false;
    while let Some(b) = bytes.get(at) {
        match b {
            b'0'..=b'9' => digits += 1,
            b'.' if !point => point = true,
            _ => break,
        }
        at += 1;
    }
    if digits == 0 {
        return (0.0, false);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
        let exponent = bytes[at + 1 + sign..].iter().take_while(|b| b.is_ascii_digit()).count();
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    debug_assert!(start <= at, "the scan only moves forward");
    let value: f64 = trimmed[..at].parse().unwrap_or(0.0);
    let value = if value.is_infinite() { f64::MAX.copysign(value) } else { value };
    (value, at == bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(v: f64) -> String {
        let mut out = Vec::new();
        write_f64(v, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_print_shortest_with_mysql_exponents() {
        for (v, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e14, "100000000000000"),
            (1e15, "1e15"),
            (1.5e20, "1.5e20"),
            (1e-5, "0.00001"),
            (1e-15, "0.000000000000001"),
            (1.25e-16, "1.25e-16"),
            (1.0 / 3.0, "0.3333333333333333"),
            (123456.789, "123456.789"),
        ] {
            assert_eq!(double(v), text);
        }
    }

    #[test]
    fn floats_print_six_digits() {
        for (v, text) in [
            (std::f32::consts::PI, "3.14159"),
            (0.1, "0.1"),
            (1e10, "10000000000"),
            (123456.7, "123457"),
            (1e-20, "1e-20"),
        ] {
            let mut out = Vec::new();
            write_f32(v, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn a_number_is_read_off_the_front_of_text() {
        assert_eq!(parse_f64_prefix(" 12.5 "), (12.5, true));
        assert_eq!(parse_f64_prefix("12abc"), (12.0, false));
        assert_eq!(parse_f64_prefix("1e2x"), (100.0, false));
        assert_eq!(parse_f64_prefix("1e"), (1.0, false));
        assert_eq!(parse_f64_prefix("abc"), (0.0, false));
        assert_eq!(parse_f64_prefix("-.5"), (-0.5, true));
    }
}
