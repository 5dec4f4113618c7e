//! Catching panics, so that one request's panic does not end the writer or other requests.
//!
//! Invariant: a caught panic is always logged.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    // A count and not a flag, since catches nest: after the inner one ends, the outer one still catches.
    /// How many nested calls on this thread would catch a panic.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work`; `None` if it panics. The caller must then discard whatever `work` was changing.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    attempt(work).ok()
}

/// As [`caught`]; an error is the panic's message.
pub(crate) fn attempt<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Not a guard that is dropped: the panic hook runs before unwinding, and `catch_unwind` always returns.
    CATCHING.set(CATCHING.get() + 1);
    // Sound only because callers discard what `work` was changing: it may be half changed.
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    done.map_err(|cause| {
        tracing::error!(panic = message(&*cause), "a panic was caught");
        message(&*cause).to_owned()
    })
}

/// Replaces the panic hook: panics that will be caught go to the log alone, others to standard error as usual.
#[cfg(feature = "server")]
pub(crate) fn report_only_uncaught_panics() {
    // Standard error of a command is read by people, and a caught panic is reported there as an ordinary error.
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if CATCHING.get() == 0 {
            previous(panic);
        } else {
            tracing::warn!(%panic, "a panic, which will be caught");
        }
    }));
}

/// The message of a panic.
pub(crate) fn message(cause: &(dyn Any + Send)) -> &str {
    // `panic!` with a literal alone carries a `&str`, with arguments a `String`; other payloads have no text.
    let owned = || cause.downcast_ref::<String>().map(String::as_str);
    cause.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_by_the_innermost_call() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| -> u8 { panic!("on purpose") }), None);
        assert_eq!(attempt(|| caught(|| -> u8 { panic!("within") })), Ok(None));
        assert_eq!(attempt(|| -> u8 { panic!("{}, with {}", "words", 7) }), Err("words, with 7".to_owned()));
        assert_eq!(CATCHING.get(), 0);
    }
}
