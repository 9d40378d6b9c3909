//! Accounts, roles and what they may do.
//!
//! - [`parse`]: `CREATE USER`, `GRANT` and their like
//! - [`run`]: running them
//! - [`show`]: `SHOW GRANTS`

mod parse;
mod run;
mod show;

pub(super) use parse::{alter_user, create, drop, grant, name, rename_user, revoke, set_password};

use std::collections::BTreeSet;

use deltatree_learner::catalog::Privilege;

/// An account as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccountName {
    /// `CURRENT_USER`, or no name where that is meant.
    Current,
    /// `user@host`, the host in lower case.
    Named(String, String),
}

/// What `CREATE USER` and `ALTER USER` say of an account. `None`: nothing.
#[derive(Clone, Debug)]
pub(crate) struct AccountOptions {
    pub(super) name: AccountName,
    /// The new password.
    pub(super) password: Option<Password>,
    pub(super) locked: Option<bool>,
}

/// A password as it was given.
#[derive(Clone, Debug)]
pub(crate) enum Password {
    /// In clear.
    Clear(String),
    /// `*` and the hexadecimal digits of its double SHA-1; empty for the empty password.
    Hash(String),
}

/// Where a statement grants privileges; names without a database belong to the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// `*.*`
    Global,
    /// `database.*`, or `*`.
    Database(Option<String>),
    /// `database.table`
    Table(Option<String>, String),
}

/// Privileges that a statement grants or revokes.
#[derive(Clone, Debug)]
pub(crate) struct Privileges {
    /// `None` for `ALL`.
    pub(super) which: Option<BTreeSet<Privilege>>,
    /// `WITH GRANT OPTION`, or `GRANT OPTION` among the privileges.
    pub(super) grantable: bool,
    pub(super) level: Level,
}

/// A statement about accounts.
#[derive(Clone, Debug)]
pub(crate) enum AccountStatement {
    /// `CREATE USER`, `CREATE ROLE`.
    Create { accounts: Vec<AccountOptions>, roles: bool, if_not_exists: bool },
    /// `ALTER USER`, `SET PASSWORD`.
    Alter { accounts: Vec<AccountOptions>, if_exists: bool },
    /// `DROP USER`, `DROP ROLE`.
    Drop { accounts: Vec<AccountName>, roles: bool, if_exists: bool },
    /// `RENAME USER`.
    Rename(Vec<(AccountName, AccountName)>),
    /// `GRANT … ON`.
    Grant(Privileges, Vec<AccountName>),
    /// `REVOKE … ON`.
    Revoke(Privileges, Vec<AccountName>),
    /// `REVOKE ALL PRIVILEGES, GRANT OPTION FROM`.
    RevokeEverything(Vec<AccountName>),
    /// `GRANT role TO`.
    GrantRoles(Vec<AccountName>, Vec<AccountName>),
    /// `REVOKE role FROM`.
    RevokeRoles(Vec<AccountName>, Vec<AccountName>),
}
