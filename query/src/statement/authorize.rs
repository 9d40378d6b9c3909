//! Whether a session may run a statement.
//!
//! The statement is judged by the tables that it names, before anything of it runs. What a view reads is
//! its definer's business, unless it was declared with its invoker's rights.

use datafusion::sql::sqlparser::ast::{
    AlterTableOperation, Assignment as AstAssignment, AssignmentTarget, CreateTableLikeKind, FromTable, Insert,
    ObjectName, ObjectType, OnInsert, SchemaName, Statement, TableFactor, TableObject, TableWithJoins, Update,
    VisitMut,
};
use deltatree_learner::catalog::Privilege;

use super::parse::name_parts;
use super::parsed::{Assignment, ParsedStatement, StatementKind};
use super::view::definition;
use crate::error::Result;
use crate::rewrite::each_table;
use crate::session::Session;

impl Session {
    /// Fails with 1044, 1045, 1142 or 1227 if this session may not run the statement.
    pub(super) fn authorize(&self, statement: &ParsedStatement) -> Result<()> {
        if self.is_unrestricted() {
            return Ok(());
        }
        match &statement.kind {
            StatementKind::Sql(sql) | StatementKind::Unpartitioned(sql) => self.authorize_sql(sql),
            StatementKind::Explain { statement, .. } => self.authorize_sql(statement),
            StatementKind::Show(show) => match show.table() {
                Some((database, table)) => self.needs_any(database, table),
                None => Ok(()),
            },
            StatementKind::Set(assignments) => assignments.iter().try_for_each(|a| self.authorize_assignment(a)),
            StatementKind::Do(expressions) => expressions.clone().iter_mut().try_for_each(|e| self.reads(e)),
            StatementKind::Prepare { source, .. } => self.reads(&mut source.clone()),
            StatementKind::Kill { connection, .. } => {
                if self.node.connections().user_of(*connection).is_none_or(|user| user == self.entry.user()) {
                    Ok(())
                } else {
                    self.needs_global(Privilege::Super)
                }
            }
            StatementKind::AnalyzeTables(tables) | StatementKind::TableMaintenance(_, tables) => {
                tables.iter().try_for_each(|t| self.needs(t, &[Privilege::Select, Privilege::Insert]))
            }
            StatementKind::CompactTable(table) | StatementKind::SetColumnarReplica { table, .. } => {
                self.needs(table, &[Privilege::Alter])
            }
            StatementKind::Rename(pairs) => pairs.iter().try_for_each(|(from, to)| {
                self.needs(from, &[Privilege::Alter, Privilege::Drop])?;
                self.needs(to, &[Privilege::Create, Privilege::Insert])
            }),
            StatementKind::CreateView(create) => {
                self.needs(&create.name, &[Privilege::CreateView])?;
                if create.replace {
                    self.needs(&create.name, &[Privilege::Drop])?;
                }
                self.reads(&mut definition(&create.definition)?)
            }
            StatementKind::DropView { names, .. } => names.iter().try_for_each(|n| self.needs(n, &[Privilege::Drop])),
            StatementKind::LoadData(load) => {
                if !load.local {
                    self.needs_global(Privilege::File)?;
                }
                load.set.clone().iter_mut().try_for_each(|(_, expr)| self.reads(expr))?;
                self.needs(&load.table, &[Privilege::Insert])
            }
            StatementKind::ImportInto(import) => {
                self.needs_global(Privilege::File)?;
                let all =
                    [Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete, Privilege::Alter];
                self.needs(&import.table, &all)
            }
            StatementKind::CancelImport(_) => self.needs_global(Privilege::Super),
            // Judged where they run, or by the statement that is executed.
            StatementKind::Account(_)
            | StatementKind::Use(_)
            | StatementKind::Transaction(_)
            | StatementKind::Execute { .. }
            | StatementKind::Deallocate { .. }
            | StatementKind::Nothing => Ok(()),
        }
    }

    fn authorize_sql(&self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Query(query) => self.reads(&mut query.clone()),
            Statement::Insert(insert) => self.authorize_insert(insert),
            Statement::Update(update) => self.authorize_update(update),
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                let source = delete.using.as_ref().unwrap_or(from);
                let named = if delete.using.is_some() || delete.tables.is_empty() {
                    from.iter().filter_map(table_name).collect()
                } else {
                    delete.tables.clone()
                };
                for name in &named {
                    self.needs(&behind(name, source), &[Privilege::Delete])?;
                }
                let alone = source.len() == 1 && source.iter().all(|t| t.joins.is_empty());
                if delete.selection.is_some() || !alone { self.reads(&mut delete.clone()) } else { Ok(()) }
            }
            Statement::CreateTable(create) => {
                self.needs(&create.name, &[Privilege::Create])?;
                match &create.like {
                    Some(CreateTableLikeKind::Plain(like) | CreateTableLikeKind::Parenthesized(like)) => {
                        self.needs(&like.name, &[Privilege::Select])
                    }
                    None => self.reads(&mut create.clone()),
                }
            }
            Statement::CreateDatabase { db_name, .. } => self.needs_database(Privilege::Create, name_parts(db_name).1),
            Statement::CreateSchema { schema_name: SchemaName::Simple(name), .. } => {
                self.needs_database(Privilege::Create, name_parts(name).1)
            }
            Statement::Drop { object_type, names, table, .. } => match object_type {
                ObjectType::Database | ObjectType::Schema => {
                    names.iter().try_for_each(|n| self.needs_database(Privilege::Drop, name_parts(n).1))
                }
                ObjectType::Index => table.iter().try_for_each(|t| self.needs(t, &[Privilege::Index])),
                _ => names.iter().try_for_each(|n| self.needs(n, &[Privilege::Drop])),
            },
            Statement::Truncate(truncate) => {
                truncate.table_names.iter().try_for_each(|t| self.needs(&t.name, &[Privilege::Drop]))
            }
            Statement::AlterTable(alter) => {
                self.needs(&alter.name, &[Privilege::Alter])?;
                let renames = |o: &AlterTableOperation| matches!(o, AlterTableOperation::RenameTable { .. });
                if alter.operations.iter().any(renames) { self.needs(&alter.name, &[Privilege::Drop]) } else { Ok(()) }
            }
            Statement::CreateIndex(create) => self.needs(&create.table_name, &[Privilege::Index]),
            // Whatever else there is must be refused by whoever runs it.
            other => self.reads(&mut other.clone()),
        }
    }

    fn authorize_insert(&self, insert: &Insert) -> Result<()> {
        if let TableObject::TableName(name) = &insert.table {
            self.needs(name, &[Privilege::Insert])?;
            if insert.replace_into {
                self.needs(name, &[Privilege::Delete])?;
            }
            if matches!(insert.on, Some(OnInsert::DuplicateKeyUpdate(_))) {
                self.needs(name, &[Privilege::Update])?;
            }
        }
        self.reads(&mut insert.clone())
    }

    /// `UPDATE` is needed on the tables of the assigned columns, `SELECT` on all others, and on all if
    /// rows are chosen.
    fn authorize_update(&self, update: &Update) -> Result<()> {
        let from = std::slice::from_ref(&update.table);
        let alone = update.table.joins.is_empty();
        for assignment in &update.assignments {
            match qualifier(assignment) {
                Some(name) if !alone => self.needs(&behind(&name, from), &[Privilege::Update])?,
                _ => {
                    let joined = update.table.joins.iter().map(|j| &j.relation);
                    for relation in std::iter::once(&update.table.relation).chain(joined) {
                        if let TableFactor::Table { name, .. } = relation {
                            self.needs(name, &[Privilege::Update])?;
                        }
                    }
                }
            }
        }
        if update.selection.is_some() || !alone { self.reads(&mut update.clone()) } else { Ok(()) }
    }

    fn authorize_assignment(&self, assignment: &Assignment) -> Result<()> {
        match assignment {
            Assignment::User(_, expr) => self.reads(&mut expr.clone()),
            Assignment::System { global, value, .. } => {
                if *global {
                    self.needs_global(Privilege::Super)?;
                }
                value.clone().iter_mut().try_for_each(|expr| self.reads(expr))
            }
            Assignment::Transaction { global: true, .. } => self.needs_global(Privilege::Super),
            Assignment::Transaction { .. } | Assignment::Names(..) | Assignment::CharacterSet(_) => Ok(()),
        }
    }

    /// `SELECT` on every table that is read.
    fn reads<T: VisitMut>(&self, node: &mut T) -> Result<()> {
        each_table(node, |factor| match factor {
            TableFactor::Table { name, .. } => self.needs_read(name, self.database()),
            _ => Ok(()),
        })
    }

    fn needs_read(&self, name: &ObjectName, database: Option<&str>) -> Result<()> {
        let (own, table) = name_parts(name);
        let Some(database) = own.or(database) else { return Ok(()) };
        if table.eq_ignore_ascii_case("dual") && own.is_none() {
            return Ok(());
        }
        self.needs_table(Privilege::Select, database, table)?;
        match self.view(Some(database), table) {
            Some(view) if view.invoker_rights => {
                each_table(&mut definition(&view.definition)?, |factor| match factor {
                    TableFactor::Table { name, .. } => self.needs_read(name, view.lookup_database()),
                    _ => Ok(()),
                })
            }
            _ => Ok(()),
        }
    }

    fn needs(&self, name: &ObjectName, privileges: &[Privilege]) -> Result<()> {
        let (database, table) = name_parts(name);
        let database = self.database_or_current(database)?;
        privileges.iter().try_for_each(|p| self.needs_table(*p, database, table))
    }

    /// Some privilege on a table, to look at its definition.
    fn needs_any(&self, database: Option<&str>, table: &str) -> Result<()> {
        let database = self.database_or_current(database)?;
        if self.sees_table(database, table) { Ok(()) } else { self.needs_table(Privilege::Select, database, table) }
    }
}

fn table_name(from: &TableWithJoins) -> Option<ObjectName> {
    match &from.relation {
        TableFactor::Table { name, .. } => Some(name.clone()),
        _ => None,
    }
}

/// The table that is called so in `FROM`: by an alias maybe.
fn behind(called: &ObjectName, from: &[TableWithJoins]) -> ObjectName {
    let (_, called_name) = name_parts(called);
    let relations = from.iter().flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
    for relation in relations {
        if let TableFactor::Table { name, alias, .. } = relation {
            let own = alias.as_ref().map_or_else(|| name_parts(name).1, |a| a.name.value.as_str());
            if own.eq_ignore_ascii_case(called_name) {
                return name.clone();
            }
        }
    }
    called.clone()
}

/// The table's name before an assigned column's.
fn qualifier(assignment: &AstAssignment) -> Option<ObjectName> {
    match &assignment.target {
        AssignmentTarget::ColumnName(name) if name.0.len() > 1 => Some(ObjectName(name.0[..name.0.len() - 1].to_vec())),
        _ => None,
    }
}
