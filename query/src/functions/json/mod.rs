//! JSON: documents are kept as text, in MySQL's normal form, and read whole.
//!
//! | file | idea |
//! |---|---|
//! | `document` | arguments as documents |
//! | `path` | `$.a[0]` |
//! | `read`, `build`, `change` | the functions |

pub(super) mod build;
pub(super) mod change;
mod document;
mod path;
pub(super) mod read;
