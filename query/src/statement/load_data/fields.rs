//! From bytes to rows of fields.

use super::Format;
use crate::types::literal::unescaped;

/// A field; `None` for NULL.
pub(crate) type Field = Option<Vec<u8>>;

/// Cuts a stream of bytes into rows. Holds the bytes of the row that has not ended yet.
pub(crate) struct RowReader {
    format: Format,
    buffer: Vec<u8>,
    /// Bytes before it are read.
    at: usize,
    ended: bool,
}

/// What stands at a place of the text.
enum Next {
    /// A byte of the field.
    Byte(u8),
    /// An escaped `N`.
    EscapedNull,
    FieldEnd,
    LineEnd,
    /// The text ends here for now: what it is depends on what follows.
    Unknown,
}

impl RowReader {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, buffer: Vec::new(), at: 0, ended: false }
    }

    /// More of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// There is no more.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next row; `None` if it needs more bytes, or after the end.
    pub(crate) fn next_row(&mut self) -> Option<Vec<Field>> {
        let mut at = self.line_start()?;
        let mut row = Vec::new();
        loop {
            let (field, after, last) = self.field(at)?;
            row.push(field);
            at = after;
            if last {
                self.at = at;
                return Some(row);
            }
        }
    }

    /// Steps over a line without looking at its fields. False if it needs more bytes.
    pub(crate) fn skip_line(&mut self) -> bool {
        let rest = &self.buffer[self.at..];
        match find(rest, &self.format.line_end) {
            Some(at) => self.at += at + self.format.line_end.len(),
            None if self.ended => self.at = self.buffer.len(),
            None => return false,
        }
        true
    }

    /// Where the next row's fields begin.
    fn line_start(&self) -> Option<usize> {
        if self.at >= self.buffer.len() {
            return None;
        }
        let prefix = &self.format.line_start;
        if prefix.is_empty() {
            return Some(self.at);
        }
        // Whatever is before the prefix, whole lines even, is passed over.
        find(&self.buffer[self.at..], prefix).map(|n| self.at + n + prefix.len())
    }

    /// A field, where the next one begins, and whether it was the line's last.
    fn field(&self, start: usize) -> Option<(Field, usize, bool)> {
        match self.format.quote {
            Some(quote) if self.buffer.get(start) == Some(&quote) => self.quoted(start + 1, quote),
            _ => self.plain(start),
        }
    }

    fn plain(&self, start: usize) -> Option<(Field, usize, bool)> {
        let mut text = Vec::new();
        let mut at = start;
        let mut null = false;
        let finish = |text: Vec<u8>, null: bool| {
            let word = self.format.quote.is_some() && text == b"NULL";
            if (null && text.is_empty()) || word { None } else { Some(text) }
        };
        loop {
            if at >= self.buffer.len() {
                return self.ended.then(|| (finish(text, null), at, true));
            }
            let (next, after) = self.next(at);
            match next {
                Next::Byte(byte) => {
                    // More than NULL alone: the `N` was a letter.
                    if std::mem::take(&mut null) {
                        text.push(b'N');
                    }
                    text.push(byte);
                }
                Next::EscapedNull if text.is_empty() && !null => null = true,
                Next::EscapedNull => {
                    let letters = 1 + usize::from(std::mem::take(&mut null));
                    text.extend(std::iter::repeat_n(b'N', letters));
                }
                Next::FieldEnd => return Some((finish(text, null), after, false)),
                Next::LineEnd => return Some((finish(text, null), after, true)),
                Next::Unknown => return None,
            }
            at = after;
        }
    }

    /// A field from after its opening quote. A quote that no end follows belongs to the text.
    fn quoted(&self, start: usize, quote: u8) -> Option<(Field, usize, bool)> {
        let mut text = Vec::new();
        let mut at = start;
        loop {
            let Some(&byte) = self.buffer.get(at) else {
                return self.ended.then_some((Some(text), at, true));
            };
            if byte == quote {
                match self.buffer.get(at + 1) {
                    Some(&second) if second == quote => {
                        text.push(quote);
                        at += 2;
                        continue;
                    }
                    None if self.ended => return Some((Some(text), at + 1, true)),
                    None => return None,
                    Some(_) => {}
                }
                match self.next(at + 1) {
                    (Next::FieldEnd, after) => return Some((Some(text), after, false)),
                    (Next::LineEnd, after) => return Some((Some(text), after, true)),
                    (Next::Unknown, _) => return None,
                    (Next::Byte(_) | Next::EscapedNull, _) => {
                        text.push(quote);
                        at += 1;
                        continue;
                    }
                }
            }
            if Some(byte) == self.format.escape {
                match self.buffer.get(at + 1) {
                    Some(&escaped) => text.push(unescaped(escaped)),
                    None if self.ended => text.push(byte),
                    None => return None,
                }
                at += 2;
                continue;
            }
            text.push(byte);
            at += 1;
        }
    }

    /// What stands at `at`, which is inside the buffer, and where to go on.
    fn next(&self, at: usize) -> (Next, usize) {
        let rest = &self.buffer[at..];
        for (end, next) in [(&self.format.field_end, Next::FieldEnd), (&self.format.line_end, Next::LineEnd)] {
            if end.is_empty() {
                continue;
            }
            if rest.starts_with(end) {
                return (next, at + end.len());
            }
            if !self.ended && rest.len() < end.len() && end.starts_with(rest) {
                return (Next::Unknown, at);
            }
        }
        if Some(rest[0]) == self.format.escape {
            return match rest.get(1) {
                Some(b'N') => (Next::EscapedNull, at + 2),
                Some(&escaped) => (Next::Byte(unescaped(escaped)), at + 2),
                None if self.ended => (Next::Byte(rest[0]), at + 1),
                None => (Next::Unknown, at),
            };
        }
        (Next::Byte(rest[0]), at + 1)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len().max(1)).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn csv() -> Format {
        Format { field_end: b",".to_vec(), quote: Some(b'"'), ..Format::default() }
    }

    /// All rows, the text arriving in pieces of this size.
    fn rows(format: &Format, text: &[u8], piece: usize) -> Vec<Vec<Option<String>>> {
        let mut reader = RowReader::new(format.clone());
        let mut rows = Vec::new();
        for bytes in text.chunks(piece) {
            reader.push(bytes);
            while let Some(row) = reader.next_row() {
                rows.push(row);
            }
        }
        reader.end();
        while let Some(row) = reader.next_row() {
            rows.push(row);
        }
        let text = |field: Field| field.map(|f| String::from_utf8_lossy(&f).into_owned());
        rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
    }

    fn shown(rows: &[Vec<Option<String>>]) -> String {
        let field = |f: &Option<String>| f.clone().unwrap_or_else(|| "<null>".into());
        rows.iter().map(|row| row.iter().map(field).collect::<Vec<_>>().join("|")).collect::<Vec<_>>().join("/")
    }

    #[test]
    fn fields_are_cut_as_mysql_does() {
        let tabs = Format::default();
        let windows = Format { line_end: b"\r\n".to_vec(), line_start: b">".to_vec(), ..csv() };
        for (format, text, expected) in [
            (&tabs, "1\ta\\tb\n2\t\\N\n3\t", "1|a\tb/2|<null>/3|"),
            (&csv(), "1,\"a,b\"\n2,\\N\n3,\"q\"\"q\"\n", "1|a,b/2|<null>/3|q\"q"),
            (&csv(), "NULL,\"NULL\",\\NX\n", "<null>|NULL|NX"),
            (&csv(), "\"a\nb\",\"c\"d\",\"e\\\"f\"", "a\nb|c\"d|e\"f"),
            (&windows, "x>1,2\r\n>3,\"4\"\r\nrest", "1|2/3|4"),
            (&csv(), "\n\n", "/"),
            (&csv(), "", ""),
        ] {
            for piece in [1, 2, 3, 1000] {
                assert_eq!(shown(&rows(format, text.as_bytes(), piece)), expected, "{text:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn lines_are_skipped_whatever_is_in_them() {
        let mut reader = RowReader::new(csv());
        reader.push(b"id,\"v\n");
        assert!(reader.skip_line());
        reader.push(b"1,2");
        assert!(!reader.skip_line());
        reader.end();
        assert_eq!(reader.next_row().unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(text in "[a,\"\\\\N\n\r>]{0,30}", piece in 1usize..8) {
            let format = Format { line_end: b"\r\n".to_vec(), ..csv() };
            for format in [&format, &csv(), &Format::default()] {
                prop_assert_eq!(rows(format, text.as_bytes(), piece), rows(format, text.as_bytes(), 1000));
            }
        }
    }
}
