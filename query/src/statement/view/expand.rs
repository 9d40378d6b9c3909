//! Queries in the place of views' names.

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, Statement, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins, VisitMut,
};
use deltatree_learner::catalog::{CatalogSnapshot, ViewInfo};

use crate::catalog::system;
use crate::error::{Result, SqlError};
use crate::rewrite::{self, each_table};
use crate::statement::parse::name_parts;
use crate::statement::select_items;

/// How deep views may read views.
const NESTING_LIMIT: usize = 32;

/// Expands the views that a statement reads.
pub(crate) struct ViewUse<'a> {
    catalog: &'a CatalogSnapshot,
    /// The view that names another view last, and so on outwards.
    within: Vec<&'a ViewInfo>,
}

impl<'a> ViewUse<'a> {
    /// With the definitions of this catalog.
    pub(crate) fn new(catalog: &'a CatalogSnapshot) -> Self {
        Self { catalog, within: Vec::new() }
    }

    /// Puts queries in the place of views. Fails with 1356 if a view names a table that does not exist,
    /// and with 1462 if it reads itself.
    pub(crate) fn expand<T: VisitMut>(&mut self, node: &mut T, database: Option<&str>) -> Result<()> {
        if self.catalog.views().next().is_none() {
            return Ok(());
        }
        each_table(node, |factor| self.expand_factor(factor, database))
    }

    fn expand_factor(&mut self, factor: &mut TableFactor, database: Option<&str>) -> Result<()> {
        let TableFactor::Table { name, alias, .. } = factor else { return Ok(()) };
        let (own, table) = name_parts(name);
        let Some(database) = own.or(database) else { return Ok(()) };
        let Some(view) = self.catalog.view(database, table) else {
            return match self.within.last() {
                Some(view) if !exists(self.catalog, database, table) => Err(SqlError::invalid_view(view)),
                Some(_) => {
                    *name = qualified(database, table);
                    Ok(())
                }
                None => Ok(()),
            };
        };
        let alias = alias.take().unwrap_or_else(|| named(table, Vec::new()));
        let query = self.query_of(view)?;
        *factor = derived(query, alias);
        Ok(())
    }

    /// A view's query, with the columns that it had when it was declared.
    fn query_of(&mut self, view: &'a ViewInfo) -> Result<Query> {
        if self.within.len() >= NESTING_LIMIT {
            let message = format!("`{}`.`{}` contains view recursion", view.database, view.name);
            return Err(SqlError::new(1462, message));
        }
        let mut inner = definition(&view.definition)?;
        self.within.push(view);
        let expanded = each_table(&mut inner, |factor| self.expand_factor(factor, view.lookup_database()));
        self.within.pop();
        expanded?;
        let names = view.columns.iter().map(|c| c.name.to_lowercase());
        let listed = if view.columns_listed { names.clone().collect() } else { Vec::new() };
        let relation = derived(inner, named(&view.name, listed));
        let items = names.map(|name| SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('`', name))));
        Ok(select_items(items.collect(), vec![TableWithJoins { relation, joins: Vec::new() }]))
    }
}

/// The query that a text is, such as a view's definition. Fails with 1064, for anything else, too.
pub(crate) fn definition(text: &str) -> Result<Query> {
    let mut statements = rewrite::parse(text)?.into_iter();
    match (statements.next(), statements.next()) {
        (Some(Statement::Query(query)), None) if !matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_)) => {
            Ok(*query)
        }
        _ => Err(SqlError::parse(text, 1)),
    }
}

fn exists(catalog: &CatalogSnapshot, database: &str, table: &str) -> bool {
    let folded = database.to_lowercase();
    catalog.table(database, table).is_some() || system::exists(&folded, &table.to_lowercase())
}

fn derived(query: Query, alias: TableAlias) -> TableFactor {
    TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(alias), sample: None }
}

fn named(name: &str, columns: Vec<String>) -> TableAlias {
    let columns = columns.into_iter().map(|name| {
        let name = Ident::with_quote('`', name);
        TableAliasColumnDef { name, data_type: None }
    });
    TableAlias { explicit: true, name: Ident::with_quote('`', name), columns: columns.collect(), at: None }
}

fn qualified(database: &str, table: &str) -> ObjectName {
    let part = |name: &str| ObjectNamePart::Identifier(Ident::with_quote('`', name));
    ObjectName(vec![part(database), part(table)])
}
