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
pub(super) enum Tree {
    /// A single one.
    Leaf(usize),
    /// Build side, probe side.
    Join(Box<Tree>, Box<Tree>),
}

impl Tree {
    /// The relations in it.
    pub(super) fn set(&self) -> Set {
        match self {
            Self::Leaf(i) => 1 << i,
            Self::Join(a, b) => a.set() | b.set(),
        }
    }

    /// What it costs. `rows` remembers sets met before.
    pub(super) fn cost(&self, graph: &JoinGraph, rows: &mut Rows) -> f64 {
        match self {
            Self::Leaf(_) => 0.0,
            Self::Join(a, b) => a.cost(graph, rows) + b.cost(graph, rows) + rows.join_cost(graph, a.set(), b.set()),
        }
    }
}

/// Rows that sets of relations join to.
#[derive(Default)]
pub(super) struct Rows(HashMap<Set, f64>);

impl Rows {
    fn of(&mut self, graph: &JoinGraph, set: Set) -> f64 {
        *self.0.entry(set).or_insert_with(|| rows_of(graph, set))
    }

    /// Cost of the join of two sets, without what it costs to make them.
    fn join_cost(&mut self, graph: &JoinGraph, a: Set, b: Set) -> f64 {
        let (rows_a, rows_b) = (self.of(graph, a), self.of(graph, b));
        let (build, probe) = (rows_a.min(rows_b), rows_a.max(rows_b));
        if graph.connected(a, b) {
            self.of(graph, a | b) + BUILD_COST * build + PROBE_COST * probe
        } else {
            CROSS_PENALTY + (1.0 + BUILD_COST) * build * probe
        }
    }
}

/// The cheapest tree and its cost.
pub(super) fn best_tree(graph: &JoinGraph, rows: &mut Rows) -> Option<(Tree, f64)> {
    let n = graph.relations.len();
    let all: Set = (1 << n) - 1;
    // For each set its cost and the part that is joined last; none if it cannot be joined by keys.
    let mut best: Vec<Option<(f64, Set)>> = vec![None; 1 << n];
    for i in 0..n {
        best[1 << i] = Some((0.0, 0));
    }
    // Subsets come before their supersets in numeric order.
    for set in 1..=all {
        if set.count_ones() < 2 {
            continue;
        }
        let mut part = (set - 1) & set;
        while part > 0 {
            let rest = set & !part;
            // Each pair once; joins without a key only where there is no other way to the whole.
            if part < rest
                && (set == all || graph.connected(part, rest))
                && let (Some((a, _)), Some((b, _))) = (best[part as usize], best[rest as usize])
            {
                let cost = a + b + rows.join_cost(graph, part, rest);
                if best[set as usize].is_none_or(|(cheapest, _)| cost < cheapest) {
                    best[set as usize] = Some((cost, part));
                }
            }
            part = (part - 1) & set;
        }
    }
    let (cost, _) = best[all as usize]?;
    Some((tree_of(graph, &best, rows, all), cost))
}

fn tree_of(graph: &JoinGraph, best: &[Option<(f64, Set)>], rows: &mut Rows, set: Set) -> Tree {
    match best[set as usize] {
        Some((_, part)) if part > 0 => {
            let rest = set & !part;
            let (build, probe) = if rows.of(graph, part) <= rows.of(graph, rest) { (part, rest) } else { (rest, part) };
            let (build, probe) = (tree_of(graph, best, rows, build), tree_of(graph, best, rows, probe));
            Tree::Join(Box::new(build), Box::new(probe))
        }
        Some(_) | None => Tree::Leaf(set.trailing_zeros() as usize),
    }
}

/// Rows that a set of relations joins to: relations are added in a fixed order, each divided by the
/// distinct keys that it meets the others by.
fn rows_of(graph: &JoinGraph, set: Set) -> f64 {
    let mut rows = 1.0f64;
    let mut done: Set = 0;
    let mut left: Vec<usize> = (0..graph.relations.len()).filter(|i| set & (1 << i) != 0).collect();
    while !left.is_empty() {
        let next = left.iter().position(|&i| done == 0 || graph.connected(done, 1 << i)).unwrap_or(0);
        let relation = left.remove(next);
        let figures = &graph.relations[relation].figures;
        rows *= figures.rows;
        let keys = keys_between(&graph.classes, relation, done);
        if !keys.is_empty() {
            let own = combinations(figures, keys.iter().map(|(column, _)| *column));
            rows /= own.max(combinations_elsewhere(graph, &keys));
        }
        done |= 1 << relation;
        let complete = graph.conditions.iter().filter(|c| c.reads & !done == 0 && c.reads & (1 << relation) != 0);
        for condition in complete {
            rows *= condition.equality_distinct(graph).map_or(CONDITION_SELECTIVITY, |n| 1.0 / n);
        }
    }
    rows.max(1.0)
}

/// Distinct combinations of the keys on the side of the other relations: those of one relation limit each
/// other, those of different ones do not.
fn combinations_elsewhere(graph: &JoinGraph, keys: &[(&Column, Vec<&(usize, Column)>)]) -> f64 {
    let mut by_relation: HashMap<usize, Vec<&Column>> = HashMap::new();
    for (_, members) in keys {
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
