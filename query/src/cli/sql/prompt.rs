//! Reading statements from a terminal: several lines, history, completion of words.

use std::path::PathBuf;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, Helper};

/// Words that the Tab key completes.
const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "INSERT INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "DELETE FROM",
    "CREATE TABLE",
    "CREATE DATABASE",
    "DROP TABLE",
    "ALTER TABLE",
    "TRUNCATE TABLE",
    "EXPLAIN",
    "EXPLAIN ANALYZE",
    "ANALYZE TABLE",
    "SHOW DATABASES",
    "SHOW TABLES",
    "SHOW CREATE TABLE",
    "DESCRIBE",
    "USE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "JOIN",
    "LEFT JOIN",
    "COUNT(*)",
    "DISTINCT",
    "BETWEEN",
    "LIKE",
    "IS NULL",
];

/// The terminal.
pub(super) struct Prompt {
    editor: Editor<Sql, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Prompt {
    /// Takes over the terminal, with the history of earlier shells.
    pub(super) fn new() -> Result<Self, String> {
        let mut editor = Editor::new().map_err(|e| format!("cannot use the terminal: {e}"))?;
        editor.set_helper(Some(Sql));
        let history = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".deltatree_history"));
        if let Some(path) = &history {
            // A first run has none.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, history })
    }

    /// The next statement; `None` when the user leaves.
    pub(super) fn statement(&mut self) -> Result<Option<String>, String> {
        loop {
            match self.editor.readline("deltatree> ") {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) if ["exit", "quit", "\\q"].contains(&line.trim().trim_end_matches(';')) => return Ok(None),
                Ok(line) => {
                    // Losing history is no reason to refuse a statement.
                    let _ = self.editor.add_history_entry(line.trim());
                    if let Some(path) = &self.history {
                        let _ = self.editor.save_history(path);
                    }
                    return Ok(Some(line));
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(e) => return Err(format!("cannot read the terminal: {e}")),
            }
        }
    }
}

/// What the line editor knows of SQL.
struct Sql;

impl Validator for Sql {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let word = text.trim_end_matches(';');
        let complete = text.is_empty() || text.ends_with(';') || ["exit", "quit", "\\q"].contains(&word);
        Ok(if complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Sql {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let start = line[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |i| i + 1);
        let prefix = line[start..at].to_uppercase();
        let matching = WORDS.iter().filter(|word| !prefix.is_empty() && word.starts_with(&prefix));
        let pairs = matching.map(|word| Pair { display: (*word).to_owned(), replacement: format!("{word} ") });
        Ok((start, pairs.collect()))
    }
}

impl Hinter for Sql {
    type Hint = String;
}

impl Highlighter for Sql {}

impl Helper for Sql {}
