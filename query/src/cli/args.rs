//! What can be written after `deltatree`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use super::{demo, inspect, playground, serve, sql};

/// Analytics on data that is still changing, over the MySQL protocol.
#[derive(Debug, Parser)]
#[command(name = "deltatree", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Generate TPC-H, load it, answer its 22 queries, and show freshness live
    Demo(demo::DemoArgs),
    /// Run the server
    Serve(serve::ServeArgs),
    /// Open a shell, embedded or on a server
    Sql(sql::SqlArgs),
    /// Run a cluster of processes on this machine, or change one that runs
    Playground(playground::PlaygroundArgs),
    /// Look into the data directory of a stopped server, without changing it
    Inspect(inspect::InspectArgs),
}

/// Runs the command line. An error is one sentence on stderr and exit status 1.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("DELTATREE_LOG").unwrap_or_else(|_| EnvFilter::new("warn,openraft=error")),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("protocol").build() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&format!("cannot start threads: {e}")),
    };
    let done = match cli.command {
        Command::Demo(args) => runtime.block_on(demo::run(&args)).map_err(|e| e.to_string()),
        Command::Serve(args) => runtime.block_on(serve::run(&args)).map_err(|e| e.to_string()),
        Command::Sql(args) => sql::run(&args, runtime.handle()),
        Command::Playground(args) => runtime.block_on(playground::run(&args)),
        Command::Inspect(args) => inspect::run(&args),
    };
    // Threads that still wait for something, such as a terminal, must not hold up the exit.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("deltatree: {message}");
    ExitCode::FAILURE
}
