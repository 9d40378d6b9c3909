//! `ANALYZE TABLE`, and the statements that MySQL has for tables in disrepair.

use datafusion::sql::sqlparser::ast::ObjectName;

use super::parse::name_parts;
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult, TextTable};

const COLUMNS: [&str; 4] = ["Table", "Op", "Msg_type", "Msg_text"];

impl Session {
    /// Collects statistics.
    pub(super) async fn analyze_tables(&mut self, names: &[ObjectName]) -> Result<StatementResult> {
        let mut report = TextTable::new(&COLUMNS);
        for name in names {
            let (database, name) = name_parts(name);
            let table = self.table(database, name)?;
            let done = self.analyze_table(&table).await;
            let label = format!("{}.{}", table.database, table.name);
            match done {
                Ok(()) => report.push_all([&label, "analyze", "status", "OK"]),
                Err(e) => report.push_all([&label, "analyze", "Error", &e.message]),
            }
        }
        report.into_result()
    }

    /// `CHECK`, `OPTIMIZE` and `REPAIR TABLE`: damage is found when it is read, and tables are kept in
    /// shape in the background, so there is nothing to do but to say so.
    pub(super) fn maintain_tables(&self, verb: &str, names: &[ObjectName]) -> Result<StatementResult> {
        let mut report = TextTable::new(&COLUMNS);
        for name in names {
            let (database, name) = name_parts(name);
            let label = format!("{}.{name}", database.or(self.database()).unwrap_or_default());
            match self.table(database, name) {
                Ok(_) => report.push_all([&label, verb, "status", "OK"]),
                Err(SqlError { message, .. }) => report.push_all([&label, verb, "Error", &message]),
            }
        }
        report.into_result()
    }
}
