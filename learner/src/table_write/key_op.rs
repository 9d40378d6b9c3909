//! One step of a write.

use bytes::Bytes;

/// A mutation to buffer in a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOp {
    /// Sets the key, whatever it held.
    Put {
        /// Key.
        key: Bytes,
        /// New value.
        value: Bytes,
    },
    /// Sets the key, which must not exist. If it does, [`super::duplicate_message`] makes the
    /// client's message from the key.
    Insert {
        /// Key.
        key: Bytes,
        /// New value.
        value: Bytes,
    },
    /// Removes the key, whether it exists or not.
    Delete {
        /// Key.
        key: Bytes,
    },
}

impl KeyOp {
    /// The key that changes.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Put { key, .. } | Self::Insert { key, .. } | Self::Delete { key } => key,
        }
    }

    /// What the key holds afterwards; `None` if nothing.
    pub fn value(&self) -> Option<&Bytes> {
        match self {
            Self::Put { value, .. } | Self::Insert { value, .. } => Some(value),
            Self::Delete { .. } => None,
        }
    }
}
