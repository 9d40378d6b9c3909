//! Placeholder while the dependencies are built.
