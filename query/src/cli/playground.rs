//! `deltatree playground`: a cluster of processes on this machine, to try things out.
//!
//! - [`supervisor`]: starts the processes, watches them, changes their number, and ends them
//! - [`child`]: one of them
//! - [`control`]: how `display`, `scale-out` and `scale-in` reach a playground that runs
//!
//! The words are those of TiUP's playground: a `db` is an SQL front end, a `kv` a voter with rows, a `tiflash`
//! a columnar replica.

mod child;
mod control;
mod supervisor;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use control::Request;

/// Options of `deltatree playground`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PlaygroundArgs {
    #[command(subcommand)]
    command: Option<Control>,
    #[command(flatten)]
    start: StartArgs,
}

/// A cluster to start.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartArgs {
    /// SQL front ends
    #[arg(long, default_value_t = 1)]
    db: usize,
    /// Voters, which hold rows
    #[arg(long, default_value_t = 1)]
    kv: usize,
    /// Columnar replicas
    #[arg(long, default_value_t = 1)]
    tiflash: usize,
    /// Port of the first front end's MySQL protocol; a free one if it is taken
    #[arg(long, default_value_t = 4000)]
    port: u16,
    /// Directory for data and logs, kept at the end [default: one of its own, removed at the end]
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// What can be asked of a playground that runs.
#[derive(Clone, Debug, Subcommand)]
enum Control {
    /// List the processes
    Display(Where),
    /// Start more processes
    ScaleOut(ScaleOutArgs),
    /// End a process for good
    ScaleIn(ScaleInArgs),
}

/// Which playground.
#[derive(Clone, Debug, Args)]
struct Where {
    /// Its directory, if it was given one
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// Options of `scale-out`.
#[derive(Clone, Debug, Args)]
struct ScaleOutArgs {
    /// More SQL front ends
    #[arg(long, default_value_t = 0)]
    db: usize,
    /// More voters
    #[arg(long, default_value_t = 0)]
    kv: usize,
    /// More columnar replicas
    #[arg(long, default_value_t = 0)]
    tiflash: usize,
    #[command(flatten)]
    at: Where,
}

/// Options of `scale-in`.
#[derive(Clone, Debug, Args)]
struct ScaleInArgs {
    /// The process, as `display` shows it
    #[arg(long)]
    pid: u32,
    #[command(flatten)]
    at: Where,
}

/// Where a playground is that was given no directory.
fn default_dir() -> PathBuf {
    std::env::temp_dir().join("deltatree-playground")
}

/// Starts a playground and runs it until SIGTERM or SIGINT, or asks a running one. An error is one
/// sentence.
pub async fn run(args: &PlaygroundArgs) -> Result<(), String> {
    let (at, request) = match &args.command {
        None => return supervisor::run(&args.start).await,
        Some(Control::Display(at)) => (at, Request::Display),
        Some(Control::ScaleOut(more)) => {
            (&more.at, Request::ScaleOut { db: more.db, kv: more.kv, tiflash: more.tiflash })
        }
        Some(Control::ScaleIn(one)) => (&one.at, Request::ScaleIn { pid: one.pid }),
    };
    let dir = at.data_dir.clone().unwrap_or_else(default_dir);
    print!("{}", control::ask(&dir, &request).await?);
    Ok(())
}
