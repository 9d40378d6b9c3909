//! What a statement leaves behind for the next one to ask: warnings and counters.

use crate::error::SqlError;

/// Warnings kept of one statement.
const MAX_WARNINGS: usize = 1024;

/// How bad a condition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Nothing is wrong, but the user may want to know.
    Note,
    /// A value was changed to fit.
    Warning,
    /// The statement failed.
    Error,
}

impl Level {
    /// As `SHOW WARNINGS` prints it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

/// Conditions and counters of the last statement.
#[derive(Default)]
pub(crate) struct Diagnostics {
    conditions: Vec<(Level, SqlError)>,
    /// `ROW_COUNT()`: −1 after a query.
    pub(crate) row_count: i64,
    /// `FOUND_ROWS()`.
    pub(crate) found_rows: u64,
    /// `LAST_INSERT_ID()`.
    pub(crate) last_insert_id: u64,
}

impl Diagnostics {
    /// Forgets the conditions: a new statement begins.
    pub(crate) fn clear(&mut self) {
        self.conditions.clear();
    }

    /// Notes a condition.
    pub(crate) fn add(&mut self, level: Level, condition: SqlError) {
        if self.conditions.len() < MAX_WARNINGS {
            self.conditions.push((level, condition));
        }
    }

    /// Notes values that were changed to fit.
    pub(crate) fn warn(&mut self, conditions: Vec<SqlError>) {
        for condition in conditions {
            self.add(Level::Warning, condition);
        }
    }

    /// All conditions, oldest first.
    pub(crate) fn conditions(&self) -> &[(Level, SqlError)] {
        &self.conditions
    }

    /// How many there are, as the protocol reports it.
    pub(crate) fn count(&self) -> u16 {
        u16::try_from(self.conditions.len()).unwrap_or(u16::MAX)
    }
}

impl super::Session {
    /// Notes what `IF EXISTS` and `IF NOT EXISTS` let pass.
    pub(crate) fn note(&mut self, condition: SqlError) {
        self.diagnostics.add(Level::Note, condition);
    }
}
