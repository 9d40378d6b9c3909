//! A list that is cheap to copy and to change in one place.
//!
//! A version of a table differs from the one before in few arrays of rows, often in one. Items are
//! kept in blocks of [`BLOCK`]; copies share the blocks, and a change copies the one that it touches.

use std::iter::FlatMap;
use std::ops::Index;
use std::slice;
use std::sync::Arc;

/// Items of a block; all blocks but the last are full.
const BLOCK: usize = 16;

/// See the module documentation.
#[derive(Clone, Debug)]
pub(crate) struct BlockList<T> {
    blocks: Vec<Arc<Vec<T>>>,
    len: usize,
}

/// The items of a list, in order.
pub(crate) type Iter<'a, T> = FlatMap<slice::Iter<'a, Arc<Vec<T>>>, slice::Iter<'a, T>, ItemsOf<T>>;

type ItemsOf<T> = fn(&Arc<Vec<T>>) -> slice::Iter<'_, T>;

impl<T: Clone> BlockList<T> {
    /// Number of items.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no item.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at a place, if there is one.
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.blocks.get(at / BLOCK).and_then(|block| block.get(at % BLOCK))
    }

    /// The item at a place, to be changed. Panics if there is none.
    pub(crate) fn get_mut(&mut self, at: usize) -> &mut T {
        &mut Arc::make_mut(&mut self.blocks[at / BLOCK])[at % BLOCK]
    }

    /// The first item.
    pub(crate) fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last item.
    pub(crate) fn last(&self) -> Option<&T> {
        self.len.checked_sub(1).and_then(|at| self.get(at))
    }

    /// All items, in order.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        self.blocks.iter().flat_map(|block| block.iter())
    }

    /// The items from a place on.
    pub(crate) fn iter_from(&self, at: usize) -> impl Iterator<Item = &T> + Clone {
        let within = self.blocks.get(at / BLOCK).map_or(&[][..], |block| block.get(at % BLOCK..).unwrap_or_default());
        within.iter().chain(self.blocks.iter().skip(at / BLOCK + 1).flat_map(|block| block.iter()))
    }

    /// Adds an item at the end.
    pub(crate) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(BLOCK) {
            self.blocks.push(Arc::new(Vec::with_capacity(BLOCK)));
        }
        if let Some(block) = self.blocks.last_mut() {
            Arc::make_mut(block).push(item);
        }
        self.len += 1;
    }

    /// Drops the items from a place on.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.blocks.truncate(len.div_ceil(BLOCK));
        if let Some(block) = self.blocks.last_mut().filter(|_| !len.is_multiple_of(BLOCK)) {
            Arc::make_mut(block).truncate(len % BLOCK);
        }
        self.len = len;
    }

    /// Puts `items` in the place of those from `from` to `to`.
    pub(crate) fn replace(&mut self, from: usize, to: usize, items: impl IntoIterator<Item = T>) {
        let rest: Vec<T> = self.iter_from(to).cloned().collect();
        self.truncate(from);
        items.into_iter().chain(rest).for_each(|item| self.push(item));
    }

    /// Changes every item. Copies every block.
    pub(crate) fn for_each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.blocks.iter_mut().flat_map(|block| Arc::make_mut(block).iter_mut()).for_each(change);
    }

    /// How many items from the front on satisfy `before`, which is true of a prefix.
    pub(crate) fn partition_point(&self, mut before: impl FnMut(&T) -> bool) -> usize {
        let block = self.blocks.partition_point(|block| block.last().is_some_and(&mut before));
        let within = self.blocks.get(block).map_or(0, |block| block.partition_point(before));
        (block * BLOCK + within).min(self.len)
    }
}

impl<T> Default for BlockList<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), len: 0 }
    }
}

impl<'a, T: Clone> IntoIterator for &'a BlockList<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Clone> Index<usize> for BlockList<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.blocks[at / BLOCK][at % BLOCK]
    }
}

impl<T: Clone> FromIterator<T> for BlockList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::default();
        items.into_iter().for_each(|item| list.push(item));
        list
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::BlockList;

    proptest! {
        #[test]
        fn behaves_as_a_vector(
            start in prop::collection::vec(0u8..100, 0..80),
            steps in prop::collection::vec((0u8..5, 0usize..100, 0usize..100), 0..40),
        ) {
            let mut list: BlockList<u8> = start.iter().copied().collect();
            let mut model = start;
            for (what, a, b) in steps {
                let before = (list.clone(), model.clone());
                match what {
                    0 => (list.push(a as u8), model.push(a as u8)).1,
                    1 => (list.truncate(a), model.truncate(a)).1,
                    2 if a < model.len() => {
                        *list.get_mut(a) = b as u8;
                        model[a] = b as u8;
                    }
                    3 if a <= b && b <= model.len() => {
                        list.replace(a, b, [1, 2, 3]);
                        model.splice(a..b, [1, 2, 3]);
                    }
                    _ => {
                        list.for_each_mut(|v| *v /= 2);
                        model.iter_mut().for_each(|v| *v /= 2);
                    }
                }
                prop_assert_eq!(list.iter().copied().collect::<Vec<_>>(), model.clone());
                prop_assert_eq!(list.iter_from(a).copied().collect::<Vec<_>>(), model.get(a..).unwrap_or_default());
                prop_assert_eq!((list.len(), list.first(), list.last(), list.get(a)), (model.len(), model.first(), model.last(), model.get(a)));
                prop_assert_eq!(before.0.iter().copied().collect::<Vec<_>>(), before.1, "a copy changed");
            }
            model.sort_unstable();
            let list: BlockList<u8> = model.iter().copied().collect();
            prop_assert_eq!(list.partition_point(|v| *v < 50), model.partition_point(|v| *v < 50));
        }
    }
}
