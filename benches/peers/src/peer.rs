//! What is asked the same questions: Clade, and what people use today.

use crate::Result;
use crate::answer::Answer;
use crate::questions::Question;

/// A question made ready: statements are prepared, parameters are at hand. Each call asks it of the next target.
pub(crate) type Ask<'p> = Box<dyn FnMut() -> Result<Answer> + 'p>;

/// A way of keeping a hierarchy, and of asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The question has nothing to do with the hierarchy, or there is one way only.
    Plain,
    /// Parent edges alone, walked by a recursive query.
    Recursive,
    /// A closure table of units; what is placed in them is joined.
    UnitClosure,
    /// A closure table of all, down to the single project and person.
    FullClosure,
    /// The same, where words in names are looked up in a trigram index first.
    FullClosureTrigrams,
    /// Each unit's path as an `ltree`, with a GiST index.
    Ltree,
    /// Every name is read.
    Scan,
    /// Words in names are looked up in a trigram index.
    Trigrams,
}

/// One that is asked.
pub(crate) trait Peer {
    /// As the table's head calls it.
    fn name(&self) -> &'static str;

    /// What it is, by version and settings.
    fn described(&mut self) -> Result<String>;

    /// What a form is called here.
    fn form_name(&self, form: Form) -> &'static str;

    /// The forms in which it can be asked a question.
    fn forms(&self, question: &Question) -> Vec<Form>;

    /// Makes a question ready.
    fn ask<'p>(&'p mut self, question: &Question, form: Form) -> Result<Ask<'p>>;

    /// The same answer by the organisation's numbers, in one order.
    fn told(&self, answer: Answer) -> Answer {
        answer.sorted()
    }

    /// Takes out every project that was put in by a question, and cleans up behind the writes.
    fn undo(&mut self) -> Result<()>;
}
