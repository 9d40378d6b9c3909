//! Relations about things that do not exist here, with the columns that clients expect.

use super::relation::Kind::{Int, Text, Time, UInt};
use super::relation::{Kind, Relation};

type Columns = &'static [(&'static str, Kind)];

const EMPTY: &[(&str, &str, Columns)] = &[
    (
        "information_schema",
        "routines",
        &[
            ("SPECIFIC_NAME", Text),
            ("ROUTINE_CATALOG", Text),
            ("ROUTINE_SCHEMA", Text),
            ("ROUTINE_NAME", Text),
            ("ROUTINE_TYPE", Text),
            ("DATA_TYPE", Text),
            ("DTD_IDENTIFIER", Text),
            ("ROUTINE_BODY", Text),
            ("ROUTINE_DEFINITION", Text),
            ("IS_DETERMINISTIC", Text),
            ("SQL_DATA_ACCESS", Text),
            ("SECURITY_TYPE", Text),
            ("CREATED", Time),
            ("LAST_ALTERED", Time),
            ("SQL_MODE", Text),
            ("ROUTINE_COMMENT", Text),
            ("DEFINER", Text),
        ],
    ),
    (
        "information_schema",
        "parameters",
        &[
            ("SPECIFIC_CATALOG", Text),
            ("SPECIFIC_SCHEMA", Text),
            ("SPECIFIC_NAME", Text),
            ("ORDINAL_POSITION", UInt),
            ("PARAMETER_MODE", Text),
            ("PARAMETER_NAME", Text),
            ("DATA_TYPE", Text),
            ("DTD_IDENTIFIER", Text),
            ("ROUTINE_TYPE", Text),
        ],
    ),
    (
        "information_schema",
        "triggers",
        &[
            ("TRIGGER_CATALOG", Text),
            ("TRIGGER_SCHEMA", Text),
            ("TRIGGER_NAME", Text),
            ("EVENT_MANIPULATION", Text),
            ("EVENT_OBJECT_SCHEMA", Text),
            ("EVENT_OBJECT_TABLE", Text),
            ("ACTION_ORDER", UInt),
            ("ACTION_STATEMENT", Text),
            ("ACTION_TIMING", Text),
            ("CREATED", Time),
            ("SQL_MODE", Text),
            ("DEFINER", Text),
        ],
    ),
    (
        "information_schema",
        "events",
        &[
            ("EVENT_CATALOG", Text),
            ("EVENT_SCHEMA", Text),
            ("EVENT_NAME", Text),
            ("DEFINER", Text),
            ("TIME_ZONE", Text),
            ("EVENT_DEFINITION", Text),
            ("EVENT_TYPE", Text),
            ("EXECUTE_AT", Time),
            ("INTERVAL_VALUE", Text),
            ("INTERVAL_FIELD", Text),
            ("STARTS", Time),
            ("ENDS", Time),
            ("STATUS", Text),
        ],
    ),
    (
        "information_schema",
        "partitions",
        &[
            ("TABLE_CATALOG", Text),
            ("TABLE_SCHEMA", Text),
            ("TABLE_NAME", Text),
            ("PARTITION_NAME", Text),
            ("SUBPARTITION_NAME", Text),
            ("PARTITION_ORDINAL_POSITION", UInt),
            ("PARTITION_METHOD", Text),
            ("PARTITION_EXPRESSION", Text),
            ("PARTITION_DESCRIPTION", Text),
            ("TABLE_ROWS", UInt),
            ("DATA_LENGTH", UInt),
            ("INDEX_LENGTH", UInt),
            ("CREATE_TIME", Time),
        ],
    ),
    (
        "information_schema",
        "column_privileges",
        &[
            ("GRANTEE", Text),
            ("TABLE_CATALOG", Text),
            ("TABLE_SCHEMA", Text),
            ("TABLE_NAME", Text),
            ("COLUMN_NAME", Text),
            ("PRIVILEGE_TYPE", Text),
            ("IS_GRANTABLE", Text),
        ],
    ),
    (
        "information_schema",
        "table_privileges",
        &[
            ("GRANTEE", Text),
            ("TABLE_CATALOG", Text),
            ("TABLE_SCHEMA", Text),
            ("TABLE_NAME", Text),
            ("PRIVILEGE_TYPE", Text),
            ("IS_GRANTABLE", Text),
        ],
    ),
    (
        "information_schema",
        "schema_privileges",
        &[
            ("GRANTEE", Text),
            ("TABLE_CATALOG", Text),
            ("TABLE_SCHEMA", Text),
            ("PRIVILEGE_TYPE", Text),
            ("IS_GRANTABLE", Text),
        ],
    ),
    (
        "information_schema",
        "user_privileges",
        &[("GRANTEE", Text), ("TABLE_CATALOG", Text), ("PRIVILEGE_TYPE", Text), ("IS_GRANTABLE", Text)],
    ),
    (
        "information_schema",
        "plugins",
        &[("PLUGIN_NAME", Text), ("PLUGIN_VERSION", Text), ("PLUGIN_STATUS", Text), ("PLUGIN_TYPE", Text)],
    ),
    (
        "information_schema",
        "files",
        &[
            ("FILE_ID", Int),
            ("FILE_NAME", Text),
            ("FILE_TYPE", Text),
            ("TABLESPACE_NAME", Text),
            ("TABLE_SCHEMA", Text),
            ("TABLE_NAME", Text),
            ("ENGINE", Text),
        ],
    ),
    ("mysql", "db", &[("Host", Text), ("DB", Text), ("User", Text)]),
    (
        "mysql",
        "tables_priv",
        &[("Host", Text), ("DB", Text), ("User", Text), ("Table_name", Text), ("Table_priv", Text)],
    ),
    (
        "mysql",
        "columns_priv",
        &[("Host", Text), ("DB", Text), ("User", Text), ("Table_name", Text), ("Column_name", Text)],
    ),
    ("mysql", "proc", &[("db", Text), ("name", Text), ("type", Text)]),
    ("mysql", "time_zone_name", &[("Name", Text), ("Time_zone_id", UInt)]),
];

/// The empty relation of that name (both in lower case).
pub(super) fn relation(database: &str, name: &str) -> Option<Relation> {
    EMPTY.iter().find(|(d, n, _)| *d == database && *n == name).map(|(_, _, columns)| Relation::new(columns))
}

/// Names of all empty relations.
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    EMPTY.iter().map(|(database, name, _)| (*database, *name))
}
