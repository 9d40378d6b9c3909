//! Who is refused, and what is said of it on either side.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use deltatree_proto::v1::TimestampRequest;
use deltatree_proto::v1::group_leader_client::GroupLeaderClient;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tonic::service::Routes;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use super::trouble::Trouble;
use super::{PeerLinks, TlsFiles};

/// Signs certificates, and keeps all in files.
struct Ca {
    dir: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(dir.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { dir, issuer: Issuer::new(params, key) }
    }

    /// The files of a process that is reached at `host`.
    fn sign(&self, host: &str) -> TlsFiles {
        self.sign_until(host, 4000)
    }

    /// The same, good until a year.
    fn sign_until(&self, host: &str, year: i32) -> TlsFiles {
        let at = |kind: &str| self.dir.path().join(format!("{host}.{kind}.pem"));
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(at("cert"), cert.pem()).unwrap();
        std::fs::write(at("key"), key.serialize_pem()).unwrap();
        TlsFiles { ca: self.dir.path().join("ca.pem"), cert: at("cert"), key: at("key") }
    }

    fn links(&self, host: &str) -> PeerLinks {
        PeerLinks::secured(&self.sign(host)).unwrap()
    }
}

/// A server that knows no method: whoever is told so has reached it.
async fn listen(links: &PeerLinks) -> SocketAddr {
    links.serve(([127, 0, 0, 1], 0).into(), Routes::default()).await.unwrap()
}

async fn ask(channel: Channel) -> Status {
    GroupLeaderClient::new(channel).get_timestamp(TimestampRequest {}).await.unwrap_err()
}

/// The trouble that `client` has with `server`.
async fn trouble(client: &PeerLinks, server: &PeerLinks) -> String {
    let address = listen(server).await.to_string();
    let status = ask(client.channel(&address).unwrap()).await;
    assert_ne!(status.code(), Code::Unimplemented, "it was not refused");
    client.why(&address, &status)
}

/// What `server` says of who came. It says so when the connection ends, which may be after the client knows.
async fn refusal(server: &PeerLinks) -> String {
    let begun = Instant::now();
    loop {
        if let Some(said) = server.refusals().pop() {
            return said;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing was said");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn processes_of_one_ca_understand_each_other() {
    let ca = Ca::new();
    let (one, two) = (ca.links("127.0.0.1"), ca.links("127.0.0.1"));
    let address = listen(&one).await.to_string();
    let status = ask(two.channel(&address).unwrap()).await;
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    // A name is verified as an address is.
    let named = ca.links("localhost");
    let port = listen(&named).await.port();
    let status = ask(two.channel(&format!("localhost:{port}")).unwrap()).await;
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    assert!(one.refusals().is_empty() && named.refusals().is_empty());
}

#[tokio::test]
async fn plain_text_and_tls_do_not_mix() {
    let (ca, plain) = (Ca::new(), PeerLinks::default());
    let secured = ca.links("127.0.0.1");
    let said = trouble(&plain, &secured).await;
    assert!(said.starts_with("it speaks TLS, and this process has no certificate"), "{said}");
    assert_eq!(refusal(&secured).await, "it does not speak TLS");
    let said = trouble(&secured, &plain).await;
    assert!(said.starts_with("it does not speak TLS"), "{said}");
}

#[tokio::test]
async fn whoever_shows_no_certificate_is_refused() {
    let ca = Ca::new();
    let server = ca.links("127.0.0.1");
    let address = listen(&server).await;
    let pem = std::fs::read(ca.dir.path().join("ca.pem")).unwrap();
    let anonymous = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap().tls_config(anonymous).unwrap();
    let status = ask(endpoint.connect_lazy()).await;
    let said = Trouble::of(&status, true);
    assert!(said.lasts && said.reason.starts_with("it asks for a certificate"), "{said:?}");
    assert!(refusal(&server).await.starts_with("it shows no certificate"));
}

#[tokio::test]
async fn whoever_another_ca_signed_is_refused_by_both_sides() {
    let (ca, other) = (Ca::new(), Ca::new());
    let server = ca.links("127.0.0.1");
    let said = trouble(&other.links("127.0.0.1"), &server).await;
    assert!(said.starts_with("its certificate was not signed by the CA"), "{said}");
    assert_eq!(refusal(&server).await, "it does not accept this process's certificate, or gave up");

    // One that knows the right CA, but is not of it.
    let files = TlsFiles { ca: ca.dir.path().join("ca.pem"), ..other.sign("127.0.0.1") };
    let server = ca.links("127.0.0.1");
    let said = trouble(&PeerLinks::secured(&files).unwrap(), &server).await;
    assert!(said.starts_with("it does not accept this process's certificate"), "{said}");
    assert!(refusal(&server).await.starts_with("it shows no certificate, or none that was signed by the CA"));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let ca = Ca::new();
    let said = trouble(&ca.links("127.0.0.1"), &ca.links("10.0.0.1")).await;
    assert!(said.starts_with("its certificate is for other hosts than the one that was dialled"), "{said}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused() {
    let ca = Ca::new();
    let good = ca.links("127.0.0.1");
    let old = PeerLinks::secured(&ca.sign_until("127.0.0.1", 2020)).unwrap();
    let said = trouble(&good, &old).await;
    assert!(said.starts_with("its certificate has expired"), "{said}");
    let said = trouble(&old, &good).await;
    assert!(said.starts_with("this process's certificate has expired"), "{said}");
}

#[test]
fn what_another_process_says_is_no_trouble_of_the_connection() {
    let said = Trouble::of(&Status::internal("fatal alert: frame with invalid size"), true);
    assert!(!said.lasts && said.reason == "fatal alert: frame with invalid size", "{said:?}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let ca = Ca::new();
    let good = ca.sign("127.0.0.1");
    let fails = |files: TlsFiles| PeerLinks::secured(&files).err().unwrap().to_string();
    let says = |files: TlsFiles, words: &str, path: &Path| {
        let said = fails(files);
        assert!(said.contains(words) && said.contains(&*path.to_string_lossy()), "{said}");
    };
    let none = ca.dir.path().join("none.pem");
    says(TlsFiles { ca: none.clone(), ..good.clone() }, "cannot read the cluster's CA from", &none);
    says(TlsFiles { key: none.clone(), ..good.clone() }, "cannot read this process's private key from", &none);
    let text = ca.dir.path().join("text.pem");
    std::fs::write(&text, "no PEM").unwrap();
    says(TlsFiles { ca: text.clone(), ..good.clone() }, "holds no PEM of the cluster's CA", &text);
    says(TlsFiles { cert: text.clone(), ..good.clone() }, "holds no PEM of this process's certificate", &text);
    says(TlsFiles { cert: good.key.clone(), ..good.clone() }, "holds no PEM of this process's certificate", &good.key);
    let other = ca.sign("127.0.0.2");
    says(TlsFiles { key: other.key.clone(), ..good.clone() }, "is not that of the certificate", &other.key);
    // A section that is none.
    std::fs::write(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    says(TlsFiles { cert: text.clone(), ..good.clone() }, "cannot be used with the private key", &text);
    says(TlsFiles { ca: text.clone(), ..good.clone() }, "the certificate of the cluster's CA", &text);
    std::fs::write(&text, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    says(TlsFiles { key: text.clone(), ..good }, "cannot be used with the private key", &text);
}

#[test]
fn the_same_is_said_once_of_each() {
    let told = super::trouble::Told::default();
    assert!(told.is_news("a", "x"));
    assert!(!told.is_news("a", "x"));
    assert!(told.is_news("b", "x"));
    assert!(told.is_news("a", "y"));
    assert!(!told.is_news("a", "x") && !told.is_news("a", "y"), "two may come from one address, in turns");
    (0..5000).for_each(|n| assert!(told.is_news(&n.to_string(), "x")));
    assert!(told.all().len() <= 1024, "strangers do not fill the memory");
}
