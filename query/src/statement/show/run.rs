//! Answering `SHOW` statements.

use arrow::array::RecordBatch;

use super::{Show, What, filter};
use crate::error::Result;
use crate::session::{Session, StatementResult, TextTable, rows_of};

impl Session {
    /// Answers a `SHOW` or `DESCRIBE`.
    pub(crate) async fn show(&mut self, show: &Show) -> Result<StatementResult> {
        let answer = self.answer(&show.what).await?;
        let rows = filter::apply(show.filter.as_ref(), answer).await?;
        Ok(StatementResult::Rows(rows_of(rows.schema(), vec![rows])))
    }

    async fn answer(&mut self, what: &What) -> Result<RecordBatch> {
        match what {
            What::Databases => self.show_databases().into_batch(),
            What::Tables { full, database } => self.show_tables(database.as_deref(), *full).await,
            What::TableStatus { database } => self.show_table_status(database.as_deref())?.into_batch(),
            What::Columns { full, table, database } => self.show_columns(table, database.as_deref(), *full).await,
            What::Index { table, database } => self.show_index(table, database.as_deref())?.into_batch(),
            What::CreateTable(table) => self.show_create_table(table)?.into_batch(),
            What::CreateDatabase { name, if_not_exists } => {
                self.show_create_database(name, *if_not_exists)?.into_batch()
            }
            What::Variables { global } => {
                let mut table = TextTable::new(&["Variable_name", "Value"]);
                for (name, value) in self.variables.list(*global) {
                    table.push_all([name, &value]);
                }
                table.into_batch()
            }
            What::Status => self.show_status().into_batch(),
            What::Conditions { errors_only } => self.show_conditions(*errors_only).into_batch(),
            What::CountConditions { errors_only } => {
                let name = if *errors_only { "@@session.error_count" } else { "@@session.warning_count" };
                let count = self.show_conditions(*errors_only).len();
                let mut table = TextTable::new(&[name]).number(name);
                table.push_all([&count.to_string()]);
                table.into_batch()
            }
            What::ProcessList { full } => self.show_process_list(*full).into_batch(),
            What::Grants(name) => self.show_grants(name)?.into_batch(),
            What::Engines => super::server::engines().into_batch(),
            What::Collation => super::server::collations().into_batch(),
            What::CharacterSet => super::server::character_sets().into_batch(),
            What::Plugins => super::server::plugins().into_batch(),
            What::Privileges => super::server::privileges().into_batch(),
            What::ImportJobs(job) => self.show_import_jobs(*job).await?.into_batch(),
            What::Nothing(columns) => TextTable::new(columns).into_batch(),
        }
    }
}
