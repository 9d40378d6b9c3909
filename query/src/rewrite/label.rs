//! Headers of result columns.
//!
//! MySQL heads a column with its alias, or else with the text of its expression. Names are looked up
//! without regard to case, so inside a plan they are in lower case; the headers of the outermost query are
//! kept as written. Two columns may have one header, but a plan needs distinct names: an invisible mark
//! after the second tells them apart.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Select, SelectItem, SetExpr, Statement};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::parse::Lines;

/// The quote of aliases that stay as written.
pub(super) const KEPT: char = '"';
/// Begins the mark that keeps equal headers apart.
const MARK: char = '\u{1}';

/// The header of a result column: field names may carry a mark that keeps equal headers apart.
pub fn column_label(field_name: &str) -> &str {
    field_name.split(MARK).next().unwrap_or(field_name)
}

/// The first `SELECT` of a query, which names the columns.
pub(super) fn leading_select(query: &mut Query) -> Option<&mut Select> {
    let mut body = query.body.as_mut();
    loop {
        match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::Query(inner) => body = inner.body.as_mut(),
            SetExpr::SetOperation { left, .. } => body = left.as_mut(),
            _ => return None,
        }
    }
}

/// Gives the unnamed columns of the outermost query their text as alias.
pub(super) fn from_text(statement: &mut Statement, sql: &str, tokens: &[TokenWithSpan], lines: &Lines) {
    let query = match statement {
        Statement::Query(query) => query.as_mut(),
        _ => return,
    };
    if !matches!(query.body.as_ref(), SetExpr::Select(_) | SetExpr::SetOperation { .. }) {
        return;
    }
    let Some(select) = leading_select(query) else { return };
    let texts = item_texts(sql, tokens, lines);
    if texts.len() != select.projection.len() {
        return;
    }
    for (item, text) in select.projection.iter_mut().zip(texts) {
        if let SelectItem::UnnamedExpr(expr) = item
            && !is_plain_name(expr)
        {
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('`', header(expr, text)) };
        }
    }
}

/// A string constant is headed by what it says, everything else by its text.
fn header<'a>(expr: &Expr, text: &'a str) -> std::borrow::Cow<'a, str> {
    match crate::types::literal::literal_value(expr) {
        Some(crate::types::Datum::Text(said)) => said.into(),
        _ => text.into(),
    }
}

fn is_plain_name(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => !ident.value.starts_with('@'),
        Expr::CompoundIdentifier(parts) => parts.first().is_none_or(|p| !p.value.starts_with('@')),
        _ => false,
    }
}

/// Texts between the commas of the first select list that is not inside parentheses.
fn item_texts<'a>(sql: &'a str, tokens: &[TokenWithSpan], lines: &Lines) -> Vec<&'a str> {
    let word = |token: &Token, text: &str| matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text));
    let mut depth = 0_usize;
    let mut tokens = tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).peekable();
    for token in tokens.by_ref() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ if depth == 0 && word(&token.token, "select") => break,
            _ => {}
        }
    }
    const MODIFIERS: [&str; 9] = [
        "all",
        "distinct",
        "distinctrow",
        "high_priority",
        "straight_join",
        "sql_no_cache",
        "sql_calc_found_rows",
        "sql_small_result",
        "sql_big_result",
    ];
    while tokens.next_if(|t| MODIFIERS.iter().any(|m| word(&t.token, m))).is_some() {}
    let mut texts = Vec::new();
    let mut span: Option<(usize, usize)> = None;
    let text = |span: Option<(usize, usize)>| span.map_or("", |(from, to)| &sql[from..to]);
    let mut depth = 0_usize;
    const ENDS: [&str; 13] = [
        "from",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "union",
        "except",
        "intersect",
        "for",
        "into",
        "window",
        "procedure",
    ];
    for token in tokens {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => break,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 0 => {
                texts.push(text(span.take()));
                continue;
            }
            Token::EOF => break,
            other if depth == 0 && ENDS.iter().any(|end| word(other, end)) => break,
            _ => {}
        }
        let from = lines.offset(sql, token.span.start);
        let to = lines.offset(sql, token.span.end).max(from);
        span = Some(span.map_or((from, to), |(first, _)| (first, to)));
    }
    texts.push(text(span));
    texts
}

/// Names that the select list of the outermost query defines: what references to them in lower case
/// become. Also makes the names distinct.
pub(super) fn finish(select: &mut Select) -> Vec<(String, Ident)> {
    let wildcard =
        select.projection.iter().any(|i| matches!(i, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let mut seen = HashSet::new();
    let mut renamed = Vec::new();
    for item in &mut select.projection {
        let (expr, label, explicit) = match &*item {
            SelectItem::UnnamedExpr(expr) => match written_name(expr) {
                Some(name) => (expr, name.to_owned(), false),
                None if seen.insert(expr.to_string()) => continue,
                // The same expression again, in a query whose headers nobody sees.
                None => (expr, expr.to_string(), false),
            },
            SelectItem::ExprWithAlias { expr, alias } => (expr, alias.value.clone(), true),
            _ => continue,
        };
        let lower = label.to_lowercase();
        let fresh = seen.insert(label.clone());
        let plain = !explicit && label == lower && !wildcard;
        if plain && fresh {
            continue;
        }
        let name = if fresh && (explicit || !wildcard) { label } else { format!("{label}{MARK}{}", seen.len()) };
        seen.insert(name.clone());
        let alias = Ident::with_quote(KEPT, name);
        if fresh && alias.value != lower {
            renamed.push((lower, alias.clone()));
        }
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
    renamed
}

/// The last part of a column's name as written.
fn written_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(ident) => Some(&ident.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.as_str()),
        _ => None,
    }
}
