//! Taking one path: isolation engines, then hints, then cost.

use deltatree_learner::catalog::TableInfo;
use deltatree_storage::predicate::Predicate;

use super::access_path::AccessPath;
use super::candidates::candidates;
use super::cost::{Facts, price};
use crate::error::{Result, SqlError};
use crate::planner::{Engine, Engines};

/// MySQL's and TiDB's code for "internal: no access path".
const NO_ACCESS_PATH: u16 = 1815;

/// Rows that are read by key without a thought.
pub const FEW_ROWS: u64 = 200;

/// A path with its price.
#[derive(Clone, Debug, PartialEq)]
pub struct Priced {
    /// The path.
    pub path: AccessPath,
    /// Rows that it reads, estimated.
    pub rows: f64,
    /// Microseconds, estimated.
    pub cost_us: f64,
    /// Why it could not be taken, if so.
    pub bar: Option<Bar>,
}

/// Why a path may not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// `tidb_isolation_read_engines` leaves its engine out.
    Isolation,
    /// A hint names the other engine.
    Hint,
}

/// Why a path was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There was no other.
    OnlyPath,
    /// The isolation engines left no path of the other engine.
    Isolation,
    /// A hint named its engine.
    Hint,
    /// It was the cheapest.
    Cost,
    /// Its keys say that it reads a few rows only; no other was priced.
    FewRows,
    /// The columnar replica, which was cheaper, could not be read.
    Fallback,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OnlyPath => "only path",
            Self::Isolation => "tidb_isolation_read_engines",
            Self::Hint => "hint READ_FROM_STORAGE",
            Self::Cost => "lowest cost",
            Self::FewRows => "few rows by key",
            Self::Fallback => "columnar replica not readable",
        })
    }
}

/// The outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The path taken.
    pub path: AccessPath,
    /// Rows that it reads, estimated.
    pub rows: f64,
    /// Its cost in microseconds, estimated.
    pub cost_us: f64,
    /// Why.
    pub reason: Reason,
    /// All legal paths, the taken one among them.
    pub candidates: Vec<Priced>,
}

impl Choice {
    /// Whether the query may be answered from rows when the columnar replica cannot be read: if nobody
    /// asked for the replica.
    pub fn may_fall_back(&self) -> bool {
        self.reason == Reason::Cost
    }

    /// The cheapest path over rows instead. `None` if there is none.
    pub fn fallen_back(self) -> Option<Self> {
        let rows = self.candidates.iter().filter(|p| p.bar.is_none() && p.path.engine() == Engine::Row);
        let best = rows.min_by(|a, b| a.cost_us.total_cmp(&b.cost_us)).cloned()?;
        let (path, rows, cost_us) = (best.path, best.rows, best.cost_us);
        Some(Self { path, rows, cost_us, reason: Reason::Fallback, ..self })
    }
}

/// Takes a path by keys that reads at most [`FEW_ROWS`] rows, without pricing the others: nothing beats
/// it, and finding out by how much would take longer than reading them. `None` if there is no such path,
/// or the session or the hint does not allow it.
pub fn choose_few(
    table: &TableInfo,
    conjuncts: &[Predicate],
    engines: Engines,
    hint: Option<Engine>,
) -> Option<Choice> {
    if !engines.allows(Engine::Row) || hint == Some(Engine::Columnar) {
        return None;
    }
    let paths = candidates(table, conjuncts).into_iter();
    let (rows, path) =
        paths.filter_map(|path| Some((path.rows_at_most(table)?, path))).min_by_key(|(rows, _)| *rows)?;
    if rows > FEW_ROWS {
        return None;
    }
    let rows = rows as f64;
    let (_, cost_us) = price(&path, table, conjuncts, &Facts::default());
    let only = Priced { path: path.clone(), rows, cost_us, bar: None };
    Some(Choice { path, rows, cost_us, reason: Reason::FewRows, candidates: vec![only] })
}

/// A path whose rows have been read, and are few.
pub fn already_read(path: AccessPath) -> Choice {
    Choice { path, rows: FEW_ROWS as f64, cost_us: 0.0, reason: Reason::FewRows, candidates: Vec::new() }
}

/// Takes the cheapest path among those that the session and the hint allow.
///
/// A hint for an engine that has no path (no columnar replica, or left out by the session) is
/// ignored, as TiDB does.
///
/// # Errors
/// 1815 if the session's engines leave no path.
pub fn choose(
    table: &TableInfo,
    conjuncts: &[Predicate],
    facts: &Facts,
    engines: Engines,
    hint: Option<Engine>,
) -> Result<Choice> {
    let mut priced: Vec<_> = candidates(table, conjuncts)
        .into_iter()
        .filter(|path| !facts.no_columnar || path.engine() == Engine::Row)
        .map(|path| {
            let (rows, cost_us) = price(&path, table, conjuncts, facts);
            let bar = (!engines.allows(path.engine())).then_some(Bar::Isolation);
            Priced { path, rows, cost_us, bar }
        })
        .collect();
    let isolated = priced.iter().any(|p| p.bar.is_some());
    let hint = hint.filter(|engine| priced.iter().any(|p| p.bar.is_none() && p.path.engine() == *engine));
    if let Some(engine) = hint {
        priced
            .iter_mut()
            .filter(|p| p.bar.is_none() && p.path.engine() != engine)
            .for_each(|p| p.bar = Some(Bar::Hint));
    }
    let open: Vec<_> = priced.iter().filter(|p| p.bar.is_none()).collect();
    let reason = match (open.len(), isolated, hint) {
        (1, false, None) => Reason::OnlyPath,
        (_, _, Some(_)) => Reason::Hint,
        (_, true, None) => Reason::Isolation,
        (_, false, None) => Reason::Cost,
    };
    let Some(best) = open.into_iter().min_by(|a, b| a.cost_us.total_cmp(&b.cost_us)).cloned() else {
        return Err(no_path(table, engines));
    };
    Ok(Choice { path: best.path, rows: best.rows, cost_us: best.cost_us, reason, candidates: priced })
}

fn no_path(table: &TableInfo, engines: Engines) -> SqlError {
    let named: Vec<_> =
        [Engine::Row, Engine::Columnar].into_iter().filter(|e| engines.allows(*e)).map(Engine::name).collect();
    SqlError::new(
        NO_ACCESS_PATH,
        format!(
            "Internal : No access path for table '{}' is found with 'tidb_isolation_read_engines' = '{}', \
             valid values can be 'tikv'. Please check tiflash replica or ensure the query is readonly.",
            table.name,
            named.join(",")
        ),
    )
}
