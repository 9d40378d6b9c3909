//! Generates the messages and services, without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(
        ["deltatree/v1/columnar_replica.proto", "deltatree/v1/group_leader.proto", "deltatree/v1/replica.proto"],
        ["proto"],
    )?;
    tonic_prost_build::configure().bytes(".").compile_fds(files)?;
    Ok(())
}
