//! Who may log in.
//!
//! Accounts are in the catalog. The most specific host pattern that matches the peer decides which account
//! of a user it is. An account without a password serves this machine alone, whatever its pattern says.

use std::net::IpAddr;
use std::sync::Arc;

use deltatree_learner::catalog::{AccountInfo, CatalogSnapshot};

use super::handshake::{CHALLENGE, Login, NATIVE_PASSWORD};
use super::native_password;
use crate::error::SqlError;
use crate::statement::like;

/// The account that `user` from `peer` would be.
pub(crate) fn account(catalog: &CatalogSnapshot, user: &str, peer: IpAddr) -> Option<Arc<AccountInfo>> {
    let matching = catalog.accounts().filter(|account| account.user == user && from_host(&account.host, peer));
    let literal = |host: &str| host.chars().filter(|c| !matches!(c, '%' | '_')).count();
    matching.max_by_key(|a| (!a.host.contains(['%', '_']), literal(&a.host))).cloned()
}

/// Whether the proof was made by another method than the one that can be checked.
pub(crate) fn needs_other_method(login: &Login, account: Option<&AccountInfo>) -> bool {
    let native = login.plugin.is_empty() || login.plugin == NATIVE_PASSWORD;
    !native && (has_proof(login) || account.is_some_and(|a| a.password.is_some()))
}

/// Checks a login from `peer`.
///
/// Fails with 1045, as MySQL words it, when the user is unknown or the password wrong, with 3118 when the
/// account is locked, and with 1130 when an account without a password is used from another machine.
pub(crate) fn authenticate(
    login: &Login,
    account: Option<Arc<AccountInfo>>,
    peer: IpAddr,
    challenge: &[u8; CHALLENGE],
) -> Result<Arc<AccountInfo>, SqlError> {
    let proven = |digest: Option<&[u8; 20]>| native_password::verify(&login.proof, challenge, digest);
    admit(&login.user, account, peer, has_proof(login), proven)
}

/// [`authenticate`] for protocols that bring the password itself.
pub(crate) fn authenticate_clear(
    catalog: &CatalogSnapshot,
    user: &str,
    password: &str,
    peer: IpAddr,
) -> Result<Arc<AccountInfo>, SqlError> {
    let account = account(catalog, user, peer);
    let proven = |digest: Option<&[u8; 20]>| native_password::digest(password).as_ref() == digest;
    admit(user, account, peer, !password.is_empty(), proven)
}

fn admit(
    user: &str,
    account: Option<Arc<AccountInfo>>,
    peer: IpAddr,
    using_password: bool,
    proven: impl Fn(Option<&[u8; 20]>) -> bool,
) -> Result<Arc<AccountInfo>, SqlError> {
    let here = peer.to_canonical().is_loopback();
    if !here && account.as_ref().is_none_or(|a| a.password.is_none()) {
        return Err(SqlError::new(1130, format!("Host '{peer}' is not allowed to connect to this MySQL server")));
    }
    let denied = || {
        let using = if using_password { "YES" } else { "NO" };
        SqlError::new(1045, format!("Access denied for user '{user}'@'{peer}' (using password: {using})"))
    };
    let account = account.filter(|a| !a.role && proven(a.password.as_ref())).ok_or_else(denied)?;
    if account.locked {
        return Err(SqlError::new(3118, format!("Access denied for user '{user}'@'{peer}'. Account is locked.")));
    }
    Ok(account)
}

/// Methods that hash on the server's word send an empty password as one zero byte.
fn has_proof(login: &Login) -> bool {
    !login.proof.is_empty() && login.proof != [0]
}

fn from_host(pattern: &str, peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    like(pattern, &peer.to_string()) || (peer.is_loopback() && like(pattern, "localhost"))
}

/// A challenge that nobody can foresee. It never holds a zero byte, which would end it early.
pub(crate) fn challenge() -> [u8; CHALLENGE] {
    std::array::from_fn(|_| rand::random_range(1..=127))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, proof: &[u8]) -> Login {
        Login { capabilities: 0, user: user.into(), proof: proof.into(), database: None, plugin: String::new() }
    }

    fn root() -> AccountInfo {
        AccountInfo::new("root", "%")
    }

    fn code(account: Option<AccountInfo>, login: &Login, peer: &str) -> u16 {
        let result = authenticate(login, account.map(Arc::new), peer.parse().unwrap(), &[1; CHALLENGE]);
        result.err().map_or(0, |e| e.code)
    }

    #[test]
    fn without_a_password_only_from_this_machine() {
        let here = "127.0.0.1";
        assert_eq!(code(Some(root()), &login("root", b""), here), 0);
        assert_eq!(code(Some(root()), &login("root", b"\0"), here), 0);
        assert_eq!(code(Some(root()), &login("root", b""), "::ffff:127.0.0.1"), 0);
        assert_eq!(code(Some(root()), &login("root", &[9; 20]), here), 1045);
        assert_eq!(code(None, &login("eve", b""), here), 1045);
        assert_eq!(code(Some(root()), &login("root", b""), "10.0.0.1"), 1130);
        assert_eq!(code(None, &login("eve", b""), "10.0.0.1"), 1130);
    }

    #[test]
    fn locked_accounts_and_roles_log_nobody_in() {
        let locked = AccountInfo { locked: true, ..root() };
        assert_eq!(code(Some(locked), &login("root", b""), "127.0.0.1"), 3118);
        let role = AccountInfo { role: true, ..root() };
        assert_eq!(code(Some(role), &login("root", b""), "127.0.0.1"), 1045);
        let secret = AccountInfo { password: native_password::digest("x"), ..root() };
        assert_eq!(code(Some(secret.clone()), &login("root", b""), "10.0.0.1"), 1045);
        let mut asked = login("root", b"");
        asked.plugin = "caching_sha2_password".into();
        assert!(needs_other_method(&asked, Some(&secret)));
        assert!(!needs_other_method(&asked, Some(&root())));
    }
}
