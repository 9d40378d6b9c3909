//! `deltatree sql`: the shell.
//!
//! - [`backend`]: an embedded node or a server
//! - [`format`](self::format): how results are printed
//! - [`prompt`]: reading statements from a terminal

mod backend;
mod format;
mod prompt;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use tokio::runtime::Handle;

use backend::{Backend, Embedded, Remote};

/// Options of `deltatree sql`.
#[derive(Clone, Debug, Args)]
pub struct SqlArgs {
    /// Open this data directory in this process; without it and --connect, a temporary one
    #[arg(long, conflicts_with = "connect")]
    pub data_dir: Option<PathBuf>,
    /// Connect to a server, HOST:PORT
    #[arg(long)]
    pub connect: Option<String>,
    /// Run these statements and leave
    #[arg(short, long)]
    pub execute: Option<String>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Database to start in
    #[arg(long, default_value = "test")]
    pub database: String,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table with borders
    Table,
    /// Comma-separated values with a header line
    Csv,
    /// One JSON object a row
    Json,
    /// An Arrow IPC stream
    Arrow,
}

/// Runs the shell on the calling thread. An error is one sentence.
pub fn run(args: &SqlArgs, runtime: &Handle) -> Result<(), String> {
    let mut backend: Box<dyn Backend> = match &args.connect {
        Some(address) => Box::new(Remote::connect(address, &args.database)?),
        None => Box::new(Embedded::open(args.data_dir.clone(), &args.database, runtime)?),
    };
    let done = match &args.execute {
        Some(sql) => execute(&mut *backend, sql, args.format),
        None if std::io::stdin().is_terminal() => interactive(&mut *backend, args.format),
        None => {
            let mut sql = String::new();
            std::io::stdin().read_to_string(&mut sql).map_err(|e| format!("cannot read standard input: {e}"))?;
            execute(&mut *backend, &sql, args.format)
        }
    };
    let closed = backend.close();
    done.and(closed)
}

fn execute(backend: &mut dyn Backend, sql: &str, format: Format) -> Result<(), String> {
    backend.run(sql, &mut |outcome| format::print(&outcome, format, None))
}

fn interactive(backend: &mut dyn Backend, format: Format) -> Result<(), String> {
    let mut prompt = prompt::Prompt::new()?;
    while let Some(sql) = prompt.statement()? {
        let mut start = Instant::now();
        let run = backend.run(&sql, &mut |outcome| {
            let printed = format::print(&outcome, format, Some(start.elapsed()));
            start = Instant::now();
            printed
        });
        // A failed statement does not end the shell.
        if let Err(message) = run {
            eprintln!("{message}");
        }
    }
    Ok(())
}
