//! What a session may do.
//!
//! A session of the node's own may do everything. A client's has the rights of the account that it logged
//! in as, and of the roles granted to it, as of each statement: a `REVOKE` is felt at once.

use std::sync::Arc;

use deltatree_learner::catalog::{AccountInfo, CatalogSnapshot, GrantScope, Privilege};

use super::Session;
use crate::error::{Result, SqlError};

/// How deep roles may have roles.
const ROLE_DEPTH: usize = 8;

/// A session's rights as of now.
struct Rights {
    /// The account and its roles; `None`: everything is allowed.
    holders: Option<Vec<Arc<AccountInfo>>>,
}

impl Rights {
    fn any(&self, allowed: impl Fn(&GrantScope, &std::collections::BTreeSet<Privilege>, bool) -> bool) -> bool {
        match &self.holders {
            None => true,
            Some(holders) => {
                holders.iter().flat_map(|a| &a.grants).any(|g| allowed(&g.scope, &g.privileges, g.grantable))
            }
        }
    }

    fn has(&self, privilege: Privilege, within: impl Fn(&GrantScope) -> bool) -> bool {
        self.any(|scope, privileges, _| within(scope) && privileges.contains(&privilege))
    }
}

/// Whether what holds in `wide` holds in `narrow` too.
fn covers(wide: &GrantScope, narrow: &GrantScope) -> bool {
    match (wide, narrow) {
        (GrantScope::Global, _) => true,
        (GrantScope::Database(a), GrantScope::Database(b) | GrantScope::Table(b, _)) => a == b,
        (wide, narrow) => wide == narrow,
    }
}

fn holders(catalog: &CatalogSnapshot, account: &Arc<AccountInfo>) -> Vec<Arc<AccountInfo>> {
    let mut all = vec![Arc::clone(account)];
    let mut newest = 0..1;
    for _ in 0..ROLE_DEPTH {
        let roles: Vec<_> = all[newest.clone()].iter().flat_map(|a| a.roles.clone()).collect();
        let fresh = |id: &u64| all.iter().all(|a| a.id != *id);
        let roles: Vec<_> =
            roles.into_iter().filter(fresh).filter_map(|id| catalog.account_by_id(id).cloned()).collect();
        newest = all.len()..all.len() + roles.len();
        all.extend(roles);
    }
    all
}

fn database_scope(database: &str) -> GrantScope {
    GrantScope::Database(database.to_lowercase())
}

fn table_scope(database: &str, table: &str) -> GrantScope {
    GrantScope::Table(database.to_lowercase(), table.to_lowercase())
}

impl Session {
    fn rights(&self) -> Rights {
        let Some(id) = self.account else { return Rights { holders: None } };
        let catalog = self.node.group().catalog();
        let holders = catalog.account_by_id(id).map(|account| holders(&catalog, account));
        Rights { holders: Some(holders.unwrap_or_default()) }
    }

    /// Whether nothing is forbidden.
    pub(crate) fn is_unrestricted(&self) -> bool {
        let Some(id) = self.account else { return true };
        let catalog = self.node.group().catalog();
        let Some(account) = catalog.account_by_id(id) else { return false };
        let all = |scope: &GrantScope, count: usize| *scope == GrantScope::Global && count == Privilege::ALL.len();
        account.grants.iter().any(|g| all(&g.scope, g.privileges.len()))
    }

    /// The account that the session acts for: user and host pattern.
    pub(crate) fn current_account(&self) -> (String, String) {
        let catalog = self.node.group().catalog();
        match self.account.and_then(|id| catalog.account_by_id(id)) {
            Some(account) => (account.user.clone(), account.host.clone()),
            None => (self.entry.user(), "%".to_owned()),
        }
    }

    fn is_system(database: &str) -> bool {
        ["information_schema", "performance_schema"].iter().any(|d| d.eq_ignore_ascii_case(database))
    }

    /// Fails with 1142 without the privilege on a table. System tables may be read by all.
    pub(crate) fn needs_table(&self, privilege: Privilege, database: &str, table: &str) -> Result<()> {
        let scope = table_scope(database, table);
        let read = privilege == Privilege::Select && Self::is_system(database);
        if read || self.rights().has(privilege, |wide| covers(wide, &scope)) {
            return Ok(());
        }
        Err(self.denied_table(privilege.name(), table))
    }

    /// Fails with 1044 without the privilege on a database.
    pub(crate) fn needs_database(&self, privilege: Privilege, database: &str) -> Result<()> {
        let scope = database_scope(database);
        if self.rights().has(privilege, |wide| covers(wide, &scope)) {
            Ok(())
        } else {
            Err(self.denied_database(database))
        }
    }

    /// Fails with 1227 without the privilege everywhere.
    pub(crate) fn needs_global(&self, privilege: Privilege) -> Result<()> {
        if self.rights().has(privilege, |wide| *wide == GrantScope::Global) {
            return Ok(());
        }
        let message = format!(
            "Access denied; you need (at least one of) the {} privilege(s) for this operation",
            privilege.name()
        );
        Err(SqlError::new(1227, message))
    }

    /// Whether a session may hand privileges on: it must have them itself, with `GRANT OPTION`.
    pub(crate) fn may_grant<'a>(
        &self,
        scope: &GrantScope,
        privileges: impl IntoIterator<Item = &'a Privilege>,
    ) -> Result<()> {
        let rights = self.rights();
        let grantable = rights.any(|wide, _, grantable| grantable && covers(wide, scope));
        if grantable && privileges.into_iter().all(|p| rights.has(*p, |wide| covers(wide, scope))) {
            return Ok(());
        }
        match scope {
            GrantScope::Global => Err(self.denied_login()),
            GrantScope::Database(database) => Err(self.denied_database(database)),
            GrantScope::Table(_, table) => Err(self.denied_table("GRANT", table)),
        }
    }

    /// Whether a database may be listed and used: there is something in it that the session may do.
    pub(crate) fn sees_database(&self, database: &str) -> bool {
        let scope = database_scope(database);
        Self::is_system(database)
            || self.rights().any(|held, privileges, _| {
                let inside = covers(held, &scope)
                    || matches!(held, GrantScope::Table(d, _) if scope == GrantScope::Database(d.clone()));
                inside && !privileges.is_empty()
            })
    }

    /// Whether a table may be listed and described.
    pub(crate) fn sees_table(&self, database: &str, table: &str) -> bool {
        let scope = table_scope(database, table);
        Self::is_system(database)
            || self.rights().any(|held, privileges, _| covers(held, &scope) && !privileges.is_empty())
    }

    fn denied_table(&self, command: &str, table: &str) -> SqlError {
        SqlError::new(1142, format!("{command} command denied to user {} for table '{table}'", self.client()))
    }

    /// 1044.
    pub(crate) fn denied_database(&self, database: &str) -> SqlError {
        SqlError::new(1044, format!("Access denied for user {} to database '{database}'", self.client()))
    }

    fn denied_login(&self) -> SqlError {
        SqlError::new(1045, format!("Access denied for user {} (using password: YES)", self.client()))
    }

    /// Who logged in from where, for messages.
    fn client(&self) -> String {
        format!("'{}'@'{}'", self.entry.user(), self.entry.host)
    }
}
