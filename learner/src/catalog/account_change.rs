//! Changes of accounts as key-value mutations. See [`super::create_table`] for how they are committed.

use super::ddl::{changed, put};
use super::meta_key::{account_key, encode_account, encode_u64, next_id_key};
use super::{AccountInfo, CatalogError, CatalogSnapshot};
use crate::table_write::KeyOp;

type Result<T> = std::result::Result<T, CatalogError>;

/// `CREATE USER`, `CREATE ROLE`. Ids are filled in here.
///
/// # Errors
/// If an account cannot be stored. That none of the names is taken is the caller's to check.
pub fn create_accounts(catalog: &CatalogSnapshot, accounts: Vec<AccountInfo>) -> Result<Vec<KeyOp>> {
    let mut ops = changed(catalog);
    let mut id = catalog.next_id();
    for mut account in accounts {
        account.id = id;
        id += 1;
        ops.push(put(account_key(account.id), encode_account(&account)?));
    }
    ops.push(put(next_id_key(), encode_u64(id)));
    Ok(ops)
}

/// `ALTER USER`, `GRANT`, `REVOKE`: each replaces the account with its id.
///
/// # Errors
/// If an account cannot be stored.
pub fn replace_accounts(catalog: &CatalogSnapshot, accounts: &[AccountInfo]) -> Result<Vec<KeyOp>> {
    let mut ops = changed(catalog);
    for account in accounts {
        ops.push(put(account_key(account.id), encode_account(account)?));
    }
    Ok(ops)
}

/// `DROP USER`, `DROP ROLE`. Roles dropped are taken from those who have them.
///
/// # Errors
/// If an account cannot be stored.
pub fn drop_accounts(catalog: &CatalogSnapshot, ids: &[u64]) -> Result<Vec<KeyOp>> {
    let mut ops = changed(catalog);
    ops.extend(ids.iter().map(|&id| KeyOp::Delete { key: account_key(id) }));
    for account in catalog.accounts().filter(|a| !ids.contains(&a.id)) {
        if ids.iter().any(|id| account.roles.contains(id)) {
            let mut account = AccountInfo::clone(account);
            account.roles.retain(|role| !ids.contains(role));
            ops.push(put(account_key(account.id), encode_account(&account)?));
        }
    }
    Ok(ops)
}

#[cfg(test)]
mod tests {
    use super::super::testing::after;
    use super::super::{GrantScope, Privilege};
    use super::*;

    fn account(user: &str) -> AccountInfo {
        AccountInfo { password: Some([7; 20]), ..AccountInfo::new(user, "%") }
    }

    #[test]
    fn a_dropped_role_leaves_nobody_with_it() {
        let catalog = CatalogSnapshot::default();
        let catalog = after(&catalog, &create_accounts(&catalog, vec![account("a"), account("r")]).unwrap());
        let role = catalog.account("r", "%").unwrap().id;
        let mut user = AccountInfo::clone(catalog.account("a", "%").unwrap());
        user.roles.insert(role);
        let catalog = after(&catalog, &replace_accounts(&catalog, &[user.clone()]).unwrap());
        assert_eq!(**catalog.account("a", "%").unwrap(), user);
        let catalog = after(&catalog, &drop_accounts(&catalog, &[role]).unwrap());
        assert!(catalog.account("r", "%").is_none());
        assert!(catalog.account("a", "%").unwrap().roles.is_empty());
    }

    #[test]
    fn grants_add_up_by_scope_and_vanish_when_empty() {
        let mut user = account("a");
        let scope = GrantScope::Table("d".into(), "t".into());
        user.grant(scope.clone(), [Privilege::Select], false);
        user.grant(scope.clone(), [Privilege::Insert], true);
        user.grant(GrantScope::Global, [], false);
        assert_eq!(user.grants.len(), 2);
        assert_eq!(user.grants[0].scope, GrantScope::Global);
        assert!(user.revoke(&scope, &[Privilege::Select].into(), false));
        assert_eq!(user.grants[1].privileges, [Privilege::Insert].into());
        assert!(user.revoke(&scope, &[Privilege::Insert].into(), true));
        assert_eq!(user.grants.len(), 1);
        assert!(!user.revoke(&scope, &[Privilege::Insert].into(), true));
        assert!(!Privilege::CreateUser.fits(&scope));
        assert_eq!(Privilege::all_of(&GrantScope::Global).len(), Privilege::ALL.len());
    }
}
