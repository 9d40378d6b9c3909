//! All definitions as of one moment, in memory.
//!
//! Immutable: a schema change makes a new snapshot that shares what it did not touch. Only the newest
//! definition of a table is kept, even while older log entries may be replayed, because rows name
//! their columns by id ([`crate::codec::decode_row`]): the newest definition reads rows of every
//! earlier one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::types::TableId;

use super::meta_key::{MetaKey, decode, decode_u64};
use super::{AccountInfo, CatalogError, DatabaseInfo, TableInfo, ViewInfo};

/// Databases, tables, views and accounts. Names are looked up without regard to case.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    version: u64,
    next_id: u64,
    databases: BTreeMap<u64, Arc<DatabaseInfo>>,
    tables: BTreeMap<TableId, Arc<TableInfo>>,
    database_names: BTreeMap<String, u64>,
    table_names: BTreeMap<(u64, String), TableId>,
    views: BTreeMap<u64, Arc<ViewInfo>>,
    view_names: BTreeMap<(u64, String), u64>,
    accounts: BTreeMap<u64, Arc<AccountInfo>>,
    gc_life_ms: Option<u64>,
}

impl CatalogSnapshot {
    /// Reads all definitions from the keys and values of [`crate::codec::meta_range`], in any order.
    ///
    /// # Errors
    /// If a definition is damaged.
    pub fn load<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, CatalogError> {
        let mut snapshot = Self::default();
        for (key, value) in entries {
            snapshot.change(key.as_ref(), Some(value.as_ref()))?;
        }
        snapshot.index_names();
        Ok(snapshot)
    }

    /// The snapshot after the mutations of one commit (`None` deletes). Keys that are no definitions
    /// are passed over. Returns `None` if there was none among them.
    ///
    /// # Errors
    /// If a definition is damaged.
    pub fn apply<'a>(
        &self,
        mutations: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<Option<Self>, CatalogError> {
        let mut changed = None;
        for (key, value) in mutations {
            if MetaKey::parse(key).is_some() {
                changed.get_or_insert_with(|| self.clone()).change(key, value)?;
            }
        }
        if let Some(snapshot) = &mut changed {
            snapshot.index_names();
        }
        Ok(changed)
    }

    fn change(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), CatalogError> {
        match (MetaKey::parse(key), value) {
            (Some(MetaKey::Database(id)), Some(value)) => {
                self.databases.insert(id, Arc::new(decode("database", id, value)?));
            }
            (Some(MetaKey::Database(id)), None) => {
                self.databases.remove(&id);
            }
            (Some(MetaKey::Table(id)), Some(value)) => {
                self.tables.insert(id, Arc::new(decode("table", id.0, value)?));
            }
            (Some(MetaKey::Table(id)), None) => {
                self.tables.remove(&id);
            }
            (Some(MetaKey::View(id)), Some(value)) => {
                self.views.insert(id, Arc::new(decode("view", id, value)?));
            }
            (Some(MetaKey::View(id)), None) => {
                self.views.remove(&id);
            }
            (Some(MetaKey::Account(id)), Some(value)) => {
                self.accounts.insert(id, Arc::new(decode("account", id, value)?));
            }
            (Some(MetaKey::Account(id)), None) => {
                self.accounts.remove(&id);
            }
            (Some(MetaKey::NextId), value) => {
                self.next_id = value.map_or(Ok(0), |v| decode_u64("the id counter", v))?
            }
            (Some(MetaKey::SchemaVersion), value) => {
                self.version = value.map_or(Ok(0), |v| decode_u64("the schema version", v))?;
            }
            (Some(MetaKey::GcLife), value) => {
                self.gc_life_ms = value.map(|v| decode_u64("the GC life time", v)).transpose()?;
            }
            (None, _) => {}
        }
        Ok(())
    }

    fn index_names(&mut self) {
        self.database_names = self.databases.values().map(|d| (folded(&d.name), d.id)).collect();
        self.table_names = self.tables.values().map(|t| ((t.database_id, folded(&t.name)), t.id)).collect();
        self.view_names = self.views.values().map(|v| ((v.database_id, folded(&v.name)), v.id)).collect();
    }

    /// Number of schema changes so far: equal versions of one cluster are equal snapshots.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How long overwritten versions stay readable, if the group was told. See [`super::set_gc_life`].
    pub fn gc_life(&self) -> Option<Duration> {
        self.gc_life_ms.map(Duration::from_millis)
    }

    /// Smallest id never used. Ids start at 1.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id.max(1)
    }

    /// Whether an id was a table's, or an import's hidden one, and is not any more. One that was not yet handed
    /// out is not gone.
    pub(crate) fn is_gone(&self, table: TableId) -> bool {
        let hidden = |t: &Arc<TableInfo>| t.import.is_some_and(|lock| lock.staging == table);
        table.0 < self.next_id && !self.tables.contains_key(&table) && !self.tables.values().any(hidden)
    }

    /// A database by name.
    pub fn database(&self, name: &str) -> Option<&Arc<DatabaseInfo>> {
        self.databases.get(self.database_names.get(&folded(name))?)
    }

    /// All databases, by id.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseInfo>> {
        self.databases.values()
    }

    /// A database by id.
    pub fn database_by_id(&self, id: u64) -> Option<&Arc<DatabaseInfo>> {
        self.databases.get(&id)
    }

    /// A table by the names of its database and itself.
    pub fn table(&self, database: &str, name: &str) -> Option<&Arc<TableInfo>> {
        self.table_in(self.database(database)?.id, name)
    }

    /// A table of a database by name.
    pub fn table_in(&self, database: u64, name: &str) -> Option<&Arc<TableInfo>> {
        self.tables.get(self.table_names.get(&(database, folded(name)))?)
    }

    /// A table by id.
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<TableInfo>> {
        self.tables.get(&id)
    }

    /// All tables of a database, by folded name.
    pub fn tables_of(&self, database: u64) -> impl Iterator<Item = &Arc<TableInfo>> {
        self.table_names
            .range((database, String::new())..)
            .take_while(move |((id, _), _)| *id == database)
            .filter_map(|(_, table)| self.tables.get(table))
    }

    /// All tables, by id.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableInfo>> {
        self.tables.values()
    }

    /// A view by the names of its database and itself.
    pub fn view(&self, database: &str, name: &str) -> Option<&Arc<ViewInfo>> {
        if self.views.is_empty() {
            return None;
        }
        self.view_in(self.database(database)?.id, name)
    }

    /// A view of a database by name.
    pub fn view_in(&self, database: u64, name: &str) -> Option<&Arc<ViewInfo>> {
        self.views.get(self.view_names.get(&(database, folded(name)))?)
    }

    /// All views of a database, by folded name.
    pub fn views_of(&self, database: u64) -> impl Iterator<Item = &Arc<ViewInfo>> {
        self.view_names
            .range((database, String::new())..)
            .take_while(move |((id, _), _)| *id == database)
            .filter_map(|(_, view)| self.views.get(view))
    }

    /// All views, by id.
    pub fn views(&self) -> impl Iterator<Item = &Arc<ViewInfo>> {
        self.views.values()
    }

    /// An account by its exact names; the host's in lower case.
    pub fn account(&self, user: &str, host: &str) -> Option<&Arc<AccountInfo>> {
        self.accounts.values().find(|a| a.user == user && a.host == host)
    }

    /// An account by id.
    pub fn account_by_id(&self, id: u64) -> Option<&Arc<AccountInfo>> {
        self.accounts.get(&id)
    }

    /// All accounts and roles, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<AccountInfo>> {
        self.accounts.values()
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase()
}
