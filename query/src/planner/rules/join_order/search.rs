//! The cheapest tree over a join graph, by dynamic programming over connected subsets.
//!
//! The cost of a join is the rows it puts out, the rows it builds a hash table of (dearer) and the rows
//! that probe it (cheaper). How many rows a set of relations joins to depends on the set alone and not on
//! the order in which it was joined, or the search would favour orders that are merely underestimated.

use std::collections::HashMap;

use datafusion::common::Column;

use super::graph::{JoinGraph, Set, combinations, keys_between};

/// Cost of putting a row into a hash table, in rows put out.
const BUILD_COST: f64 = 1.5;
/// Cost of probing one.
const PROBE_COST: f64 = 0.4;
/// Part of the rows that a condition keeps which is not an equality.
const CONDITION_SELECTIVITY: f64 = 0.2;
/// What joining without a key costs more.
const CROSS_PENALTY: f64 = 100.0;

/// A way to join a set of relations.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) set: Set,
    pub(super) rows: f64,
    pub(super) cost: f64,
    /// Build side, probe side. `None`: a single relation.
    pub(super) children: Option<(Box<Tree>, Box<Tree>)>,
}

impl Tree {
    pub(super) fn leaf(set: Set, rows: f64) -> Self {
        Self { set, rows, cost: 0.0, children: None }
    }

    /// The join of two trees, the smaller one as its build side.
    pub(super) fn join(graph: &JoinGraph, a: Self, b: Self) -> Self {
        let set = a.set | b.set;
        let rows = rows_of(graph, set);
        let (build, probe) = if a.rows <= b.rows { (a, b) } else { (b, a) };
        let own = if connected(graph, build.set, probe.set) {
            rows + BUILD_COST * build.rows + PROBE_COST * probe.rows
        } else {
            CROSS_PENALTY + (1.0 + BUILD_COST) * build.rows * probe.rows
        };
        let cost = build.cost + probe.cost + own;
        Self { set, rows, cost, children: Some((Box::new(build), Box::new(probe))) }
    }
}

/// The cheapest tree; `None` if there is only one relation.
pub(super) fn best_tree(graph: &JoinGraph) -> Option<Tree> {
    let n = graph.relations.len();
    let all: Set = (1 << n) - 1;
    let mut best: HashMap<Set, Tree> = HashMap::new();
    for (i, relation) in graph.relations.iter().enumerate() {
        best.insert(1 << i, Tree::leaf(1 << i, relation.figures.rows));
    }
    // Subsets come before their supersets in numeric order.
    for set in 1..=all {
        if set.count_ones() < 2 {
            continue;
        }
        let mut cheapest: Option<Tree> = None;
        let mut part = (set - 1) & set;
        while part > 0 {
            let rest = set & !part;
            // Each pair once; joins without a key only where there is no other way to the whole.
            if part < rest
                && (connected(graph, part, rest) || set == all)
                && let (Some(a), Some(b)) = (best.get(&part), best.get(&rest))
            {
                let tree = Tree::join(graph, a.clone(), b.clone());
                if cheapest.as_ref().is_none_or(|c| tree.cost < c.cost) {
                    cheapest = Some(tree);
                }
            }
            part = (part - 1) & set;
        }
        if let Some(tree) = cheapest {
            best.insert(set, tree);
        }
    }
    best.remove(&all).filter(|tree| tree.children.is_some())
}

/// Whether a hash join of the two sets has a key.
fn connected(graph: &JoinGraph, a: Set, b: Set) -> bool {
    let by_class = graph.classes.iter().any(|class| {
        let touches = |set: Set| class.members.iter().any(|(relation, _)| set & (1 << relation) != 0);
        touches(a) && touches(b)
    });
    by_class || graph.conditions.iter().any(|c| c.splits(a, b))
}

/// Rows that a set of relations joins to: relations are added in a fixed order, each divided by the
/// distinct keys that it meets the others by.
fn rows_of(graph: &JoinGraph, set: Set) -> f64 {
    let mut rows = 1.0f64;
    let mut done: Set = 0;
    let mut left: Vec<usize> = (0..graph.relations.len()).filter(|i| set & (1 << i) != 0).collect();
    while !left.is_empty() {
        let next = left.iter().position(|&i| done == 0 || connected(graph, done, 1 << i)).unwrap_or(0);
        let relation = left.remove(next);
        let figures = &graph.relations[relation].figures;
        rows *= figures.rows;
        let keys = keys_between(&graph.classes, relation, done);
        if !keys.is_empty() {
            let own = combinations(figures, keys.values().map(|(column, _)| *column));
            let others = combinations_elsewhere(graph, &keys);
            rows /= own.max(others);
        }
        done |= 1 << relation;
        let now_complete = graph.conditions.iter().filter(|c| c.reads & !done == 0 && c.reads & (1 << relation) != 0);
        for condition in now_complete {
            rows *= condition.equality_distinct(graph).map_or(CONDITION_SELECTIVITY, |n| 1.0 / n);
        }
    }
    rows.max(1.0)
}

/// Distinct combinations of the keys on the side of the other relations: those of one relation limit each
/// other, those of different ones do not.
fn combinations_elsewhere<'a>(
    graph: &'a JoinGraph,
    keys: &HashMap<usize, (&'a Column, Vec<&'a (usize, Column)>)>,
) -> f64 {
    let mut by_relation: HashMap<usize, Vec<&Column>> = HashMap::new();
    for (_, members) in keys.values() {
        // The member with the fewest values decides how many are left in the joined rows.
        let fewest = members.iter().min_by(|(ra, a), (rb, b)| {
            let distinct = |r: &usize, c| graph.relations[*r].figures.distinct_of(c);
            distinct(ra, a).total_cmp(&distinct(rb, b))
        });
        if let Some((relation, column)) = fewest {
            by_relation.entry(*relation).or_default().push(column);
        }
    }
    by_relation.iter().map(|(r, columns)| combinations(&graph.relations[*r].figures, columns.iter().copied())).product()
}
