//! How results are printed.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::ipc::writer::StreamWriter;
use comfy_table::{Cell, CellAlignment, Table, presets};

use super::Format;
use super::backend::Outcome;
use crate::types::text::{ColumnFormat, TextColumn};
use crate::types::{SessionZone, mysql_column};

/// Rows as text: header, then cells.
type Text = (Vec<String>, Vec<Vec<Option<String>>>);

/// Prints a result. `elapsed` is shown to people, not to programs.
pub(super) fn print(outcome: &Outcome, format: Format, elapsed: Option<Duration>) -> Result<(), String> {
    let stdout = std::io::stdout();
    let mut out = std::io::BufWriter::new(stdout.lock());
    let printed = match outcome {
        Outcome::Rows(batches) => match format {
            Format::Table => text_of(batches).and_then(|text| table(&mut out, &text)),
            Format::Csv => text_of(batches).and_then(|text| csv(&mut out, &text)),
            Format::Json => text_of(batches).and_then(|text| json(&mut out, batches, &text)),
            Format::Arrow => arrow(&mut out, batches),
        },
        Outcome::Changed(..) => Ok(()),
    };
    printed?;
    if let Some(elapsed) = elapsed {
        let what = match outcome {
            Outcome::Rows(batches) => {
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                format!("{rows} row{} in set", if rows == 1 { "" } else { "s" })
            }
            Outcome::Changed(affected, info) if info.is_empty() => format!("Query OK, {affected} rows affected"),
            Outcome::Changed(affected, info) => format!("Query OK, {affected} rows affected; {info}"),
        };
        writeln!(out, "{what} ({:.3} s)", elapsed.as_secs_f64()).map_err(gone)?;
    }
    out.flush().map_err(gone)
}

fn gone(e: std::io::Error) -> String {
    format!("cannot write to standard output: {e}")
}

fn text_of(batches: &[RecordBatch]) -> Result<Text, String> {
    let Some(first) = batches.first() else { return Ok((Vec::new(), Vec::new())) };
    let schema = first.schema();
    let names = schema.fields().iter().map(|field| mysql_column(field).name).collect();
    let formats: Vec<_> = schema.fields().iter().map(|f| ColumnFormat::new(f, SessionZone::UTC)).collect();
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().zip(&formats).map(|(array, format)| TextColumn::new(array, format));
        let columns: Vec<_> = columns.collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| {
                (!column.is_null(row)).then(|| {
                    let mut text = Vec::new();
                    column.write(row, &mut text);
                    String::from_utf8_lossy(&text).into_owned()
                })
            });
            rows.push(cells.collect());
        }
    }
    Ok((names, rows))
}

fn table(out: &mut impl Write, (names, rows): &Text) -> Result<(), String> {
    if !std::io::stdout().is_terminal() && rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).load_preset("||--+-++|    ++++++");
    table.set_header(names);
    for row in rows {
        table.add_row(row.iter().map(|cell| {
            let cell = cell.as_deref().unwrap_or("NULL");
            let number = cell.parse::<f64>().is_ok();
            Cell::new(cell).set_alignment(if number { CellAlignment::Right } else { CellAlignment::Left })
        }));
    }
    writeln!(out, "{table}").map_err(gone)
}

fn csv(out: &mut impl Write, (names, rows): &Text) -> Result<(), String> {
    let quoted = |cell: &str| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    };
    writeln!(out, "{}", names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(",")).map_err(gone)?;
    for row in rows {
        let line: Vec<_> = row.iter().map(|cell| quoted(cell.as_deref().unwrap_or(""))).collect();
        writeln!(out, "{}", line.join(",")).map_err(gone)?;
    }
    Ok(())
}

/// Numbers stay numbers where JSON's have the room; decimals and everything else are strings.
fn json(out: &mut impl Write, batches: &[RecordBatch], (names, rows): &Text) -> Result<(), String> {
    let schema = batches.first().map(RecordBatch::schema);
    let numeric: Vec<bool> = schema
        .iter()
        .flat_map(|s| s.fields())
        .map(|f| f.data_type().is_integer() || f.data_type().is_floating())
        .collect();
    for row in rows {
        let mut object = serde_json::Map::new();
        for ((name, cell), numeric) in names.iter().zip(row).zip(&numeric) {
            let value = match cell {
                None => serde_json::Value::Null,
                Some(text) if *numeric => {
                    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.clone()))
                }
                Some(text) => serde_json::Value::String(text.clone()),
            };
            object.insert(name.clone(), value);
        }
        writeln!(out, "{}", serde_json::Value::Object(object)).map_err(gone)?;
    }
    Ok(())
}

fn arrow(out: &mut impl Write, batches: &[RecordBatch]) -> Result<(), String> {
    let Some(first) = batches.first() else { return Ok(()) };
    let mut writer = StreamWriter::try_new(out, &first.schema()).map_err(|e| e.to_string())?;
    for batch in batches {
        writer.write(batch).map_err(|e| e.to_string())?;
    }
    writer.finish().map_err(|e| e.to_string())
}
