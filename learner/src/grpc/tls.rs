//! The files that make a process known to the others of its cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};

use super::links::CONNECT;
use super::trouble::deepest;
use crate::error::{Error, Result};

/// Longest wait for a process that has connected to show who it is.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// PEM files of a process. They are read once: new ones count after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the CAs that sign those of the cluster's processes.
    pub ca: PathBuf,
    /// This process's certificate; those between it and the CA may follow.
    pub cert: PathBuf,
    /// The private key of that certificate.
    pub key: PathBuf,
}

/// What was in the files, checked.
pub(super) struct Tls {
    ca: Certificate,
    identity: Identity,
}

impl TlsFiles {
    /// Reads and checks them. Blocks on disk. Errors: `Invalid` says which is wrong and why.
    pub(super) fn load(&self) -> Result<Tls> {
        let ca = read(&self.ca, "the cluster's CA", "CERTIFICATE")?;
        let cert = read(&self.cert, "this process's certificate", "CERTIFICATE")?;
        let key = read(&self.key, "this process's private key", "PRIVATE KEY")?;
        let tls = Tls { ca: Certificate::from_pem(ca), identity: Identity::from_pem(cert, key) };
        // Whoever dials needs the identity alone, so what is wrong with the CA shows in the second step.
        let dialling = ClientTlsConfig::new().identity(tls.identity.clone());
        if let Err(e) = Endpoint::from_static("https://localhost").tls_config(dialling) {
            let (cert, key, reason) = (self.cert.display(), self.key.display(), deepest(&e));
            return Err(Error::Invalid(if reason.contains("KeyMismatch") {
                format!("the private key {key} is not that of the certificate {cert}")
            } else {
                format!("the certificate {cert} cannot be used with the private key {key}: {reason}")
            }));
        }
        if let Err(e) = Server::builder().tls_config(tls.server()) {
            let (ca, reason) = (self.ca.display(), deepest(&e));
            return Err(Error::Invalid(format!("the certificate of the cluster's CA {ca} cannot be used: {reason}")));
        }
        Ok(tls)
    }
}

impl Tls {
    /// For whoever dials. The name to find in the other's certificate is the host that was dialled.
    pub(super) fn client(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new().ca_certificate(self.ca.clone()).identity(self.identity.clone());
        config.timeout(CONNECT)
    }

    /// For whoever listens. A certificate of the CA is asked for.
    pub(super) fn server(&self) -> ServerTlsConfig {
        let config = ServerTlsConfig::new().client_ca_root(self.ca.clone()).identity(self.identity.clone());
        config.timeout(HANDSHAKE)
    }
}

/// A PEM file with at least one section whose name ends with `section`.
fn read(path: &Path, what: &str, section: &str) -> Result<String> {
    let bytes =
        std::fs::read(path).map_err(|e| Error::Invalid(format!("cannot read {what} from {}: {e}", path.display())))?;
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{section}-----"));
    match String::from_utf8(bytes) {
        Ok(text) if text.lines().any(begins) => Ok(text),
        Ok(_) | Err(_) => Err(Error::Invalid(format!("{} holds no PEM of {what}", path.display()))),
    }
}
