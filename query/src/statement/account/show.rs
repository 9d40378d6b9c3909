//! `SHOW GRANTS`.

use std::sync::Arc;

use deltatree_learner::catalog::{AccountInfo, Grant, GrantScope, Privilege};

use super::AccountName;
use crate::error::{Result, SqlError};
use crate::session::{Session, TextTable};

impl Session {
    /// `SHOW GRANTS [FOR account]`. Fails with 1141 for an account that does not exist.
    pub(in crate::statement) fn show_grants(&self, name: &AccountName) -> Result<TextTable> {
        let (user, host) = self.named(name);
        let mut table = TextTable::new(&[format!("Grants for {user}@{host}")]);
        let account = match self.node.group().catalog().account(&user, &host) {
            Some(account) => Arc::clone(account),
            None => {
                let message = format!("There is no such grant defined for user '{user}' on host '{host}'");
                return Err(SqlError::new(1141, message));
            }
        };
        if *name != AccountName::Current && (user.clone(), host.clone()) != self.current_account() {
            self.needs_table(Privilege::Select, "mysql", "user")?;
        }
        if !account.grants.iter().any(|g| g.scope == GrantScope::Global) {
            table.push_all([&format!("GRANT USAGE ON *.* TO {}", quoted(&account))]);
        }
        for grant in &account.grants {
            table.push_all([&grant_text(grant, &account)]);
        }
        let catalog = self.node.group().catalog();
        let roles: Vec<_> =
            account.roles.iter().filter_map(|id| catalog.account_by_id(*id)).map(|role| quoted(role)).collect();
        if !roles.is_empty() {
            table.push_all([&format!("GRANT {} TO {}", roles.join(","), quoted(&account))]);
        }
        Ok(table)
    }
}

fn grant_text(grant: &Grant, account: &AccountInfo) -> String {
    let names: Vec<_> = grant.privileges.iter().map(|p| p.name()).collect();
    let privileges = if names.is_empty() {
        "USAGE".to_owned()
    } else if grant.privileges == Privilege::all_of(&grant.scope) {
        "ALL PRIVILEGES".to_owned()
    } else {
        names.join(", ")
    };
    let scope = match &grant.scope {
        GrantScope::Global => "*.*".to_owned(),
        GrantScope::Database(database) => format!("`{database}`.*"),
        GrantScope::Table(database, table) => format!("`{database}`.`{table}`"),
    };
    let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {privileges} ON {scope} TO {}{option}", quoted(account))
}

fn quoted(account: &AccountInfo) -> String {
    format!("`{}`@`{}`", account.user, account.host)
}
