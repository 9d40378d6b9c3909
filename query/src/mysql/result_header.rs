//! What clients are told of a result's columns, made once for each schema.
//!
//! A statement that runs again and again gives results of one schema, the same object each time. To
//! describe it anew takes longer than to send a row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::column::write_definition;
use crate::types::text::ColumnFormat;
use crate::types::{MysqlColumn, SessionZone, mysql_column};

/// Schemas remembered at most, all of which are forgotten together.
const MOST: usize = 64;

/// The columns of a result.
pub(crate) struct ResultHeader {
    schema: SchemaRef,
    /// The session's.
    pub(crate) zone: SessionZone,
    /// As clients see them.
    pub(crate) columns: Vec<MysqlColumn>,
    /// How their values are written.
    pub(crate) formats: Vec<ColumnFormat>,
    /// The payloads of the packets that describe them.
    pub(crate) definitions: Vec<Vec<u8>>,
}

impl ResultHeader {
    fn new(schema: SchemaRef, zone: SessionZone) -> Self {
        let columns: Vec<_> = schema.fields().iter().map(|field| mysql_column(field)).collect();
        let formats = schema.fields().iter().map(|field| ColumnFormat::new(field, zone)).collect();
        let definition = |column: &MysqlColumn| {
            let mut payload = Vec::new();
            write_definition(column, &mut payload);
            payload
        };
        let definitions = columns.iter().map(definition).collect();
        Self { schema, zone, columns, formats, definitions }
    }
}

/// The headers of a connection's results.
#[derive(Default)]
pub(crate) struct ResultHeaders {
    /// By the schema's address, which stays taken as long as the header is here.
    headers: HashMap<usize, Arc<ResultHeader>>,
}

impl ResultHeaders {
    /// The header of a schema.
    pub(crate) fn of(&mut self, schema: &SchemaRef, zone: SessionZone) -> Arc<ResultHeader> {
        let address = Arc::as_ptr(schema).addr();
        if let Some(known) = self.headers.get(&address).filter(|known| known.zone == zone) {
            debug_assert!(Arc::ptr_eq(&known.schema, schema));
            return known.clone();
        }
        if self.headers.len() >= MOST {
            self.headers.clear();
        }
        let header = Arc::new(ResultHeader::new(schema.clone(), zone));
        self.headers.insert(address, header.clone());
        header
    }
}
