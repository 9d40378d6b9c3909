//! Looking at imports, and ending them.

use chrono::DateTime;

use crate::error::{Result, SqlError};
use crate::import::{self, ImportJob, Status};
use crate::session::{Session, TextTable};

const COLUMNS: [&str; 13] = [
    "Job_ID",
    "Data_Source",
    "Target_Table",
    "Table_ID",
    "Phase",
    "Status",
    "Source_File_Size",
    "Imported_Rows",
    "Result_Message",
    "Create_Time",
    "Start_Time",
    "End_Time",
    "Created_By",
];

impl Session {
    /// `SHOW IMPORT JOBS`, or `SHOW IMPORT JOB id`: all that this account may see.
    pub(in crate::statement) async fn show_import_jobs(&self, id: Option<u64>) -> Result<TextTable> {
        let group = self.node.group();
        let jobs = match id {
            Some(id) => vec![import::find(group, id).await?],
            None => import::list(group).await?,
        };
        let mut table = TextTable::new(&COLUMNS);
        for number in ["Job_ID", "Table_ID", "Imported_Rows"] {
            table = table.number(number);
        }
        let own = format!("{}@", self.entry.user());
        let all = self.is_unrestricted() || self.needs_global(deltatree_learner::catalog::Privilege::Super).is_ok();
        for job in jobs.into_iter().filter(|job| all || job.created_by.starts_with(&own)) {
            table.push(self.import_cells(job));
        }
        Ok(table)
    }

    fn import_cells(&self, job: ImportJob) -> [Option<String>; 13] {
        let here = self.node.imports().get(job.id).filter(|_| job.status == Status::Running);
        let (rows, phase) = here.map_or((job.rows, job.phase), |import| (import.rows(), import.phase().to_owned()));
        let time = |ms: u64| {
            let utc = DateTime::from_timestamp_millis(i64::try_from(ms).ok()?)?;
            let local = self.time_zone().local_from_utc(utc.timestamp_micros());
            Some(DateTime::from_timestamp_micros(local)?.format("%Y-%m-%d %H:%M:%S").to_string())
        };
        [
            Some(job.id.to_string()),
            Some(job.source),
            Some(job.target),
            Some(job.table_id.to_string()),
            Some(phase),
            Some(job.status.name().to_owned()),
            Some(readable(job.source_bytes)),
            Some(rows.to_string()),
            Some(job.message),
            time(job.started_ms),
            time(job.started_ms),
            job.ended_ms.and_then(time),
            Some(job.created_by),
        ]
    }

    /// `CANCEL IMPORT JOB`. Returns when the import has been told; it is undone soon after. Fails with 8170 if
    /// there is none of that id, and with 8171 if it has ended.
    pub(in crate::statement) async fn cancel_import(&self, id: u64) -> Result<()> {
        let job = import::update(self.node.group(), id, |job| job.cancel = true).await?;
        if job.status != Status::Running {
            let text = format!("The current job status cannot perform the operation. {}", job.status.name());
            return Err(SqlError::new(8171, text));
        }
        if let Some(import) = self.node.imports().get(id) {
            import.cancel();
            self.node.imports().ended(id).await;
        }
        Ok(())
    }
}

/// As TiDB shows sizes: `1.5GiB`.
fn readable(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut size = bytes as f64;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 || size >= 100.0 { 0 } else { 1 };
    format!("{size:.digits$}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn sizes_are_short() {
        let shown: Vec<_> = [0, 1023, 1024, 300 << 20, 3 << 29].into_iter().map(readable).collect();
        assert_eq!(shown, ["0B", "1023B", "1.0KiB", "300MiB", "1.5GiB"]);
    }
}
