//! Running statements about accounts.

use std::collections::BTreeSet;

use deltatree_learner::catalog::{self, AccountInfo, CatalogSnapshot, GrantScope, Privilege};

use super::{AccountName, AccountOptions, AccountStatement, Level, Password, Privileges};
use crate::error::{Result, SqlError};
use crate::mysql::native_password;
use crate::session::{Session, schema_change_failed};

type Named = (String, String);

impl Session {
    /// Runs a statement about accounts. Fails with 1227, 1044 or 1142 if this session may not.
    pub(in crate::statement) async fn change_accounts(&mut self, statement: &AccountStatement) -> Result<()> {
        match statement {
            AccountStatement::Create { accounts, roles, if_not_exists } => {
                self.needs_global(if *roles { Privilege::CreateRole } else { Privilege::CreateUser })?;
                self.create_accounts(accounts, *roles, *if_not_exists).await
            }
            AccountStatement::Alter { accounts, if_exists } => {
                let own = |a: &AccountOptions| a.locked.is_none() && self.named(&a.name) == self.current_account();
                if !accounts.iter().all(own) {
                    self.needs_global(Privilege::CreateUser)?;
                }
                self.alter_accounts(accounts, *if_exists).await
            }
            AccountStatement::Drop { accounts, roles, if_exists } => {
                self.needs_global(if *roles { Privilege::DropRole } else { Privilege::CreateUser })?;
                self.drop_accounts(accounts, *roles, *if_exists).await
            }
            AccountStatement::Rename(pairs) => {
                self.needs_global(Privilege::CreateUser)?;
                self.rename_accounts(pairs).await
            }
            AccountStatement::Grant(privileges, accounts) => {
                let (scope, which) = self.resolve(privileges)?;
                self.may_grant(&scope, &which)?;
                self.change_each(accounts, unknown_grantee, |_, account| {
                    account.grant(scope.clone(), which.iter().copied(), privileges.grantable);
                    Ok(())
                })
                .await
            }
            AccountStatement::Revoke(privileges, accounts) => {
                let (scope, which) = self.resolve(privileges)?;
                self.may_grant(&scope, &which)?;
                self.change_each(accounts, no_such_grant, |name, account| {
                    let everything = privileges.which.is_none();
                    match account.revoke(&scope, &which, privileges.grantable || everything) {
                        true => Ok(()),
                        false if scope == GrantScope::Global => Ok(()),
                        false => Err(no_such_grant(name)),
                    }
                })
                .await
            }
            AccountStatement::RevokeEverything(accounts) => {
                self.needs_global(Privilege::CreateUser)?;
                self.change_each(accounts, no_such_grant, |_, account| {
                    account.grants.clear();
                    account.roles.clear();
                    Ok(())
                })
                .await
            }
            AccountStatement::GrantRoles(roles, accounts) => self.change_roles(roles, accounts, true).await,
            AccountStatement::RevokeRoles(roles, accounts) => self.change_roles(roles, accounts, false).await,
        }
    }

    /// An account's name in full.
    pub(super) fn named(&self, name: &AccountName) -> Named {
        match name {
            AccountName::Current => self.current_account(),
            AccountName::Named(user, host) => (user.clone(), host.clone()),
        }
    }

    async fn create_accounts(&mut self, accounts: &[AccountOptions], roles: bool, if_not_exists: bool) -> Result<()> {
        let verb = if roles { "CREATE ROLE" } else { "CREATE USER" };
        let mut wanted = Vec::with_capacity(accounts.len());
        for options in accounts {
            let (user, host) = self.named(&options.name);
            wanted.push(AccountInfo {
                password: options.password.as_ref().map(digest).transpose()?.flatten(),
                locked: options.locked.unwrap_or(roles),
                role: roles,
                ..AccountInfo::new(user, host)
            });
        }
        let existing = self
            .change_schema(|definitions| {
                let taken = |a: &AccountInfo| definitions.account(&a.user, &a.host).is_some();
                let (existing, new): (Vec<_>, Vec<_>) = wanted.clone().into_iter().partition(taken);
                if !existing.is_empty() && !if_not_exists {
                    return Err(failed(verb, existing.iter().map(|a| shown(&a.user, &a.host))));
                }
                let ops = if new.is_empty() { Ok(Vec::new()) } else { catalog::create_accounts(definitions, new) };
                Ok((existing, ops.map_err(schema_change_failed)?))
            })
            .await?;
        for account in existing {
            let name = shown(&account.user, &account.host);
            self.note(SqlError::new(3163, format!("Authorization ID {name} already exists.")));
        }
        Ok(())
    }

    async fn alter_accounts(&mut self, accounts: &[AccountOptions], if_exists: bool) -> Result<()> {
        let mut wanted = Vec::with_capacity(accounts.len());
        for options in accounts {
            let password = options.password.as_ref().map(digest).transpose()?;
            wanted.push((self.named(&options.name), password, options.locked));
        }
        let missing = self
            .change_schema(|definitions| {
                let (mut changed, mut missing) = (Vec::new(), Vec::new());
                for ((user, host), password, locked) in &wanted {
                    let Some(account) = definitions.account(user, host) else {
                        missing.push((user.clone(), host.clone()));
                        continue;
                    };
                    let mut account = AccountInfo::clone(account);
                    account.password = password.unwrap_or(account.password);
                    account.locked = locked.unwrap_or(account.locked);
                    changed.push(account);
                }
                if !missing.is_empty() && !if_exists {
                    return Err(failed("ALTER USER", missing.iter().map(|(user, host)| shown(user, host))));
                }
                let ops = catalog::replace_accounts(definitions, &changed).map_err(schema_change_failed)?;
                Ok((missing, ops))
            })
            .await?;
        self.note_missing(missing);
        Ok(())
    }

    async fn drop_accounts(&mut self, accounts: &[AccountName], roles: bool, if_exists: bool) -> Result<()> {
        let verb = if roles { "DROP ROLE" } else { "DROP USER" };
        let wanted: Vec<_> = accounts.iter().map(|name| self.named(name)).collect();
        let missing = self
            .change_schema(|definitions| {
                let (mut ids, mut missing) = (Vec::new(), Vec::new());
                for (user, host) in &wanted {
                    match definitions.account(user, host) {
                        Some(account) => ids.push(account.id),
                        None => missing.push((user.clone(), host.clone())),
                    }
                }
                if !missing.is_empty() && !if_exists {
                    return Err(failed(verb, missing.iter().map(|(user, host)| shown(user, host))));
                }
                let ops = catalog::drop_accounts(definitions, &ids).map_err(schema_change_failed)?;
                Ok((missing, ops))
            })
            .await?;
        self.note_missing(missing);
        Ok(())
    }

    async fn rename_accounts(&mut self, pairs: &[(AccountName, AccountName)]) -> Result<()> {
        let pairs: Vec<_> = pairs.iter().map(|(from, to)| (self.named(from), self.named(to))).collect();
        self.change_schema(|definitions| {
            let mut changed = Vec::new();
            for ((user, host), to) in &pairs {
                let account = definitions.account(user, host);
                let account = account.filter(|_| definitions.account(&to.0, &to.1).is_none());
                let account = account.ok_or_else(|| failed("RENAME USER", [shown(user, host)]))?;
                let mut account = AccountInfo::clone(account);
                (account.user, account.host) = to.clone();
                changed.push(account);
            }
            let ops = catalog::replace_accounts(definitions, &changed).map_err(schema_change_failed)?;
            Ok(((), ops))
        })
        .await
    }

    async fn change_roles(&mut self, roles: &[AccountName], accounts: &[AccountName], given: bool) -> Result<()> {
        self.needs_global(Privilege::Super)?;
        let roles: Vec<_> = roles.iter().map(|name| self.named(name)).collect();
        let catalog = self.node.group().catalog();
        let mut ids = BTreeSet::new();
        for (user, host) in &roles {
            let role = catalog.account(user, host).ok_or_else(|| unknown_grantee(&(user.clone(), host.clone())))?;
            ids.insert(role.id);
        }
        self.change_each(accounts, unknown_grantee, |(user, host), account| {
            if given && ids.contains(&account.id) {
                let name = shown(user, host);
                let message = format!("User account {name} is directly or indirectly granted to the role {name}.");
                return Err(SqlError::new(3522, message));
            }
            match given {
                true => account.roles.extend(&ids),
                false => account.roles.retain(|id| !ids.contains(id)),
            }
            Ok(())
        })
        .await
    }

    /// Changes each of the accounts, all or none.
    async fn change_each(
        &mut self,
        accounts: &[AccountName],
        unknown: fn(&Named) -> SqlError,
        change: impl Fn(&Named, &mut AccountInfo) -> Result<()>,
    ) -> Result<()> {
        let names: Vec<_> = accounts.iter().map(|name| self.named(name)).collect();
        self.change_schema(|definitions| {
            let mut changed = Vec::with_capacity(names.len());
            for name in &names {
                let mut account = AccountInfo::clone(find(definitions, name).ok_or_else(|| unknown(name))?);
                change(name, &mut account)?;
                changed.push(account);
            }
            let ops = catalog::replace_accounts(definitions, &changed).map_err(schema_change_failed)?;
            Ok(((), ops))
        })
        .await
    }

    /// The scope and the privileges that a statement means. Fails with 1046, 1144 or 1221.
    fn resolve(&self, privileges: &Privileges) -> Result<(GrantScope, BTreeSet<Privilege>)> {
        let database = |name: &Option<String>| -> Result<String> {
            self.database_or_current(name.as_deref()).map(str::to_lowercase)
        };
        let scope = match &privileges.level {
            Level::Global => GrantScope::Global,
            Level::Database(name) => GrantScope::Database(database(name)?),
            Level::Table(name, table) => GrantScope::Table(database(name)?, table.to_lowercase()),
        };
        let which = privileges.which.clone().unwrap_or_else(|| Privilege::all_of(&scope));
        if which.iter().all(|p| p.fits(&scope)) {
            return Ok((scope, which));
        }
        Err(match scope {
            GrantScope::Table(..) => SqlError::new(
                1144,
                "Illegal GRANT/REVOKE command; please consult the manual to see which privileges can be used",
            ),
            GrantScope::Global | GrantScope::Database(_) => {
                SqlError::new(1221, "Incorrect usage of DB GRANT and GLOBAL PRIVILEGES")
            }
        })
    }

    fn note_missing(&mut self, missing: Vec<Named>) {
        for (user, host) in missing {
            self.note(SqlError::new(3162, format!("Authorization ID {} does not exist.", shown(&user, &host))));
        }
    }
}

fn find<'a>(definitions: &'a CatalogSnapshot, (user, host): &Named) -> Option<&'a AccountInfo> {
    definitions.account(user, host).map(|account| &**account)
}

/// The stored form of a password; `None` for the empty one. Fails with 1372 if a hash is none.
fn digest(password: &Password) -> Result<Option<[u8; 20]>> {
    match password {
        Password::Clear(text) => Ok(native_password::digest(text)),
        Password::Hash(text) if text.is_empty() => Ok(None),
        Password::Hash(text) => native_password::parse_digest(text)
            .map(Some)
            .ok_or_else(|| SqlError::new(1372, "Password hash should be a 41-digit hexadecimal number")),
    }
}

fn shown(user: &str, host: &str) -> String {
    format!("'{user}'@'{host}'")
}

/// 1396. `accounts` as [`shown`].
fn failed(verb: &str, accounts: impl IntoIterator<Item = String>) -> SqlError {
    let names: Vec<_> = accounts.into_iter().collect();
    SqlError::new(1396, format!("Operation {verb} failed for {}", names.join(",")))
}

fn unknown_grantee(_: &Named) -> SqlError {
    SqlError::new(1410, "You are not allowed to create a user with GRANT")
}

/// 1141.
pub(super) fn no_such_grant((user, host): &Named) -> SqlError {
    SqlError::new(1141, format!("There is no such grant defined for user '{user}' on host '{host}'"))
}
