//! The synchronization types of `published.rs`. `tests/loom/` compiles that file with loom's versions of these names.

pub(super) use std::sync::Arc;

pub(super) use arc_swap::ArcSwap;
