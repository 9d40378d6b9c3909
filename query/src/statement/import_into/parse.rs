//! Reading the statements.

use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::ImportInto;
use crate::import::{CsvFormat, Format};
use crate::statement::load_data::Format as LineFormat;
use crate::statement::parsed::StatementKind;
use crate::statement::words::Words;

type Result<T> = std::result::Result<T, ParserError>;

/// Options that TiDB has and that change nothing here.
const WITHOUT_EFFECT: [&str; 6] =
    ["max_write_speed", "disk_quota", "checksum_table", "disable_tikv_import_mode", "disable_precheck", "split_file"];
/// Most threads that may be asked for.
const MAX_THREADS: u64 = 64;

/// `IMPORT INTO t [(a, @b)] FROM 'path' [FORMAT 'csv' | 'parquet'] [WITH option [= value], …]`.
pub(in crate::statement) fn parse(words: &mut Words<'_>) -> Result<Option<StatementKind>> {
    words.take("IMPORT");
    words.expect("INTO")?;
    let table = words.object_name()?;
    let mut targets = Vec::new();
    if words.take_token(&Token::LParen) && !words.take_token(&Token::RParen) {
        targets = words.list(|words| match words.user_variable() {
            Ok(_) => Ok(None),
            Err(_) => words.name().map(Some),
        })?;
        words.expect_token(&Token::RParen)?;
    }
    words.expect("FROM")?;
    let path = words.string()?;
    let format = if words.take("FORMAT") { words.string()? } else { format_of(&path) };
    let mut csv = CsvFormat {
        lines: LineFormat { field_end: b",".to_vec(), quote: Some(b'"'), ..LineFormat::default() },
        find_line_end: true,
        skip_rows: 0,
        null: None,
    };
    let (mut detached, mut threads) = (false, None);
    if words.take("WITH") {
        words.list(|words| option(words, &mut csv, &mut detached, &mut threads))?;
    }
    let format = match format.to_ascii_lowercase().as_str() {
        "csv" => Format::Csv(csv),
        "parquet" => Format::Parquet,
        _ => return words.unexpected(),
    };
    Ok(Some(StatementKind::ImportInto(Box::new(ImportInto { table, targets, path, format, detached, threads }))))
}

/// By the file's name; text is TiDB's default.
fn format_of(path: &str) -> String {
    let parquet = path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("parquet"));
    if parquet { "parquet" } else { "csv" }.to_owned()
}

fn option(words: &mut Words<'_>, csv: &mut CsvFormat, detached: &mut bool, threads: &mut Option<usize>) -> Result<()> {
    let name = words.name()?.to_ascii_lowercase();
    let given = words.take_token(&Token::Eq);
    match name.as_str() {
        "detached" if !given => *detached = true,
        "skip_rows" if given => csv.skip_rows = words.number()?,
        "thread" if given => *threads = Some(words.number()?.clamp(1, MAX_THREADS) as usize),
        "fields_terminated_by" if given => csv.lines.field_end = not_empty(words)?,
        "fields_enclosed_by" if given => csv.lines.quote = words.string()?.bytes().next(),
        "fields_escaped_by" if given => csv.lines.escape = words.string()?.bytes().next(),
        "fields_defined_null_by" if given => csv.null = Some(words.string()?.into_bytes()),
        "lines_terminated_by" if given => {
            csv.lines.line_end = not_empty(words)?;
            csv.find_line_end = false;
        }
        "character_set" if given => {
            let set = words.name_or_string()?.to_ascii_lowercase();
            if !["utf8mb4", "utf8", "utf8mb3", "ascii", "binary"].contains(&set.as_str()) {
                return words.unexpected();
            }
        }
        other if WITHOUT_EFFECT.contains(&other) => {
            if given {
                words.skip();
            }
        }
        _ => return words.unexpected(),
    }
    Ok(())
}

fn not_empty(words: &mut Words<'_>) -> Result<Vec<u8>> {
    let text = words.string()?;
    if text.is_empty() { words.unexpected() } else { Ok(text.into_bytes()) }
}

/// `CANCEL IMPORT JOB id`.
pub(in crate::statement) fn parse_cancel(words: &mut Words<'_>) -> Result<Option<StatementKind>> {
    words.take("CANCEL");
    words.expect("IMPORT")?;
    words.expect("JOB")?;
    Ok(Some(StatementKind::CancelImport(words.number()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::{parse as parse_statements, parse_single};

    fn one(text: &str) -> ImportInto {
        let StatementKind::ImportInto(import) = parse_single(text) else { panic!("{text}") };
        *import
    }

    #[test]
    fn every_clause_is_read() {
        let import = one(
            "IMPORT INTO d.t (a, @1, b) FROM '/tmp/x*.csv' FORMAT 'csv' WITH skip_rows=1, fields_terminated_by='|', \
             fields_enclosed_by='', fields_escaped_by='', fields_defined_null_by='none', lines_terminated_by='\\n', \
             character_set='utf8mb4', thread=2, disk_quota='1GiB', detached",
        );
        assert_eq!(import.targets, [Some("a".to_owned()), None, Some("b".to_owned())]);
        assert!(import.detached && import.threads == Some(2) && import.path == "/tmp/x*.csv");
        let Format::Csv(csv) = import.format else { panic!() };
        assert_eq!((csv.lines.field_end.as_slice(), csv.lines.quote, csv.lines.escape), (&b"|"[..], None, None));
        assert!(csv.skip_rows == 1 && csv.null.as_deref() == Some(b"none") && !csv.find_line_end);
    }

    #[test]
    fn the_format_follows_from_the_name_unless_it_is_said() {
        assert!(matches!(one("import into t from 'a.parquet'").format, Format::Parquet));
        assert!(matches!(one("import into t from 'a' format 'Parquet'").format, Format::Parquet));
        let Format::Csv(csv) = one("import into t from 'a.txt'").format else { panic!() };
        assert!(csv.find_line_end && csv.lines.quote == Some(b'"') && csv.lines.escape == Some(b'\\'));
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for text in [
            "import into t",
            "import into t from x",
            "import into t from 'x' format 'sql'",
            "import into t from 'x' with nonsense",
            "import into t from 'x' with skip_rows",
            "import into t from 'x' with fields_terminated_by=''",
            "import into t (a from 'x'",
            "cancel import 5",
            "cancel import job x",
        ] {
            assert_eq!(parse_statements(text).unwrap_err().code, 1064, "{text}");
        }
        assert!(matches!(parse_single("CANCEL IMPORT JOB 7"), StatementKind::CancelImport(7)));
    }
}
