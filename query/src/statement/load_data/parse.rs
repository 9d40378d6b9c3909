//! Reading `LOAD DATA`.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{FieldTarget, Format, LoadData, OnDuplicate};
use crate::statement::parsed::StatementKind;
use crate::statement::words::Words;

type Result<T> = std::result::Result<T, ParserError>;

/// Reads a `LOAD DATA` statement.
pub(in crate::statement) fn parse(words: &mut Words<'_>) -> Result<Option<StatementKind>> {
    words.take("LOAD");
    words.expect("DATA")?;
    if !words.take("LOW_PRIORITY") {
        words.take("CONCURRENT");
    }
    let local = words.take("LOCAL");
    words.expect("INFILE")?;
    let file = words.string()?;
    let on_duplicate = if words.take("REPLACE") {
        OnDuplicate::Replace
    } else if words.take("IGNORE") || local {
        // The client cannot be stopped while it sends, so its rows never fail the statement.
        OnDuplicate::Ignore
    } else {
        OnDuplicate::Fail
    };
    words.expect("INTO")?;
    words.expect("TABLE")?;
    let table = words.object_name()?;
    if words.take_all(&["CHARACTER", "SET"]) || words.take("CHARSET") {
        // Text is UTF-8 whatever it says, as everywhere.
        words.name_or_string()?;
    }
    let format = format(words)?;
    let mut skipped_lines = 0;
    if words.take("IGNORE") {
        skipped_lines = words.number()?;
        if !words.take("LINES") && !words.take("ROWS") {
            return words.unexpected();
        }
    }
    let mut targets = Vec::new();
    if words.take_token(&Token::LParen) && !words.take_token(&Token::RParen) {
        targets = words.list(|words| match words.user_variable() {
            Ok(name) => Ok(FieldTarget::Variable(name)),
            Err(_) => words.name().map(FieldTarget::Column),
        })?;
        words.expect_token(&Token::RParen)?;
    }
    let set = if words.take("SET") { assignments(words)? } else { Vec::new() };
    let load = LoadData { local, file, on_duplicate, table, format, skipped_lines, targets, set };
    Ok(Some(StatementKind::LoadData(Box::new(load))))
}

fn format(words: &mut Words<'_>) -> Result<Format> {
    let mut format = Format::default();
    if words.take("FIELDS") || words.take("COLUMNS") {
        loop {
            if words.take("TERMINATED") {
                format.field_end = by(words)?;
            } else if words.take_all(&["OPTIONALLY", "ENCLOSED"]) || words.take("ENCLOSED") {
                format.quote = by(words)?.first().copied();
            } else if words.take("ESCAPED") {
                format.escape = by(words)?.first().copied();
            } else {
                break;
            }
        }
    }
    if words.take("LINES") {
        loop {
            if words.take("STARTING") {
                format.line_start = by(words)?;
            } else if words.take("TERMINATED") {
                format.line_end = by(words)?;
            } else {
                break;
            }
        }
    }
    Ok(format)
}

fn by(words: &mut Words<'_>) -> Result<Vec<u8>> {
    words.expect("BY")?;
    words.string().map(String::into_bytes)
}

fn assignments(words: &mut Words<'_>) -> Result<Vec<(String, Expr)>> {
    words.list(|words| {
        let column = words.name()?;
        words.expect_token(&Token::Eq)?;
        Ok((column, words.expr()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::{parse as parse_statements, parse_single};

    fn one(text: &str) -> LoadData {
        let StatementKind::LoadData(load) = parse_single(text) else { panic!("{text}") };
        *load
    }

    #[test]
    fn every_clause_is_read() {
        let load = one(
            "LOAD DATA LOCAL INFILE '/tmp/a.csv' REPLACE INTO TABLE d.t CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' \
             OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES STARTING BY '>' TERMINATED BY '\\r\\n' IGNORE 1 LINES \
             (a, @b, c) SET d = @b + 1, e = now()",
        );
        assert!(load.local && load.skipped_lines == 1 && load.on_duplicate == OnDuplicate::Replace);
        assert_eq!(
            (load.format.field_end.as_slice(), load.format.quote, load.format.escape),
            (&b","[..], Some(b'"'), None)
        );
        assert_eq!((load.format.line_start.as_slice(), load.format.line_end.as_slice()), (&b">"[..], &b"\r\n"[..]));
        assert_eq!(load.targets[1], FieldTarget::Variable("b".into()));
        assert_eq!(load.set.len(), 2);
        let load = one("load data infile 'x' into table t");
        assert_eq!((load.on_duplicate, load.format), (OnDuplicate::Fail, Format::default()));
        for text in
            ["load data infile x into table t", "load data infile 'x' table t", "load data infile 'x' into table t (a"]
        {
            assert_eq!(parse_statements(text).unwrap_err().code, 1064, "{text}");
        }
    }
}
