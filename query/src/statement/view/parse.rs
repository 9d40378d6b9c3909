//! Reading `CREATE VIEW` and `DROP VIEW`.

use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::CreateView;
use crate::statement::parsed::StatementKind;
use crate::statement::words::Words;

type Parsed = Result<Option<StatementKind>, ParserError>;

/// Reads what follows `CREATE` in `text`; `None` if it is no view.
pub(in crate::statement) fn create(words: &mut Words<'_>, text: &str) -> Parsed {
    let replace = words.take_all(&["OR", "REPLACE"]);
    let (mut definer, mut invoker_rights) = (None, false);
    loop {
        if words.take("ALGORITHM") {
            // There is only one way to run a view.
            words.take_token(&Token::Eq);
            words.name()?;
        } else if words.take("DEFINER") {
            words.take_token(&Token::Eq);
            definer = if words.take("CURRENT_USER") {
                words.take_token(&Token::LParen);
                words.take_token(&Token::RParen);
                None
            } else {
                Some(words.user_at_host()?)
            };
        } else if words.take_all(&["SQL", "SECURITY"]) {
            invoker_rights = words.take("INVOKER");
            if !invoker_rights && !words.take("DEFINER") {
                return words.unexpected();
            }
        } else {
            break;
        }
    }
    if !words.take("VIEW") {
        return Ok(None);
    }
    let if_not_exists = words.take_all(&["IF", "NOT", "EXISTS"]);
    let name = words.object_name()?;
    let mut columns = Vec::new();
    if words.take_token(&Token::LParen) {
        columns = words.list(Words::name)?;
        words.expect_token(&Token::RParen)?;
    }
    words.expect("AS")?;
    let rest = words.rest(text);
    let (definition, check_option) = without_check_option(&rest);
    let definition = without_parentheses(definition).to_owned();
    words.skip_rest();
    Ok(Some(StatementKind::CreateView(Box::new(CreateView {
        replace,
        name,
        columns,
        definition,
        definer,
        invoker_rights,
        check_option,
        if_not_exists,
    }))))
}

/// Reads what follows `DROP`; `None` if it is no view.
pub(in crate::statement) fn drop(words: &mut Words<'_>) -> Parsed {
    if !words.take("VIEW") {
        return Ok(None);
    }
    let if_exists = words.take_all(&["IF", "EXISTS"]);
    let names = words.list(Words::object_name)?;
    if !words.take("RESTRICT") {
        words.take("CASCADE");
    }
    Ok(Some(StatementKind::DropView { names, if_exists }))
}

/// Takes `WITH [CASCADED | LOCAL] CHECK OPTION` off the end.
fn without_check_option(text: &str) -> (&str, &'static str) {
    let cut = || {
        let text = without_word(without_word(text, "OPTION")?, "CHECK")?;
        Some(match (without_word(text, "LOCAL"), without_word(text, "CASCADED")) {
            (Some(rest), _) => (without_word(rest, "WITH")?, "LOCAL"),
            (None, Some(rest)) => (without_word(rest, "WITH")?, "CASCADED"),
            (None, None) => (without_word(text, "WITH")?, "CASCADED"),
        })
    };
    cut().unwrap_or((text.trim(), "NONE"))
}

/// The text before its last word, if that is this one.
pub(in crate::statement) fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_end();
    let start = text.len().checked_sub(word.len())?;
    let last = text.get(start..)?;
    let before = text.get(..start)?;
    (last.eq_ignore_ascii_case(word) && before.ends_with(|c: char| c.is_whitespace() || c == ')')).then_some(before)
}

/// A query inside parentheses of its own, so that its columns are headed as they would be without.
fn without_parentheses(mut text: &str) -> &str {
    while let Some(inner) = text.trim().strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        // `(SELECT …) UNION (SELECT …)` only looks like one.
        if crate::rewrite::parse(inner).is_err() {
            break;
        }
        text = inner;
    }
    text.trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::{parse, parse_single};

    fn one(text: &str) -> CreateView {
        let StatementKind::CreateView(view) = parse_single(text) else { panic!("{text}") };
        *view
    }

    #[test]
    fn forms_that_clients_and_dumps_send_are_read() {
        let view = one("create view v as select 1 as a");
        assert_eq!((view.definition.as_str(), view.check_option), ("select 1 as a", "NONE"));
        let view = one("/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`%` SQL SECURITY INVOKER */\n\
             /*!50001 VIEW `d`.`v` (`a`, b) AS (select x from t\n where y = 'a') WITH LOCAL CHECK OPTION */");
        assert_eq!(view.definition, "select x from t\n where y = 'a'");
        assert_eq!((view.columns.len(), view.invoker_rights, view.check_option), (2, true, "LOCAL"));
        assert_eq!(view.definer, Some(("root".into(), "%".into())));
        assert!(one("CREATE OR REPLACE VIEW v AS SELECT 1 WITH CHECK OPTION").replace);
        assert_eq!(one("create view v as (select 1) union (select 2)").definition, "(select 1) union (select 2)");
    }

    #[test]
    fn names_of_accounts_are_read_in_every_spelling() {
        for (text, user, host) in [
            ("root@localhost", "root", "localhost"),
            ("'a b'@'%'", "a b", "%"),
            ("`root`@`10.%`", "root", "10.%"),
            ("root", "root", "%"),
            ("root@'LOCALHOST'", "root", "localhost"),
            ("'x'@localhost", "x", "localhost"),
        ] {
            let view = one(&format!("create definer={text} view v as select 1"));
            assert_eq!(view.definer, Some((user.into(), host.into())), "{text}");
        }
    }

    #[test]
    fn wrong_forms_are_errors() {
        for text in ["create view v select 1", "create view v (a as select 1", "drop view", "drop view v v"] {
            assert_eq!(parse(text).unwrap_err().code, 1064, "{text}");
        }
    }
}
