//! `SET` in all its forms.

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::account;
use super::parsed::{Assignment, StatementKind};
use super::words::Words;

type Result<T> = std::result::Result<T, ParserError>;

/// Reads a `SET` statement.
pub(crate) fn parse(words: &mut Words<'_>) -> Result<Option<StatementKind>> {
    words.take("SET");
    if words.take("PASSWORD") {
        return account::set_password(words);
    }
    if words.any_of(&["ROLE", "RESOURCE"]) || words.take_all(&["DEFAULT", "ROLE"]) {
        words.skip_rest();
        return Ok(Some(StatementKind::Nothing));
    }
    Ok(Some(StatementKind::Set(words.list(assignment)?)))
}

fn assignment(words: &mut Words<'_>) -> Result<Assignment> {
    if words.take("NAMES") {
        if words.take("DEFAULT") {
            return Ok(Assignment::Names(String::new(), None));
        }
        let charset = words.name_or_string()?;
        let collation = if words.take("COLLATE") { Some(words.name_or_string()?) } else { None };
        return Ok(Assignment::Names(charset, collation));
    }
    if words.take_all(&["CHARACTER", "SET"]) || words.take("CHARSET") {
        return Ok(Assignment::CharacterSet(words.name_or_string()?));
    }
    if let Ok(name) = words.user_variable() {
        assign_sign(words)?;
        return Ok(Assignment::User(name, words.expr()?));
    }
    let (global, name) = scoped_name(words)?;
    if name.eq_ignore_ascii_case("TRANSACTION") {
        return transaction(words, global);
    }
    assign_sign(words)?;
    let value = if words.take("DEFAULT") { None } else { Some(value(words)?) };
    Ok(Assignment::System { name, global, value })
}

/// `GLOBAL name`, `@@global.name`, `@@name`, `name`…
fn scoped_name(words: &mut Words<'_>) -> Result<(bool, String)> {
    if words.take("GLOBAL") || words.take("PERSIST") || words.take("PERSIST_ONLY") {
        return Ok((true, bare(words.name()?)));
    }
    if words.take("SESSION") || words.take("LOCAL") {
        return Ok((false, bare(words.name()?)));
    }
    let first = words.name()?;
    if !words.take_token(&Token::Period) {
        return Ok((false, bare(first)));
    }
    let second = words.name()?;
    match bare(first).to_ascii_uppercase().as_str() {
        "GLOBAL" | "PERSIST" | "PERSIST_ONLY" => Ok((true, second)),
        "SESSION" | "LOCAL" => Ok((false, second)),
        prefix => Ok((false, format!("{}.{second}", prefix.to_lowercase()))),
    }
}

fn bare(name: String) -> String {
    name.trim_start_matches('@').to_owned()
}

fn assign_sign(words: &mut Words<'_>) -> Result<()> {
    if words.take_token(&Token::Eq) || words.take_token(&Token::Assignment) { Ok(()) } else { words.unexpected() }
}

/// A value: an expression, or a bare word such as `ON`, `utf8mb4`, `binary`.
fn value(words: &mut Words<'_>) -> Result<Expr> {
    if words.any_of(&["ON", "ALL", "BINARY"]) {
        let word = words.name()?;
        return Ok(crate::types::Datum::Text(word).to_ast());
    }
    words.expr()
}

fn transaction(words: &mut Words<'_>, global: bool) -> Result<Assignment> {
    let (mut isolation, mut read_only) = (None, None);
    loop {
        if words.take_all(&["ISOLATION", "LEVEL"]) {
            let mut level = words.name()?;
            if !words.at_end() && !words.is_token(&Token::Comma) {
                level = format!("{level}-{}", words.name()?);
            }
            isolation = Some(level.to_ascii_uppercase());
        } else if words.take_all(&["READ", "ONLY"]) {
            read_only = Some(true);
        } else if words.take_all(&["READ", "WRITE"]) {
            read_only = Some(false);
        } else {
            return words.unexpected();
        }
        if !words.take_token(&Token::Comma) {
            return Ok(Assignment::Transaction { global, isolation, read_only });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::{parse as parse_statements, parse_single};

    fn one(text: &str) -> Assignment {
        let StatementKind::Set(mut assignments) = parse_single(text) else { panic!("{text}") };
        assignments.remove(0)
    }

    #[test]
    fn variables_are_told_apart_by_scope() {
        for (text, is_global) in [
            ("set autocommit = 0", false),
            ("SET @@session.autocommit := OFF", false),
            ("set session autocommit = on", false),
            ("set @@autocommit = 1", false),
            ("SET @@GLOBAL.autocommit = DEFAULT", true),
            ("set global autocommit = 1", true),
        ] {
            let Assignment::System { name, global, .. } = one(text) else { panic!("{text}") };
            assert_eq!((name.as_str(), global), ("autocommit", is_global), "{text}");
        }
        assert!(matches!(one("set @x = 1 + 1"), Assignment::User(name, _) if name == "x"));
        assert!(matches!(one("set @`a b` := 'c'"), Assignment::User(name, _) if name == "a b"));
    }

    #[test]
    fn several_assignments_and_special_forms() {
        let StatementKind::Set(all) = parse_single("set a = 1, @b = 2, global c = 3") else { panic!() };
        assert_eq!(all.len(), 3);
        assert!(
            matches!(one("set names 'utf8mb4' collate utf8mb4_bin"), Assignment::Names(c, Some(_)) if c == "utf8mb4")
        );
        assert!(matches!(one("SET CHARACTER SET utf8"), Assignment::CharacterSet(c) if c == "utf8"));
        assert!(matches!(
            one("set session transaction isolation level read committed, read only"),
            Assignment::Transaction { global: false, isolation: Some(level), read_only: Some(true) } if level == "READ-COMMITTED"
        ));
        assert!(parse_statements("set a").is_err());
    }
}
