//! How many lineitem-like rows a second one core encodes and decodes.
//!
//! `cargo run --release -p deltatree-learner --example row_codec_speed`

use std::time::Instant;

use anyhow::Result;
use arrow::array::RecordBatch;
use bytes::Bytes;
use deltatree_learner::catalog::{ColumnInfo, PrimaryKey, SqlType, TableInfo};
use deltatree_learner::codec::{RowsToArrow, decode_row, encode_batch, encode_row};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{ColumnId, RowKey, TableId, Value};

const ROWS: usize = 200_000;
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let info = lineitem();
    let rows: Vec<_> = (0..ROWS as i64).map(row).collect();
    let mut encoded = Vec::new();
    measure("encode_row, from values", || {
        encoded = rows
            .iter()
            .map(|row| {
                let mut out = Vec::with_capacity(160);
                encode_row(&info, row, &mut out).map(|()| out)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(())
    })?;
    println!("{:>60.1} bytes a row", encoded.iter().map(Vec::len).sum::<usize>() as f64 / ROWS as f64);

    let all: Vec<_> = (0..info.columns.len()).collect();
    let mut batches = Vec::new();
    measure("RowsToArrow, 16 columns", || {
        batches = to_arrow(&info, &all, &encoded)?;
        Ok(())
    })?;
    measure("RowsToArrow, 4 columns", || to_arrow(&info, &[4, 5, 6, 10], &encoded).map(drop))?;
    measure("decode_row, to values", || {
        for row in &encoded {
            decode_row(&info, &RowKey::Int(0), row)?;
        }
        Ok(())
    })?;
    measure("encode_batch, from Arrow", || {
        for batch in &batches {
            encode_batch(&info, batch, 0)?;
        }
        Ok(())
    })?;
    measure("RowWriter::insert_batch, from Arrow", || {
        let writer = RowWriter::new(&info);
        for batch in &batches {
            writer.insert_batch(batch, 0, &mut Vec::new())?;
        }
        Ok(())
    })
}

/// Prints the best of a few rounds.
fn measure(name: &str, mut run: impl FnMut() -> Result<()>) -> Result<()> {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<40} {:>10.2} M rows/s", ROWS as f64 / best / 1e6);
    Ok(())
}

fn to_arrow(info: &TableInfo, projection: &[usize], rows: &[Vec<u8>]) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for rows in rows.chunks(8192) {
        let mut arrow = RowsToArrow::new(info, projection, rows.len());
        for row in rows {
            arrow.push(row)?;
        }
        batches.push(arrow.finish()?);
    }
    Ok(batches)
}

fn row(i: i64) -> Vec<Value> {
    let mix = |salt: i64| i.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(salt).rotate_left(31) & 0x7fff_ffff;
    let text = |s: &str| Value::Bytes(Bytes::copy_from_slice(s.as_bytes()));
    let comment = "carefully final deposits detect slyly agai";
    vec![
        Value::Int(i / 4 + 1),
        Value::Int(mix(1) % 200_000),
        Value::Int(mix(2) % 10_000),
        Value::Int(i % 4 + 1),
        Value::Decimal((mix(3) % 50 * 100).into()),
        Value::Decimal((mix(4) % 10_000_000).into()),
        Value::Decimal((mix(5) % 11).into()),
        Value::Decimal((mix(6) % 9).into()),
        text(["A", "N", "R"][(mix(7) % 3) as usize]),
        text(["F", "O"][(mix(8) % 2) as usize]),
        Value::Int(8000 + mix(9) % 2500),
        Value::Int(8000 + mix(10) % 2500),
        Value::Int(8000 + mix(11) % 2500),
        text(["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"][(mix(12) % 4) as usize]),
        text(["TRUCK", "MAIL", "REG AIR", "SHIP"][(mix(13) % 4) as usize]),
        text(&comment[..(10 + mix(14) % 33) as usize]),
    ]
}

fn lineitem() -> TableInfo {
    let int = || SqlType::Int { unsigned: false };
    let money = || SqlType::Decimal { precision: 15, scale: 2 };
    let char = |length| SqlType::Char { length };
    let types = vec![
        SqlType::BigInt { unsigned: false },
        int(),
        int(),
        int(),
        money(),
        money(),
        money(),
        money(),
        char(1),
        char(1),
        SqlType::Date,
        SqlType::Date,
        SqlType::Date,
        char(25),
        char(10),
        SqlType::VarChar { length: 44 },
    ];
    let columns = (1..)
        .zip(types)
        .map(|(id, sql_type)| ColumnInfo::new(ColumnId(id), format!("l_{id}"), sql_type, false))
        .collect();
    let primary_key = PrimaryKey::Columns { columns: vec![ColumnId(1), ColumnId(4)] };
    let table = TableInfo::new("tpch", "lineitem", columns, primary_key);
    TableInfo { id: TableId(1), schema_version: 1, ..table }
}
