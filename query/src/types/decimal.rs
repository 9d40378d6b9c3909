//! Exact decimal numbers: reading, writing, rounding.

use arrow::datatypes::i256;

/// An exact number: `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits as one integer.
    pub unscaled: i256,
    /// Digits after the point.
    pub scale: u8,
}

/// Most digits that a `DECIMAL` has.
pub const MAX_DIGITS: u8 = 65;
/// Most digits after the point that a `DECIMAL` has.
pub const MAX_SCALE: u8 = 30;

impl Decimal {
    /// An integer.
    pub fn from_int(v: i64) -> Self {
        Self { unscaled: i256::from_i128(v.into()), scale: 0 }
    }

    /// An unsigned integer.
    pub fn from_uint(v: u64) -> Self {
        Self { unscaled: i256::from_i128(v.into()), scale: 0 }
    }

    /// The number at the front of `text`, and whether all of `text` belonged to it (surrounding blanks
    /// aside). `None` if `text` does not begin with a number, or has more digits than can be held.
    pub fn parse_prefix(text: &str) -> Option<(Self, bool)> {
        let bytes = text.trim_start().as_bytes();
        let mut at = 0;
        let negative = match bytes.first() {
            Some(b'-') => {
                at = 1;
                true
            }
            Some(b'+') => {
                at = 1;
                false
            }
            _ => false,
        };
        let (mut digits, mut scale, mut point) = (DigitSum::default(), 0_i32, false);
        let mut any = false;
        while let Some(&b) = bytes.get(at) {
            match b {
                b'0'..=b'9' => {
                    any = true;
                    if point && scale >= i32::from(MAX_SCALE) + 8 {
                        // Digits too small to matter to any column.
                    } else {
                        digits.push(b - b'0')?;
                        scale += i32::from(point);
                    }
                }
                b'.' if !point => point = true,
                _ => break,
            }
            at += 1;
        }
        if !any {
            return None;
        }
        let mut end = at;
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            let tail = &text.trim_start()[at + 1..];
            let sign = usize::from(tail.starts_with(['-', '+']));
            let count = tail[sign..].bytes().take_while(u8::is_ascii_digit).count();
            if count > 0 {
                let exponent: i32 = tail[..sign + count].parse().ok()?;
                scale = scale.checked_sub(exponent)?;
                end = at + 1 + sign + count;
            }
        }
        let mut unscaled = digits.total();
        if scale < 0 {
            if unscaled == i256::ZERO {
                scale = 0;
            }
            while scale < 0 {
                unscaled = unscaled.checked_mul(i256::from_i128(10))?;
                scale += 1;
                if unscaled.wrapping_abs() > max_unscaled(76) {
                    return None;
                }
            }
        }
        let mut out = Self { unscaled: if negative { unscaled.wrapping_neg() } else { unscaled }, scale: 0 };
        if scale > 38 {
            // Bring back to what fits: the digits dropped are beyond any column's scale.
            for _ in 38..scale.min(38 + 80) {
                out.unscaled = out.unscaled.wrapping_div(i256::from_i128(10));
            }
            scale = 38;
        }
        out.scale = u8::try_from(scale).ok()?;
        let whole = bytes[end..].iter().all(u8::is_ascii_whitespace);
        Some((out, whole))
    }

    /// The whole of `text` as a number.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_prefix(text).filter(|(_, whole)| *whole).map(|(v, _)| v)
    }

    /// The number with `scale` digits after the point, rounded half away from zero. `None` on overflow.
    pub fn rescale(&self, scale: u8) -> Option<i256> {
        if scale >= self.scale {
            return self.unscaled.checked_mul(power_of_ten(scale - self.scale)?);
        }
        let divisor = power_of_ten(self.scale - scale)?;
        let quotient = self.unscaled.wrapping_div(divisor);
        let rest = self.unscaled.wrapping_rem(divisor).wrapping_abs();
        if rest >= divisor.wrapping_sub(rest) {
            let step = if self.unscaled.is_negative() { i256::MINUS_ONE } else { i256::ONE };
            quotient.checked_add(step)
        } else {
            Some(quotient)
        }
    }

    /// The nearest integer, half away from zero; `None` beyond `i128`.
    pub fn to_integer(&self) -> Option<i128> {
        self.rescale(0)?.to_i128()
    }

    /// The nearest approximate number.
    pub fn to_f64(&self) -> f64 {
        let mut text = Vec::new();
        self.write(&mut text);
        std::str::from_utf8(&text).ok().and_then(|t| t.parse().ok()).unwrap_or(f64::NAN)
    }

    /// Appends the number with exactly `scale` digits after the point.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_unscaled(self.unscaled, self.scale, out);
    }
}

/// Adds decimal digits up, in `i128` as long as they fit.
#[derive(Default)]
struct DigitSum {
    small: i128,
    wide: Option<i256>,
}

impl DigitSum {
    fn push(&mut self, digit: u8) -> Option<()> {
        match self.wide {
            None => match self.small.checked_mul(10).and_then(|v| v.checked_add(digit.into())) {
                Some(v) => self.small = v,
                None => {
                    self.wide = Some(i256::from_i128(self.small));
                    return self.push(digit);
                }
            },
            Some(wide) => {
                let next = wide.checked_mul(i256::from_i128(10))?.checked_add(i256::from_i128(digit.into()))?;
                if next > max_unscaled(76) {
                    return None;
                }
                self.wide = Some(next);
            }
        }
        Some(())
    }

    fn total(&self) -> i256 {
        self.wide.unwrap_or_else(|| i256::from_i128(self.small))
    }
}

/// 10^n, for n ≤ 76.
pub fn power_of_ten(n: u8) -> Option<i256> {
    if n <= 38 { Some(i256::from_i128(10_i128.pow(n.into()))) } else { i256::from_i128(10).checked_pow(n.into()) }
}

/// The largest number of `digits` digits, for digits ≤ 76.
pub fn max_unscaled(digits: u8) -> i256 {
    power_of_ten(digits.min(76)).map_or(i256::MAX, |p| p.wrapping_sub(i256::ONE))
}

/// Appends `unscaled / 10^scale` with exactly `scale` digits after the point.
pub fn write_unscaled(unscaled: i256, scale: u8, out: &mut Vec<u8>) {
    match unscaled.to_i128() {
        Some(v) => write_i128(v, scale, out),
        None => {
            let digits = unscaled.wrapping_abs().to_string();
            place_point(unscaled.is_negative(), digits.as_bytes(), scale, out);
        }
    }
}

/// Appends `unscaled / 10^scale` with exactly `scale` digits after the point.
pub fn write_i128(unscaled: i128, scale: u8, out: &mut Vec<u8>) {
    let mut buffer = [0_u8; 40];
    let mut at = buffer.len();
    let mut rest = unscaled.unsigned_abs();
    // Two steps of 64 bits: a division of 128 bits per digit is slow.
    while rest > u128::from(u64::MAX) {
        let mut low = (rest % 10_u128.pow(19)) as u64;
        rest /= 10_u128.pow(19);
        for _ in 0..19 {
            at -= 1;
            buffer[at] = b'0' + (low % 10) as u8;
            low /= 10;
        }
    }
    let mut rest = rest as u64;
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    place_point(unscaled < 0, &buffer[at..], scale, out);
}

fn place_point(negative: bool, digits: &[u8], scale: u8, out: &mut Vec<u8>) {
    if negative {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits);
        return;
    }
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', scale - digits.len()));
        out.extend_from_slice(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(v: &Decimal) -> String {
        let mut out = Vec::new();
        v.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_and_writes_what_sql_writes() {
        for (input, output) in [
            ("0", "0"),
            ("-12.50", "-12.50"),
            ("+.5", "0.5"),
            ("1e3", "1000"),
            ("1.25e1", "12.5"),
            ("1.25E-2", "0.0125"),
            (" 7 ", "7"),
            ("123456789012345678901234567890123456789012345.1", "123456789012345678901234567890123456789012345.1"),
        ] {
            assert_eq!(text(&Decimal::parse(input).unwrap()), output, "{input}");
        }
        for input in ["", "abc", "-", ".", "1x", "1e400", "--1"] {
            assert!(Decimal::parse(input).is_none(), "{input}");
        }
        let (v, whole) = Decimal::parse_prefix("12.5abc").unwrap();
        assert_eq!((text(&v).as_str(), whole), ("12.5", false));
    }

    #[test]
    fn rounds_half_away_from_zero() {
        for (input, scale, output) in
            [("2.5", 0, 3), ("-2.5", 0, -3), ("2.49", 0, 2), ("0.005", 2, 1), ("-0.0049", 2, 0), ("1", 2, 100)]
        {
            let v = Decimal::parse(input).unwrap().rescale(scale).unwrap();
            assert_eq!(v.to_i128(), Some(output), "{input}");
        }
    }
}
