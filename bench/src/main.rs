//! `deltatree-bench NAME [--quick] [--json]`: every measurement of DeltaTree.

use std::process::ExitCode;

use clap::Parser;
use deltatree_bench::cli::Arguments;

/// That of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("deltatree-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
