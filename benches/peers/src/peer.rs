//! The interface of the databases that are compared: Clade, SQLite and PostgreSQL.

use crate::Result;
use crate::answer::Answer;
use crate::questions::Question;

/// A prepared query: statements are prepared, parameters are bound. Each call runs it on the next target.
pub(crate) type Ask<'p> = Box<dyn FnMut() -> Result<Answer> + 'p>;

/// A way of storing a hierarchy or indexing names, and of querying it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The query does not involve the hierarchy, or there is only one form.
    Plain,
    /// Parent edges alone, walked by a recursive query.
    Recursive,
    /// A closure table of units; people and projects are joined through their placements.
    UnitClosure,
    /// A closure table down to every project and person.
    FullClosure,
    /// The same, with names matched in a trigram index first.
    FullClosureTrigrams,
    /// Each unit's path as an `ltree`, with a GiST index.
    Ltree,
    /// Substring match by reading every name.
    Scan,
    /// Substring match in a trigram index.
    Trigrams,
}

/// A database under test.
pub(crate) trait Peer {
    /// The name in the table's header.
    fn name(&self) -> &'static str;

    /// Version and settings, for the line below the table.
    fn described(&mut self) -> Result<String>;

    /// The name of a form in the table.
    fn form_name(&self, form: Form) -> &'static str;

    /// The forms that can run a query.
    fn forms(&self, question: &Question) -> Vec<Form>;

    /// Prepares a query.
    fn ask<'p>(&'p mut self, question: &Question, form: Form) -> Result<Ask<'p>>;

    /// Translates a result to the organization's numbers, in a canonical order.
    fn normalized(&self, answer: Answer) -> Answer {
        answer.sorted()
    }

    /// Deletes every project that a query inserted, and cleans up after the writes (vacuum, checkpoint).
    fn undo(&mut self) -> Result<()>;
}
