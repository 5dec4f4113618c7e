//! What threads share to publish graphs, by names behind which `tests/loom/` puts what tries every order of events.

pub(super) use std::sync::Arc;

pub(super) use arc_swap::ArcSwap;
