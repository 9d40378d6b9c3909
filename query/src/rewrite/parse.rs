//! Reading statements in MySQL's dialect.
//!
//! The text is cut into statements by its tokens, so that errors can quote the place where reading
//! stopped, and so that the headers of unnamed result columns are the text that the user wrote.

use datafusion::sql::sqlparser::ast::{Expr, Statement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError, Word};

use super::dialect::Mysql;
use super::label;
use crate::error::{Result, SqlError};

/// How deep expressions and queries may be nested.
const NESTING_LIMIT: usize = 120;
/// How many operators one expression may chain: each may be a level of the tree that is walked, and a thread of
/// 2 MB has to hold the walk.
const OPERATOR_LIMIT: usize = 1000;
/// What of the rest of a statement an error quotes.
const NEAR_CHARACTERS: usize = 80;

/// The statements of a text, separated by `;`. Fails with 1064 at the first that is not MySQL; a text
/// without any statement is an empty list.
pub fn parse(sql: &str) -> Result<Vec<Statement>> {
    let lines = Lines::new(sql);
    let mut statements = Vec::new();
    for mut tokens in split(tokens(sql, &lines)?) {
        check_operators(&tokens)?;
        number_parameters(&mut tokens);
        let dialect = Mysql::default();
        let mut parser =
            Parser::new(&dialect).with_recursion_limit(NESTING_LIMIT).with_tokens_with_locations(tokens.clone());
        let mut statement = parser.parse_statement().map_err(|e| syntax_error(sql, &lines, &e))?;
        let next = parser.peek_token_ref();
        if next.token != Token::EOF {
            return Err(near(sql, &lines, next.span.start));
        }
        label::from_text(&mut statement, sql, &tokens, &lines);
        statements.push(statement);
    }
    Ok(statements)
}

/// One expression.
pub fn parse_expr(sql: &str) -> Result<Expr> {
    let lines = Lines::new(sql);
    let tokens = tokens(sql, &lines)?;
    check_operators(&tokens)?;
    let dialect = Mysql::default();
    let mut parser = Parser::new(&dialect).with_recursion_limit(NESTING_LIMIT).with_tokens_with_locations(tokens);
    parser.parse_expr().map_err(|e| syntax_error(sql, &lines, &e))
}

fn tokens(sql: &str, lines: &Lines) -> Result<Vec<TokenWithSpan>> {
    let tokens = Tokenizer::new(&Mysql::default(), sql)
        .tokenize_with_location()
        .map_err(|e: TokenizerError| near(sql, lines, e.location))?;
    Ok(plain_definitions(expand_units(tokens)))
}

/// Units of several fields become the form that the parser knows: `HOUR_MINUTE` is `HOUR TO MINUTE`.
/// Since nothing may follow a leading `SECOND`, `SECOND_MICROSECOND` is turned around.
fn expand_units(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut in_interval = false;
    for token in tokens {
        let Token::Word(word) = &token.token else {
            out.push(token);
            continue;
        };
        if word.quote_style.is_some() {
            out.push(token);
            continue;
        }
        let upper = word.value.to_ascii_uppercase();
        if upper == "INTERVAL" {
            in_interval = true;
        }
        let fields = match upper.as_str() {
            "SECOND_MICROSECOND" => Some(("MICROSECOND", "SECOND")),
            "YEAR_MONTH" | "DAY_HOUR" | "DAY_MINUTE" | "DAY_SECOND" | "DAY_MICROSECOND" | "HOUR_MINUTE"
            | "HOUR_SECOND" | "HOUR_MICROSECOND" | "MINUTE_SECOND" | "MINUTE_MICROSECOND" => upper.split_once('_'),
            _ => None,
        };
        match fields {
            Some((first, last)) if in_interval => {
                in_interval = false;
                for part in [first, "TO", last] {
                    out.push(TokenWithSpan::new(Token::make_word(part, None), token.span));
                    out.push(TokenWithSpan::new(
                        Token::Whitespace(datafusion::sql::sqlparser::tokenizer::Whitespace::Space),
                        token.span,
                    ));
                }
            }
            _ => out.push(token),
        }
    }
    out
}

/// Definitions in words that the parser knows: `CHARSET` is short for `CHARACTER SET`, a primary key is
/// `CLUSTERED` or not as it will be, and there are no regions over which rows could be spread.
fn plain_definitions(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is = |token: &Token, words: &[&str]| matches!(token, Token::Word(w) if w.quote_style.is_none() && words.iter().any(|word| w.value.eq_ignore_ascii_case(word)));
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut in_definition = None;
    let mut tokens = tokens.into_iter().peekable();
    // The last token that is no whitespace.
    let mut last = Token::SemiColon;
    while let Some(token) = tokens.next() {
        if matches!(token.token, Token::Whitespace(_)) {
            out.push(token);
            continue;
        }
        let defines = *in_definition.get_or_insert_with(|| is(&token.token, &["CREATE", "ALTER"]));
        if token.token == Token::SemiColon {
            in_definition = None;
        }
        let named = tokens.peek().is_some_and(|next| matches!(next.token, Token::Whitespace(_)));
        // Where a column may be named, it is one that is called so.
        let names = matches!(last, Token::LParen | Token::Comma) || is(&last, &["COLUMN", "ADD"]);
        if defines && named && !names && is(&token.token, &["CHARSET"]) && !is(&last, &["DEFAULT"]) {
            last = token.token;
            for word in ["CHARACTER", "SET"] {
                out.push(TokenWithSpan::new(Token::make_word(word, None), token.span));
                let space = Token::Whitespace(datafusion::sql::sqlparser::tokenizer::Whitespace::Space);
                out.push(TokenWithSpan::new(space, token.span));
            }
            continue;
        }
        if defines && is(&token.token, &["CLUSTERED", "NONCLUSTERED"]) && (is(&last, &["KEY"]) || last == Token::RParen)
        {
            continue;
        }
        if defines && is(&token.token, &["SHARD_ROW_ID_BITS", "PRE_SPLIT_REGIONS", "AUTO_ID_CACHE"]) {
            let spread = |t: &TokenWithSpan| {
                matches!(t.token, Token::Whitespace(_) | Token::Eq | Token::Number(..) | Token::Comma)
            };
            while tokens.next_if(spread).is_some() {}
            continue;
        }
        last = token.token.clone();
        out.push(token);
    }
    out
}

/// Token lists of the single statements; those without any word are left out.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut statements = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        if token.token == Token::SemiColon {
            statements.push(std::mem::take(&mut current));
        } else if token.token != Token::EOF {
            current.push(token);
        }
    }
    statements.push(current);
    statements.retain(|s| s.iter().any(|t| !matches!(t.token, Token::Whitespace(_))));
    statements
}

/// `?` become `?1`, `?2`, … in the order in which they are written.
fn number_parameters(tokens: &mut [TokenWithSpan]) {
    let mut count = 0;
    for token in tokens {
        if let Token::Placeholder(name) = &mut token.token
            && name == "?"
        {
            count += 1;
            *name = format!("?{count}");
        }
    }
}

/// Counts the operators on the way from the top of the tree to each place: those of the enclosing
/// parentheses, and those since the last comma.
fn check_operators(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut enclosing: Vec<usize> = Vec::new();
    let (mut outside, mut here) = (0_usize, 0_usize);
    for token in tokens {
        match &token.token {
            Token::LParen => {
                enclosing.push(here);
                outside += here;
                here = 0;
            }
            Token::RParen => {
                here = enclosing.pop().unwrap_or(0);
                outside = outside.saturating_sub(here);
            }
            Token::Comma => here = 0,
            Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::StringConcat => here += 1,
            Token::Word(Word { value, quote_style: None, .. })
                if ["and", "or", "xor", "union", "join"].iter().any(|word| value.eq_ignore_ascii_case(word)) =>
            {
                here += 1;
            }
            _ => {}
        }
        if outside + here > OPERATOR_LIMIT {
            return Err(SqlError::new(1436, format!("An expression may chain {OPERATOR_LIMIT} operators at most")));
        }
    }
    Ok(())
}

/// Where lines begin, to turn positions of tokens into places of the text.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    fn new(sql: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(sql.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1));
        Self(starts)
    }

    /// Byte offset of a position; the end of the text for one beyond it.
    pub(super) fn offset(&self, sql: &str, at: Location) -> usize {
        let Some(start) = (at.line as usize).checked_sub(1).and_then(|line| self.0.get(line)) else {
            return sql.len();
        };
        let rest = &sql[*start..];
        let column = (at.column as usize).saturating_sub(1);
        start + rest.char_indices().nth(column).map_or(rest.len(), |(offset, _)| offset)
    }
}

/// 1064 at a position.
fn near(sql: &str, lines: &Lines, at: Location) -> SqlError {
    let rest = &sql[lines.offset(sql, at)..];
    let end = rest.char_indices().nth(NEAR_CHARACTERS).map_or(rest.len(), |(offset, _)| offset);
    SqlError::parse(&rest[..end], at.line.max(1))
}

/// 1064 at the position that the parser's message ends with.
fn syntax_error(sql: &str, lines: &Lines, e: &ParserError) -> SqlError {
    let text = match e {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
        ParserError::RecursionLimitExceeded => {
            return SqlError::new(1436, "The statement is nested too deeply");
        }
    };
    match position(text) {
        Some(at) => near(sql, lines, at),
        None => SqlError::parse("", lines.0.len() as u64),
    }
}

/// The `Line: 1, Column: 2` of a message.
fn position(text: &str) -> Option<Location> {
    let (_, rest) = text.rsplit_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let column: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(Location { line: line.trim().parse().ok()?, column: column.parse().ok()? })
}
