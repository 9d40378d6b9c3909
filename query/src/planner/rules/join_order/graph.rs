//! A group of inner joins taken apart: relations, equalities between them, and other conditions.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, NullEquality, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator};

use super::estimate::{Figures, figures};
use super::search::Tree;

/// Groups of more relations are left as they are: the search is exponential.
const RELATIONS_LIMIT: usize = 12;

/// A set of relations, one bit each.
pub(super) type Set = u32;

/// A relation of the group.
pub(super) struct Relation {
    plan: LogicalPlan,
    pub(super) figures: Figures,
}

/// Columns that conditions make equal to each other: any two of them, from different relations, may serve
/// as join keys.
pub(super) struct EqualColumns {
    /// Relation and column.
    pub(super) members: Vec<(usize, Column)>,
    /// The relations.
    set: Set,
}

/// A condition that is not an equality of two columns.
pub(super) struct Condition {
    expr: Expr,
    /// The relations that it reads.
    pub(super) reads: Set,
    /// An equality of an expression of one relation with one of another: good for a hash join.
    sides: Option<(Expr, Set, Expr, Set)>,
}

impl Condition {
    /// Whether it is an equality between the two sets.
    pub(super) fn splits(&self, a: Set, b: Set) -> bool {
        let within = |reads: Set, set: Set| reads & !set == 0;
        self.sides
            .as_ref()
            .is_some_and(|(_, l, _, r)| (within(*l, a) && within(*r, b)) || (within(*l, b) && within(*r, a)))
    }

    /// Distinct values of the sides of an equality, the larger of both; `None` for other conditions.
    pub(super) fn equality_distinct(&self, graph: &JoinGraph) -> Option<f64> {
        let (l, _, r, _) = self.sides.as_ref()?;
        let distinct = |expr: &Expr| {
            let of_column = |column: &Column| {
                let relation = graph.relations.iter().find(|r| r.plan.schema().has_column(column));
                relation.map_or(1.0, |r| r.figures.distinct_of(column))
            };
            expr.column_refs().into_iter().map(of_column).product::<f64>()
        };
        Some(distinct(l).max(distinct(r)).max(1.0))
    }
}

/// See the module.
pub(super) struct JoinGraph {
    pub(super) relations: Vec<Relation>,
    pub(super) classes: Vec<EqualColumns>,
    pub(super) conditions: Vec<Condition>,
    /// The joins as the query has them.
    pub(super) as_written: Tree,
}

impl JoinGraph {
    /// The group of which `plan` is the uppermost join. `None` if it is too small, too large, or holds
    /// something that is not understood.
    pub(super) fn of(plan: &LogicalPlan) -> Result<Option<Self>> {
        let (mut plans, mut exprs) = (Vec::new(), Vec::new());
        let as_written = collect(plan, &mut plans, &mut exprs);
        if plans.len() < 2 || plans.len() > RELATIONS_LIMIT {
            return Ok(None);
        }
        let relations = plans.into_iter().map(|plan| Relation { figures: figures(&plan), plan }).collect();
        let mut graph = Self { relations, classes: Vec::new(), conditions: Vec::new(), as_written };
        for expr in exprs {
            let Some(reads) = graph.reads(&expr) else { return Ok(None) };
            graph.add(expr, reads);
        }
        Ok(Some(graph))
    }

    /// Replaces the relations' plans. Returns whether one has changed.
    pub(super) fn map_relations(
        &mut self,
        mut change: impl FnMut(LogicalPlan) -> Result<Transformed<LogicalPlan>>,
    ) -> Result<bool> {
        let mut changed = false;
        for relation in &mut self.relations {
            let new = change(relation.plan.clone())?;
            changed |= new.transformed;
            relation.plan = new.data;
        }
        Ok(changed)
    }

    /// Whether a hash join of the two sets has a key.
    pub(super) fn connected(&self, a: Set, b: Set) -> bool {
        self.classes.iter().any(|class| class.set & a != 0 && class.set & b != 0)
            || self.conditions.iter().any(|c| c.splits(a, b))
    }

    /// The group put together as `tree` says, with the output columns of `original`.
    pub(super) fn build(&self, tree: &Tree, original: &LogicalPlan) -> Result<LogicalPlan> {
        let joined = self.build_tree(tree)?;
        let columns: Vec<_> = original.schema().columns().into_iter().map(Expr::Column).collect();
        LogicalPlanBuilder::from(joined).project(columns)?.build()
    }

    fn build_tree(&self, tree: &Tree) -> Result<LogicalPlan> {
        let (left, right) = match tree {
            Tree::Leaf(i) => return self.build_leaf(*i),
            Tree::Join(left, right) => (left, right),
        };
        let (left_set, right_set) = (left.set(), right.set());
        let (mut keys, mut filters) = (Vec::new(), Vec::new());
        for class in &self.classes {
            let member_of = |set: Set| class.members.iter().find(|(relation, _)| set & (1 << relation) != 0);
            if let (Some((_, l)), Some((_, r))) = (member_of(left_set), member_of(right_set)) {
                keys.push((Expr::Column(l.clone()), Expr::Column(r.clone())));
            }
        }
        let within = |reads: Set, set: Set| reads & !set == 0;
        let new = |c: &&Condition| {
            within(c.reads, left_set | right_set) && !within(c.reads, left_set) && !within(c.reads, right_set)
        };
        for condition in self.conditions.iter().filter(new) {
            match &condition.sides {
                Some((l, lr, r, rr)) if within(*lr, left_set) && within(*rr, right_set) => {
                    keys.push((l.clone(), r.clone()))
                }
                Some((l, lr, r, rr)) if within(*lr, right_set) && within(*rr, left_set) => {
                    keys.push((r.clone(), l.clone()))
                }
                Some(_) | None => filters.push(condition.expr.clone()),
            }
        }
        let (left, right) = (self.build_tree(left)?, self.build_tree(right)?);
        let builder = LogicalPlanBuilder::from(left);
        if keys.is_empty() {
            let crossed = builder.cross_join(right)?;
            return conjunction(filters).map_or(Ok(crossed.clone()), |filter| crossed.filter(filter))?.build();
        }
        let (left_keys, right_keys) = keys.into_iter().unzip();
        builder.join_with_expr_keys(right, JoinType::Inner, (left_keys, right_keys), conjunction(filters))?.build()
    }

    /// A relation, with its own columns equal where they are both equal to a third one.
    fn build_leaf(&self, relation: usize) -> Result<LogicalPlan> {
        let mut equalities = Vec::new();
        for class in &self.classes {
            let mut own = class.members.iter().filter(|(r, _)| *r == relation).map(|(_, column)| column);
            if let Some(first) = own.next() {
                equalities.extend(own.map(|other| Expr::Column(first.clone()).eq(Expr::Column(other.clone()))));
            }
        }
        let plan = self.relations[relation].plan.clone();
        match conjunction(equalities) {
            Some(filter) => LogicalPlanBuilder::from(plan).filter(filter)?.build(),
            None => Ok(plan),
        }
    }

    /// The relations that an expression reads; `None` if it reads something else.
    fn reads(&self, expr: &Expr) -> Option<Set> {
        let mut set = 0;
        for column in expr.column_refs() {
            set |= 1 << self.relations.iter().position(|r| r.plan.schema().has_column(column))?;
        }
        Some(set)
    }

    fn add(&mut self, expr: Expr, reads: Set) {
        if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = &expr
            && let (Some(l), Some(r)) = (self.reads(left), self.reads(right))
            && l.count_ones() >= 1
            && r.count_ones() >= 1
            && l & r == 0
        {
            if let (Expr::Column(a), Expr::Column(b)) = (left.as_ref(), right.as_ref()) {
                let (a, b) = ((l.trailing_zeros() as usize, a.clone()), (r.trailing_zeros() as usize, b.clone()));
                return self.equate(a, b);
            }
            let sides = Some((left.as_ref().clone(), l, right.as_ref().clone(), r));
            return self.conditions.push(Condition { expr, reads, sides });
        }
        self.conditions.push(Condition { expr, reads, sides: None });
    }

    fn equate(&mut self, a: (usize, Column), b: (usize, Column)) {
        let mut joined = EqualColumns { members: Vec::new(), set: 0 };
        self.classes.retain_mut(|class| {
            let touches = class.members.contains(&a) || class.members.contains(&b);
            if touches {
                joined.members.append(&mut class.members);
            }
            !touches
        });
        for member in [a, b] {
            if !joined.members.contains(&member) {
                joined.members.push(member);
            }
        }
        joined.set = joined.members.iter().fold(0, |set, (relation, _)| set | (1 << relation));
        self.classes.push(joined);
    }
}

fn collect(plan: &LogicalPlan, relations: &mut Vec<LogicalPlan>, conditions: &mut Vec<Expr>) -> Tree {
    match plan {
        LogicalPlan::Join(join)
            if join.join_type == JoinType::Inner && join.null_equality == NullEquality::NullEqualsNothing =>
        {
            let left = collect(&join.left, relations, conditions);
            let right = collect(&join.right, relations, conditions);
            conditions.extend(join.on.iter().map(|(l, r)| l.clone().eq(r.clone())));
            conditions.extend(join.filter.iter().flat_map(split_conjunction).cloned());
            Tree::Join(Box::new(left), Box::new(right))
        }
        // A projection that only drops columns: they will be dropped again later.
        LogicalPlan::Projection(projection)
            if matches!(projection.input.as_ref(), LogicalPlan::Join(join) if join.join_type == JoinType::Inner)
                && projection.expr.iter().all(|e| matches!(e, Expr::Column(_))) =>
        {
            collect(&projection.input, relations, conditions)
        }
        leaf => {
            relations.push(leaf.clone());
            Tree::Leaf(relations.len() - 1)
        }
    }
}

/// Distinct combinations of the values of several columns of one relation.
pub(super) fn combinations<'a>(figures: &Figures, columns: impl Iterator<Item = &'a Column>) -> f64 {
    columns.map(|column| figures.distinct_of(column)).product::<f64>().min(figures.base_rows.max(1.0))
}

/// The columns of `relation` that are equal to some of the relations in `others`, with those.
pub(super) fn keys_between(
    classes: &[EqualColumns],
    relation: usize,
    others: Set,
) -> Vec<(&Column, Vec<&(usize, Column)>)> {
    let mut keys = Vec::new();
    for class in classes.iter().filter(|class| class.set & (1 << relation) != 0 && class.set & others != 0) {
        if let Some((_, own)) = class.members.iter().find(|(r, _)| *r == relation) {
            keys.push((own, class.members.iter().filter(|(r, _)| others & (1 << r) != 0).collect()));
        }
    }
    keys
}
