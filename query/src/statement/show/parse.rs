//! Reading `SHOW` statements.

use datafusion::sql::sqlparser::ast::ObjectName;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::{Filter, Show, What};
use crate::statement::account::AccountName;
use crate::statement::parsed::StatementKind;
use crate::statement::words::Words;

type Result<T> = std::result::Result<T, ParserError>;

const TRIGGERS: &[&str] = &[
    "Trigger",
    "Event",
    "Table",
    "Statement",
    "Timing",
    "Created",
    "sql_mode",
    "Definer",
    "character_set_client",
    "collation_connection",
    "Database Collation",
];
const EVENTS: &[&str] = &[
    "Db",
    "Name",
    "Definer",
    "Time zone",
    "Type",
    "Execute at",
    "Interval value",
    "Interval field",
    "Starts",
    "Ends",
    "Status",
    "Originator",
    "character_set_client",
    "collation_connection",
    "Database Collation",
];
const ROUTINES: &[&str] = &[
    "Db",
    "Name",
    "Type",
    "Definer",
    "Modified",
    "Created",
    "Security_type",
    "Comment",
    "character_set_client",
    "collation_connection",
    "Database Collation",
];
const OPEN_TABLES: &[&str] = &["Database", "Table", "In_use", "Name_locked"];
const MASTER_STATUS: &[&str] = &["File", "Position", "Binlog_Do_DB", "Binlog_Ignore_DB", "Executed_Gtid_Set"];
const BINARY_LOGS: &[&str] = &["Log_name", "File_size", "Encrypted"];
const PROFILES: &[&str] = &["Query_ID", "Duration", "Query"];

/// Reads a `SHOW` statement.
pub(crate) fn parse(words: &mut Words<'_>) -> Result<Option<StatementKind>> {
    words.take("SHOW");
    let full = words.take("FULL") | words.take("EXTENDED");
    let full = words.take("FULL") || full;
    let global = words.take("GLOBAL");
    let _ = words.take("SESSION") || words.take("LOCAL");
    let what = what(words, full, global)?;
    let filter = if words.take("LIKE") {
        Some(Filter::Like(words.name_or_string()?))
    } else if words.take("WHERE") {
        Some(Filter::Where(Box::new(words.expr()?)))
    } else {
        None
    };
    if words.take("LIMIT") {
        words.skip_rest();
    }
    Ok(Some(StatementKind::Show(Box::new(Show { what, filter }))))
}

/// `DESCRIBE table column`.
pub(crate) fn describe(table: ObjectName, column: Option<String>) -> Show {
    Show { what: What::Columns { full: false, table, database: None }, filter: column.map(Filter::Like) }
}

fn what(words: &mut Words<'_>, full: bool, global: bool) -> Result<What> {
    Ok(if words.take("DATABASES") || words.take("SCHEMAS") {
        What::Databases
    } else if words.take("TABLES") {
        What::Tables { full, database: in_database(words)? }
    } else if words.take_all(&["TABLE", "STATUS"]) {
        What::TableStatus { database: in_database(words)? }
    } else if words.take("COLUMNS") || words.take("FIELDS") {
        let (table, database) = of_table(words)?;
        What::Columns { full, table, database }
    } else if words.take("INDEX") || words.take("INDEXES") || words.take("KEYS") {
        let (table, database) = of_table(words)?;
        What::Index { table, database }
    } else if words.take("CREATE") {
        create(words)?
    } else if words.take("VARIABLES") {
        What::Variables { global }
    } else if words.take("STATUS") {
        What::Status
    } else if words.take("WARNINGS") {
        What::Conditions { errors_only: false }
    } else if words.take("ERRORS") {
        What::Conditions { errors_only: true }
    } else if words.take("COUNT") {
        count(words)?
    } else if words.take("ENGINES") || words.take_all(&["STORAGE", "ENGINES"]) {
        What::Engines
    } else if words.take("COLLATION") {
        What::Collation
    } else if words.take_all(&["CHARACTER", "SET"]) || words.take("CHARSET") {
        What::CharacterSet
    } else if words.take("PROCESSLIST") {
        What::ProcessList { full }
    } else if words.take("GRANTS") {
        let name = if words.take("FOR") { crate::statement::account::name(words)? } else { AccountName::Current };
        if words.take("USING") {
            words.skip_rest();
        }
        What::Grants(name)
    } else if words.take("PLUGINS") {
        What::Plugins
    } else if words.take_all(&["IMPORT", "JOBS"]) {
        What::ImportJobs(None)
    } else if words.take_all(&["IMPORT", "JOB"]) {
        What::ImportJobs(Some(words.number()?))
    } else if words.take("PRIVILEGES") {
        What::Privileges
    } else {
        What::Nothing(nothing(words)?)
    })
}

fn nothing(words: &mut Words<'_>) -> Result<&'static [&'static str]> {
    let columns = if words.take("TRIGGERS") {
        TRIGGERS
    } else if words.take("EVENTS") {
        EVENTS
    } else if words.take_all(&["FUNCTION", "STATUS"]) || words.take_all(&["PROCEDURE", "STATUS"]) {
        return Ok(ROUTINES);
    } else if words.take_all(&["OPEN", "TABLES"]) {
        OPEN_TABLES
    } else if words.take_all(&["MASTER", "STATUS"]) || words.take_all(&["BINARY", "LOG", "STATUS"]) {
        return Ok(MASTER_STATUS);
    } else if words.take_all(&["BINARY", "LOGS"]) || words.take_all(&["MASTER", "LOGS"]) {
        return Ok(BINARY_LOGS);
    } else if words.take("PROFILES") {
        return Ok(PROFILES);
    } else if words.take_all(&["SLAVE", "STATUS"]) || words.take_all(&["REPLICA", "STATUS"]) {
        return Ok(&["Slave_IO_State"]);
    } else {
        return words.unexpected();
    };
    in_database(words)?;
    Ok(columns)
}

fn create(words: &mut Words<'_>) -> Result<What> {
    if words.take("TABLE") || words.take("VIEW") {
        return Ok(What::CreateTable(words.object_name()?));
    }
    if words.take("DATABASE") || words.take("SCHEMA") {
        let if_not_exists = words.take_all(&["IF", "NOT", "EXISTS"]);
        return Ok(What::CreateDatabase { name: words.name()?, if_not_exists });
    }
    words.unexpected()
}

/// `COUNT(*) WARNINGS`.
fn count(words: &mut Words<'_>) -> Result<What> {
    for token in [Token::LParen, Token::Mul, Token::RParen] {
        words.expect_token(&token)?;
    }
    if words.take("WARNINGS") {
        Ok(What::CountConditions { errors_only: false })
    } else if words.take("ERRORS") {
        Ok(What::CountConditions { errors_only: true })
    } else {
        words.unexpected()
    }
}

fn in_database(words: &mut Words<'_>) -> Result<Option<String>> {
    if words.take("FROM") || words.take("IN") { words.name().map(Some) } else { Ok(None) }
}

fn of_table(words: &mut Words<'_>) -> Result<(ObjectName, Option<String>)> {
    if !words.take("FROM") && !words.take("IN") {
        return words.unexpected();
    }
    Ok((words.object_name()?, in_database(words)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::{parse as parse_statements, parse_single};

    fn one(text: &str) -> Show {
        let StatementKind::Show(show) = parse_single(text) else { panic!("{text}") };
        *show
    }

    #[test]
    fn forms_that_clients_send_are_read() {
        assert!(
            matches!(one("SHOW FULL TABLES FROM `a` LIKE 'x%'").what, What::Tables { full: true, database: Some(d) } if d == "a")
        );
        assert!(matches!(
            one("show full columns from `t` from `d`").what,
            What::Columns { full: true, database: Some(_), .. }
        ));
        assert!(matches!(one("show keys in d.t").what, What::Index { .. }));
        assert!(matches!(one("show session variables like 'a'").what, What::Variables { global: false }));
        assert!(matches!(
            one("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('a', 'b')").filter,
            Some(Filter::Where(_))
        ));
        assert!(matches!(one("show count(*) warnings").what, What::CountConditions { errors_only: false }));
        assert!(matches!(
            one("SHOW CREATE DATABASE IF NOT EXISTS `d`").what,
            What::CreateDatabase { if_not_exists: true, .. }
        ));
        assert!(matches!(one("desc d.t a").filter, Some(Filter::Like(c)) if c == "a"));
        assert!(matches!(one("show storage engines").what, What::Engines));
        for text in ["show", "show nonsense", "show tables from", "show create", "show warnings 5"] {
            assert_eq!(parse_statements(text).unwrap_err().code, 1064, "{text}");
        }
    }
}
