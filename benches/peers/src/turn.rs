//! One after the other, for ever.

use crate::Result;

/// Hands out its items in turn.
pub(crate) struct Turn<T> {
    items: Vec<T>,
    next: usize,
}

impl<T> Turn<T> {
    /// Of these, of which there is one at least.
    pub(crate) fn of(items: Vec<T>) -> Result<Self> {
        if items.is_empty() {
            return Err("a question has nothing to be asked of: the organisation is too small".into());
        }
        Ok(Self { items, next: 0 })
    }

    pub(crate) fn next(&mut self) -> &T {
        let at = self.next;
        self.next = if at + 1 == self.items.len() { 0 } else { at + 1 };
        &self.items[at]
    }
}
