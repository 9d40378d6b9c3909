//! The server itself: status, connections, conditions, and lists that never change.

use crate::session::{Level, Session, TextTable};

impl Session {
    /// `SHOW STATUS`.
    pub(super) fn show_status(&self) -> TextTable {
        let group = self.node.group().status();
        let mut table = TextTable::new(&["Variable_name", "Value"]);
        let mut add = |name: &str, value: String| table.push_all([name, &value]);
        add("Com_commit", group.commits.to_string());
        add("Compression", "OFF".to_owned());
        add("Deltatree_columnar_applied_index", group.learner_applied.unwrap_or(0).to_string());
        add("Deltatree_log_syncs", group.log_syncs.to_string());
        add("Deltatree_row_applied_index", group.voter_applied.unwrap_or(0).to_string());
        add("Deltatree_row_disk_bytes", group.row_disk_bytes.to_string());
        add("Ssl_cipher", String::new());
        add("Ssl_cipher_list", String::new());
        add("Ssl_version", String::new());
        add("Threads_connected", self.node.connections().len().to_string());
        add("Threads_running", self.node.connections().running().to_string());
        add("Uptime", self.node.uptime().as_secs().to_string());
        table
    }

    /// `SHOW WARNINGS`, `SHOW ERRORS`.
    pub(super) fn show_conditions(&self, errors_only: bool) -> TextTable {
        let mut table = TextTable::new(&["Level", "Code", "Message"]).number("Code");
        for (level, condition) in self.diagnostics.conditions() {
            if !errors_only || *level == Level::Error {
                table.push_all([level.name(), &condition.code.to_string(), &condition.message]);
            }
        }
        table
    }

    /// `SHOW PROCESSLIST`.
    pub(super) fn show_process_list(&self, full: bool) -> TextTable {
        const SHORT: usize = 100;
        let mut table = TextTable::new(&["Id", "User", "Host", "db", "Command", "Time", "State", "Info"]);
        table = table.number("Id").number("Time");
        for process in self.node.connections().processes() {
            let info = process.info.map(|text| {
                let end = if full { text.len() } else { text.floor_char_boundary(SHORT) };
                text[..end].to_owned()
            });
            table.push([
                Some(process.id.to_string()),
                Some(process.user),
                Some(process.host),
                process.database,
                Some(process.command),
                Some(process.seconds.to_string()),
                Some(process.state),
                info,
            ]);
        }
        table
    }
}

/// `SHOW ENGINES`. Clients look for the name that dumps carry.
pub(super) fn engines() -> TextTable {
    let mut table = TextTable::new(&["Engine", "Support", "Comment", "Transactions", "XA", "Savepoints"]);
    table.push_all([
        "InnoDB",
        "DEFAULT",
        "DeltaTree: row store and columnar replica, under MySQL's name",
        "YES",
        "NO",
        "YES",
    ]);
    table
}

/// `SHOW COLLATION`.
pub(super) fn collations() -> TextTable {
    let mut table = TextTable::new(&["Collation", "Charset", "Id", "Default", "Compiled", "Sortlen", "Pad_attribute"]);
    table = table.number("Id").number("Sortlen");
    for (name, charset, id, default, pad) in [
        ("ascii_bin", "ascii", "65", "Yes", "PAD SPACE"),
        ("binary", "binary", "63", "Yes", "NO PAD"),
        ("latin1_bin", "latin1", "47", "Yes", "PAD SPACE"),
        ("utf8_bin", "utf8", "83", "Yes", "PAD SPACE"),
        ("utf8_general_ci", "utf8", "33", "", "PAD SPACE"),
        ("utf8mb4_0900_ai_ci", "utf8mb4", "255", "", "NO PAD"),
        ("utf8mb4_bin", "utf8mb4", "46", "Yes", "PAD SPACE"),
        ("utf8mb4_general_ci", "utf8mb4", "45", "", "PAD SPACE"),
        ("utf8mb4_unicode_ci", "utf8mb4", "224", "", "PAD SPACE"),
    ] {
        table.push_all([name, charset, id, default, "Yes", "1", pad]);
    }
    table
}

/// `SHOW CHARACTER SET`.
pub(super) fn character_sets() -> TextTable {
    let mut table = TextTable::new(&["Charset", "Description", "Default collation", "Maxlen"]).number("Maxlen");
    for row in [
        ["ascii", "US ASCII", "ascii_bin", "1"],
        ["binary", "binary", "binary", "1"],
        ["latin1", "Latin1", "latin1_bin", "1"],
        ["utf8", "UTF-8 Unicode", "utf8_bin", "3"],
        ["utf8mb4", "UTF-8 Unicode", "utf8mb4_bin", "4"],
    ] {
        table.push_all(row);
    }
    table
}

/// `SHOW PLUGINS`.
pub(super) fn plugins() -> TextTable {
    let mut table = TextTable::new(&["Name", "Status", "Type", "Library", "License"]);
    let text = |s: &str| Some(s.to_owned());
    table.push([
        text("mysql_native_password"),
        text("ACTIVE"),
        text("AUTHENTICATION"),
        None,
        text("Apache License 2.0"),
    ]);
    table
}

/// `SHOW PRIVILEGES`.
pub(super) fn privileges() -> TextTable {
    let mut table = TextTable::new(&["Privilege", "Context", "Comment"]);
    for (name, context, comment) in [
        ("Alter", "Tables", "To alter the table"),
        ("Create", "Databases,Tables,Indexes", "To create new databases and tables"),
        ("Delete", "Tables", "To delete existing rows"),
        ("Drop", "Databases,Tables", "To drop databases and tables"),
        ("Index", "Tables", "To create or drop indexes"),
        ("Insert", "Tables", "To insert data into tables"),
        ("Select", "Tables", "To retrieve rows from table"),
        ("Update", "Tables", "To update existing rows"),
    ] {
        table.push_all([name, context, comment]);
    }
    table
}
