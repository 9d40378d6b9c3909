//! Running `LOAD DATA`.
//!
//! The file is read piece by piece. Outside a transaction its rows are committed in batches, so that a
//! file may be larger than what a transaction may hold: if the statement fails, the batches before stay.

use std::ops::ControlFlow;

use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{Expr, Value as AstValue, VisitMut, VisitorMut};
use deltatree_learner::catalog::TableInfo;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::fields::{Field, RowReader};
use super::{FieldTarget, LoadData, OnDuplicate};
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session};
use crate::statement::conflict::OnConflict;
use crate::statement::dispatch::{MAX_RETRIES, lost_race};
use crate::statement::insert::{InsertTarget, column_positions};
use crate::statement::parse::name_parts;
use crate::statement::target::Target;
use crate::types::Datum;

/// Rows, and bytes, after which a transaction is committed.
const BATCH_ROWS: usize = 10_000;
const BATCH_BYTES: usize = 8 << 20;
/// How much of a file of the server's is read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Where the file comes from.
enum Source {
    Client(mpsc::Receiver<Bytes>),
    Server(tokio::fs::File),
}

impl Source {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Client(pieces) => Ok(pieces.recv().await),
            Self::Server(file) => {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                let read = file.take(PIECE_BYTES as u64).read_to_end(&mut piece).await;
                read.map_err(|e| SqlError::new(1024, format!("Error reading file: {e}")))?;
                Ok((!piece.is_empty()).then(|| piece.into()))
            }
        }
    }
}

/// What a statement has loaded so far.
#[derive(Default)]
struct Loaded {
    records: u64,
    affected: u64,
}

impl Session {
    /// Runs `LOAD DATA`.
    pub(in crate::statement) async fn load_data(&mut self, load: &LoadData) -> Result<Completion> {
        let mut source = self.source(load).await?;
        let mut reader = RowReader::new(load.format.clone());
        let mut to_skip = load.skipped_lines;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut loaded = Loaded::default();
        loop {
            let piece = source.next().await?;
            match &piece {
                Some(piece) => reader.push(piece),
                None => reader.end(),
            }
            while to_skip > 0 && reader.skip_line() {
                to_skip -= 1;
                if piece.is_none() {
                    to_skip = 0;
                }
            }
            while to_skip == 0
                && let Some(row) = reader.next_row()
            {
                bytes += row.iter().flatten().map(Vec::len).sum::<usize>();
                batch.push(row);
                if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
                    self.load_batch(load, &batch, &mut loaded).await?;
                    batch.clear();
                    bytes = 0;
                }
            }
            if piece.is_none() {
                break;
            }
        }
        if !batch.is_empty() {
            self.load_batch(load, &batch, &mut loaded).await?;
        }
        let skipped = loaded.records.saturating_sub(loaded.affected);
        let (records, warnings) = (loaded.records, self.diagnostics.count());
        Ok(Completion {
            info: format!("Records: {records}  Deleted: 0  Skipped: {skipped}  Warnings: {warnings}"),
            ..Completion::affected(loaded.affected)
        })
    }

    async fn source(&mut self, load: &LoadData) -> Result<Source> {
        if load.local {
            let pieces = self.infile.take();
            return pieces.map(Source::Client).ok_or_else(SqlError::local_infile_disabled);
        }
        match tokio::fs::File::open(&load.file).await {
            Ok(file) => Ok(Source::Server(file)),
            Err(e) => Err(SqlError::new(29, format!("File '{}' not found ({e})", load.file))),
        }
    }

    /// Writes a batch, in a transaction of its own unless one is open.
    async fn load_batch(&mut self, load: &LoadData, rows: &[Vec<Field>], loaded: &mut Loaded) -> Result<()> {
        let mut retries = 0;
        let affected = loop {
            self.open_for_statement(retries > 0).await?;
            let own = self.transaction.as_ref().is_some_and(|t| t.of_statement);
            let result = self.write_batch(load, rows, loaded.records).await;
            if !own {
                break result?;
            }
            match self.end_own_transaction(result).await {
                Err(e) if lost_race(&e) && retries < MAX_RETRIES => retries += 1,
                result => break result?,
            }
        };
        loaded.records += rows.len() as u64;
        loaded.affected += affected;
        Ok(())
    }

    async fn write_batch(&mut self, load: &LoadData, rows: &[Vec<Field>], before: u64) -> Result<u64> {
        let (database, name) = name_parts(&load.table);
        let table = self.table(database, name)?;
        let plan = Plan::new(load, &table)?;
        let lenient = load.on_duplicate != OnDuplicate::Fail;
        let mut exprs = Vec::with_capacity(rows.len());
        for (number, row) in (before + 1..).zip(rows) {
            let wrong = match row.len().cmp(&plan.fields) {
                // A line end after a field end is the one case in which the last field is no field.
                std::cmp::Ordering::Less => Some((1261, "doesn't contain data for all columns")),
                std::cmp::Ordering::Greater => {
                    Some((1262, "was truncated; it contained more data than there were input columns"))
                }
                std::cmp::Ordering::Equal => None,
            };
            if let Some((code, what)) = wrong {
                let e = SqlError::new(code, format!("Row {number} {what}"));
                if self.variables.strict() && !lenient {
                    return Err(e);
                }
                self.diagnostics.warn(vec![e]);
            }
            exprs.push(plan.values(row));
        }
        let target = Target { name: table.name.clone(), table };
        let into = InsertTarget { target, positions: plan.positions };
        self.use_schema(&into.target)?;
        let on_conflict = match load.on_duplicate {
            OnDuplicate::Fail => OnConflict::Fail,
            OnDuplicate::Ignore => OnConflict::Ignore,
            OnDuplicate::Replace => OnConflict::Replace,
        };
        let exprs: Vec<&[Expr]> = exprs.iter().map(Vec::as_slice).collect();
        let completion = self.insert_rows(&into, &exprs, lenient, on_conflict).await?;
        Ok(completion.affected)
    }
}

/// How the fields of a line become a row's values.
struct Plan<'a> {
    load: &'a LoadData,
    targets: Vec<FieldTarget>,
    /// How many fields a line should have.
    fields: usize,
    /// Positions of the columns that get a value: those of fields, then those of `SET`.
    positions: Vec<usize>,
}

impl<'a> Plan<'a> {
    fn new(load: &'a LoadData, table: &TableInfo) -> Result<Self> {
        let targets = if load.targets.is_empty() {
            table.columns.iter().map(|c| FieldTarget::Column(c.name.clone())).collect()
        } else {
            load.targets.clone()
        };
        let columns = targets.iter().filter_map(|target| match target {
            FieldTarget::Column(name) if !is_set(load, name) => Some(name.as_str()),
            FieldTarget::Column(_) | FieldTarget::Variable(_) => None,
        });
        let names: Vec<_> = columns.chain(load.set.iter().map(|(name, _)| name.as_str())).collect();
        let positions = column_positions(table, &names)?;
        Ok(Self { load, fields: targets.len(), targets, positions })
    }

    /// The values of a line, in the order of `positions`.
    fn values(&self, row: &[Field]) -> Vec<Expr> {
        let mut values = Vec::with_capacity(self.positions.len());
        for (i, target) in self.targets.iter().enumerate() {
            if let FieldTarget::Column(name) = target
                && !is_set(self.load, name)
            {
                values.push(row.get(i).map_or_else(default, literal));
            }
        }
        for (_, expr) in &self.load.set {
            let mut expr = expr.clone();
            let _ = expr.visit(&mut Substitute { targets: &self.targets, row });
            values.push(expr);
        }
        values
    }
}

/// Whether `SET` gives the column its value, whatever its field says.
fn is_set(load: &LoadData, column: &str) -> bool {
    load.set.iter().any(|(name, _)| name.eq_ignore_ascii_case(column))
}

fn literal(field: &Field) -> Expr {
    match field {
        None => Expr::Value(AstValue::Null.into()),
        Some(bytes) => match String::from_utf8(bytes.clone()) {
            Ok(text) => Datum::Text(text).to_ast(),
            Err(e) => Datum::Bytes(e.into_bytes().into()).to_ast(),
        },
    }
}

fn default() -> Expr {
    Expr::Identifier(datafusion::sql::sqlparser::ast::Ident::new("DEFAULT"))
}

/// A line's fields in the place of columns and variables.
struct Substitute<'a> {
    targets: &'a [FieldTarget],
    row: &'a [Field],
}

impl VisitorMut for Substitute<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Identifier(ident) = expr else { return ControlFlow::Continue(()) };
        let variable = ident.value.strip_prefix('@');
        let found = self.targets.iter().position(|target| match (target, variable) {
            (FieldTarget::Variable(name), Some(variable)) => name.eq_ignore_ascii_case(variable),
            (FieldTarget::Column(name), None) => name.eq_ignore_ascii_case(&ident.value),
            _ => false,
        });
        if let Some(i) = found {
            *expr = literal(self.row.get(i).unwrap_or(&None));
        }
        ControlFlow::Continue(())
    }
}
