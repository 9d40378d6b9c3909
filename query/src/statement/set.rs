//! `SET`: variables, character sets, transaction characteristics.

use std::time::Duration;

use datafusion::sql::sqlparser::ast::Expr;
use deltatree_learner::catalog;

use super::parsed::Assignment;
use super::schema_change::change_definitions;
use crate::error::{Result, SqlError};
use crate::session::{Session, VariableValue, go_duration};
use crate::types::Datum;

/// Character sets that a client may speak of. Text is UTF-8 whatever it says.
const CHARACTER_SETS: [&str; 8] = ["utf8mb4", "utf8", "utf8mb3", "binary", "latin1", "ascii", "gbk", "ucs2"];

/// `tidb_gc_life_time` unless set.
const DEFAULT_GC_LIFE: &str = "10m0s";
/// TiDB's bounds of it.
const MIN_GC_LIFE: Duration = Duration::from_secs(10 * 60);
const MAX_GC_LIFE: Duration = Duration::from_secs(8760 * 3600);

impl Session {
    /// Runs the assignments in turn; one that fails keeps those before it.
    pub(super) async fn set(&mut self, assignments: &[Assignment]) -> Result<()> {
        for assignment in assignments {
            match assignment {
                Assignment::User(name, expr) => {
                    let value = self.value_of(expr).await?;
                    self.variables.set_user(name, value);
                }
                Assignment::System { name, global, value } => {
                    let value = match value {
                        Some(expr) => Some(VariableValue::from(self.value_of(expr).await?)),
                        None => None,
                    };
                    self.set_system(name, *global, value).await?;
                }
                Assignment::Names(charset, collation) => self.set_names(charset, collation.as_deref())?,
                Assignment::CharacterSet(charset) => self.set_names(charset, None)?,
                Assignment::Transaction { global, isolation, read_only } => {
                    if let Some(level) = isolation {
                        let level = VariableValue::Text(level.clone());
                        self.variables.set_system("transaction_isolation", *global, Some(level))?;
                    }
                    if let Some(read_only) = read_only {
                        self.next_read_only = Some(*read_only);
                    }
                }
            }
        }
        Ok(())
    }

    /// A value, where a bare word stands for itself.
    async fn value_of(&mut self, expr: &Expr) -> Result<Datum> {
        match expr {
            Expr::Identifier(word) if !word.value.starts_with('@') => Ok(Datum::Text(word.value.clone())),
            expr => Ok(self.evaluate(std::slice::from_ref(expr)).await?.pop().unwrap_or(Datum::Null)),
        }
    }

    async fn set_system(&mut self, name: &str, global: bool, value: Option<VariableValue>) -> Result<()> {
        let charset = name.to_ascii_lowercase().starts_with("character_set_");
        if let (true, Some(VariableValue::Text(value))) = (charset, &value)
            && !value.is_empty()
        {
            known_charset(value)?;
        }
        match name.to_ascii_lowercase().as_str() {
            "last_insert_id" | "identity" => {
                self.variables.set_system(name, global, value)?;
                self.diagnostics.last_insert_id = self.variables.number("last_insert_id");
                return Ok(());
            }
            "tidb_snapshot" if self.in_transaction() => {
                return Err(SqlError::new(1105, "can not set tidb_snapshot inside a transaction"));
            }
            "tidb_gc_life_time" if global => return self.set_gc_life(name, value).await,
            _ => {}
        }
        let committed_alone = self.autocommit();
        self.variables.set_system(name, global, value)?;
        if !committed_alone && self.autocommit() {
            self.commit().await?;
        }
        Ok(())
    }

    /// `SET GLOBAL tidb_gc_life_time`: a setting of the whole group. Fails with 1232 for what is no duration, and with
    /// 1231 for one that is out of bounds.
    async fn set_gc_life(&mut self, name: &str, value: Option<VariableValue>) -> Result<()> {
        let text = value.map_or(DEFAULT_GC_LIFE.to_owned(), |value| value.to_string());
        let wrong_type = || SqlError::new(1232, format!("Incorrect argument type to variable '{name}'"));
        let life = go_duration::parse(&text).ok_or_else(wrong_type)?;
        if !(MIN_GC_LIFE..=MAX_GC_LIFE).contains(&life) {
            let (least, most) = (go_duration::shown(MIN_GC_LIFE), go_duration::shown(MAX_GC_LIFE));
            let message =
                format!("Variable '{name}' can't be set to the value of '{text}': {least} to {most} are allowed");
            return Err(SqlError::new(1231, message));
        }
        change_definitions(self.node.group(), |definitions| Ok(((), catalog::set_gc_life(definitions, life)))).await
    }

    fn set_names(&mut self, charset: &str, collation: Option<&str>) -> Result<()> {
        let charset = if charset.is_empty() || charset.eq_ignore_ascii_case("default") { "utf8mb4" } else { charset };
        known_charset(charset)?;
        let charset = charset.to_lowercase();
        let default = match charset.as_str() {
            "binary" => "binary".to_owned(),
            other => format!("{other}_bin"),
        };
        let collation = collation.map_or(default, str::to_lowercase);
        for name in ["character_set_client", "character_set_connection", "character_set_results"] {
            self.variables.set_system(name, false, Some(VariableValue::Text(charset.clone())))?;
        }
        self.variables.set_system("collation_connection", false, Some(VariableValue::Text(collation)))
    }
}

fn known_charset(name: &str) -> Result<()> {
    if CHARACTER_SETS.iter().any(|c| c.eq_ignore_ascii_case(name)) || name.eq_ignore_ascii_case("NULL") {
        Ok(())
    } else {
        Err(SqlError::new(1115, format!("Unknown character set: '{name}'")))
    }
}
