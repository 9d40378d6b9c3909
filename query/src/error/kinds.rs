//! The errors by name: number, SQL state and wording, in MySQL's terms.

use deltatree_learner::catalog::ViewInfo;

use super::SqlError;

/// SQL state of an error number; `HY000` where MySQL has none of its own.
pub(super) fn sql_state(code: u16) -> &'static str {
    match code {
        1022 | 1048 | 1052 | 1062 | 1169 | 1216 | 1217 | 1451 | 1452 => "23000",
        1040 => "08004",
        1042 | 1043 | 1047 => "08S01",
        1044
        | 1049
        | 1064
        | 1067..=1071
        | 1073..=1075
        | 1101
        | 1102
        | 1110
        | 1113
        | 1120
        | 1145
        | 1171
        | 1248
        | 1142
        | 1141
        | 1227
        | 1305
        | 1318
        | 1353 => "42000",
        1045 => "28000",
        1046 => "3D000",
        1050 => "42S01",
        1051 | 1146 => "42S02",
        1054 => "42S22",
        1055 | 1056 | 1059 | 1063 | 1065 | 1066 | 1091 | 1111 | 1115 | 1139 | 1140 | 1149 | 1231 | 1232 | 1235
        | 1239 | 1327 => "42000",
        1058 | 1136 | 1222 | 1241 | 1242 => "21000",
        1060 => "42S21",
        1061 | 1072 | 1176 => "42000",
        1213 => "40001",
        1264 | 1690 => "22003",
        1265 => "01000",
        1292 | 1411 => "22007",
        1317 => "70100",
        1365 => "22012",
        1406 => "22001",
        3140 | 3141 => "22032",
        _ => "HY000",
    }
}

impl SqlError {
    /// 1007: `CREATE DATABASE` of one that exists.
    pub fn database_exists(name: &str) -> Self {
        Self::new(1007, format!("Can't create database '{name}'; database exists"))
    }

    /// 1008: `DROP DATABASE` of one that does not exist.
    pub fn cannot_drop_database(name: &str) -> Self {
        Self::new(1008, format!("Can't drop database '{name}'; database doesn't exist"))
    }

    /// 1046: a table without a database, and none is selected.
    pub fn no_database() -> Self {
        Self::new(1046, "No database selected")
    }

    /// 1048: NULL for a `NOT NULL` column.
    pub fn bad_null(column: &str) -> Self {
        Self::new(1048, format!("Column '{column}' cannot be null"))
    }

    /// 1049.
    pub fn unknown_database(name: &str) -> Self {
        Self::new(1049, format!("Unknown database '{name}'"))
    }

    /// 1050.
    pub fn table_exists(name: &str) -> Self {
        Self::new(1050, format!("Table '{name}' already exists"))
    }

    /// 1051: `DROP TABLE` of one that does not exist.
    pub fn cannot_drop_table(database: &str, table: &str) -> Self {
        Self::new(1051, format!("Unknown table '{database}.{table}'"))
    }

    /// 1052. `clause` as for [`SqlError::unknown_column`].
    pub fn ambiguous_column(column: &str, clause: &str) -> Self {
        Self::new(1052, format!("Column '{column}' in {clause} is ambiguous"))
    }

    /// 1054. `clause` is `field list`, `where clause`, `group statement`, `order clause`, `on clause`...
    pub fn unknown_column(column: &str, clause: &str) -> Self {
        Self::new(1054, format!("Unknown column '{column}' in '{clause}'"))
    }

    /// 1055: a selected column that the groups do not determine.
    pub fn not_in_group_by(column: &str) -> Self {
        Self::new(
            1055,
            format!(
                "Expression of SELECT list is not in GROUP BY clause and contains nonaggregated column '{column}' \
                 which is not functionally dependent on columns in GROUP BY clause; this is incompatible with \
                 sql_mode=only_full_group_by"
            ),
        )
    }

    /// 1060.
    pub fn duplicate_column(name: &str) -> Self {
        Self::new(1060, format!("Duplicate column name '{name}'"))
    }

    /// 1061.
    pub fn duplicate_key_name(name: &str) -> Self {
        Self::new(1061, format!("Duplicate key name '{name}'"))
    }

    /// 1062. `key` is `table.index`, as MySQL 8 words it; `PRIMARY` names the primary key.
    pub fn duplicate_entry(value: &str, key: &str) -> Self {
        Self::new(1062, format!("Duplicate entry '{value}' for key '{key}'"))
    }

    /// 1064, at the rest of the statement from the token that could not be read.
    pub fn parse(near: &str, line: u64) -> Self {
        Self::new(
            1064,
            format!(
                "You have an error in your SQL syntax; check the manual that corresponds to your DeltaTree version \
                 for the right syntax to use near '{near}' at line {line}"
            ),
        )
    }

    /// 1065.
    pub fn empty_query() -> Self {
        Self::new(1065, "Query was empty")
    }

    /// 1067.
    pub fn invalid_default(column: &str) -> Self {
        Self::new(1067, format!("Invalid default value for '{column}'"))
    }

    /// 1068.
    pub fn multiple_primary_key() -> Self {
        Self::new(1068, "Multiple primary key defined")
    }

    /// 1072: an index over a column that the table lacks.
    pub fn key_column_missing(column: &str) -> Self {
        Self::new(1072, format!("Key column '{column}' doesn't exist in table"))
    }

    /// 1091: `DROP` of a column or index that the table lacks.
    pub fn cannot_drop(name: &str) -> Self {
        Self::new(1091, format!("Can't DROP '{name}'; check that column/key exists"))
    }

    /// 1105: something that MySQL has no number for.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(1105, message)
    }

    /// 1111.
    pub fn invalid_group_function() -> Self {
        Self::new(1111, "Invalid use of group function")
    }

    /// 1136: a row of `VALUES` with too few or too many values. Rows count from 1.
    pub fn column_count(row: u64) -> Self {
        Self::new(1136, format!("Column count doesn't match value count at row {row}"))
    }

    /// 1146.
    pub fn unknown_table(database: &str, table: &str) -> Self {
        Self::new(1146, format!("Table '{database}.{table}' doesn't exist"))
    }

    /// 1193.
    pub fn unknown_variable(name: &str) -> Self {
        Self::new(1193, format!("Unknown system variable '{name}'"))
    }

    /// 1205.
    pub fn lock_wait_timeout() -> Self {
        Self::new(1205, "Lock wait timeout exceeded; try restarting transaction")
    }

    /// 1210.
    pub fn wrong_arguments(function: &str) -> Self {
        Self::new(1210, format!("Incorrect arguments to {function}"))
    }

    /// 1213.
    pub fn deadlock() -> Self {
        Self::new(1213, "Deadlock found when trying to get lock; try restarting transaction")
    }

    /// 1231.
    pub fn wrong_variable_value(name: &str, value: &str) -> Self {
        Self::new(1231, format!("Variable '{name}' can't be set to the value of '{value}'"))
    }

    /// 1235: valid MySQL that DeltaTree does not have.
    pub fn not_supported(what: impl std::fmt::Display) -> Self {
        Self::new(1235, format!("This version of DeltaTree doesn't yet support '{what}'"))
    }

    /// 1264. Rows count from 1.
    pub fn out_of_range(column: &str, row: u64) -> Self {
        Self::new(1264, format!("Out of range value for column '{column}' at row {row}"))
    }

    /// 1265: a value cut short on its way into a column.
    pub fn truncated(column: &str, row: u64) -> Self {
        Self::new(1265, format!("Data truncated for column '{column}' at row {row}"))
    }

    /// 1292 or 1366: text that does not read as the column's type. `kind` is `date`, `datetime`, `time`,
    /// `integer`, `decimal`, `double`.
    pub fn incorrect_value(kind: &str, value: &str, column: &str, row: u64) -> Self {
        let code = if matches!(kind, "date" | "datetime" | "time" | "timestamp") { 1292 } else { 1366 };
        Self::new(code, format!("Incorrect {kind} value: '{value}' for column '{column}' at row {row}"))
    }

    /// 1292, of a value on its way through an expression.
    pub fn incorrect_literal(kind: &str, value: &str) -> Self {
        Self::new(1292, format!("Incorrect {kind} value: '{value}'"))
    }

    /// 1292, as a warning: text with only a prefix that reads as a number.
    pub fn truncated_text(kind: &str, value: &str) -> Self {
        Self::new(1292, format!("Truncated incorrect {kind} value: '{value}'"))
    }

    /// 1305: a function that does not exist.
    pub fn unknown_function(database: &str, name: &str) -> Self {
        let qualified = if database.is_empty() { name.to_owned() } else { format!("{database}.{name}") };
        Self::new(1305, format!("FUNCTION {qualified} does not exist"))
    }

    /// 1317.
    pub fn interrupted() -> Self {
        Self::new(1317, "Query execution was interrupted")
    }

    /// 1364: an `INSERT` that leaves out a `NOT NULL` column without default.
    pub fn no_default(column: &str) -> Self {
        Self::new(1364, format!("Field '{column}' doesn't have a default value"))
    }

    /// 1347. `kind` is what it should be: `VIEW` or `BASE TABLE`.
    pub fn wrong_object(database: &str, name: &str, kind: &str) -> Self {
        Self::new(1347, format!("'{database}.{name}' is not {kind}"))
    }

    /// 1356: a view over what does not exist any more.
    pub fn invalid_view(view: &ViewInfo) -> Self {
        let name = format!("{}.{}", view.database, view.name);
        Self::new(
            1356,
            format!(
                "View '{name}' references invalid table(s) or column(s) or function(s) or definer/invoker of view lack \
                 rights to use them"
            ),
        )
    }

    /// 1365: in a statement that writes.
    pub fn division_by_zero() -> Self {
        Self::new(1365, "Division by 0")
    }

    /// 1406. Rows count from 1.
    pub fn data_too_long(column: &str, row: u64) -> Self {
        Self::new(1406, format!("Data too long for column '{column}' at row {row}"))
    }

    /// 1582: a built-in function called with the wrong number of arguments.
    pub fn parameter_count(function: &str) -> Self {
        Self::new(1582, format!("Incorrect parameter count in the call to native function '{function}'"))
    }

    /// 1690. `kind` is `BIGINT`, `BIGINT UNSIGNED`, `DECIMAL`, `DOUBLE`; `expression` as MySQL prints it.
    pub fn value_out_of_range(kind: &str, expression: &str) -> Self {
        Self::new(1690, format!("{kind} value is out of range in '{expression}'"))
    }

    /// 3140: text that is not JSON. `reason` as `Invalid value.`
    pub fn invalid_json(reason: &str, position: usize, column: &str) -> Self {
        Self::new(
            3140,
            format!("Invalid JSON text: \"{reason}\" at position {position} in value for column '{column}'."),
        )
    }

    /// 3948.
    pub fn local_infile_disabled() -> Self {
        Self::new(3948, "Loading local data is disabled; this must be enabled on both the client and server sides")
    }

    /// 1412: the table came by import since the transaction began, which therefore cannot read it.
    pub fn definition_changed() -> Self {
        Self::new(1412, "Table definition has changed, please retry transaction")
    }

    /// 8028: the table's definition changed between start and commit of the transaction.
    pub fn schema_changed() -> Self {
        Self::new(8028, "Information schema is changed during the execution of the statement; try again")
    }

    /// 8258: an import fills the table, and nothing else may write it or change it meanwhile.
    pub fn importing(table: &str) -> Self {
        Self::new(8258, format!("Table {table} is in mode Import"))
    }

    /// 9007: another transaction wrote the row first.
    pub fn write_conflict(detail: impl std::fmt::Display) -> Self {
        Self::new(9007, format!("Write conflict, {detail}; try again later"))
    }

    /// 9012: the columnar replica did not catch up in time.
    pub fn columnar_timeout(detail: impl std::fmt::Display) -> Self {
        Self::new(9012, format!("columnar replica is not ready: {detail}"))
    }
}
