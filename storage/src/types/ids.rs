//! Newtypes for the things that have numbers.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A table. Chosen by the caller, never reused after a drop.
    TableId(u64)
);
id!(
    /// A column of a table. Chosen by the caller, never reused within its table, so that a column
    /// dropped and added again under the same name does not see the old values.
    ColumnId(u32)
);
id!(
    /// A segment: one key range of one table.
    SegmentId(u64)
);
id!(
    /// A file of the engine. Allocated from a counter that the manifest persists, never reused: a
    /// reused id once made a crashed store read another file's bytes as its own.
    FileId(u64)
);
