//! How fast the leader group commits, loads, reads and keeps its columns fresh, on this machine.
//!
//! `cargo run --release -p deltatree-learner --example commit_speed`

use std::time::{Duration, Instant};

use bytes::Bytes;
use deltatree_learner::{GroupConfig, LeaderGroup, TxnOptions};

async fn single_commits(g: &LeaderGroup, clients: u32, time: Duration) {
    let before = g.status();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let g = g.clone();
            tokio::spawn(async move {
                let mut commits = 0u32;
                while begun.elapsed() < time {
                    let mut txn = g.begin(TxnOptions::optimistic()).await?;
                    let key = format!("s{client:04}-{commits:08}");
                    txn.put(key.into(), Bytes::from_static(&[0; 100]))?;
                    txn.commit().await?;
                    commits += 1;
                }
                Ok::<_, deltatree_learner::Error>(commits)
            })
        })
        .collect();
    let mut commits = 0;
    for task in tasks {
        commits += task.await.map(|c| c.unwrap_or(0)).unwrap_or(0);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let syncs = g.status().log_syncs - before.log_syncs;
    println!(
        "{clients:4} clients: {:8.0} commits/s, {:6.1} commits a sync",
        f64::from(commits) / seconds,
        f64::from(commits) / syncs.max(1) as f64
    );
}

async fn bulk_load(g: &LeaderGroup, rows: u64) -> deltatree_learner::Result<()> {
    const COMMIT_ROWS: u64 = 20_000;
    const ROW_BYTES: usize = 120;
    let begun = Instant::now();
    for first in (0..rows).step_by(COMMIT_ROWS as usize) {
        let mut txn = g.begin(TxnOptions::optimistic()).await?;
        let mut buffer = Vec::with_capacity(COMMIT_ROWS as usize * (ROW_BYTES + 12));
        for n in first..first + COMMIT_ROWS {
            buffer.extend_from_slice(b"load");
            buffer.extend_from_slice(&n.to_be_bytes());
            buffer.resize(buffer.len() + ROW_BYTES, n as u8);
        }
        let mut buffer = Bytes::from(buffer);
        for _ in 0..COMMIT_ROWS {
            let mut row = buffer.split_to(12 + ROW_BYTES);
            let key = row.split_to(12);
            txn.insert(key, row)?;
        }
        txn.commit().await?;
    }
    println!("bulk load: {:8.0} rows/s", rows as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}

fn reads(g: &LeaderGroup, rows: u64, ts: deltatree_storage::types::Timestamp) -> deltatree_learner::Result<()> {
    const GETS: u64 = 200_000;
    let reader = g.reader();
    let begun = Instant::now();
    let mut found = 0;
    let mut n = 1u64;
    for _ in 0..GETS {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = [b"load".as_slice(), &((n >> 20) % rows).to_be_bytes()].concat();
        found += u64::from(reader.get(&key, ts)?.is_some());
    }
    println!("point get: {:8.2} µs ({found} found)", begun.elapsed().as_secs_f64() * 1e6 / GETS as f64);
    let begun = Instant::now();
    let mut bytes = 0;
    let mut count = 0u64;
    for row in reader.scan(Bytes::from_static(b"load"), Bytes::from_static(b"loae"), ts, false) {
        bytes += row?.value().len();
        count += 1;
    }
    println!(
        "scan: {:8.2} million rows/s ({count} rows, {bytes} bytes)",
        count as f64 / begun.elapsed().as_secs_f64() / 1e6
    );
    Ok(())
}

async fn begin_and_gate(g: &LeaderGroup) -> deltatree_learner::Result<()> {
    const TIMES: u32 = 2_000;
    let begun = Instant::now();
    for _ in 0..TIMES {
        drop(g.begin(TxnOptions::optimistic()).await?);
    }
    println!("begin: {:8.2} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES));
    let mut waited = Duration::ZERO;
    for n in 0..TIMES {
        let mut txn = g.begin(TxnOptions::optimistic()).await?;
        txn.put(format!("g{n}").into(), Bytes::from_static(b"v"))?;
        txn.commit().await?;
        let ts = g.timestamp().await?;
        waited += g.read_gate(ts, Duration::from_secs(10)).await?.waited;
    }
    println!("gate right after a commit: {:8.1} µs", waited.as_secs_f64() * 1e6 / f64::from(TIMES));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    const ROWS: u64 = 1_000_000;
    let dir = std::env::temp_dir().join(format!("deltatree-commit-speed-{}", std::process::id()));
    let g = LeaderGroup::open(GroupConfig::new(&dir)).await?;
    for clients in [1, 8, 64, 256] {
        single_commits(&g, clients, Duration::from_secs(3)).await;
    }
    bulk_load(&g, ROWS).await?;
    reads(&g, ROWS, g.timestamp().await?)?;
    begin_and_gate(&g).await?;
    g.shutdown().await?;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
