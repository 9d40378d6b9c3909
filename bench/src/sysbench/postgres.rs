//! PostgreSQL, if it is installed, as it is configured at first but for memory; each commit is synced.
//!
//! It refuses to run as the superuser, who runs it as the user `postgres` that its package makes.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::subject::{Peer, complete, free_port};

const SHARED_BUFFERS: &str = "1GB";

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    versions.pop().filter(|bin| bin.join("postgres").exists())
}

pub(super) fn missing() -> Option<&'static str> {
    programs().is_none().then_some("postgres (Debian: postgresql)")
}

fn superuser() -> bool {
    // SAFETY: takes and changes nothing.
    unsafe { libc::geteuid() == 0 }
}

fn program(name: &str) -> Command {
    let path = programs().unwrap_or_default().join(name);
    if !superuser() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(path);
    command
}

/// Starts it over an empty directory.
///
/// # Errors
/// When it does not come up.
pub(super) fn start(dir: &Path) -> anyhow::Result<Peer> {
    if superuser() {
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o777))?;
    }
    let data = dir.join("data");
    let mut install = program("initdb");
    install.args(["--auth=trust", "--username=root", "--encoding=UTF8", "--no-sync", "--pgdata"]).arg(&data);
    complete(install)?;
    let port = free_port()?;
    let mut server = program("postgres");
    server.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c"]);
    server.arg(format!("unix_socket_directories={}", dir.display()));
    server.arg("-c").arg(format!("shared_buffers={SHARED_BUFFERS}"));
    server.arg("-p").arg(port.to_string());
    let options = vec![
        "--db-driver=pgsql".into(),
        "--pgsql-host=127.0.0.1".into(),
        format!("--pgsql-port={port}"),
        "--pgsql-user=root".into(),
        "--pgsql-db=sbtest".into(),
    ];
    Peer::start(server, options, || create_database(port))
}

fn create_database(port: u16) -> bool {
    let mut command = program("createdb");
    command.args(["--host=127.0.0.1", "--username=root", "--port"]).arg(port.to_string()).arg("sbtest");
    command.output().is_ok_and(|output| output.status.success())
}
