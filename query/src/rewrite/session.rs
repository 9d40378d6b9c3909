//! What the session answers: variables, the statement's time, identity and counters, as constants.

use datafusion::sql::sqlparser::ast::{Expr, Ident};

use super::{RewriteContext, build};
use crate::error::{Result, SqlError};
use crate::types::Datum;
use crate::types::calendar::{DAY, cut_to_fsp};

/// `@@name`, `@@session.name`, `@@global.name`, `@name`; `None` for what is no variable.
pub(super) fn variable(parts: &[Ident], context: &RewriteContext<'_>) -> Result<Option<Expr>> {
    let Some(first) = parts.first().map(|p| p.value.as_str()).filter(|p| p.starts_with('@')) else {
        return Ok(None);
    };
    let Some(system) = first.strip_prefix("@@") else {
        let name = first[1..].to_lowercase();
        return Ok(Some(constant(&context.variables.user(&name))));
    };
    let mut names: Vec<String> =
        std::iter::once(system).chain(parts[1..].iter().map(|p| p.value.as_str())).map(str::to_lowercase).collect();
    let mut global = false;
    if names.len() > 1 && matches!(names[0].as_str(), "session" | "local" | "global") {
        global = names.remove(0) == "global";
    }
    let name = names.join(".");
    match context.variables.system(&name, global) {
        Some(value) => Ok(Some(constant(&value))),
        None => Err(SqlError::unknown_variable(&name)),
    }
}

/// A value as an expression of its type.
pub(super) fn constant(value: &Datum) -> Expr {
    match value {
        Datum::DateTime(micros) => datetime(*micros, 6),
        Datum::Instant(_) => build::call("mysql_instant", vec![super::expression::typed(value.to_ast())]),
        Datum::Time(_) | Datum::Date(_) => super::expression::typed(value.to_ast()),
        Datum::Float(v) => build::call("cast_double", vec![build::text(format!("{v:e}"))]),
        _ => value.to_ast(),
    }
}

fn datetime(micros: i64, fsp: u8) -> Expr {
    let mut text = Vec::new();
    crate::types::calendar::write_datetime(micros, fsp, &mut text);
    build::call("cast_datetime", vec![build::text(String::from_utf8_lossy(&text)), build::number(fsp)])
}

fn date(micros: i64) -> Expr {
    let mut text = Vec::new();
    crate::types::calendar::write_date(micros.div_euclid(DAY) as i32, &mut text);
    build::call("cast_date", vec![build::text(String::from_utf8_lossy(&text))])
}

fn time(micros: i64, fsp: u8) -> Expr {
    let mut text = Vec::new();
    crate::types::calendar::write_time(micros.rem_euclid(DAY), fsp, &mut text);
    build::call("cast_time", vec![build::text(String::from_utf8_lossy(&text)), build::number(fsp)])
}

/// A function that the session answers; `None` for all others.
pub(super) fn function(name: &str, args: &[Expr], context: &RewriteContext<'_>) -> Result<Option<Expr>> {
    let session = context.function;
    let local = session.zone.local_from_utc(session.now);
    let fsp = || -> Result<u8> {
        match args.first().and_then(crate::types::literal::literal_value) {
            None if args.is_empty() => Ok(0),
            Some(Datum::Int(v @ 0..=6)) => Ok(v as u8),
            _ => Err(SqlError::new(1426, format!("Too-big precision specified for '{name}'. Maximum is 6."))),
        }
    };
    let optional = |value: &Option<String>| value.as_ref().map_or_else(build::null, build::text);
    Ok(Some(match (name, args.len()) {
        ("now" | "current_timestamp" | "localtime" | "localtimestamp" | "sysdate", _) => {
            let fsp = fsp()?;
            datetime(cut_to_fsp(local, fsp), fsp)
        }
        ("utc_timestamp", _) => {
            let fsp = fsp()?;
            datetime(cut_to_fsp(session.now, fsp), fsp)
        }
        ("curdate" | "current_date", 0) => date(local),
        ("utc_date", 0) => date(session.now),
        ("curtime" | "current_time", _) => {
            let fsp = fsp()?;
            time(cut_to_fsp(local, fsp), fsp)
        }
        ("utc_time", _) => {
            let fsp = fsp()?;
            time(cut_to_fsp(session.now, fsp), fsp)
        }
        ("unix_timestamp", 0) => build::number(session.now.div_euclid(1_000_000)),
        ("version", 0) => build::text(&session.version),
        ("database" | "schema", 0) => optional(&session.database),
        ("user" | "session_user" | "system_user", 0) => build::text(&session.user),
        ("current_user", 0) => build::text(&session.current_user),
        ("current_role", 0) => build::text("NONE"),
        ("connection_id", 0) => build::number(session.connection_id),
        ("last_insert_id", 0) => build::number(session.last_insert_id),
        ("row_count", 0) => Datum::Int(session.row_count).to_ast(),
        ("found_rows", 0) => build::number(session.found_rows),
        ("tidb_version", 0) => build::text(&session.version),
        _ => return Ok(None),
    }))
}
