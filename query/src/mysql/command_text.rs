//! Statements as text.
//!
//! Clients that write parameters into the statement put the bytes of a BLOB between quotes as they are.
//! Such a string becomes a hexadecimal literal, so that the rest of the statement is text.

use std::borrow::Cow;

use crate::error::{Result, SqlError};
use crate::types::literal::unescaped;

/// A command's text. Fails with 1300 if bytes outside of strings are no UTF-8.
pub(super) fn command_text(bytes: &[u8]) -> Result<Cow<'_, str>> {
    // Some clients end the text with a zero byte.
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.into());
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                let (end, content) = string(bytes, at, quote);
                if std::str::from_utf8(&bytes[at..end]).is_ok() {
                    out.extend_from_slice(&bytes[at..end]);
                } else {
                    drop_introducer(&mut out);
                    out.extend_from_slice(b"x'");
                    out.extend(content.iter().flat_map(|byte| format!("{byte:02X}").into_bytes()));
                    out.push(b'\'');
                }
                at = end;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|e| {
        let (bytes, from) = (e.as_bytes(), e.utf8_error().valid_up_to());
        let near = &bytes[from..bytes.len().min(from + 6)];
        let hex: String = near.iter().map(|b| format!("\\x{b:02X}")).collect();
        SqlError::new(1300, format!("Invalid utf8mb4 character string: '{hex}'"))
    })
}

/// Where a string that begins at `open` ends, and the bytes that it says.
fn string(bytes: &[u8], open: usize, quote: u8) -> (usize, Vec<u8>) {
    let mut content = Vec::new();
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'\\', Some(&escaped)) => {
                content.push(unescaped(escaped));
                at += 2;
            }
            (b, Some(&next)) if b == quote && next == quote => {
                content.push(quote);
                at += 2;
            }
            (b, _) if b == quote => return (at + 1, content),
            (b, _) => {
                content.push(b);
                at += 1;
            }
        }
    }
    (bytes.len(), content)
}

/// Takes `_binary` off the end: the literal says so itself.
fn drop_introducer(out: &mut Vec<u8>) {
    const INTRODUCER: &[u8] = b"_binary";
    let end = out.trim_ascii_end().len();
    if let Some(start) = end.checked_sub(INTRODUCER.len())
        && out[start..end].eq_ignore_ascii_case(INTRODUCER)
    {
        out.truncate(start);
        out.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_in_strings_become_hexadecimal() {
        let text = |bytes: &[u8]| command_text(bytes).map(Cow::into_owned).map_err(|e| e.code);
        assert_eq!(text("select 'ä'\0".as_bytes()), Ok("select 'ä'".into()));
        assert_eq!(
            text(b"insert into t values (_binary'\\0\xC8', 'it''s', 1)"),
            Ok("insert into t values ( x'00C8', 'it''s', 1)".into())
        );
        assert_eq!(text(b"select \"\xFF\\\"\"\"\", `b`"), Ok("select x'FF2222', `b`".into()));
        assert_eq!(text(b"select \xFF"), Err(1300));
        assert_eq!(text(b"select '\xFF"), Ok("select x'FF'".into()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = command_text(&bytes);
        }
    }
}
