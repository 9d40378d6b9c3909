//! An in-memory B+ tree from keys to index entries.
//!
//! Nodes live in two arenas and name each other by number. A leaf is one allocation with room for
//! [`FANOUT`] entries, so that finding a key costs one or two cache misses below the inner nodes;
//! leaves are chained in key order. A leaf that overflows at its right edge while being the last one
//! is left full and a new leaf is begun, so that ascending keys fill the tree completely; any other
//! leaf is split in the middle. Entries are removed only wholesale, by [`Tree::filtered`], which
//! builds a new tree.

use std::borrow::Borrow;

use super::index::Packed;

/// Entries in a leaf, children in an inner node.
const FANOUT: usize = 64;
const NONE: u32 = u32::MAX;

/// What a tree can be ordered by. The default is what unused places of a leaf hold.
pub(super) trait TreeKey: Ord + Clone + Default {}

impl<K: Ord + Clone + Default> TreeKey for K {}

#[derive(Clone, Debug)]
struct Leaf<K> {
    len: usize,
    next: u32,
    keys: [K; FANOUT],
    entries: [Packed; FANOUT],
}

impl<K: TreeKey> Leaf<K> {
    fn new(next: u32) -> Box<Self> {
        let keys = std::array::from_fn(|_| K::default());
        Box::new(Self { len: 0, next, keys, entries: [Packed::default(); FANOUT] })
    }

    fn keys(&self) -> &[K] {
        &self.keys[..self.len]
    }

    /// Puts an entry at a place; there must be room.
    fn insert(&mut self, at: usize, key: K, entry: Packed) {
        self.keys[at..=self.len].rotate_right(1);
        self.keys[at] = key;
        self.entries.copy_within(at..self.len, at + 1);
        self.entries[at] = entry;
        self.len += 1;
    }

    /// Moves the entries from `middle` on to the front of an empty leaf.
    fn split_off(&mut self, middle: usize, right: &mut Self) {
        right.len = self.len - middle;
        right.keys[..right.len].swap_with_slice(&mut self.keys[middle..self.len]);
        right.entries[..right.len].copy_from_slice(&self.entries[middle..self.len]);
        self.len = middle;
    }

    fn search<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys().binary_search_by(|k| k.borrow().cmp(key))
    }
}

/// Where a key was looked for: a hint that saves [`Tree::insert_at`] the way down.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LeafHint(u32);

/// `children[i]` holds the keys below `separators[i]`; the last child the rest.
#[derive(Clone, Debug)]
struct Inner<K> {
    separators: Vec<K>,
    children: Vec<u32>,
}

/// See the module documentation.
#[derive(Clone, Debug)]
pub(super) struct Tree<K> {
    leaves: Vec<Box<Leaf<K>>>,
    inners: Vec<Inner<K>>,
    root: u32,
    /// Levels of inner nodes above the leaves.
    height: usize,
    len: usize,
}

impl<K: TreeKey> Tree<K> {
    /// An empty tree.
    pub(super) fn new() -> Self {
        Self { leaves: vec![Leaf::new(NONE)], inners: Vec::new(), root: 0, height: 0, len: 0 }
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn leaf_for<Q: Ord + ?Sized>(&self, key: &Q, mut path: impl FnMut(u32, usize)) -> u32
    where
        K: Borrow<Q>,
    {
        let mut node = self.root;
        for _ in 0..self.height {
            let inner = &self.inners[node as usize];
            let child = inner.separators.partition_point(|s| s.borrow() <= key);
            path(node, child);
            node = inner.children[child];
        }
        node
    }

    /// The entry of `key`, and where it is or would be.
    pub(super) fn probe<Q: Ord + ?Sized>(&self, key: &Q) -> (Option<Packed>, LeafHint)
    where
        K: Borrow<Q>,
    {
        let id = self.leaf_for(key, |_, _| {});
        let leaf = &self.leaves[id as usize];
        (leaf.search(key).ok().map(|at| leaf.entries[at]), LeafHint(id))
    }

    /// Sets the entry of `key`. The hint may be stale: a leaf keeps its number, and takes the key if
    /// the key lies between two of its own.
    pub(super) fn insert_at(&mut self, hint: LeafHint, key: K, entry: Packed) {
        let leaf = &mut self.leaves[hint.0 as usize];
        match leaf.search(&key) {
            Ok(at) => leaf.entries[at] = entry,
            Err(at) if at > 0 && at < leaf.len && leaf.len < FANOUT => {
                leaf.insert(at, key, entry);
                self.len += 1;
            }
            Err(_) => self.insert(key, entry),
        }
    }

    /// Sets the entry of `key`.
    pub(super) fn insert(&mut self, key: K, entry: Packed) {
        let mut path = [(0, 0); 16];
        let mut depth = 0;
        let leaf_id = self.leaf_for(&key, |node, child| {
            path[depth] = (node, child);
            depth += 1;
        });
        let leaf = &mut self.leaves[leaf_id as usize];
        let at = match leaf.search(&key) {
            Ok(at) => {
                leaf.entries[at] = entry;
                return;
            }
            Err(at) => at,
        };
        self.len += 1;
        if leaf.len < FANOUT {
            leaf.insert(at, key, entry);
            return;
        }
        let split = self.split_leaf(leaf_id, at, key, entry);
        self.insert_child(&path[..depth], split);
    }

    /// Splits a full leaf around the new entry; gives the new right leaf and its separator.
    fn split_leaf(&mut self, leaf_id: u32, at: usize, key: K, entry: Packed) -> (K, u32) {
        let right_id = self.leaves.len() as u32;
        let leaf = &mut self.leaves[leaf_id as usize];
        let appending = at == FANOUT && leaf.next == NONE;
        let middle = if appending { FANOUT } else { FANOUT / 2 };
        let mut right = Leaf::new(std::mem::replace(&mut leaf.next, right_id));
        leaf.split_off(middle, &mut right);
        let (target, at) = if at > middle || appending { (&mut right, at - middle) } else { (leaf, at) };
        target.insert(at, key, entry);
        let separator = right.keys[0].clone();
        self.leaves.push(right);
        (separator, right_id)
    }

    /// Hangs a new node into its parent, splitting upwards as needed.
    fn insert_child(&mut self, path: &[(u32, usize)], mut split: (K, u32)) {
        for &(node, child) in path.iter().rev() {
            let new_id = self.inners.len() as u32;
            let inner = &mut self.inners[node as usize];
            inner.separators.insert(child, split.0);
            inner.children.insert(child + 1, split.1);
            if inner.children.len() <= FANOUT {
                return;
            }
            let last = inner.children.len() - 1;
            let middle = if child + 1 == last { last - 1 } else { inner.children.len() / 2 };
            let children = inner.children.split_off(middle);
            let separators = inner.separators.split_off(middle);
            let separator = inner.separators.pop().expect("the left half keeps more than one child");
            self.inners.push(Inner { separators, children });
            split = (separator, new_id);
        }
        let root = Inner { separators: vec![split.0], children: vec![self.root, split.1] };
        self.root = self.inners.len() as u32;
        self.inners.push(root);
        self.height += 1;
    }

    /// Entries in key order from the first key at or after `from` (all of them if `None`).
    pub(super) fn iter_from<Q: Ord + ?Sized>(&self, from: Option<&Q>) -> impl Iterator<Item = (&K, Packed)>
    where
        K: Borrow<Q>,
    {
        let (mut leaf, mut at) = match from {
            Some(key) => {
                let id = self.leaf_for(key, |_, _| {});
                (id, self.leaves[id as usize].keys().partition_point(|k| k.borrow() < key))
            }
            None => (self.first_leaf(), 0),
        };
        std::iter::from_fn(move || {
            while leaf != NONE {
                let node = &self.leaves[leaf as usize];
                if at < node.len {
                    at += 1;
                    return Some((&node.keys[at - 1], node.entries[at - 1]));
                }
                leaf = node.next;
                at = 0;
            }
            None
        })
    }

    /// How many keys are before each of `borders`, which ascend. Touches each leaf once, and keys only
    /// of those that a border divides.
    pub(super) fn ranks<Q: Ord + ?Sized>(&self, borders: &[&Q]) -> Vec<usize>
    where
        K: Borrow<Q>,
    {
        let mut ranks = Vec::with_capacity(borders.len());
        let (mut leaf, mut before) = (self.first_leaf(), 0);
        while leaf != NONE && ranks.len() < borders.len() {
            let node = &self.leaves[leaf as usize];
            while let Some(border) = borders.get(ranks.len())
                && node.keys().last().is_some_and(|last| last.borrow() >= border)
            {
                ranks.push(before + node.keys().partition_point(|k| k.borrow() < border));
            }
            before += node.len;
            leaf = node.next;
        }
        ranks.resize(borders.len(), before);
        ranks
    }

    fn first_leaf(&self) -> u32 {
        (0..self.height).fold(self.root, |node, _| self.inners[node as usize].children[0])
    }

    /// The entries that `keep` changes into some, in a new tree with full leaves.
    pub(super) fn filtered(&self, keep: impl Fn(Packed) -> Option<Packed>) -> Self {
        let mut kept = Self::new();
        for (key, entry) in self.iter_from(None::<&K>) {
            if let Some(entry) = keep(entry) {
                kept.insert(key.clone(), entry);
            }
        }
        kept
    }

    /// Bytes of the nodes, without what the keys own elsewhere.
    pub(super) fn memory_bytes(&self) -> usize {
        let leaves = self.leaves.len() * (size_of::<Leaf<K>>() + size_of::<Box<Leaf<K>>>());
        let inners: usize =
            self.inners.iter().map(|i| i.separators.capacity() * size_of::<K>() + i.children.capacity() * 4).sum();
        leaves + inners + self.inners.len() * size_of::<Inner<K>>()
    }

    /// Panics if keys are out of order, a separator lies or the leaf chain misses a leaf.
    pub(super) fn validate(&self) {
        let mut keys = self.iter_from(None::<&K>).map(|(k, _)| k);
        let mut count = 0;
        let mut previous = None;
        for key in &mut keys {
            assert!(previous.is_none_or(|p| p < key), "keys out of order");
            previous = Some(key);
            count += 1;
        }
        assert_eq!(count, self.len, "the leaf chain does not hold every entry");
        self.validate_node(self.root, self.height, None, None);
    }

    fn validate_node(&self, node: u32, height: usize, low: Option<&K>, high: Option<&K>) {
        let inside = |k: &K| low.is_none_or(|l| l <= k) && high.is_none_or(|h| k < h);
        if height == 0 {
            let leaf = &self.leaves[node as usize];
            assert!(leaf.keys().iter().all(inside), "a leaf holds keys of another");
            return;
        }
        let inner = &self.inners[node as usize];
        assert_eq!(inner.separators.len() + 1, inner.children.len(), "separators and children do not match");
        assert!(inner.children.len() <= FANOUT && inner.separators.iter().all(inside), "separator out of bounds");
        for (i, child) in inner.children.iter().enumerate() {
            let low = if i == 0 { low } else { inner.separators.get(i - 1) };
            self.validate_node(*child, height - 1, low, inner.separators.get(i).or(high));
        }
    }
}
