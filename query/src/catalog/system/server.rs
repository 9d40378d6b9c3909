//! The server itself: character sets, collations, engines, connections, accounts.

use deltatree_learner::catalog::CatalogSnapshot;

use super::relation::Kind::{Int, Text, UInt};
use super::relation::{Cell, Relation};
use crate::mysql::native_password;
use crate::planner::QueryReads;

/// A connection, for `processlist`.
#[derive(Clone, Debug)]
pub struct Process {
    /// Connection id.
    pub id: u64,
    /// Account name.
    pub user: String,
    /// Where it comes from.
    pub host: String,
    /// Current database.
    pub database: Option<String>,
    /// `Query`, `Sleep`, …
    pub command: String,
    /// Seconds that the command has lasted.
    pub seconds: u64,
    /// What the connection is doing.
    pub state: String,
    /// The statement under way.
    pub info: Option<String>,
}

const CHARSETS: &[(&str, &str, &str, i64)] = &[
    ("ascii", "ascii_bin", "US ASCII", 1),
    ("binary", "binary", "binary", 1),
    ("latin1", "latin1_bin", "Latin1", 1),
    ("utf8", "utf8_bin", "UTF-8 Unicode", 3),
    ("utf8mb4", "utf8mb4_bin", "UTF-8 Unicode", 4),
];

const COLLATIONS: &[(&str, &str, i64, bool)] = &[
    ("ascii_bin", "ascii", 65, true),
    ("binary", "binary", 63, true),
    ("latin1_bin", "latin1", 47, true),
    ("utf8_bin", "utf8", 83, true),
    ("utf8_general_ci", "utf8", 33, false),
    ("utf8mb4_bin", "utf8mb4", 46, true),
    ("utf8mb4_general_ci", "utf8mb4", 45, false),
    ("utf8mb4_unicode_ci", "utf8mb4", 224, false),
    ("utf8mb4_0900_ai_ci", "utf8mb4", 255, false),
    ("utf8mb4_0900_bin", "utf8mb4", 309, false),
];

pub(super) fn character_sets() -> Relation {
    let mut out = Relation::new(&[
        ("CHARACTER_SET_NAME", Text),
        ("DEFAULT_COLLATE_NAME", Text),
        ("DESCRIPTION", Text),
        ("MAXLEN", Int),
    ]);
    for &(name, collation, description, length) in CHARSETS {
        out.push(vec![name.into(), collation.into(), description.into(), length.into()]);
    }
    out
}

pub(super) fn collations() -> Relation {
    let mut out = Relation::new(&[
        ("COLLATION_NAME", Text),
        ("CHARACTER_SET_NAME", Text),
        ("ID", Int),
        ("IS_DEFAULT", Text),
        ("IS_COMPILED", Text),
        ("SORTLEN", Int),
        ("PAD_ATTRIBUTE", Text),
    ]);
    for &(name, charset, id, default) in COLLATIONS {
        let default = if default { "Yes" } else { "" };
        let pad = if name.contains("0900") || name == "binary" { "NO PAD" } else { "PAD SPACE" };
        out.push(vec![name.into(), charset.into(), id.into(), default.into(), "Yes".into(), 1i64.into(), pad.into()]);
    }
    out
}

pub(super) fn collation_applicability() -> Relation {
    let mut out = Relation::new(&[("COLLATION_NAME", Text), ("CHARACTER_SET_NAME", Text)]);
    for &(name, charset, _, _) in COLLATIONS {
        out.push(vec![name.into(), charset.into()]);
    }
    out
}

pub(super) fn engines() -> Relation {
    let mut out = Relation::new(&[
        ("ENGINE", Text),
        ("SUPPORT", Text),
        ("COMMENT", Text),
        ("TRANSACTIONS", Text),
        ("XA", Text),
        ("SAVEPOINTS", Text),
    ]);
    let comment = "Row store with a columnar replica, transactions and row-level locking";
    out.push(vec!["InnoDB".into(), "DEFAULT".into(), comment.into(), "YES".into(), "NO".into(), "YES".into()]);
    out
}

pub(super) fn processlist(reads: &QueryReads) -> Relation {
    let mut out = Relation::new(&[
        ("ID", UInt),
        ("USER", Text),
        ("HOST", Text),
        ("DB", Text),
        ("COMMAND", Text),
        ("TIME", UInt),
        ("STATE", Text),
        ("INFO", Text),
    ]);
    for process in reads.processes() {
        out.push(vec![
            process.id.into(),
            process.user.into(),
            process.host.into(),
            process.database.into(),
            process.command.into(),
            process.seconds.into(),
            process.state.into(),
            process.info.into(),
        ]);
    }
    out
}

pub(super) fn users(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("Host", Text),
        ("User", Text),
        ("plugin", Text),
        ("authentication_string", Text),
        ("account_locked", Text),
        ("password_expired", Text),
        ("password_lifetime", UInt),
    ]);
    for account in catalog.accounts() {
        out.push(vec![
            account.host.as_str().into(),
            account.user.as_str().into(),
            "mysql_native_password".into(),
            account.password.as_ref().map_or_else(String::new, native_password::digest_text).into(),
            if account.locked { "Y" } else { "N" }.into(),
            "N".into(),
            Cell::Null,
        ]);
    }
    out
}
