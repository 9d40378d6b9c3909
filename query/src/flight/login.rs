//! Which account a call is made with: the header `authorization: Basic …`, or else `root` without a password.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tonic::metadata::MetadataMap;

use crate::error::{Result, SqlError};
use crate::mysql::auth::authenticate_clear;
use crate::node::Node;
use crate::session::Session;

/// A session of the caller's account. Fails with 1045 as the MySQL protocol does.
pub(super) fn session(node: &Arc<Node>, metadata: &MetadataMap, peer: Option<SocketAddr>) -> Result<Session> {
    // Calls without a peer come from inside the process.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip().to_canonical());
    let (user, password) = match metadata.get("authorization") {
        Some(header) => credentials(header.as_bytes()).ok_or_else(|| {
            SqlError::new(1045, format!("Access denied for '{peer}': the authorization header is not Basic"))
        })?,
        None => ("root".to_owned(), String::new()),
    };
    let account = authenticate_clear(&node.group().catalog(), &user, &password, peer)?;
    let mut session = node.session(&user, &peer.to_string());
    session.log_in(&account, &user);
    Ok(session)
}

/// User and password.
fn credentials(header: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_basic_credentials_are_read() {
        let read = |header: &str| credentials(header.as_bytes());
        assert_eq!(read("Basic cm9vdDo="), Some(("root".into(), String::new())));
        assert_eq!(read("basic YW5uOnA6dw=="), Some(("ann".into(), "p:w".into())));
        for wrong in ["Basic", "Basic !", "Bearer cm9vdDo=", "Basic cm9vdA=="] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
