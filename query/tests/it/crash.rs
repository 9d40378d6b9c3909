//! `kill -9` while connections write: after the restart every acknowledged commit is there, no
//! transaction in part, and both access paths equal the model. The long form is
//! `deltatree-bench crash`.

use deltatree_bench::crash::rounds;
use deltatree_bench::server::ServerCommand;

fn kill(rounds: usize, seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let command = ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree"));
    let mut committed = 0;
    rounds::run(&command, directory.path(), rounds, seed, |round| {
        assert!(round.wrong.is_empty(), "seed {seed}, round {}: {:?}", round.number, round.wrong);
        committed = round.committed;
    })
    .unwrap();
    assert!(committed > 0, "nothing was committed in {rounds} rounds");
}

#[test]
fn acked_write_is_durable() {
    kill(3, 20_261_121);
}

#[test]
#[ignore = "takes minutes"]
fn acked_write_is_durable_over_fifty_kills() {
    kill(50, 50);
}
