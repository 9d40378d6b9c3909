//! `DELETE`, of one table or of several.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{self, FromTable, TableWithJoins};
use deltatree_learner::table_write::RowWriter;

use super::parse::name_parts;
use super::select::{restrict, select_items};
use super::target::Target;
use super::update::order_and_limit;
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session};

impl Session {
    /// Runs a `DELETE` in the open transaction.
    pub(crate) async fn delete(&mut self, delete: &ast::Delete) -> Result<Completion> {
        if let Some(completion) = self.keyed_delete(delete).await? {
            return Ok(completion);
        }
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let mut affected = 0;
        // `DELETE FROM a, b USING joins`: the tables of FROM lose rows that the joins find.
        let (source, targets) = match &delete.using {
            Some(using) => (using, self.delete_targets(using, from.iter().filter_map(plain_name))?),
            None if delete.tables.is_empty() => (from, self.delete_targets(from, from.iter().filter_map(plain_name))?),
            None => (from, self.delete_targets(from, delete.tables.iter().map(|t| name_parts(t).1))?),
        };
        for target in &targets {
            let mut query = select_items(target.old_items(), source.clone());
            restrict(&mut query, delete.selection.clone());
            order_and_limit(&mut query, &delete.order_by, delete.limit.as_ref());
            let found = self.find_and_lock(target, &query).await?;
            let writer = RowWriter::new(&target.table);
            let mut ops = Vec::new();
            let mut seen = HashSet::new();
            for row in &found.rows {
                if seen.insert(&row.key) {
                    writer.delete(&row.key, &row.old, &mut ops)?;
                    affected += 1;
                }
            }
            self.use_schema(target)?;
            self.apply(ops, None)?;
        }
        Ok(Completion::affected(affected))
    }

    /// The tables by these names or aliases among those of `FROM`.
    fn delete_targets<'a>(&self, from: &[TableWithJoins], names: impl Iterator<Item = &'a str>) -> Result<Vec<Target>> {
        let relations =
            || from.iter().flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
        let mut targets = Vec::new();
        for name in names {
            let mut found = None;
            for relation in relations() {
                if let Some(target) = self.target_of(relation)?
                    && (target.name.eq_ignore_ascii_case(name) || target.table.name.eq_ignore_ascii_case(name))
                {
                    found = Some(target);
                    break;
                }
            }
            if found.is_none() && self.view(None, name).is_some() {
                self.table(None, name)?;
            }
            targets.push(found.ok_or_else(|| SqlError::new(1109, format!("Unknown table '{name}' in MULTI DELETE")))?);
        }
        Ok(targets)
    }
}

fn plain_name(from: &TableWithJoins) -> Option<&str> {
    match &from.relation {
        ast::TableFactor::Table { name, alias, .. } => {
            Some(alias.as_ref().map_or_else(|| name_parts(name).1, |a| a.name.value.as_str()))
        }
        _ => None,
    }
}
