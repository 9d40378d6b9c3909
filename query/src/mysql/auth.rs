//! Who may log in.
//!
//! There is one account: `root` without a password, from this machine alone. Since its password is
//! empty, a right proof is an empty one whatever method the client prefers, and no method needs to be
//! negotiated.

use std::net::IpAddr;

use super::handshake::Login;
use crate::error::SqlError;

/// Checks a login from `peer`.
///
/// Fails with 1045, as MySQL words it, when the user is unknown or a password was given, and with 1130
/// when the peer is another machine.
pub(crate) fn authenticate(login: &Login, peer: IpAddr) -> Result<(), SqlError> {
    if !peer.to_canonical().is_loopback() {
        return Err(SqlError::new(1130, format!("Host '{peer}' is not allowed to connect to this MySQL server")));
    }
    // Methods that hash on the server's word send an empty password as one zero byte.
    let password = !login.proof.is_empty() && login.proof != [0];
    if login.user == "root" && !password {
        return Ok(());
    }
    let using = if password { "YES" } else { "NO" };
    Err(SqlError::new(1045, format!("Access denied for user '{}'@'{peer}' (using password: {using})", login.user)))
}

/// A challenge that nobody can foresee. It never holds a zero byte, which would end it early.
pub(crate) fn challenge() -> [u8; super::handshake::CHALLENGE] {
    std::array::from_fn(|_| rand::random_range(1..=127))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, proof: &[u8]) -> Login {
        Login { capabilities: 0, user: user.into(), proof: proof.into(), database: None, plugin: String::new() }
    }

    #[test]
    fn only_root_without_password_from_this_machine() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        assert!(authenticate(&login("root", b""), here).is_ok());
        assert!(authenticate(&login("root", b"\0"), here).is_ok());
        assert!(authenticate(&login("root", b""), "::ffff:127.0.0.1".parse().unwrap()).is_ok());
        assert_eq!(authenticate(&login("root", &[9; 20]), here).unwrap_err().code, 1045);
        assert_eq!(authenticate(&login("eve", b""), here).unwrap_err().code, 1045);
        assert_eq!(authenticate(&login("root", b""), "10.0.0.1".parse().unwrap()).unwrap_err().code, 1130);
    }
}
