//! Cuts a text into statements at its semicolons.
//!
//! Quotes and comments are stepped over. Comments that MySQL executes (`/*!40101 … */`, as dumps are
//! full of) are opened: what is inside them becomes part of the statement.

/// The statements of a text without their semicolons; empty ones are left out.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    let bytes = text.as_bytes();
    // Text from `start` on is still to be copied.
    let (mut start, mut at) = (0, 0);
    let mut open_comment = false;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => at = after_quote(bytes, at, quote),
            b'#' => {
                current.push_str(&text[start..at]);
                at = after_line(bytes, at);
                start = at;
            }
            b'-' if bytes[at..].starts_with(b"--") && bytes.get(at + 2).is_none_or(|b| b.is_ascii_whitespace()) => {
                current.push_str(&text[start..at]);
                at = after_line(bytes, at);
                start = at;
            }
            b'/' if bytes[at..].starts_with(b"/*!") => {
                current.push_str(&text[start..at]);
                current.push(' ');
                at += 3;
                // Five or six digits: the version from which MySQL executes it.
                at += bytes[at..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
                start = at;
                open_comment = true;
            }
            b'/' if bytes[at..].starts_with(b"/*+") => at = after_comment(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => {
                current.push_str(&text[start..at]);
                current.push(' ');
                at = after_comment(bytes, at);
                start = at;
            }
            b'*' if open_comment && bytes[at..].starts_with(b"*/") => {
                current.push_str(&text[start..at]);
                current.push(' ');
                at += 2;
                start = at;
                open_comment = false;
            }
            b';' => {
                current.push_str(&text[start..at]);
                push(&mut statements, std::mem::take(&mut current));
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    current.push_str(&text[start..]);
    push(&mut statements, current);
    statements
}

fn push(statements: &mut Vec<String>, statement: String) {
    if !statement.trim().is_empty() {
        statements.push(statement);
    }
}

/// After the closing quote; doubled and escaped quotes do not close.
fn after_quote(bytes: &[u8], open: usize, quote: u8) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn after_comment(bytes: &[u8], open: usize) -> usize {
    bytes[open + 2..].windows(2).position(|w| w == b"*/").map_or(bytes.len(), |n| open + 2 + n + 2)
}

/// The first word of a statement in upper case, opening parentheses aside.
pub(crate) fn first_word(statement: &str) -> String {
    let statement = statement.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let end = statement.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(statement.len());
    statement[..end].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_cut() {
        let text =
            "select ';', \"a\\\";\", `;`, 'it''s;' -- ; no\n from t; # ;\n /* ; */ ; delete from t where a = '\\''";
        let statements = split(text);
        assert_eq!(statements.len(), 2);
        assert!(statements[0].ends_with(" from t"));
        assert_eq!(statements[1].trim(), "delete from t where a = '\\''");
    }

    #[test]
    fn executable_comments_are_opened_and_hints_kept() {
        assert_eq!(split("/*!40101 SET NAMES utf8 */;")[0].trim(), "SET NAMES utf8");
        assert_eq!(
            split("select /*+ READ_FROM_STORAGE(TIFLASH[t]) */ 1")[0],
            "select /*+ READ_FROM_STORAGE(TIFLASH[t]) */ 1"
        );
        assert_eq!(split("/*T![clustered_index] CLUSTERED */").len(), 0);
    }

    #[test]
    fn first_words() {
        assert_eq!(first_word("  (select 1)"), "SELECT");
        assert_eq!(first_word("show\ttables"), "SHOW");
        assert_eq!(first_word("'x'"), "");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a;'\"`/*!# \\\\\\n-]{0,40}") {
            split(&text);
        }
    }
}
