//! The order of inner joins, from the tables' own figures.
//!
//! DataFusion joins tables in the order in which the query names them and only swaps the two sides of a
//! join. Here each group of inner joins is taken apart into relations and conditions ([`graph`]), the
//! cheapest tree is searched over all connected subsets ([`search`]), and the group is put together
//! again. A tree is only replaced by one that is clearly cheaper, so the rule comes to rest.

mod estimate;
mod graph;
mod rule;
mod search;
mod semi_join;

pub(super) use rule::JoinOrder;

#[cfg(test)]
mod tests;
