//! Statements that a client has prepared on its connection.

use std::collections::HashMap;

use super::connection::malformed;
use super::packet::Fields;
use super::params::BoundParameters;
use crate::error::{Result, SqlError};
use crate::statement::ParsedStatement;
use crate::types::Datum;

/// Statements that one connection may hold.
const MAX_STATEMENTS: usize = 16_382;

/// The prepared statements of a connection, by the id that the client uses.
#[derive(Default)]
pub(crate) struct PreparedStatements {
    last_id: u32,
    statements: HashMap<u32, (ParsedStatement, BoundParameters)>,
}

impl PreparedStatements {
    /// Keeps a statement. Returns its id and how many parameters it takes. Fails with 1390 or 1461
    /// beyond the limits.
    pub(crate) fn add(&mut self, statement: ParsedStatement) -> Result<(u32, usize)> {
        let parameters = statement.parameters;
        if parameters > usize::from(u16::MAX) {
            return Err(SqlError::new(1390, "Prepared statement contains too many placeholders"));
        }
        if self.statements.len() >= MAX_STATEMENTS {
            let message = format!("Can't create more than max_prepared_stmt_count statements ({MAX_STATEMENTS})");
            return Err(SqlError::new(1461, message));
        }
        self.last_id = self.last_id.wrapping_add(1);
        self.statements.insert(self.last_id, (statement, BoundParameters::default()));
        Ok((self.last_id, parameters))
    }

    /// The statement that an execution names, with its parameters. Fails with 1243 if there is none
    /// of that id, 1835 on malformed bytes.
    pub(crate) fn bind(&mut self, body: &[u8]) -> Result<(&ParsedStatement, Vec<Datum>)> {
        let mut fields = Fields(body);
        let id = fields.u32().ok_or_else(malformed)?;
        // Cursor flags and the iteration count, which is always 1: whole results are sent.
        fields.take(5).ok_or_else(malformed)?;
        let (statement, bound) = self.statements.get_mut(&id).ok_or_else(|| unknown(id, "mysqld_stmt_execute"))?;
        let parameters = bound.decode(fields.0, statement.parameters).ok_or_else(malformed)?;
        bound.reset();
        Ok((statement, parameters))
    }

    /// Adds a piece to a long parameter. What names no statement, or is too long, is dropped: the
    /// protocol has no answer to it, and the execution will fail for want of the value.
    pub(crate) fn append(&mut self, body: &[u8], limit: usize) {
        let mut fields = Fields(body);
        let (Some(id), Some(position)) = (fields.u32(), fields.u16()) else { return };
        if let Some((_, bound)) = self.statements.get_mut(&id) {
            bound.append(position, fields.0, limit);
        }
    }

    /// Drops the long parameters of a statement. Fails with 1243 if there is none of that id.
    pub(crate) fn reset(&mut self, body: &[u8]) -> Result<()> {
        let id = Fields(body).u32().ok_or_else(malformed)?;
        let (_, bound) = self.statements.get_mut(&id).ok_or_else(|| unknown(id, "mysqld_stmt_reset"))?;
        bound.reset();
        Ok(())
    }

    /// Forgets a statement.
    pub(crate) fn close(&mut self, body: &[u8]) {
        if let Some(id) = Fields(body).u32() {
            self.statements.remove(&id);
        }
    }
}

fn unknown(id: u32, what: &str) -> SqlError {
    SqlError::new(1243, format!("Unknown prepared statement handler ({id}) given to {what}"))
}
