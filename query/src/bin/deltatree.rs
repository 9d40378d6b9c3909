//! The `deltatree` command.

fn main() -> std::process::ExitCode {
    deltatree_query::cli::main()
}
