//! From text to [`ParsedStatement`].
//!
//! Most statements go to the SQL parser. Those that it does not know, or knows too loosely, are read
//! here by their words: `SHOW`, `SET`, `KILL`, transactions and administration.

use datafusion::sql::sqlparser::ast::{self, ObjectName};
use datafusion::sql::sqlparser::dialect::MySqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::parsed::{ParsedStatement, StatementKind, TransactionStatement};
use super::placeholder;
use super::point_select::KeptPoint;
use super::split::{first_word, split};
use super::view::without_word;
use super::words::Words;
use super::{account, as_of, import_into, load_data, set_parse, show, view};
use crate::error::{Result, SqlError};
use crate::rewrite;

/// Parses all statements of a text. Fails with 1064.
pub(crate) fn parse(text: &str) -> Result<Vec<ParsedStatement>> {
    let mut statements = Vec::new();
    for text in split(text) {
        let (sql, moment) = as_of::split(&text)?.unzip();
        let moment = moment.map(Box::new);
        for kind in parse_one(sql.as_deref().unwrap_or(&text))? {
            let parameters = match &kind {
                StatementKind::Sql(statement) => placeholder::count(statement),
                StatementKind::Explain { statement, .. } => placeholder::count(statement),
                _ => 0,
            };
            statements.push(ParsedStatement {
                kind,
                parameters,
                as_of: moment.clone(),
                text: text.trim().into(),
                point: KeptPoint::default(),
            });
        }
    }
    Ok(statements)
}

fn parse_one(text: &str) -> Result<Vec<StatementKind>> {
    let word = first_word(text);
    let by_words = match word.as_str() {
        "SHOW" => words(text, show::parse)?,
        "SET" => words(text, set_parse::parse)?,
        "DESC" | "DESCRIBE" | "EXPLAIN" => words(text, explain)?,
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => words(text, transaction)?,
        "USE" => words(text, use_database)?,
        "KILL" => words(text, kill)?,
        "PREPARE" | "EXECUTE" | "DEALLOCATE" => words(text, prepared)?,
        "ANALYZE" | "CHECK" | "OPTIMIZE" | "REPAIR" => words(text, maintenance)?,
        "GRANT" | "REVOKE" => words(text, rights)?,
        "LOAD" => words(text, load_data::parse)?,
        "IMPORT" => words(text, import_into::parse)?,
        "CANCEL" => words(text, import_into::parse_cancel)?,
        "LOCK" | "UNLOCK" | "FLUSH" | "RESET" => Some(StatementKind::Nothing),
        "CREATE" => words(text, |words| create(words, text))?,
        "DROP" => words(text, drop)?,
        "ALTER" => words(text, alter)?,
        "RENAME" => words(text, rename)?,
        "DO" => words(text, do_expressions)?,
        _ => None,
    };
    match by_words {
        Some(kind) => Ok(vec![kind]),
        None => Ok(rewrite::parse(text)?.into_iter().map(|s| StatementKind::Sql(Box::new(s))).collect()),
    }
}

/// Reads a statement by its words. `None`: the SQL parser shall try.
fn words(
    text: &str,
    read: impl FnOnce(&mut Words<'_>) -> std::result::Result<Option<StatementKind>, ParserError>,
) -> Result<Option<StatementKind>> {
    let dialect = MySqlDialect {};
    let parser = Parser::new(&dialect).try_with_sql(text).map_err(|_| SqlError::parse(text, 1))?;
    let mut words = Words::new(parser);
    match read(&mut words) {
        Ok(kind) if kind.is_none() || words.at_end() => Ok(kind),
        Ok(_) | Err(_) => Err(SqlError::parse(&words.rest(text), 1)),
    }
}

type Parsed = std::result::Result<Option<StatementKind>, ParserError>;

fn transaction(words: &mut Words<'_>) -> Parsed {
    let statement = if words.take("BEGIN") {
        words.take("WORK");
        let optimistic = if words.take("OPTIMISTIC") {
            Some(true)
        } else if words.take("PESSIMISTIC") {
            Some(false)
        } else {
            None
        };
        TransactionStatement::Begin { read_only: false, optimistic, as_of: None }
    } else if words.take("START") {
        words.expect("TRANSACTION")?;
        let mut read_only = false;
        let mut as_of = None;
        loop {
            if words.take_all(&["WITH", "CONSISTENT", "SNAPSHOT"]) || words.take_all(&["READ", "WRITE"]) {
            } else if words.take_all(&["READ", "ONLY"]) {
                read_only = true;
                if words.take_all(&["AS", "OF", "TIMESTAMP"]) {
                    as_of = Some(Box::new(words.expr()?));
                }
            } else {
                break;
            }
            words.take_token(&Token::Comma);
        }
        TransactionStatement::Begin { read_only, optimistic: None, as_of }
    } else if words.take("COMMIT") {
        words.take("WORK");
        TransactionStatement::Commit { chain: chain(words) }
    } else if words.take("SAVEPOINT") {
        TransactionStatement::Savepoint(words.name()?)
    } else if words.take("RELEASE") {
        words.expect("SAVEPOINT")?;
        TransactionStatement::Release(words.name()?)
    } else if words.take("ROLLBACK") {
        words.take("WORK");
        if words.take("TO") {
            words.take("SAVEPOINT");
            TransactionStatement::RollbackTo(words.name()?)
        } else {
            TransactionStatement::Rollback { chain: chain(words) }
        }
    } else {
        return words.unexpected();
    };
    Ok(Some(StatementKind::Transaction(statement)))
}

fn chain(words: &mut Words<'_>) -> bool {
    let chain = words.take_all(&["AND", "CHAIN"]);
    if !chain {
        words.take_all(&["AND", "NO", "CHAIN"]);
    }
    if !words.take_all(&["NO", "RELEASE"]) {
        words.take("RELEASE");
    }
    chain
}

fn use_database(words: &mut Words<'_>) -> Parsed {
    words.take("USE");
    Ok(Some(StatementKind::Use(words.name()?)))
}

fn explain(words: &mut Words<'_>) -> Parsed {
    words.skip();
    let mut analyze = words.take("ANALYZE");
    if words.take("FORMAT") {
        words.take_token(&Token::Eq);
        words.skip();
    } else {
        words.take("EXTENDED");
    }
    analyze |= words.take("ANALYZE");
    if words.any_of(&["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "REPLACE", "TABLE", "VALUES"])
        || words.is_token(&Token::LParen)
    {
        let statement = Box::new(words.statement()?);
        return Ok(Some(StatementKind::Explain { analyze, statement }));
    }
    let table = words.object_name()?;
    let column = if words.at_end() { None } else { Some(words.name_or_string()?) };
    Ok(Some(StatementKind::Show(Box::new(show::describe(table, column)))))
}

fn kill(words: &mut Words<'_>) -> Parsed {
    words.take("KILL");
    words.take("TIDB");
    let query_only = words.take("QUERY");
    if !query_only {
        words.take("CONNECTION");
    }
    Ok(Some(StatementKind::Kill { connection: words.number()?, query_only }))
}

fn prepared(words: &mut Words<'_>) -> Parsed {
    Ok(Some(if words.take("PREPARE") {
        let name = words.name()?.to_lowercase();
        words.expect("FROM")?;
        StatementKind::Prepare { name, source: Box::new(words.expr()?) }
    } else if words.take("EXECUTE") {
        let name = words.name()?.to_lowercase();
        let using = if words.take("USING") { words.list(Words::user_variable)? } else { Vec::new() };
        StatementKind::Execute { name, using }
    } else {
        words.take("DEALLOCATE");
        words.expect("PREPARE")?;
        StatementKind::Deallocate { name: words.name()?.to_lowercase() }
    }))
}

fn maintenance(words: &mut Words<'_>) -> Parsed {
    let verb = ["ANALYZE", "CHECK", "OPTIMIZE", "REPAIR"].into_iter().find(|verb| words.take(verb));
    if !words.take("NO_WRITE_TO_BINLOG") {
        words.take("LOCAL");
    }
    if !words.take("TABLE") && !words.take("TABLES") {
        return words.unexpected();
    }
    let tables = words.list(Words::object_name)?;
    // Options such as `ALL COLUMNS`, `QUICK`, `WITH 16 BUCKETS` change nothing here.
    words.skip_rest();
    Ok(Some(match verb {
        Some("CHECK") => StatementKind::TableMaintenance("check", tables),
        Some("OPTIMIZE") => StatementKind::TableMaintenance("optimize", tables),
        Some("REPAIR") => StatementKind::TableMaintenance("repair", tables),
        _ => StatementKind::AnalyzeTables(tables),
    }))
}

fn create(words: &mut Words<'_>, text: &str) -> Parsed {
    words.take("CREATE");
    match account::create(words)? {
        Some(kind) => Ok(Some(kind)),
        None if words.is("TABLE") => unpartitioned(words, text),
        None => view::create(words, text),
    }
}

/// `CREATE TABLE … PARTITION BY …`, without the partitions: they would change where rows are, not what
/// they are.
fn unpartitioned(words: &mut Words<'_>, text: &str) -> Parsed {
    let mut depth = 0_usize;
    while !words.at_end() {
        if words.is_token(&Token::LParen) {
            depth += 1;
        } else if words.is_token(&Token::RParen) {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && words.take_all(&["PARTITION", "BY"]) {
            let rest = words.rest(text);
            let table = text.strip_suffix(rest.as_str()).map(str::trim_end).and_then(|t| without_word(t, "BY"));
            let table = table.and_then(|t| without_word(t, "PARTITION"));
            let mut statements = table.and_then(|t| rewrite::parse(t).ok()).into_iter().flatten();
            words.skip_rest();
            return Ok(statements.next().map(|s| StatementKind::Unpartitioned(Box::new(s))));
        }
        words.skip();
    }
    Ok(None)
}

fn drop(words: &mut Words<'_>) -> Parsed {
    words.take("DROP");
    match account::drop(words)? {
        Some(kind) => Ok(Some(kind)),
        None => view::drop(words),
    }
}

fn rights(words: &mut Words<'_>) -> Parsed {
    if words.take("GRANT") {
        return account::grant(words);
    }
    words.take("REVOKE");
    account::revoke(words)
}

fn alter(words: &mut Words<'_>) -> Parsed {
    words.take("ALTER");
    if words.take("USER") {
        return account::alter_user(words);
    }
    if !words.take("TABLE") {
        return Ok(None);
    }
    let table = words.object_name()?;
    if words.take_all(&["DISABLE", "KEYS"]) || words.take_all(&["ENABLE", "KEYS"]) {
        // How a dump asks for faster loading: keys are always kept.
        return Ok(Some(StatementKind::Nothing));
    }
    if words.take("COMPACT") {
        words.take_all(&["TIFLASH", "REPLICA"]);
        return Ok(Some(StatementKind::CompactTable(table)));
    }
    if !words.take_all(&["SET", "TIFLASH", "REPLICA"]) {
        return Ok(None);
    }
    let replicas = words.number()?;
    // `LOCATION LABELS …` places copies on machines; there is one.
    words.skip_rest();
    Ok(Some(StatementKind::SetColumnarReplica { table, replicas }))
}

fn rename(words: &mut Words<'_>) -> Parsed {
    words.take("RENAME");
    if words.take("USER") {
        return account::rename_user(words);
    }
    if !words.take("TABLE") && !words.take("TABLES") {
        return words.unexpected();
    }
    let pairs = words.list(|words| {
        let from = words.object_name()?;
        words.expect("TO")?;
        Ok((from, words.object_name()?))
    })?;
    Ok(Some(StatementKind::Rename(pairs)))
}

fn do_expressions(words: &mut Words<'_>) -> Parsed {
    words.take("DO");
    Ok(Some(StatementKind::Do(words.list(Words::expr)?)))
}

/// The names of an object, unquoted: database, if given, and object.
pub(crate) fn name_parts(name: &ObjectName) -> (Option<&str>, &str) {
    let mut parts = name.0.iter().rev().filter_map(ast::ObjectNamePart::as_ident).map(|i| i.value.as_str());
    let object = parts.next().unwrap_or_default();
    (parts.next(), object)
}

/// A name as statements write it whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The one statement of a text, for tests.
#[cfg(test)]
pub(super) fn parse_single(text: &str) -> StatementKind {
    let mut statements = parse(text).unwrap();
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_read() {
        let begin = |read_only, optimistic| TransactionStatement::Begin { read_only, optimistic, as_of: None };
        for (text, expected) in [
            ("begin", begin(false, None)),
            ("BEGIN OPTIMISTIC", begin(false, Some(true))),
            ("start transaction with consistent snapshot, read only", begin(true, None)),
            ("START TRANSACTION READ WRITE", begin(false, None)),
            ("commit work and chain", TransactionStatement::Commit { chain: true }),
            ("rollback and no chain no release", TransactionStatement::Rollback { chain: false }),
            ("rollback to savepoint `A b`", TransactionStatement::RollbackTo("A b".into())),
            ("release savepoint x", TransactionStatement::Release("x".into())),
        ] {
            let StatementKind::Transaction(found) = parse_single(text) else { panic!("{text}") };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_follows_a_complete_statement_is_an_error() {
        for text in ["begin now", "kill 5 6", "use a b", "release x", "rename table a b"] {
            assert_eq!(parse(text).unwrap_err().code, 1064, "{text}");
        }
    }

    #[test]
    fn administration_is_read() {
        assert!(matches!(parse_single("kill query 7"), StatementKind::Kill { connection: 7, query_only: true }));
        assert!(matches!(
            parse_single("alter table a.b set tiflash replica 1"),
            StatementKind::SetColumnarReplica { replicas: 1, .. }
        ));
        assert!(matches!(parse_single("alter table a.b compact"), StatementKind::CompactTable(_)));
        assert!(matches!(parse_single("alter table t compact tiflash replica"), StatementKind::CompactTable(_)));
        assert!(matches!(parse_single("analyze table a, b.c"), StatementKind::AnalyzeTables(t) if t.len() == 2));
        assert!(matches!(parse_single("lock tables t write"), StatementKind::Nothing));
        assert!(
            matches!(parse_single("execute s using @a, @b"), StatementKind::Execute { using, .. } if using == ["a", "b"])
        );
    }
}
