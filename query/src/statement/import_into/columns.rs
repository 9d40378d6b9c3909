//! Which column of a file goes where.

use deltatree_learner::catalog::TableInfo;

use super::ImportInto;
use crate::error::{Result, SqlError};
use crate::import::{ColumnSource, Input, ParquetInput, Source};
use crate::session::Session;
use crate::statement::insert::column_positions;
use crate::statement::rows::auto_increment_position;

/// What is read of the files, and where each column of the table comes from. Blocks on the files' footers.
pub(super) fn parquet(
    session: &mut Session,
    import: &ImportInto,
    table: &TableInfo,
    inputs: &[Input],
) -> Result<(Source, Vec<ColumnSource>)> {
    let files = inputs.iter().map(ParquetInput::open).collect::<Result<Vec<_>>>()?;
    let names = files.first().map(ParquetInput::columns).unwrap_or_default();
    // Of the first file: column, and where it goes.
    let mut wanted: Vec<(&str, usize)> = Vec::new();
    if import.targets.is_empty() {
        let all: Vec<_> = names.iter().map(String::as_str).collect();
        wanted.extend(all.iter().copied().zip(column_positions(table, &all)?));
    } else {
        if import.targets.len() > names.len() {
            return Err(SqlError::column_count(1));
        }
        let targets = targets(import, table)?;
        wanted.extend(names.iter().zip(targets).filter_map(|(name, to)| Some((name.as_str(), to?))));
    }
    let mut read = Vec::with_capacity(files.len());
    for file in &files {
        let own = file.columns();
        let find = |(name, _): &(&str, usize)| {
            let missing = || SqlError::unknown_column(name, &format!("file '{}'", file.input().name()));
            own.iter().position(|n| n == name).ok_or_else(missing)
        };
        let places = wanted.iter().map(find).collect::<Result<Vec<_>>>()?;
        read.push((file.clone(), places));
    }
    let from = sources(session, table, |position| wanted.iter().position(|(_, to)| *to == position))?;
    Ok((Source::Parquet(read), from))
}

/// The same for text files.
pub(super) fn csv(
    session: &mut Session,
    import: &ImportInto,
    table: &TableInfo,
    inputs: Vec<Input>,
    format: crate::import::CsvFormat,
) -> Result<(Source, Vec<ColumnSource>)> {
    let targets =
        if import.targets.is_empty() { (0..table.columns.len()).map(Some).collect() } else { targets(import, table)? };
    let from = sources(session, table, |position| targets.iter().position(|to| *to == Some(position)))?;
    Ok((Source::Csv(inputs, format, targets.len()), from))
}

/// Positions of the columns that the statement lists.
fn targets(import: &ImportInto, table: &TableInfo) -> Result<Vec<Option<usize>>> {
    let named: Vec<_> = import.targets.iter().flatten().map(String::as_str).collect();
    let mut positions = column_positions(table, &named)?.into_iter();
    Ok(import.targets.iter().map(|target| target.as_ref().and_then(|_| positions.next())).collect())
}

/// By column of the table. `given` tells where a column is in the file.
fn sources(
    session: &mut Session,
    table: &TableInfo,
    given: impl Fn(usize) -> Option<usize>,
) -> Result<Vec<ColumnSource>> {
    let numbered = auto_increment_position(table);
    let sources = table.columns.iter().enumerate().map(|(position, column)| match given(position) {
        at if numbered == Some(position) => Ok(ColumnSource::AutoIncrement(at)),
        Some(at) => Ok(ColumnSource::File(at)),
        None => Ok(ColumnSource::Constant(session.default_value(column, false)?)),
    });
    sources.collect()
}
