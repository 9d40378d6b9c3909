//! Keys, values and sizes for people.

use bytes::Bytes;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use deltatree_storage::types::{KeyRange, KeyRef, Value, memcomparable};

/// Characters of a text that are shown.
const SHOWN: usize = 40;

/// An empty table with a header.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(header.iter().copied());
    table
}

/// A size with its unit.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A row key: an integer, or the values of its columns.
pub(super) fn key(key: KeyRef<'_>) -> String {
    let encoded = match key {
        KeyRef::Int(number) => return number.to_string(),
        KeyRef::Bytes(encoded) => encoded,
    };
    let mut rest = encoded;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        match memcomparable::decode(&mut rest) {
            Some(part) => parts.push(value(&part)),
            None => return hex(encoded),
        }
    }
    format!("({})", parts.join(", "))
}

/// A half-open range of row keys.
pub(super) fn range(range: &KeyRange) -> String {
    let start = range.start.as_ref().map_or("[-∞".to_owned(), |start| format!("[{}", key(start.as_ref())));
    let end = range.end.as_ref().map_or("+∞".to_owned(), |end| key(end.as_ref()));
    format!("{start}, {end})")
}

/// A cell as it is stored: decimals unscaled, dates in days, times in microseconds.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(v) => v.to_string(),
        Value::UInt(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Decimal(v) => v.to_string(),
        Value::BigDecimal(v) => v.to_string(),
        Value::Bytes(v) => text(v),
    }
}

fn text(bytes: &Bytes) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return hex(bytes) };
    let quoted = format!("{text:?}");
    if quoted.chars().count() <= SHOWN { quoted } else { quoted.chars().take(SHOWN).chain(['…']).collect() }
}

fn hex(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().take(SHOWN / 2).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > SHOWN / 2 { format!("0x{shown}…") } else { format!("0x{shown}") }
}
