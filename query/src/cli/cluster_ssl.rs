//! The options by which the processes of a cluster speak TLS among themselves, in TiDB's words.

use std::path::PathBuf;

use clap::Args;
use deltatree_learner::{PeerLinks, TlsFiles};

use crate::error::{Result, SqlError};

/// All three or none, in every process of a cluster.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ClusterSslArgs {
    /// PEM file of the CA that signs the certificates of the cluster's processes: they speak TLS with one another
    #[arg(long, value_name = "PEM")]
    cluster_ssl_ca: Option<PathBuf>,
    /// PEM file of this process's certificate, for the host under which the others reach it
    #[arg(long, value_name = "PEM")]
    cluster_ssl_cert: Option<PathBuf>,
    /// PEM file of that certificate's private key
    #[arg(long, value_name = "PEM")]
    cluster_ssl_key: Option<PathBuf>,
}

impl ClusterSslArgs {
    /// Each option with its value.
    fn all(&self) -> [(&'static str, Option<&PathBuf>); 3] {
        [
            ("--cluster-ssl-ca", self.cluster_ssl_ca.as_ref()),
            ("--cluster-ssl-cert", self.cluster_ssl_cert.as_ref()),
            ("--cluster-ssl-key", self.cluster_ssl_key.as_ref()),
        ]
    }

    /// Whether any was given.
    pub(super) fn are_given(&self) -> bool {
        self.all().iter().any(|(_, file)| file.is_some())
    }

    /// The way to the other processes: in plain text if none was given. Blocks on disk. Fails if one is missing,
    /// or a file cannot be used.
    pub(super) fn links(&self) -> Result<PeerLinks> {
        let (ca, cert, key) = match (&self.cluster_ssl_ca, &self.cluster_ssl_cert, &self.cluster_ssl_key) {
            (None, None, None) => return Ok(PeerLinks::default()),
            (Some(ca), Some(cert), Some(key)) => (ca.clone(), cert.clone(), key.clone()),
            _ => {
                let absent = self.all().into_iter().filter(|(_, file)| file.is_none()).map(|(name, _)| name);
                return Err(SqlError::internal(format!(
                    "TLS between the processes of a cluster takes --cluster-ssl-ca, --cluster-ssl-cert and \
                     --cluster-ssl-key; missing: {}",
                    absent.collect::<Vec<_>>().join(", ")
                )));
            }
        };
        Ok(PeerLinks::secured(&TlsFiles { ca, cert, key })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_are_not_enough() {
        let none = ClusterSslArgs::default();
        assert!(!none.are_given() && none.links().is_ok());
        let ca = ClusterSslArgs { cluster_ssl_ca: Some("ca.pem".into()), ..none };
        assert!(ca.are_given());
        let said = ca.links().err().unwrap().to_string();
        assert!(said.ends_with("missing: --cluster-ssl-cert, --cluster-ssl-key"), "{said}");
        let two = ClusterSslArgs { cluster_ssl_key: Some("key.pem".into()), ..ca };
        let said = two.links().err().unwrap().to_string();
        assert!(said.ends_with("missing: --cluster-ssl-cert"), "{said}");
    }
}
