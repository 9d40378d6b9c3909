//! Which processes there are.

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Single,
    /// Rows.
    Voter,
    /// Columns.
    Learner,
    /// SQL.
    FrontEnd,
}

impl Role {
    /// The value of `serve --role`.
    pub fn option(self) -> &'static str {
        match self {
            Self::Single => "all",
            Self::Voter => "kv",
            Self::Learner => "columnar",
            Self::FrontEnd => "sql",
        }
    }

    /// Whether clients speak to it.
    pub fn speaks_sql(self) -> bool {
        match self {
            Self::Single | Self::FrontEnd => true,
            Self::Voter | Self::Learner => false,
        }
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One process that does everything.
    Single,
    /// Processes with one role each.
    Cluster {
        /// Of them, an odd number.
        voters: usize,
        /// Columnar replicas.
        learners: usize,
        /// SQL front ends.
        front_ends: usize,
        /// Whether the processes reach each other through [`super::Links`].
        linked: bool,
    },
}

impl Shape {
    /// The smallest cluster that survives the loss of any process.
    pub const CLUSTER: Self = Self::Cluster { voters: 3, learners: 1, front_ends: 2, linked: true };

    /// The role of each process. Voters come first, then learners.
    pub fn roles(self) -> Vec<Role> {
        match self {
            Self::Single => vec![Role::Single],
            Self::Cluster { voters, learners, front_ends, .. } => {
                [vec![Role::Voter; voters], vec![Role::Learner; learners], vec![Role::FrontEnd; front_ends]].concat()
            }
        }
    }
}
