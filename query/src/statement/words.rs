//! Reading a statement word by word.

use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Statement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

type Result<T> = std::result::Result<T, ParserError>;

/// A cursor over the tokens of one statement. Words are compared without regard to case.
pub(crate) struct Words<'a>(Parser<'a>);

impl<'a> Words<'a> {
    /// Starts at the parser's place.
    pub(crate) fn new(parser: Parser<'a>) -> Self {
        Self(parser)
    }

    /// Whether the next token is this word, not quoted.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.is_nth(0, word)
    }

    fn is_nth(&self, n: usize, word: &str) -> bool {
        matches!(&self.0.peek_nth_token(n).token,
            Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Whether the next token is one of these words.
    pub(crate) fn any_of(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(w))
    }

    /// Whether the next token is this one.
    pub(crate) fn is_token(&self, token: &Token) -> bool {
        self.0.peek_token().token == *token
    }

    /// Steps over the word if it is next.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.0.next_token();
        }
        found
    }

    /// Steps over the words if all are next, in this order.
    pub(crate) fn take_all(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(i, word)| self.is_nth(i, word));
        if found {
            words.iter().for_each(|_| self.skip());
        }
        found
    }

    /// Steps over the token if it is next.
    pub(crate) fn take_token(&mut self, token: &Token) -> bool {
        self.0.consume_token(token)
    }

    /// Steps over the word, which must be next.
    pub(crate) fn expect(&mut self, word: &str) -> Result<()> {
        if self.take(word) { Ok(()) } else { self.unexpected() }
    }

    /// Steps over the token, which must be next.
    pub(crate) fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.take_token(token) { Ok(()) } else { self.unexpected() }
    }

    /// Steps over one token.
    pub(crate) fn skip(&mut self) {
        self.0.next_token();
    }

    /// Steps over all tokens left.
    pub(crate) fn skip_rest(&mut self) {
        while !self.at_end() {
            self.skip();
        }
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&self) -> bool {
        self.is_token(&Token::EOF)
    }

    /// The text from the next token to the end, for messages.
    pub(crate) fn rest(&self, text: &str) -> String {
        let Location { line, column } = self.0.peek_token().span.start;
        if line == 0 {
            return String::new();
        }
        let mut lines = text.lines().skip(line as usize - 1);
        let first: String = lines.next().unwrap_or_default().chars().skip(column as usize - 1).collect();
        std::iter::once(first.as_str()).chain(lines).collect::<Vec<_>>().join("\n")
    }

    /// An error about the next token.
    pub(crate) fn unexpected<T>(&self) -> Result<T> {
        Err(ParserError::ParserError(format!("unexpected {}", self.0.peek_token().token)))
    }

    /// What `item` reads, once or more, with commas between.
    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take_token(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A name, quoted or not.
    pub(crate) fn name(&mut self) -> Result<String> {
        match self.0.peek_token().token {
            Token::Word(w) => {
                self.skip();
                Ok(w.value)
            }
            _ => self.unexpected(),
        }
    }

    /// A name or a string.
    pub(crate) fn name_or_string(&mut self) -> Result<String> {
        match self.0.peek_token().token {
            Token::SingleQuotedString(s) | Token::DoubleQuotedString(s) => {
                self.skip();
                Ok(s)
            }
            _ => self.name(),
        }
    }

    /// A name of up to three parts.
    pub(crate) fn object_name(&mut self) -> Result<ObjectName> {
        self.0.parse_object_name(true)
    }

    /// An unsigned integer.
    pub(crate) fn number(&mut self) -> Result<u64> {
        self.0.parse_literal_uint()
    }

    /// An expression.
    pub(crate) fn expr(&mut self) -> Result<Expr> {
        self.0.parse_expr()
    }

    /// A whole statement.
    pub(crate) fn statement(&mut self) -> Result<Statement> {
        self.0.parse_statement()
    }

    /// Whether `word` comes before `end` in what is left.
    pub(crate) fn has_before(&self, word: &str, end: &str) -> bool {
        (0..)
            .take_while(|&n| self.0.peek_nth_token(n).token != Token::EOF && !self.is_nth(n, end))
            .any(|n| self.is_nth(n, word))
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<String> {
        match self.0.peek_token().token {
            Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => self.name_or_string(),
            _ => self.unexpected(),
        }
    }

    /// `user@host`, each part quoted or not; the host is `%` if it is left out. The tokenizer takes the
    /// sign for a letter.
    pub(crate) fn user_at_host(&mut self) -> Result<(String, String)> {
        let quoted = !matches!(self.0.peek_token().token, Token::Word(w) if w.quote_style.is_none());
        let user = self.name_or_string()?;
        if !quoted && let Some((user, host)) = user.split_once('@') {
            let host = if host.is_empty() { self.name_or_string()? } else { host.to_owned() };
            return Ok((user.to_owned(), host.to_lowercase()));
        }
        let host = match self.0.peek_token().token {
            Token::AtSign => {
                self.skip();
                self.name_or_string()?
            }
            Token::Word(w) if w.quote_style.is_none() && w.value.starts_with('@') => {
                self.skip();
                if w.value.len() == 1 { self.name_or_string()? } else { w.value[1..].to_owned() }
            }
            _ => "%".to_owned(),
        };
        Ok((user, host.to_lowercase()))
    }

    /// `@name`, without the `@`. The tokenizer takes the sign for a letter.
    pub(crate) fn user_variable(&mut self) -> Result<String> {
        let word = match self.0.peek_token().token {
            Token::Word(w) if w.quote_style.is_none() => w.value,
            Token::AtSign => {
                self.skip();
                return self.name_or_string();
            }
            _ => return self.unexpected(),
        };
        match word.strip_prefix('@') {
            Some("") => {
                self.skip();
                self.name_or_string()
            }
            Some(name) if !name.starts_with('@') => {
                self.skip();
                Ok(name.to_owned())
            }
            _ => self.unexpected(),
        }
    }
}
