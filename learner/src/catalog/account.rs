//! Accounts and what they may do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// An account, or a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// Identity, never reused; of one sequence with tables and databases.
    pub id: u64,
    /// User name, told apart by case.
    pub user: String,
    /// From which hosts, as a `LIKE` pattern in lower case.
    pub host: String,
    /// SHA-1 of the SHA-1 of the password; `None` for the empty password.
    pub password: Option<[u8; 20]>,
    /// Whether nobody may log in: `ACCOUNT LOCK`, and every role.
    pub locked: bool,
    /// Declared by `CREATE ROLE`.
    pub role: bool,
    /// What it may do itself; at most one entry a scope.
    pub grants: Vec<Grant>,
    /// Ids of the roles whose rights it has besides.
    pub roles: BTreeSet<u64>,
}

/// Privileges in one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Where they hold.
    pub scope: GrantScope,
    /// Which.
    pub privileges: BTreeSet<Privilege>,
    /// `WITH GRANT OPTION`.
    pub grantable: bool,
}

/// Where privileges hold. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GrantScope {
    /// `*.*`
    Global,
    /// `database.*`
    Database(String),
    /// `database.table`
    Table(String, String),
}

macro_rules! privileges {
    ($($name:ident = $text:literal,)+) => {
        /// A privilege. The order is that in which `SHOW GRANTS` lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Privilege {
            $(#[doc = $text] $name,)+
        }

        impl Privilege {
            /// Every privilege.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// In MySQL's words.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

privileges! {
    Select = "SELECT",
    Insert = "INSERT",
    Update = "UPDATE",
    Delete = "DELETE",
    Create = "CREATE",
    Drop = "DROP",
    Reload = "RELOAD",
    Shutdown = "SHUTDOWN",
    Process = "PROCESS",
    File = "FILE",
    References = "REFERENCES",
    Index = "INDEX",
    Alter = "ALTER",
    ShowDatabases = "SHOW DATABASES",
    Super = "SUPER",
    CreateTemporaryTables = "CREATE TEMPORARY TABLES",
    LockTables = "LOCK TABLES",
    Execute = "EXECUTE",
    ReplicationSlave = "REPLICATION SLAVE",
    ReplicationClient = "REPLICATION CLIENT",
    CreateView = "CREATE VIEW",
    ShowView = "SHOW VIEW",
    CreateRoutine = "CREATE ROUTINE",
    AlterRoutine = "ALTER ROUTINE",
    CreateUser = "CREATE USER",
    Event = "EVENT",
    Trigger = "TRIGGER",
    CreateTablespace = "CREATE TABLESPACE",
    CreateRole = "CREATE ROLE",
    DropRole = "DROP ROLE",
}

impl Privilege {
    /// Whether it may be granted on a database, or on a table.
    pub fn fits(self, scope: &GrantScope) -> bool {
        use Privilege as P;
        let on_tables = matches!(
            self,
            P::Select
                | P::Insert
                | P::Update
                | P::Delete
                | P::Create
                | P::Drop
                | P::References
                | P::Index
                | P::Alter
                | P::CreateView
                | P::ShowView
                | P::Trigger
        );
        match scope {
            GrantScope::Global => true,
            GrantScope::Table(..) => on_tables,
            GrantScope::Database(_) => {
                on_tables
                    || matches!(
                        self,
                        P::CreateTemporaryTables
                            | P::LockTables
                            | P::Execute
                            | P::CreateRoutine
                            | P::AlterRoutine
                            | P::Event
                    )
            }
        }
    }

    /// Every privilege that fits a scope: what `ALL` means there.
    pub fn all_of(scope: &GrantScope) -> BTreeSet<Self> {
        Self::ALL.iter().copied().filter(|p| p.fits(scope)).collect()
    }
}

impl AccountInfo {
    /// An account without a password that may log in and do nothing. Whoever creates it gives it an id.
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            id: 0,
            user: user.into(),
            host: host.into(),
            password: None,
            locked: false,
            role: false,
            grants: Vec::new(),
            roles: BTreeSet::new(),
        }
    }

    /// Adds privileges in a scope.
    pub fn grant(&mut self, scope: GrantScope, privileges: impl IntoIterator<Item = Privilege>, grantable: bool) {
        match self.grants.iter_mut().find(|g| g.scope == scope) {
            Some(grant) => {
                grant.privileges.extend(privileges);
                grant.grantable |= grantable;
            }
            None => self.grants.push(Grant { scope, privileges: privileges.into_iter().collect(), grantable }),
        }
        self.grants.sort_by(|a, b| a.scope.cmp(&b.scope));
    }

    /// Takes privileges in a scope away. False if the account has no grant there.
    pub fn revoke(&mut self, scope: &GrantScope, privileges: &BTreeSet<Privilege>, grantable: bool) -> bool {
        let Some(grant) = self.grants.iter_mut().find(|g| g.scope == *scope) else { return false };
        grant.privileges.retain(|p| !privileges.contains(p));
        grant.grantable &= !grantable;
        self.grants.retain(|g| g.scope == GrantScope::Global || g.grantable || !g.privileges.is_empty());
        true
    }
}
