//! System variables with their two scopes, and a user's own `@variables`.
//!
//! A session starts with a copy of the global values and keeps it: `SET GLOBAL` is seen by sessions
//! that connect afterwards.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::Expr;
use parking_lot::RwLock;

use super::variable_list::{self, Definition};
use crate::error::{Result, SqlError};
use crate::types::{Datum, SessionZone};

/// `sql_mode` unless set: strict assignment, as MySQL 8 starts.
pub(crate) const DEFAULT_SQL_MODE: &str = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
                                           ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/// Where a variable may be read and set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Globally and for one session.
    Both,
    /// Globally only.
    Global,
    /// For one session only.
    Session,
    /// Never set.
    ReadOnly,
}

/// A system variable's value.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableValue {
    /// `ON` and `OFF`; 1 and 0 in expressions.
    Bool(bool),
    /// Signed integer.
    Int(i64),
    /// Unsigned integer.
    UInt(u64),
    /// Floating-point number.
    Float(f64),
    /// Text.
    Text(String),
}

impl std::fmt::Display for VariableValue {
    /// As `SHOW VARIABLES` prints it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("ON"),
            Self::Bool(false) => f.write_str("OFF"),
            Self::Int(n) => n.fmt(f),
            Self::UInt(n) => n.fmt(f),
            Self::Float(n) => write!(f, "{n:.6}"),
            Self::Text(s) => f.write_str(s),
        }
    }
}

impl From<VariableValue> for Datum {
    /// The value in an expression: switches are 1 and 0.
    fn from(value: VariableValue) -> Self {
        match value {
            VariableValue::Bool(on) => Self::Int(on.into()),
            VariableValue::Int(n) => Self::Int(n),
            VariableValue::UInt(n) => Self::UInt(n),
            VariableValue::Float(n) => Self::Float(n),
            VariableValue::Text(text) => Self::Text(text),
        }
    }
}

impl From<Datum> for VariableValue {
    /// The value of an expression, as far as a system variable can hold it.
    fn from(value: Datum) -> Self {
        match value {
            Datum::Null => Self::Text(String::new()),
            Datum::Int(n) => Self::Int(n),
            Datum::UInt(n) => Self::UInt(n),
            Datum::Decimal(n) => Self::Float(n.to_f64()),
            Datum::Float(n) => Self::Float(n),
            Datum::Text(text) => Self::Text(text),
            Datum::Bytes(bytes) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            time @ (Datum::Date(_) | Datum::DateTime(_) | Datum::Instant(_) | Datum::Time(_)) => match time.to_ast() {
                Expr::TypedString(typed) => Self::Text(typed.value.value.into_string().unwrap_or_default()),
                other => Self::Text(other.to_string()),
            },
        }
    }
}

/// Tells the value of a variable that is kept elsewhere.
type Kept = Arc<dyn Fn() -> VariableValue + Send + Sync>;

/// The node's global values, and those of the whole group.
#[derive(Clone, Default)]
pub struct GlobalVariables(Arc<RwLock<HashMap<&'static str, VariableValue>>>, Arc<RwLock<HashMap<&'static str, Kept>>>);

impl GlobalVariables {
    /// The value of a variable.
    pub(crate) fn get(&self, definition: &Definition) -> VariableValue {
        if let Some(kept) = self.1.read().get(definition.name) {
            return kept();
        }
        self.0.read().get(definition.name).cloned().unwrap_or_else(definition.default)
    }

    /// Has a variable's value asked for each time: it is kept in the group.
    pub(crate) fn ask(&self, name: &'static str, kept: impl Fn() -> VariableValue + Send + Sync + 'static) {
        self.1.write().insert(name, Arc::new(kept));
    }

    /// Sets what the node itself knows, such as its port; read-only for users.
    pub(crate) fn describe(&self, name: &'static str, value: VariableValue) {
        self.0.write().insert(name, value);
    }

    fn set(&self, definition: &Definition, value: VariableValue) {
        self.0.write().insert(definition.name, value);
    }
}

/// A session's variables.
pub struct SessionVariables {
    globals: GlobalVariables,
    system: HashMap<&'static str, VariableValue>,
    user: BTreeMap<String, Datum>,
}

impl SessionVariables {
    /// A copy of the global values.
    pub(crate) fn new(globals: GlobalVariables) -> Self {
        let system = globals.0.read().clone();
        Self { globals, system, user: BTreeMap::new() }
    }

    /// `@name`; NULL if never set.
    pub fn user(&self, name: &str) -> Datum {
        self.user.get(&name.to_lowercase()).cloned().unwrap_or(Datum::Null)
    }

    /// `SET @name = value`.
    pub(crate) fn set_user(&mut self, name: &str, value: Datum) {
        self.user.insert(name.to_lowercase(), value);
    }

    /// `@@name` or, with `global`, `@@global.name`. Fails with 1193 if there is none, 1238 if `global`
    /// is asked of a session variable.
    pub fn system(&self, name: &str, global: bool) -> Result<VariableValue> {
        let definition = definition(name)?;
        match definition.scope {
            Scope::Session if global => {
                Err(SqlError::new(1238, format!("Variable '{}' is a SESSION variable", definition.name)))
            }
            Scope::Global | Scope::ReadOnly => Ok(self.globals.get(definition)),
            Scope::Both if global => Ok(self.globals.get(definition)),
            Scope::Both | Scope::Session => Ok(self.own(definition)),
        }
    }

    /// `SET [GLOBAL] name = value`, `None` for `DEFAULT`. Fails with 1193, 1228, 1229, 1231, 1232 or 1238.
    pub(crate) fn set_system(&mut self, name: &str, global: bool, value: Option<VariableValue>) -> Result<()> {
        let definition = definition(name)?;
        let name = definition.name;
        match (definition.scope, global) {
            (Scope::ReadOnly, _) => {
                return Err(SqlError::new(1238, format!("Variable '{name}' is a read only variable")));
            }
            (Scope::Global, false) => {
                let message = format!("Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL");
                return Err(SqlError::new(1229, message));
            }
            (Scope::Session, true) => {
                let message = format!("Variable '{name}' is a SESSION variable and can't be used with SET GLOBAL");
                return Err(SqlError::new(1228, message));
            }
            (Scope::Both | Scope::Global, _) | (Scope::Session, false) => {}
        }
        let value = match value {
            Some(value) => check(definition, value)?,
            None if global => (definition.default)(),
            None => self.globals.get(definition),
        };
        for name in [Some(name), alias(name)].into_iter().flatten() {
            let definition = self::definition(name)?;
            if global {
                self.globals.set(definition, value.clone());
            } else {
                self.system.insert(definition.name, value.clone());
            }
        }
        Ok(())
    }

    /// All variables as `SHOW [GLOBAL] VARIABLES` lists them.
    pub(crate) fn list(&self, global: bool) -> Vec<(&'static str, String)> {
        let mut list: Vec<_> = variable_list::all()
            .iter()
            .filter(|d| !(global && d.scope == Scope::Session))
            .filter_map(|d| Some((d.name, self.system(d.name, global).ok()?.to_string())))
            .collect();
        list.sort_unstable();
        list
    }

    /// The value of a variable that [`variable_list`] defines as a switch.
    pub(crate) fn switch(&self, name: &'static str) -> bool {
        matches!(variable_list::find(name).map(|d| self.own(d)), Some(VariableValue::Bool(true)))
    }

    /// The value of a variable that [`variable_list`] defines as a number; never negative.
    pub(crate) fn number(&self, name: &'static str) -> u64 {
        match variable_list::find(name).map(|d| self.own(d)) {
            Some(VariableValue::Int(n)) => u64::try_from(n).unwrap_or(0),
            Some(VariableValue::UInt(n)) => n,
            _ => 0,
        }
    }

    /// The value of a variable that [`variable_list`] defines as text.
    pub(crate) fn text(&self, name: &'static str) -> String {
        variable_list::find(name).map(|d| self.own(d).to_string()).unwrap_or_default()
    }

    /// Whether a value that does not fit its column is an error rather than a warning.
    pub(crate) fn strict(&self) -> bool {
        let mode = self.text("sql_mode").to_ascii_uppercase();
        mode.contains("STRICT_TRANS_TABLES") || mode.contains("STRICT_ALL_TABLES") || mode.contains("TRADITIONAL")
    }

    fn own(&self, definition: &Definition) -> VariableValue {
        self.system.get(definition.name).cloned().unwrap_or_else(definition.default)
    }
}

fn definition(name: &str) -> Result<&'static Definition> {
    let found = variable_list::find(name).or_else(|| variable_list::find(&name.to_ascii_lowercase()));
    found.ok_or_else(|| SqlError::unknown_variable(name))
}

/// The second name of a variable that has two.
fn alias(name: &str) -> Option<&'static str> {
    Some(match name {
        "tx_isolation" => "transaction_isolation",
        "transaction_isolation" => "tx_isolation",
        "tx_read_only" => "transaction_read_only",
        "transaction_read_only" => "tx_read_only",
        _ => return None,
    })
}

/// Brings a value into the variable's type, or refuses it.
fn check(definition: &Definition, value: VariableValue) -> Result<VariableValue> {
    let wrong_type = || SqlError::new(1232, format!("Incorrect argument type to variable '{}'", definition.name));
    let wrong_value = |v: &VariableValue| {
        SqlError::new(1231, format!("Variable '{}' can't be set to the value of '{v}'", definition.name))
    };
    let value = match (definition.default)() {
        VariableValue::Bool(_) => match &value {
            VariableValue::Bool(b) => VariableValue::Bool(*b),
            VariableValue::Int(0) | VariableValue::UInt(0) => VariableValue::Bool(false),
            VariableValue::Int(1) | VariableValue::UInt(1) => VariableValue::Bool(true),
            VariableValue::Text(t) if ["on", "true", "1"].iter().any(|x| t.eq_ignore_ascii_case(x)) => {
                VariableValue::Bool(true)
            }
            VariableValue::Text(t) if ["off", "false", "0"].iter().any(|x| t.eq_ignore_ascii_case(x)) => {
                VariableValue::Bool(false)
            }
            other => return Err(wrong_value(other)),
        },
        VariableValue::Int(_) | VariableValue::UInt(_) => match value {
            VariableValue::Int(_) | VariableValue::UInt(_) => value,
            VariableValue::Bool(b) => VariableValue::Int(b.into()),
            _ => return Err(wrong_type()),
        },
        VariableValue::Float(_) => match value {
            VariableValue::Int(n) => VariableValue::Float(n as f64),
            VariableValue::UInt(n) => VariableValue::Float(n as f64),
            VariableValue::Float(_) => value,
            _ => return Err(wrong_type()),
        },
        VariableValue::Text(_) => VariableValue::Text(value.to_string()),
    };
    match definition.name {
        "time_zone" => {
            SessionZone::parse(&value.to_string())?;
        }
        "tidb_isolation_read_engines" if crate::planner::Engines::parse(&value.to_string()).is_none() => {
            return Err(wrong_value(&value));
        }
        "transaction_isolation" | "tx_isolation" => return isolation(&value).ok_or_else(|| wrong_value(&value)),
        "tidb_read_staleness" => {
            let text = value.to_string();
            // Seconds, counted backwards.
            let seconds = if text.is_empty() { Some(0) } else { text.parse::<i32>().ok() };
            if seconds.is_none_or(|seconds| seconds > 0) {
                return Err(wrong_value(&value));
            }
        }
        "tidb_txn_mode" if !["pessimistic", "optimistic", ""].contains(&value.to_string().to_lowercase().as_str()) => {
            return Err(wrong_value(&value));
        }
        _ => {}
    }
    Ok(value)
}

/// Isolation levels by MySQL's names. REPEATABLE READ is snapshot isolation; READ UNCOMMITTED is READ
/// COMMITTED, which is more than it asks for.
fn isolation(value: &VariableValue) -> Option<VariableValue> {
    let name = value.to_string().to_ascii_uppercase().replace(' ', "-");
    ["REPEATABLE-READ", "READ-COMMITTED", "READ-UNCOMMITTED"]
        .contains(&name.as_str())
        .then_some(VariableValue::Text(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_and_types_are_enforced() {
        let mut vars = SessionVariables::new(GlobalVariables::default());
        let code = |r: Result<()>| r.unwrap_err().code;
        assert_eq!(code(vars.set_system("nonsense", false, None)), 1193);
        assert_eq!(code(vars.set_system("version", false, Some(VariableValue::Int(1)))), 1238);
        assert_eq!(code(vars.set_system("max_connections", false, Some(VariableValue::Int(1)))), 1229);
        assert_eq!(code(vars.set_system("tidb_snapshot", true, Some(VariableValue::Int(1)))), 1228);
        assert_eq!(code(vars.set_system("autocommit", false, Some(VariableValue::Int(7)))), 1231);
        assert_eq!(code(vars.set_system("wait_timeout", false, Some(VariableValue::Text("x".into())))), 1232);
        vars.set_system("AUTOCOMMIT", false, Some(VariableValue::Text("off".into()))).unwrap();
        assert!(!vars.switch("autocommit"));
        assert_eq!(vars.system("autocommit", true).unwrap(), VariableValue::Bool(true));
    }

    #[test]
    fn a_session_keeps_the_globals_it_started_with() {
        let globals = GlobalVariables::default();
        let mut first = SessionVariables::new(globals.clone());
        first.set_system("wait_timeout", true, Some(VariableValue::Int(5))).unwrap();
        assert_eq!(first.number("wait_timeout"), 28_800);
        assert_eq!(SessionVariables::new(globals).number("wait_timeout"), 5);
    }

    #[test]
    fn both_names_of_the_isolation_level_change() {
        let mut vars = SessionVariables::new(GlobalVariables::default());
        vars.set_system("tx_isolation", false, Some(VariableValue::Text("read committed".into()))).unwrap();
        assert_eq!(vars.text("transaction_isolation"), "READ-COMMITTED");
    }

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut seen = std::collections::HashSet::new();
        assert!(variable_list::all().iter().all(|d| seen.insert(d.name) && d.name == d.name.to_lowercase()));
    }
}
