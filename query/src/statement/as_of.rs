//! `FROM t AS OF TIMESTAMP …`: queries of the past, as TiDB writes them.
//!
//! The SQL parser would take `AS OF` for an alias. So the clause is cut out of the text before it is parsed, and
//! stays with the statement.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::MySqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::split::first_word;
use crate::error::{Result, SqlError};

const CLAUSE: [&str; 3] = ["AS", "OF", "TIMESTAMP"];

/// A query without its clauses, and the moment that they name; `None` if there is none. Fails with 1064, and
/// with 8135 if two clauses name different moments.
pub(super) fn split(text: &str) -> Result<Option<(String, Expr)>> {
    // Most texts are told apart by this without being cut into tokens.
    let query = ["SELECT", "WITH", "EXPLAIN", "DESC"].contains(&first_word(text).as_str());
    let word = CLAUSE[2].as_bytes();
    if !query || !text.as_bytes().windows(word.len()).any(|w| w.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    let dialect = MySqlDialect {};
    let Ok(tokens) = Tokenizer::new(&dialect, text).tokenize_with_location() else { return Ok(None) };
    let tokens: Vec<_> = tokens.into_iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    let mut kept = String::with_capacity(text.len());
    let mut copied = 0;
    let mut moment: Option<Expr> = None;
    let mut at = 0;
    while at < tokens.len() {
        if !is_clause(&tokens[at..]) {
            at += 1;
            continue;
        }
        let begin = offset(text, tokens[at].span.start);
        let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens[at + CLAUSE.len()..].to_vec());
        let expr = parser.parse_expr().map_err(|_| SqlError::parse(&text[begin..], 1))?;
        let next = parser.peek_token();
        let end = if next.token == Token::EOF { text.len() } else { offset(text, next.span.start) };
        match &moment {
            Some(other) if *other != expr => {
                return Err(SqlError::new(8135, "invalid as of timestamp: can not set different time in the as of"));
            }
            Some(_) | None => moment = Some(expr),
        }
        kept.push_str(&text[copied..begin]);
        copied = end;
        at = tokens
            .iter()
            .position(|t| offset(text, t.span.start) >= end && t.token != Token::EOF)
            .unwrap_or(tokens.len());
    }
    kept.push_str(&text[copied..]);
    Ok(moment.map(|moment| (kept, moment)))
}

fn is_clause(tokens: &[TokenWithSpan]) -> bool {
    tokens.len() > CLAUSE.len()
        && CLAUSE.iter().zip(tokens).all(|(word, t)| {
            matches!(&t.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
        })
}

/// Where a token is in the text, in bytes.
fn offset(text: &str, at: Location) -> usize {
    let line = (at.line as usize).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let column = (at.column as usize).saturating_sub(1);
    start + text[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_cut_out() {
        let cut = |text: &str| split(text).unwrap().map(|(text, moment)| (text, moment.to_string()));
        assert_eq!(cut("SELECT a AS of_course FROM t"), None);
        assert_eq!(
            cut("SELECT 'ä', a FROM t AS OF TIMESTAMP '2026-01-02 03:04:05' x WHERE a > 1"),
            Some(("SELECT 'ä', a FROM t x WHERE a > 1".into(), "'2026-01-02 03:04:05'".into()))
        );
        assert_eq!(
            cut(
                "SELECT 1\nFROM t as of timestamp NOW() - INTERVAL 5 SECOND,\n u AS OF TIMESTAMP NOW() - INTERVAL 5 SECOND"
            ),
            Some(("SELECT 1\nFROM t ,\n u ".into(), "NOW() - INTERVAL 5 SECOND".into()))
        );
        assert_eq!(split("SELECT 1 FROM t AS OF TIMESTAMP 1, u AS OF TIMESTAMP 2").unwrap_err().code, 8135);
        assert_eq!(split("SELECT 1 FROM t AS OF TIMESTAMP )").unwrap_err().code, 1064);
    }
}
