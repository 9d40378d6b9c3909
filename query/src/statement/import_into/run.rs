//! Running `IMPORT INTO`.

use std::sync::Arc;

use super::{ImportInto, columns};
use crate::error::{Result, SqlError};
use crate::import::{self, Format, ImportTask, RunningImport};
use crate::session::{Session, StatementResult};
use crate::statement::parse::name_parts;

/// Ends an import that nobody waits for any more.
struct EndOnDrop(Arc<RunningImport>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Session {
    /// Runs `IMPORT INTO`, and answers with the job as `SHOW IMPORT JOB` does: at its end, or at its beginning
    /// if the statement says `DETACHED`.
    pub(in crate::statement) async fn import_into(&mut self, statement: &ImportInto) -> Result<StatementResult> {
        if self.in_transaction() {
            return Err(SqlError::new(1179, "You are not allowed to execute this command in a transaction"));
        }
        let task = self.import_task(statement)?;
        let started = import::start(&self.node, task).await?;
        if statement.detached {
            return self.show_import_jobs(Some(started.id)).await?.into_result();
        }
        self.importing = Some(started.id);
        let import = started.import.clone();
        let waiting = EndOnDrop(import.clone());
        let ended = started.done.await;
        self.importing = None;
        drop(waiting);
        ended.map_err(|e| SqlError::internal(format!("the import has ended: {e}")))??;
        self.diagnostics.warn(import.warnings());
        self.show_import_jobs(Some(started.id)).await?.into_result()
    }

    /// Finds table and files, and what goes where.
    fn import_task(&mut self, statement: &ImportInto) -> Result<ImportTask> {
        let (database, name) = name_parts(&statement.table);
        let target = self.table(database, name)?;
        if target.import.is_some() {
            return Err(SqlError::importing(&target.name));
        }
        let inputs = tokio::task::block_in_place(|| import::expand(&statement.path))?;
        let source_bytes = inputs.iter().map(|input| input.bytes).sum();
        let (source, columns) = match &statement.format {
            Format::Parquet => tokio::task::block_in_place(|| columns::parquet(self, statement, &target, &inputs))?,
            Format::Csv(format) => columns::csv(self, statement, &target, inputs, format.clone())?,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(ImportTask {
            checks: self.row_checks(&target)?,
            target,
            path: statement.path.clone(),
            source,
            source_bytes,
            columns,
            strict: self.variables.strict(),
            zone: self.time_zone(),
            threads: statement.threads.unwrap_or(cores),
            created_by: format!("{}@{}", self.entry.user(), self.entry.host),
        })
    }

    /// The statement under way was given up: so is the import that it waits for. Returns when it is undone.
    pub(crate) async fn end_import(&mut self) {
        if let Some(id) = self.importing.take() {
            self.node.imports().ended(id).await;
        }
    }
}
