//! A cluster whose processes speak TLS among themselves, and who is refused by it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use deltatree_bench::server::{Server, ServerCommand};
use deltatree_learner::{PeerLinks, TlsFiles};
use mysql::prelude::Queryable;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::cluster::{Member, PATIENCE, PROGRAM, addresses, await_columns, count, free_ports, leader, numbers};
use crate::common::connect;

/// A CA, and a certificate of it for this host, in files of `dir`.
fn certificates(dir: &Path, name: &str) -> TlsFiles {
    let file = |kind: &str, text: String| -> PathBuf {
        let path = dir.join(format!("{name}.{kind}.pem"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_file = file("ca", ca.self_signed(&ca_key).unwrap().pem());
    let (process, key) = (CertificateParams::new(vec!["127.0.0.1".into()]).unwrap(), KeyPair::generate().unwrap());
    let signed = process.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    TlsFiles { ca: ca_file, cert: file("cert", signed.pem()), key: file("key", key.serialize_pem()) }
}

/// The options for these files.
fn options(files: &TlsFiles) -> Vec<String> {
    let named = [("ca", &files.ca), ("cert", &files.cert), ("key", &files.key)];
    named.iter().flat_map(|(name, file)| [format!("--cluster-ssl-{name}"), file.display().to_string()]).collect()
}

/// A voter that writes its log into a file.
fn voter(dir: &Path, port: u16, voters: &str, files: &TlsFiles) -> Member {
    let log = File::options().create(true).append(true).open(log_file(dir, port)).unwrap();
    Member::start_with("kv", dir, port, voters, &options(files), log.into())
}

fn log_file(dir: &Path, port: u16) -> PathBuf {
    dir.join(format!("{port}.log"))
}

/// Runs `serve` until it ends by itself.
fn ends(dir: &Path, name: &str, more: &[String]) -> Output {
    let ports = ["--port", "0", "--flight-port", "0", "--status-port", "0"];
    let command =
        Command::new(PROGRAM).arg("serve").arg("--data-dir").arg(dir.join(name)).args(ports).args(more).output();
    command.unwrap()
}

/// What it says at its end.
fn refused(dir: &Path, name: &str, more: &[String]) -> String {
    let output = ends(dir, name, more);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_cluster_works_over_tls_and_lets_in_nobody_without_its_certificates() {
    const ROWS: u64 = 500;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let files = certificates(dir, "cluster");
    let links = PeerLinks::secured(&files).unwrap();
    let ports = free_ports::<3>();
    let voters = addresses(&ports);
    let mut members: BTreeMap<_, _> = ports.iter().map(|&port| (port, voter(dir, port, &voters, &files))).collect();
    let [port] = free_ports::<1>();
    let _columnar = Member::start_with("columnar", dir, port, &voters, &options(&files), Stdio::inherit());
    let mut command = ServerCommand::binary(PROGRAM).option("role", "sql").option("join", &voters);
    for (name, file) in [("ca", &files.ca), ("cert", &files.cert), ("key", &files.key)] {
        command = command.option(&format!("cluster-ssl-{name}"), file.display());
    }
    let front_end = Server::start(&command, &dir.join("sql")).unwrap();
    let mut a = connect(&front_end);
    a.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT NOT NULL)").unwrap();
    await_columns(&mut a);
    // Rows past the log go from voter to voter.
    a.query_drop(format!("IMPORT INTO t FROM '{}'", numbers(dir, ROWS))).unwrap();
    a.query_drop("INSERT INTO t VALUES (-1, 1)").unwrap();
    assert_eq!(count(&mut a), ROWS + 1);

    // Whoever has no certificate, or another CA's, finds no leader and says why.
    let join = ["--role", "sql", "--join", &voters].map(str::to_owned);
    let foreign = certificates(dir, "foreign");
    let stolen = TlsFiles { ca: files.ca.clone(), ..foreign.clone() };
    let with = |files: &TlsFiles| [&join[..], &options(files)].concat();
    std::thread::scope(|scope| {
        let plain = scope.spawn(|| refused(dir, "plain", &join));
        let foreign = scope.spawn(|| refused(dir, "foreign", &with(&foreign)));
        let stolen = scope.spawn(|| refused(dir, "stolen", &with(&stolen)));
        let said = plain.join().unwrap();
        assert!(said.contains("no leader of the group was found") && said.contains("it speaks TLS"), "{said}");
        let said = foreign.join().unwrap();
        assert!(said.contains("its certificate was not signed by the CA that this process knows"), "{said}");
        let said = stolen.join().unwrap();
        assert!(said.contains("it does not accept this process's certificate"), "{said}");
        // Once of each voter, and then at the end.
        assert_eq!(said.matches("a process of the cluster cannot be spoken with").count(), 3, "{said}");
    });
    for port in ports {
        let log = std::fs::read_to_string(log_file(dir, port)).unwrap();
        for reason in
            ["it does not speak TLS", "it does not accept this process's certificate", "it shows no certificate"]
        {
            assert_eq!(log.matches(reason).count(), 1, "{reason}, in {log}");
        }
    }

    // The cluster goes on without its leader.
    let dead = leader(&runtime, &voters, &links);
    drop(members.remove(&dead));
    let begun = Instant::now();
    while let Err(e) = a.query_drop("INSERT INTO t VALUES (-2, 1)") {
        assert!(begun.elapsed() < PATIENCE, "{e}");
    }
    assert_eq!(count(&mut a), ROWS + 2);
    drop(a);
    front_end.stop().unwrap();
}

#[test]
fn options_that_cannot_be_used_are_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (files, other) = (certificates(dir, "one"), certificates(dir, "other"));
    let options = options(&files);
    for role in ["kv", "columnar", "sql"] {
        let join = ["--role", role, "--join", "127.0.0.1:1"].map(str::to_owned);
        let half = [&join[..], &options[..4]].concat();
        let said = refused(dir, "half", &half);
        assert!(said.contains("missing: --cluster-ssl-key"), "{role}: {said}");
        let mut wrong = [&join[..], &options].concat();
        *wrong.last_mut().unwrap() = other.key.display().to_string();
        let said = refused(dir, "wrong", &wrong);
        assert!(said.contains("is not that of the certificate"), "{role}: {said}");
        *wrong.last_mut().unwrap() = dir.join("none").display().to_string();
        let said = refused(dir, "wrong", &wrong);
        assert!(said.contains("cannot read this process's private key"), "{role}: {said}");
        assert!(!dir.join("wrong").exists(), "{role} has begun");
    }
    let said = refused(dir, "all", &options);
    assert!(said.contains("are for the roles kv, columnar and sql"), "{said}");
}
