//! An in-memory B+ tree from keys to index entries.
//!
//! Nodes live in two arenas and name each other by number. Leaves hold up to [`FANOUT`] entries and
//! are chained in key order. A leaf that overflows at its right edge while being the last one is
//! left full and a new leaf is begun, so that ascending keys fill the tree completely; any other
//! leaf is split in the middle. Entries are removed only wholesale, by [`Tree::retain`], which
//! builds the tree anew.

use std::borrow::Borrow;

use super::index::Packed;

/// Entries in a leaf, children in an inner node.
const FANOUT: usize = 64;
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Leaf<K> {
    keys: Vec<K>,
    entries: Vec<Packed>,
    next: u32,
}

/// `children[i]` holds the keys below `separators[i]`; the last child the rest.
#[derive(Clone, Debug)]
struct Inner<K> {
    separators: Vec<K>,
    children: Vec<u32>,
}

/// See the module documentation.
#[derive(Clone, Debug)]
pub(crate) struct Tree<K> {
    leaves: Vec<Leaf<K>>,
    inners: Vec<Inner<K>>,
    root: u32,
    /// Levels of inner nodes above the leaves.
    height: usize,
    len: usize,
}

impl<K: Ord + Clone> Tree<K> {
    /// An empty tree.
    pub(crate) fn new() -> Self {
        let root = Leaf { keys: Vec::new(), entries: Vec::new(), next: NONE };
        Self { leaves: vec![root], inners: Vec::new(), root: 0, height: 0, len: 0 }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
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

    /// The entry of `key`.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<Packed>
    where
        K: Borrow<Q>,
    {
        let leaf = &self.leaves[self.leaf_for(key, |_, _| {}) as usize];
        let at = leaf.keys.binary_search_by(|k| k.borrow().cmp(key)).ok()?;
        Some(leaf.entries[at])
    }

    /// Sets the entry of `key`.
    pub(crate) fn insert(&mut self, key: K, entry: Packed) {
        let mut path = [(0, 0); 16];
        let mut depth = 0;
        let leaf_id = self.leaf_for(&key, |node, child| {
            path[depth] = (node, child);
            depth += 1;
        });
        let leaf = &mut self.leaves[leaf_id as usize];
        let at = match leaf.keys.binary_search(&key) {
            Ok(at) => {
                leaf.entries[at] = entry;
                return;
            }
            Err(at) => at,
        };
        self.len += 1;
        if leaf.keys.capacity() == 0 {
            leaf.keys.reserve_exact(FANOUT);
            leaf.entries.reserve_exact(FANOUT);
        }
        if leaf.keys.len() < FANOUT {
            leaf.keys.insert(at, key);
            leaf.entries.insert(at, entry);
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
        let mut right = Leaf {
            keys: Vec::with_capacity(FANOUT),
            entries: Vec::with_capacity(FANOUT),
            next: std::mem::replace(&mut leaf.next, right_id),
        };
        right.keys.extend(leaf.keys.drain(middle..));
        right.entries.extend(leaf.entries.drain(middle..));
        let (target, at) = if at > middle || appending { (&mut right, at - middle) } else { (leaf, at) };
        target.keys.insert(at, key);
        target.entries.insert(at, entry);
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
    pub(crate) fn iter_from<Q: Ord + ?Sized>(&self, from: Option<&Q>) -> impl Iterator<Item = (&K, Packed)>
    where
        K: Borrow<Q>,
    {
        let (mut leaf, mut at) = match from {
            Some(key) => {
                let id = self.leaf_for(key, |_, _| {});
                (id, self.leaves[id as usize].keys.partition_point(|k| k.borrow() < key))
            }
            None => (self.first_leaf(), 0),
        };
        std::iter::from_fn(move || {
            while leaf != NONE {
                let node = &self.leaves[leaf as usize];
                if at < node.keys.len() {
                    at += 1;
                    return Some((&node.keys[at - 1], node.entries[at - 1]));
                }
                leaf = node.next;
                at = 0;
            }
            None
        })
    }

    fn first_leaf(&self) -> u32 {
        (0..self.height).fold(self.root, |node, _| self.inners[node as usize].children[0])
    }

    /// Keeps what `keep` accepts; it may change entries. Builds the tree anew, with full leaves.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut Packed) -> bool) {
        let mut kept = Self::new();
        let mut next = self.first_leaf();
        while next != NONE {
            let leaf = &mut self.leaves[next as usize];
            next = leaf.next;
            for (key, mut entry) in std::mem::take(&mut leaf.keys).into_iter().zip(std::mem::take(&mut leaf.entries)) {
                if keep(&key, &mut entry) {
                    kept.insert(key, entry);
                }
            }
        }
        *self = kept;
    }

    /// Bytes of the nodes, without what the keys own elsewhere.
    pub(crate) fn memory_bytes(&self) -> usize {
        let leaves: usize = self
            .leaves
            .iter()
            .map(|l| l.keys.capacity() * size_of::<K>() + l.entries.capacity() * size_of::<Packed>())
            .sum();
        let inners: usize =
            self.inners.iter().map(|i| i.separators.capacity() * size_of::<K>() + i.children.capacity() * 4).sum();
        leaves + inners + self.leaves.len() * size_of::<Leaf<K>>() + self.inners.len() * size_of::<Inner<K>>()
    }

    /// Panics if keys are out of order, a separator lies or the leaf chain misses a leaf.
    pub(crate) fn validate(&self) {
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
            assert_eq!(leaf.keys.len(), leaf.entries.len(), "keys and entries differ in number");
            assert!(leaf.keys.len() <= FANOUT && leaf.keys.iter().all(inside), "a leaf holds keys of another");
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
