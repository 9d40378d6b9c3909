//! `SHOW GRANTS`.

use deltatree_learner::catalog::{AccountInfo, Grant, GrantScope, Privilege};

use super::AccountName;
use super::run::no_such_grant;
use crate::error::Result;
use crate::session::{Session, TextTable};

impl Session {
    /// `SHOW GRANTS [FOR account]`. Fails with 1141 for an account that does not exist.
    pub(in crate::statement) fn show_grants(&self, name: &AccountName) -> Result<TextTable> {
        let named = self.named(name);
        let (user, host) = &named;
        let mut table = TextTable::new(&[format!("Grants for {user}@{host}")]);
        let catalog = self.node.group().catalog();
        let account = catalog.account(user, host).ok_or_else(|| no_such_grant(&named))?;
        if *name != AccountName::Current && named != self.current_account() {
            self.needs_table(Privilege::Select, "mysql", "user")?;
        }
        if !account.grants.iter().any(|g| g.scope == GrantScope::Global) {
            table.push_all([&format!("GRANT USAGE ON *.* TO {}", quoted(account))]);
        }
        for grant in &account.grants {
            table.push_all([&grant_text(grant, account)]);
        }
        let roles: Vec<_> =
            account.roles.iter().filter_map(|id| catalog.account_by_id(*id)).map(|role| quoted(role)).collect();
        if !roles.is_empty() {
            table.push_all([&format!("GRANT {} TO {}", roles.join(","), quoted(account))]);
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
