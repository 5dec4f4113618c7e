//! Round robin over a list of items.

use crate::Result;

/// Yields its items in turn, endlessly.
pub(crate) struct Turn<T> {
    items: Vec<T>,
    next: usize,
}

impl<T> Turn<T> {
    /// Fails if `items` is empty.
    pub(crate) fn of(items: Vec<T>) -> Result<Self> {
        if items.is_empty() {
            return Err(
                "a query has no targets: the organization is too small, use a larger --entities".into()
            );
        }
        Ok(Self { items, next: 0 })
    }

    pub(crate) fn next(&mut self) -> &T {
        let at = self.next;
        self.next = if at + 1 == self.items.len() { 0 } else { at + 1 };
        &self.items[at]
    }
}
