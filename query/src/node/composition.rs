//! A node: sessions and queries over a leader group, which is in this process, on one data directory, or in
//! others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deltatree_learner::{GroupConfig, LeaderGroup, PeerLinks, RemoteGroupConfig};

use super::connections::Connections;
use super::orphans;
use super::runtimes::QueryRuntimes;
use crate::error::{Result, SqlError};
use crate::import::{self, Imports};
use crate::planner::{EngineConfig, QueryEngine};
use crate::session::{GlobalVariables, Session, VariableValue, go_duration};
use crate::statement;

/// Databases that every node has.
const DATABASES: [&str; 2] = ["mysql", "test"];
/// How long shutdown waits for statements under way.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
const DRAIN_PAUSE: Duration = Duration::from_millis(10);

/// How a node is set up.
#[derive(Clone)]
pub struct NodeConfig {
    /// Where everything is kept. Created if absent; locked while open.
    pub data_dir: PathBuf,
    /// Threads for short queries, and as many for long ones.
    pub query_threads: usize,
    /// The leader group's knobs.
    pub group: GroupConfig,
    /// Voters of a group in other processes, `host:port`. If there are none the group is in this one.
    pub join: Vec<String>,
    /// The way to them.
    pub links: PeerLinks,
}

impl NodeConfig {
    /// The defaults, in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        let query_threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            group: GroupConfig::new(&data_dir),
            data_dir,
            query_threads,
            join: Vec::new(),
            links: PeerLinks::default(),
        }
    }
}

async fn open_group(group: GroupConfig, join: Vec<String>, links: PeerLinks) -> Result<LeaderGroup> {
    if join.is_empty() {
        return Ok(LeaderGroup::open(group).await?);
    }
    let remote = RemoteGroupConfig { addresses: join, txn_bytes_limit: group.txn_bytes_limit, links };
    Ok(LeaderGroup::connect(remote).await?)
}

/// A running node.
pub struct Node {
    group: LeaderGroup,
    engine: QueryEngine,
    globals: GlobalVariables,
    connections: Arc<Connections>,
    runtimes: QueryRuntimes,
    imports: Imports,
    import_dir: PathBuf,
    started: Instant,
}

impl Node {
    /// Opens or creates a data directory and starts on it.
    ///
    /// Fails with a sentence for the operator if the directory is in use, cannot be written or is
    /// damaged. Must be called within a tokio runtime.
    pub async fn open(config: NodeConfig) -> Result<Arc<Self>> {
        let data_dir = config.data_dir.display().to_string();
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|e| SqlError::internal(format!("cannot create data directory {data_dir}: {e}")))?;
        let runtimes = QueryRuntimes::start(config.query_threads)
            .map_err(|e| SqlError::internal(format!("cannot start threads: {e}")))?;
        let alone = config.join.is_empty();
        let gc_life = config.group.gc_life;
        let group = open_group(config.group, config.join, config.links).await?;
        // What an import had there in an earlier life is of no use.
        let import_dir = config.data_dir.join("import");
        if let Err(e) = std::fs::remove_dir_all(&import_dir)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(dir = %import_dir.display(), error = %e, "cannot remove what an import has left");
        }
        let connections = Arc::new(Connections::default());
        let listed = connections.clone();
        let engine_config = EngineConfig::new(config.data_dir.join("spill"));
        let engine = QueryEngine::new(group.clone(), &engine_config, Arc::new(move || listed.processes()))?;
        let globals = GlobalVariables::default();
        globals.describe("datadir", VariableValue::Text(data_dir));
        let definitions = group.clone();
        globals.ask("tidb_gc_life_time", move || {
            let life = definitions.catalog().gc_life().unwrap_or(gc_life);
            VariableValue::Text(go_duration::shown(life))
        });
        let node = Arc::new(Self {
            group,
            engine,
            globals,
            connections,
            runtimes,
            imports: Imports::default(),
            import_dir,
            started: Instant::now(),
        });
        if alone {
            import::abandon_all(&node.group).await?;
            statement::forget_all(&node.group).await?;
        }
        node.runtimes.analytics().spawn(orphans::watch(Arc::downgrade(&node), alone));
        node.create_databases().await?;
        node.create_root().await?;
        Ok(node)
    }

    /// A group without any account could be used by nobody: `root` gets one, without a password.
    async fn create_root(self: &Arc<Self>) -> Result<()> {
        if self.group.catalog().accounts().next().is_some() {
            return Ok(());
        }
        let mut session = self.session("root", "localhost");
        session.execute("CREATE USER IF NOT EXISTS 'root'@'%'").await?;
        session.execute("GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION").await?;
        Ok(())
    }

    async fn create_databases(self: &Arc<Self>) -> Result<()> {
        let missing = |name: &&'static str| self.group.catalog().database(name).is_none();
        if !DATABASES.iter().any(missing) {
            return Ok(());
        }
        let mut session = self.session("root", "localhost");
        for name in DATABASES {
            session.execute(&format!("CREATE DATABASE IF NOT EXISTS {name}")).await?;
        }
        Ok(())
    }

    /// A new session of the node's own, which may do everything, with no database selected.
    pub fn session(self: &Arc<Self>, user: &str, host: &str) -> Session {
        Session::new(self.clone(), user, host)
    }

    /// Ends the connections once their statements are done, or after ten seconds, and flushes. The data
    /// directory is free afterwards.
    pub async fn shutdown(&self) -> Result<()> {
        self.connections.kill_all();
        self.imports.cancel_all(DRAIN_TIMEOUT).await;
        let end = Instant::now() + DRAIN_TIMEOUT;
        while self.connections.len() > 0 && Instant::now() < end {
            tokio::time::sleep(DRAIN_PAUSE).await;
        }
        Ok(self.group.shutdown().await?)
    }

    /// The leader group.
    pub fn group(&self) -> &LeaderGroup {
        &self.group
    }

    /// The query engine.
    pub fn engine(&self) -> &QueryEngine {
        &self.engine
    }

    /// Time since the node opened.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tells clients which port `@@port` is.
    pub(crate) fn announce_port(&self, port: u16) {
        self.globals.describe("port", VariableValue::Int(port.into()));
    }

    /// Where queries run.
    pub(crate) fn runtimes(&self) -> &QueryRuntimes {
        &self.runtimes
    }

    /// The imports that run here.
    pub(crate) fn imports(&self) -> &Imports {
        &self.imports
    }

    /// Where imports spill.
    pub(crate) fn import_dir(&self) -> &Path {
        &self.import_dir
    }

    /// Global variables.
    pub(crate) fn globals(&self) -> &GlobalVariables {
        &self.globals
    }

    /// Who is connected.
    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The one-line status that the protocol's `COM_STATISTICS` asks for.
    pub(crate) fn statistics_line(&self) -> String {
        let status = self.group.status();
        format!(
            "Uptime: {}  Threads: {}  Commits: {}  Log syncs: {}",
            self.uptime().as_secs(),
            self.connections.len(),
            status.commits,
            status.log_syncs
        )
    }
}
