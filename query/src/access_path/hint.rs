//! `/*+ READ_FROM_STORAGE(TIFLASH[t1, db.t2], TIKV[t3]) */`.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Query, SetExpr, TableFactor, visit_expressions};

use crate::planner::Engine;

/// The engines that a statement's hints name, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Lower-case table name (hints may name an alias: its table is found here too).
    by_table: HashMap<String, Engine>,
}

impl Hints {
    /// Reads the hints of every `SELECT` in `query`. What is not understood is ignored, as MySQL
    /// ignores hints it does not know.
    pub fn of(query: &Query) -> Self {
        let mut hints = Self::default();
        hints.read_query(query);
        hints
    }

    /// The engine asked for, if any.
    pub fn engine(&self, table: &str) -> Option<Engine> {
        self.by_table.get(&table.to_ascii_lowercase()).copied()
    }

    fn read_query(&mut self, query: &Query) {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.read_query(&cte.query);
        }
        self.read_body(&query.body);
        let _ = visit_expressions(query, |expr| {
            use datafusion::sql::sqlparser::ast::Expr;
            if let Expr::Subquery(query)
            | Expr::Exists { subquery: query, .. }
            | Expr::InSubquery { subquery: query, .. } = expr
            {
                self.read_body(&query.body);
            }
            ControlFlow::<()>::Continue(())
        });
    }

    fn read_body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => {
                let mut aliases = HashMap::new();
                for from in &select.from {
                    let joined = from.joins.iter().map(|join| &join.relation);
                    for relation in std::iter::once(&from.relation).chain(joined) {
                        self.read_relation(relation, &mut aliases);
                    }
                }
                for hint in &select.optimizer_hints {
                    self.read_text(&hint.text, &aliases);
                }
            }
            SetExpr::Query(query) => self.read_query(query),
            SetExpr::SetOperation { left, right, .. } => {
                self.read_body(left);
                self.read_body(right);
            }
            _ => {}
        }
    }

    fn read_relation(&mut self, relation: &TableFactor, aliases: &mut HashMap<String, String>) {
        match relation {
            TableFactor::Table { name, alias: Some(alias), .. } => {
                if let Some(table) = name.0.last().and_then(|part| part.as_ident()) {
                    aliases.insert(alias.name.value.to_ascii_lowercase(), table.value.to_ascii_lowercase());
                }
            }
            TableFactor::Derived { subquery, .. } => self.read_query(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.read_relation(&table_with_joins.relation, aliases);
                table_with_joins.joins.iter().for_each(|join| self.read_relation(&join.relation, aliases));
            }
            _ => {}
        }
    }

    fn read_text(&mut self, text: &str, aliases: &HashMap<String, String>) {
        let lower = text.to_ascii_lowercase();
        for part in lower.split("read_from_storage").skip(1) {
            let Some(arguments) = part.trim_start().strip_prefix('(') else { continue };
            let arguments = arguments.split(')').next().unwrap_or_default();
            for group in arguments.split(']') {
                let Some((engine, tables)) = group.split_once('[') else { continue };
                let engine = match engine.trim_matches(|c: char| c == ',' || c.is_whitespace()) {
                    "tiflash" => Engine::Columnar,
                    "tikv" => Engine::Row,
                    _ => continue,
                };
                for table in tables.split(',') {
                    let name = table.rsplit('.').next().unwrap_or(table).trim().trim_matches('`').to_owned();
                    self.by_table.insert(aliases.get(&name).cloned().unwrap_or(name), engine);
                }
            }
        }
    }
}
