//! Collects row keys into a key array.

use arrow::array::{BinaryBuilder, Int64Array};
use deltatree_storage::types::{KeyArray, KeyKind, KeyRef};

pub(super) enum KeyBuilder {
    Int(Vec<i64>),
    Bytes(BinaryBuilder),
}

impl KeyBuilder {
    pub(super) fn new(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Int => Self::Int(Vec::new()),
            KeyKind::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    /// The key must be of the builder's kind, which [`crate::codec::decode_row_key`] ensures.
    pub(super) fn push(&mut self, key: KeyRef<'_>) {
        match (self, key) {
            (Self::Int(keys), KeyRef::Int(v)) => keys.push(v),
            (Self::Bytes(keys), KeyRef::Bytes(b)) => keys.append_value(b),
            (Self::Int(_), KeyRef::Bytes(_)) | (Self::Bytes(_), KeyRef::Int(_)) => {
                unreachable!("row keys are decoded as the table's kind")
            }
        }
    }

    pub(super) fn finish(self) -> KeyArray {
        match self {
            Self::Int(keys) => KeyArray::Int(Int64Array::from(keys)),
            Self::Bytes(mut keys) => KeyArray::Bytes(keys.finish()),
        }
    }
}
