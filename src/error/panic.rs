//! Panics, caught where one must not take others along: told in the log, and answered as a refusal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many times over this thread would catch a panic.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
}

/// Does `work`; none where that panics. Whatever `work` changes must be thrown away then.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    attempt(work).ok()
}

/// As [`caught`], with what the panic said.
pub(crate) fn attempt<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    CATCHING.set(CATCHING.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    done.map_err(|cause| {
        tracing::error!(panic = message(&*cause), "a panic was caught");
        message(&*cause).to_owned()
    })
}

/// Leaves the telling of panics that are caught to whoever catches them: standard error is a person's.
#[cfg(feature = "server")]
pub(crate) fn report_only_uncaught_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if CATCHING.get() == 0 {
            tell(panic);
        } else {
            tracing::warn!(%panic, "something panics, and will be caught");
        }
    }));
}

/// What a panic said.
pub(crate) fn message(cause: &(dyn Any + Send)) -> &str {
    let owned = || cause.downcast_ref::<String>().map(String::as_str);
    cause.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_where_it_is_caught() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| -> u8 { panic!("on purpose") }), None);
        assert_eq!(attempt(|| caught(|| -> u8 { panic!("within") })), Ok(None));
        assert_eq!(attempt(|| -> u8 { panic!("{}, with {}", "told", 7) }), Err("told, with 7".to_owned()));
        assert_eq!(CATCHING.get(), 0);
    }
}
