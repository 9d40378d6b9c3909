//! Databases are DataFusion's schemas, in one catalog called `def`, as MySQL calls it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;
use parking_lot::Mutex;

use super::system;
use crate::error::SqlError;
use crate::planner::QueryReads;
use crate::table::HtapTable;

/// The only catalog's name.
pub const CATALOG: &str = "def";

/// What one query sees: the definitions as of its start, each table opened once.
#[derive(Debug)]
pub struct QueryCatalog {
    reads: Arc<QueryReads>,
    opened: Mutex<HashMap<(String, String), Arc<dyn TableProvider>>>,
}

impl QueryCatalog {
    fn new(reads: Arc<QueryReads>) -> Arc<Self> {
        Arc::new(Self { reads, opened: Mutex::default() })
    }

    /// The same, as DataFusion's sessions hold it.
    pub fn list(reads: Arc<QueryReads>) -> Arc<dyn CatalogProviderList> {
        Arc::new(CatalogList(Self::new(reads)))
    }

    fn open(&self, database: &str, table: &str) -> Result<Arc<dyn TableProvider>, SqlError> {
        let name = (database.to_lowercase(), table.to_lowercase());
        if let Some(opened) = self.opened.lock().get(&name) {
            return Ok(Arc::clone(opened));
        }
        let opened = self.find(&name.0, &name.1)?;
        self.opened.lock().insert(name, Arc::clone(&opened));
        Ok(opened)
    }

    fn find(&self, database: &str, table: &str) -> Result<Arc<dyn TableProvider>, SqlError> {
        if let Some(table) = self.reads.catalog().table(database, table) {
            if table.loaded.is_some_and(|at| self.reads.context().ts <= at) {
                return Err(SqlError::definition_changed());
            }
            return Ok(Arc::new(HtapTable::new(Arc::clone(table), Arc::clone(&self.reads))));
        }
        if let Some(table) = system::table(&self.reads, database, table)? {
            return Ok(table);
        }
        if database.is_empty() {
            return Err(SqlError::no_database());
        }
        if self.reads.catalog().database(database).is_none() && !system::is_database(database) {
            return Err(SqlError::unknown_database(database));
        }
        Err(SqlError::unknown_table(database, table))
    }

    fn database_names(&self) -> Vec<String> {
        let stored = self.reads.catalog().databases().map(|d| d.name.to_lowercase());
        let mut names: Vec<_> = stored.chain(system::DATABASES.iter().map(|&name| name.to_owned())).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Names reach [`QueryCatalog`] through three of DataFusion's traits, all served by this handle.
#[derive(Debug)]
struct Database {
    catalog: Arc<QueryCatalog>,
    name: String,
}

/// The list with the one catalog.
#[derive(Debug)]
struct CatalogList(Arc<QueryCatalog>);

impl CatalogProviderList for CatalogList {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(Databases(Arc::clone(&self.0))) as Arc<dyn CatalogProvider>)
    }
}

#[derive(Debug)]
struct Databases(Arc<QueryCatalog>);

impl CatalogProvider for Databases {
    fn schema_names(&self) -> Vec<String> {
        self.0.database_names()
    }

    /// Every name gives a provider: that the database does not exist is said, in MySQL's words, when a
    /// table is looked for.
    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(Database { catalog: Arc::clone(&self.0), name: name.to_owned() }))
    }
}

#[async_trait]
impl SchemaProvider for Database {
    fn table_names(&self) -> Vec<String> {
        let catalog = self.catalog.reads.catalog();
        let Some(database) = catalog.database(&self.name) else { return Vec::new() };
        catalog.tables_of(database.id).map(|t| t.name.to_lowercase()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(Some(self.catalog.open(&self.name, name)?))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.catalog.open(&self.name, name).is_ok()
    }
}
