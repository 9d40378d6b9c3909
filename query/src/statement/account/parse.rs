//! Reading statements about accounts.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Token;
use deltatree_learner::catalog::Privilege;

use super::{AccountName, AccountOptions, AccountStatement, Level, Password, Privileges};
use crate::statement::parsed::StatementKind;
use crate::statement::words::Words;

type Result<T> = std::result::Result<T, ParserError>;
type Parsed = Result<Option<StatementKind>>;

fn statement(statement: AccountStatement) -> Parsed {
    Ok(Some(StatementKind::Account(Box::new(statement))))
}

/// Reads what follows `CREATE`; `None` if it is no account.
pub(in crate::statement) fn create(words: &mut Words<'_>) -> Parsed {
    let roles = words.take("ROLE");
    if !roles && !words.take("USER") {
        return Ok(None);
    }
    let if_not_exists = words.take_all(&["IF", "NOT", "EXISTS"]);
    let accounts = all_options(words)?;
    statement(AccountStatement::Create { accounts, roles, if_not_exists })
}

/// Reads what follows `ALTER USER`.
pub(in crate::statement) fn alter_user(words: &mut Words<'_>) -> Parsed {
    let if_exists = words.take_all(&["IF", "EXISTS"]);
    let accounts = all_options(words)?;
    statement(AccountStatement::Alter { accounts, if_exists })
}

/// Reads what follows `DROP`; `None` if it is no account.
pub(in crate::statement) fn drop(words: &mut Words<'_>) -> Parsed {
    let roles = words.take("ROLE");
    if !roles && !words.take("USER") {
        return Ok(None);
    }
    let if_exists = words.take_all(&["IF", "EXISTS"]);
    let accounts = names(words)?;
    statement(AccountStatement::Drop { accounts, roles, if_exists })
}

/// Reads what follows `RENAME USER`.
pub(in crate::statement) fn rename_user(words: &mut Words<'_>) -> Parsed {
    let pairs = words.list(|words| {
        let from = name(words)?;
        words.expect("TO")?;
        Ok((from, name(words)?))
    })?;
    statement(AccountStatement::Rename(pairs))
}

/// Reads what follows `GRANT`.
pub(in crate::statement) fn grant(words: &mut Words<'_>) -> Parsed {
    if !words.has_before("ON", "TO") {
        let roles = names(words)?;
        words.expect("TO")?;
        let accounts = names(words)?;
        words.take_all(&["WITH", "ADMIN", "OPTION"]);
        return statement(AccountStatement::GrantRoles(roles, accounts));
    }
    let (which, mut grantable) = privileges(words)?;
    words.expect("ON")?;
    let level = level(words)?;
    words.expect("TO")?;
    let accounts = names(words)?;
    if words.take("WITH") {
        words.expect("GRANT")?;
        words.expect("OPTION")?;
        grantable = true;
    }
    statement(AccountStatement::Grant(Privileges { which, grantable, level }, accounts))
}

/// Reads what follows `REVOKE`.
pub(in crate::statement) fn revoke(words: &mut Words<'_>) -> Parsed {
    words.take_all(&["IF", "EXISTS"]);
    if words.has_before("ON", "FROM") {
        let (which, grantable) = privileges(words)?;
        words.expect("ON")?;
        let level = level(words)?;
        words.expect("FROM")?;
        return statement(AccountStatement::Revoke(Privileges { which, grantable, level }, names(words)?));
    }
    if words.take("ALL") {
        words.take("PRIVILEGES");
        words.expect_token(&Token::Comma)?;
        words.expect("GRANT")?;
        words.expect("OPTION")?;
        words.expect("FROM")?;
        return statement(AccountStatement::RevokeEverything(names(words)?));
    }
    let roles = names(words)?;
    words.expect("FROM")?;
    statement(AccountStatement::RevokeRoles(roles, names(words)?))
}

/// Reads what follows `SET PASSWORD`.
pub(in crate::statement) fn set_password(words: &mut Words<'_>) -> Parsed {
    let name = if words.take("FOR") { name(words)? } else { AccountName::Current };
    words.expect_token(&Token::Eq)?;
    let password = if words.take("PASSWORD") {
        // The function hashes; here it is part of the statement.
        parenthesised_string(words).map(Password::Clear)?
    } else {
        let text = words.string()?;
        if text.len() == 41 && text.starts_with('*') { Password::Hash(text) } else { Password::Clear(text) }
    };
    let options = AccountOptions { name, password: Some(password), locked: None };
    statement(AccountStatement::Alter { accounts: vec![options], if_exists: false })
}

fn parenthesised_string(words: &mut Words<'_>) -> Result<String> {
    words.expect_token(&Token::LParen)?;
    let text = words.string()?;
    words.expect_token(&Token::RParen)?;
    Ok(text)
}

/// An account's name.
pub(in crate::statement) fn name(words: &mut Words<'_>) -> Result<AccountName> {
    if words.take("CURRENT_USER") || words.take("USER") {
        if words.take_token(&Token::LParen) {
            words.expect_token(&Token::RParen)?;
        }
        return Ok(AccountName::Current);
    }
    words.user_at_host().map(|(user, host)| AccountName::Named(user, host))
}

fn names(words: &mut Words<'_>) -> Result<Vec<AccountName>> {
    words.list(name)
}

/// Accounts with their passwords, and the options that follow for all of them.
fn all_options(words: &mut Words<'_>) -> Result<Vec<AccountOptions>> {
    let mut accounts = words.list(|words| {
        let name = name(words)?;
        let password = if words.take("IDENTIFIED") { identified(words)? } else { None };
        Ok(AccountOptions { name, password, locked: None })
    })?;
    while !words.at_end() {
        let locked = if words.take_all(&["ACCOUNT", "LOCK"]) {
            true
        } else if words.take_all(&["ACCOUNT", "UNLOCK"]) {
            false
        } else if words.any_of(&[
            "REQUIRE",
            "WITH",
            "PASSWORD",
            "COMMENT",
            "ATTRIBUTE",
            "DEFAULT",
            "FAILED_LOGIN_ATTEMPTS",
        ]) {
            skip_option(words);
            continue;
        } else {
            return words.unexpected();
        };
        accounts.iter_mut().for_each(|account| account.locked = Some(locked));
    }
    Ok(accounts)
}

/// Resource limits, expiry and the like: there is nothing that would act on them.
fn skip_option(words: &mut Words<'_>) {
    words.skip();
    while !words.at_end() && !words.is("ACCOUNT") {
        words.skip();
    }
}

fn identified(words: &mut Words<'_>) -> Result<Option<Password>> {
    if words.take("BY") {
        if words.take("PASSWORD") {
            return words.string().map(|hash| Some(Password::Hash(hash)));
        }
        return words.string().map(|text| Some(Password::Clear(text)));
    }
    if !words.take("WITH") && !words.take("VIA") {
        return words.unexpected();
    }
    // The proof is always made by the native method, whichever is asked for.
    words.name_or_string()?;
    if words.take("BY") {
        words.string().map(|text| Some(Password::Clear(text)))
    } else if words.take("AS") || words.take("USING") {
        if words.take("PASSWORD") {
            return parenthesised_string(words).map(|text| Some(Password::Clear(text)));
        }
        words.string().map(|hash| Some(Password::Hash(hash)))
    } else {
        Ok(None)
    }
}

/// Privileges, and whether `GRANT OPTION` is among them.
fn privileges(words: &mut Words<'_>) -> Result<(Option<BTreeSet<Privilege>>, bool)> {
    if words.take("ALL") {
        words.take("PRIVILEGES");
        return Ok((None, false));
    }
    let (mut which, mut grantable) = (BTreeSet::new(), false);
    words.list(|words| {
        if words.take_all(&["GRANT", "OPTION"]) {
            grantable = true;
        } else if !words.take("USAGE") {
            let found = Privilege::ALL.iter().copied().rev().find(|privilege| {
                let name: Vec<_> = privilege.name().split(' ').collect();
                words.take_all(&name)
            });
            match found {
                Some(privilege) => which.insert(privilege),
                None => return words.unexpected(),
            };
        }
        Ok(())
    })?;
    Ok((Some(which), grantable))
}

fn level(words: &mut Words<'_>) -> Result<Level> {
    words.take("TABLE");
    if words.take_token(&Token::Mul) {
        if !words.take_token(&Token::Period) {
            return Ok(Level::Database(None));
        }
        words.expect_token(&Token::Mul)?;
        return Ok(Level::Global);
    }
    let first = words.name()?;
    if !words.take_token(&Token::Period) {
        return Ok(Level::Table(None, first));
    }
    if words.take_token(&Token::Mul) {
        Ok(Level::Database(Some(first)))
    } else {
        Ok(Level::Table(Some(first), words.name()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::parse::{parse, parse_single};

    fn one(text: &str) -> AccountStatement {
        let StatementKind::Account(statement) = parse_single(text) else { panic!("{text}") };
        *statement
    }

    #[test]
    fn accounts_are_read_with_their_passwords() {
        let AccountStatement::Create { accounts, if_not_exists: true, roles: false } =
            one("create user if not exists a@'%' identified by 'p w', 'b'@localhost require none account lock")
        else {
            panic!()
        };
        assert!(matches!(&accounts[0].password, Some(Password::Clear(p)) if p == "p w"));
        assert_eq!(accounts[1].name, AccountName::Named("b".into(), "localhost".into()));
        assert_eq!(accounts[1].locked, Some(true));
        for (text, clear) in [
            ("alter user user() identified by 'x'", true),
            ("alter user a identified with mysql_native_password by 'x'", true),
            ("alter user a identified with 'mysql_native_password' as '*00'", false),
            ("set password = 'x'", true),
            ("set password for 'a'@'%' = password('x')", true),
        ] {
            let AccountStatement::Alter { accounts, .. } = one(text) else { panic!("{text}") };
            assert_eq!(matches!(accounts[0].password, Some(Password::Clear(_))), clear, "{text}");
        }
    }

    #[test]
    fn grants_are_read_at_every_level() {
        for (text, level, grantable) in [
            ("grant all privileges on *.* to a with grant option", Level::Global, true),
            ("grant all on d.* to a, b@'10.%'", Level::Database(Some("d".into())), false),
            (
                "grant select, show view, create temporary tables on `d`.* to a",
                Level::Database(Some("d".into())),
                false,
            ),
            ("GRANT SELECT ON TABLE t TO a", Level::Table(None, "t".into()), false),
            ("grant insert, grant option on d.t to a", Level::Table(Some("d".into()), "t".into()), true),
            ("grant usage on * to a", Level::Database(None), false),
        ] {
            let AccountStatement::Grant(privileges, accounts) = one(text) else { panic!("{text}") };
            assert_eq!((privileges.level, privileges.grantable), (level, grantable), "{text}");
            assert!(!accounts.is_empty());
        }
        let AccountStatement::Revoke(privileges, _) = one("revoke create view, create on d.* from a") else { panic!() };
        assert_eq!(privileges.which, Some([Privilege::Create, Privilege::CreateView].into()));
        assert!(matches!(one("grant r1, r2 to a"), AccountStatement::GrantRoles(roles, _) if roles.len() == 2));
        assert!(matches!(one("revoke all, grant option from a"), AccountStatement::RevokeEverything(_)));
        for text in
            ["grant on d.* to a", "grant select d.* to a", "grant nonsense on d.* to a", "create user", "drop user a b"]
        {
            assert_eq!(parse(text).unwrap_err().code, 1064, "{text}");
        }
    }
}
