//! Where the shell's statements run.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use mysql::prelude::Queryable;
use tokio::runtime::Handle;

use crate::node::{Node, NodeConfig};
use crate::session::{Session, StatementResult};

/// What a statement gave.
pub(super) enum Outcome {
    /// Rows: at least one batch, maybe empty.
    Rows(Vec<RecordBatch>),
    /// Rows changed, and a sentence.
    Changed(u64, String),
}

/// What the shell does with each result.
type OnOutcome<'a> = dyn FnMut(Outcome) -> Result<(), String> + 'a;

/// Something that runs statements.
pub(super) trait Backend {
    /// Runs statements and hands over the result of each; stops at the first error.
    fn run(&mut self, sql: &str, on_outcome: &mut OnOutcome<'_>) -> Result<(), String>;

    /// Ends it in good order.
    fn close(&mut self) -> Result<(), String>;
}

/// A node in this process.
pub(super) struct Embedded {
    runtime: Handle,
    node: Arc<Node>,
    session: Option<Session>,
    /// Removed at the end, if the shell made it.
    _temporary: Option<tempfile::TempDir>,
}

impl Embedded {
    /// Opens a data directory, a temporary one if none is given.
    pub(super) fn open(data_dir: Option<PathBuf>, database: &str, runtime: &Handle) -> Result<Self, String> {
        let (data_dir, temporary) = match data_dir {
            Some(data_dir) => (data_dir, None),
            None => {
                let temporary = tempfile::tempdir().map_err(|e| format!("cannot create a temporary directory: {e}"))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let opened = runtime.block_on(async {
            let node = Node::open(NodeConfig::new(data_dir)).await?;
            let mut session = node.session("root", "localhost");
            session.use_database(database).await?;
            Ok::<_, crate::error::SqlError>((node, session))
        });
        let (node, session) = opened.map_err(|e| e.to_string())?;
        Ok(Self { runtime: runtime.clone(), node, session: Some(session), _temporary: temporary })
    }
}

impl Backend for Embedded {
    fn run(&mut self, sql: &str, on_outcome: &mut OnOutcome<'_>) -> Result<(), String> {
        let session = self.session.as_mut().ok_or("the shell is closed")?;
        for statement in session.parse(sql).map_err(|e| describe(&e))? {
            let outcome = self.runtime.block_on(async {
                match session.run(&statement, &[]).await? {
                    StatementResult::Ok(done) => Ok(Outcome::Changed(done.affected, done.info)),
                    rows @ StatementResult::Rows(_) => rows.collect().await.map(Outcome::Rows),
                }
            });
            on_outcome(outcome.map_err(|e| describe(&e))?)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        self.session = None;
        self.runtime.block_on(self.node.shutdown()).map_err(|e| e.to_string())
    }
}

fn describe(e: &crate::error::SqlError) -> String {
    format!("ERROR {} ({}): {}", e.code, e.state, e.message)
}

/// A server.
pub(super) struct Remote(mysql::Conn);

impl Remote {
    /// Connects to `HOST:PORT`.
    pub(super) fn connect(address: &str, database: &str) -> Result<Self, String> {
        let (host, port) = address.rsplit_once(':').ok_or_else(|| format!("{address} is not HOST:PORT"))?;
        let port: u16 = port.parse().map_err(|_| format!("{port} is not a port"))?;
        let options = mysql::OptsBuilder::new()
            .ip_or_hostname(Some(host))
            .tcp_port(port)
            .user(Some("root"))
            .db_name(Some(database))
            .additional_capabilities(mysql::consts::CapabilityFlags::CLIENT_MULTI_STATEMENTS);
        mysql::Conn::new(options).map(Self).map_err(|e| format!("cannot connect to {address}: {e}"))
    }
}

impl Backend for Remote {
    fn run(&mut self, sql: &str, on_outcome: &mut OnOutcome<'_>) -> Result<(), String> {
        let mut results = self.0.query_iter(sql).map_err(|e| e.to_string())?;
        while let Some(result) = results.iter() {
            let names: Vec<_> = result.columns().as_ref().iter().map(|c| c.name_str().into_owned()).collect();
            if names.is_empty() {
                on_outcome(Outcome::Changed(result.affected_rows(), result.info_str().into_owned()))?;
                continue;
            }
            let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
            for row in result {
                let row = row.map_err(|e| e.to_string())?;
                for (cells, value) in columns.iter_mut().zip(row.unwrap()) {
                    cells.push(text(value));
                }
            }
            on_outcome(Outcome::Rows(vec![batch(&names, columns)?]))?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// Values arrive as text but for NULL.
fn text(value: mysql::Value) -> Option<String> {
    match value {
        mysql::Value::NULL => None,
        mysql::Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    }
}

fn batch(names: &[String], columns: Vec<Vec<Option<String>>>) -> Result<RecordBatch, String> {
    let fields: Vec<_> = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let arrays = columns.into_iter().map(|cells| Arc::new(StringArray::from(cells)) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| e.to_string())
}
