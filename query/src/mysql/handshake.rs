//! Login: the server's greeting and what the client answers.

use super::constants::{capability, collation, status};
use super::packet::Fields;

/// Bytes of the random challenge.
pub(crate) const CHALLENGE: usize = 20;
/// The one authentication method offered.
pub(crate) const NATIVE_PASSWORD: &str = "mysql_native_password";

/// What a client says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login {
    /// Capabilities of both sides.
    pub(crate) capabilities: u32,
    /// User name.
    pub(crate) user: String,
    /// Proof of the password; empty for an empty password.
    pub(crate) proof: Vec<u8>,
    /// Database to start in.
    pub(crate) database: Option<String>,
    /// Method by which `proof` was made.
    pub(crate) plugin: String,
}

/// The greeting that opens a connection.
pub(crate) fn greeting(out: &mut Vec<u8>, version: &str, connection_id: u32, challenge: &[u8; CHALLENGE]) {
    out.push(10);
    out.extend_from_slice(version.as_bytes());
    out.push(0);
    out.extend_from_slice(&connection_id.to_le_bytes());
    out.extend_from_slice(&challenge[..8]);
    out.push(0);
    let capabilities = capability::SERVER.to_le_bytes();
    out.extend_from_slice(&capabilities[..2]);
    out.push(collation::UTF8MB4_BIN as u8);
    out.extend_from_slice(&status::AUTOCOMMIT.to_le_bytes());
    out.extend_from_slice(&capabilities[2..]);
    out.push(CHALLENGE as u8 + 1);
    out.extend_from_slice(&[0; 10]);
    out.extend_from_slice(&challenge[8..]);
    out.push(0);
    out.extend_from_slice(NATIVE_PASSWORD.as_bytes());
    out.push(0);
}

/// Asks a client to prove its password by the method offered, and no other.
pub(crate) fn switch_method(out: &mut Vec<u8>, challenge: &[u8; CHALLENGE]) {
    out.push(0xFE);
    out.extend_from_slice(NATIVE_PASSWORD.as_bytes());
    out.push(0);
    out.extend_from_slice(challenge);
    out.push(0);
}

/// A client's answer to the greeting; `None` if it is malformed or of a protocol before 4.1.
pub(crate) fn parse_login(payload: &[u8]) -> Option<Login> {
    let mut fields = Fields(payload);
    let asked = fields.u32()?;
    if asked & capability::PROTOCOL_41 == 0 {
        return None;
    }
    let capabilities = asked & capability::SERVER;
    fields.u32()?; // the client's own packet limit
    fields.u8()?; // collation: text is UTF-8 here whatever it says
    fields.take(23)?;
    let user = text(fields.until_zero()?);
    let proof = proof(&mut fields, asked)?;
    let database = if asked & capability::CONNECT_WITH_DB != 0 && !fields.0.is_empty() {
        Some(text(fields.until_zero()?)).filter(|d| !d.is_empty())
    } else {
        None
    };
    let plugin = plugin(&mut fields, asked);
    Some(Login { capabilities, user, proof, database, plugin })
}

/// A client's request to log in anew on the same connection.
pub(crate) fn parse_change_user(payload: &[u8], capabilities: u32) -> Option<Login> {
    let mut fields = Fields(payload);
    let user = text(fields.until_zero()?);
    let length = fields.u8()?;
    let proof = fields.take(length.into())?.to_vec();
    let database = Some(text(fields.until_zero()?)).filter(|d| !d.is_empty());
    fields.u16(); // collation, absent from old clients
    let plugin = plugin(&mut fields, capabilities);
    Some(Login { capabilities, user, proof, database, plugin })
}

fn proof(fields: &mut Fields<'_>, capabilities: u32) -> Option<Vec<u8>> {
    let bytes = if capabilities & capability::PLUGIN_AUTH_LENENC != 0 {
        fields.bytes()?
    } else if capabilities & capability::SECURE_CONNECTION != 0 {
        let length = fields.u8()?;
        fields.take(length.into())?
    } else {
        fields.until_zero()?
    };
    Some(bytes.to_vec())
}

/// Some clients leave out the zero byte at the end of the packet.
fn plugin(fields: &mut Fields<'_>, capabilities: u32) -> String {
    if capabilities & capability::PLUGIN_AUTH == 0 {
        return String::new();
    }
    match fields.until_zero() {
        Some(name) => text(name),
        None => text(std::mem::take(&mut fields.0)),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer() -> Vec<u8> {
        let mut bytes = (capability::SERVER).to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0; 4 + 1 + 23]);
        bytes.extend_from_slice(b"root\0\x02ABtest\0mysql_native_password\0");
        bytes
    }

    #[test]
    fn a_login_is_read() {
        let login = parse_login(&answer()).unwrap();
        assert_eq!(login.user, "root");
        assert_eq!(login.proof, b"AB");
        assert_eq!(login.database.as_deref(), Some("test"));
        assert_eq!(login.plugin, NATIVE_PASSWORD);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..80) {
            let _ = parse_login(&bytes);
            let _ = parse_change_user(&bytes, capability::SERVER);
            let mut damaged = answer();
            damaged.truncate(cut);
            damaged.extend(&bytes);
            let _ = parse_login(&damaged);
        }
    }
}
