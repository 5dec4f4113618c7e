//! What a filter costs, told before it is evaluated: about how many texts it makes looking at.
//!
//! Bitmaps and lookups cost next to nothing beside that, so they are not counted.

use crate::error::Error;
use crate::graph::View;
use crate::model::entity::Kind;
use crate::query::filter::Filter;
use crate::query::select::{Cost, Selection};

/// So many texts are looked at for a request, however few records there are: about a second's work.
const TEXTS_MAX: u64 = 10_000_000;
/// A request may look at every record so many times, however many there are.
const TIMES_MAX: u64 = 4;
/// The index of texts lets through one record of so many, as a rule: which, is only known by asking it.
const LET_THROUGH_ONE_OF: u64 = 8;

/// While a record is written out, so many texts could be looked at.
const TEXTS_A_RECORD: u64 = 40;

/// What evaluating a filter comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// About so many texts are looked at.
    pub texts: u64,
    /// At most so many records match.
    pub matches: u64,
}

impl Filter {
    /// What it comes to to tell which records of `kind` match. To be asked of every filter that comes from outside,
    /// after [`Filter::checked`].
    #[must_use]
    pub fn estimate(&self, view: &View, kind: Kind) -> Estimate {
        let Bound { texts, matches } = Bound::of(Selection { view, kind }, self, view.all(kind).len());
        Estimate { texts, matches }
    }

    /// About how many texts are looked at to tell which records of `kind` match. To be asked of every filter that
    /// comes from outside and may hold several conditions, after [`Filter::checked`].
    #[must_use]
    pub fn texts(&self, view: &View, kind: Kind) -> u64 {
        Bound::of(Selection { view, kind }, self, view.all(kind).len()).texts
    }
}

/// What writing out so many records of a list costs, in texts looked at: each takes some microseconds.
#[must_use]
pub fn cost_of(records: u64) -> u64 {
    records.saturating_mul(TEXTS_A_RECORD)
}

/// Refuses to look at so many texts of `view` for one request.
///
/// # Errors
/// [`Error::TooCostly`].
pub fn affordable(view: &View, texts: u64) -> Result<(), Error> {
    let limit = texts_max(view);
    if texts > limit { Err(Error::TooCostly { texts, limit }) } else { Ok(()) }
}

/// How many texts may be looked at for one request: a number of times everyone in sight, or so many that it takes
/// about a second.
#[must_use]
pub fn texts_max(view: &View) -> u64 {
    let everyone: u64 = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
    TEXTS_MAX.max(everyone.saturating_mul(TIMES_MAX))
}

/// What a filter comes to.
#[derive(Debug, Clone, Copy)]
struct Bound {
    /// About so many texts are looked at.
    texts: u64,
    /// At most so many records match.
    matches: u64,
}

impl Bound {
    /// Of a filter among so many candidates. The order of evaluation is that of [`Selection`].
    fn of(selection: Selection<'_>, filter: &Filter, among: u64) -> Self {
        let Selection { view, kind } = selection;
        let free = |matches: u64| Self { texts: 0, matches: matches.min(among) };
        match filter {
            Filter::All => free(among),
            Filter::Within(units) => free(units.iter().map(|unit| view.below(*unit, kind).len()).sum()),
            Filter::DirectlyIn(units) => {
                free(units.iter().map(|unit| view.directly_below(*unit, kind).len()).sum())
            }
            Filter::Text(field, test) if selection.is_indexed(*field, test) => free(among),
            // A project's repositories and services are looked at with it.
            Filter::AnyText(_) if kind == Kind::Project => {
                let assets = view.all(Kind::Repository).len() + view.all(Kind::Service).len();
                Self { texts: among.saturating_add(assets), matches: among }
            }
            Filter::Text(..) | Filter::AnyText(_) => {
                let is_looked_up = selection.cost(filter) == Cost::Letters;
                let texts = if is_looked_up { among / LET_THROUGH_ONE_OF } else { among };
                Self { texts, matches: among }
            }
            Filter::Not(condition) => Self { matches: among, ..Self::of(selection, condition, among) },
            Filter::And(conditions) => {
                selection.cheap_first(conditions).into_iter().fold(free(among), |left, condition| {
                    let then = Self::of(selection, condition, left.matches);
                    Self { texts: left.texts.saturating_add(then.texts), matches: then.matches }
                })
            }
            Filter::Or(conditions) => conditions.iter().fold(free(0), |all, condition| {
                let one = Self::of(selection, condition, among);
                Self {
                    texts: all.texts.saturating_add(one.texts),
                    matches: all.matches.saturating_add(one.matches).min(among),
                }
            }),
            Filter::Related(relation, condition) => {
                if selection.platform_test(*relation, condition).is_some() {
                    return free(among);
                }
                let there = selection.beside(*relation);
                let everyone = there.view.all(there.kind).len();
                Self { matches: among, ..Self::of(there, condition, everyone) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::graph::Graph;
    use crate::model::entity::EntityId;
    use crate::query::filter::{Field, Relation, TextTest};

    #[test]
    fn what_is_narrowed_first_costs_less() {
        let view = View::of(Arc::new(Graph::default()));
        let texts =
            |filter: &Filter| Bound::of(Selection { view: &view, kind: Kind::Project }, filter, 1_000).texts;
        let name = || Filter::Text(Field::Name, TextTest::Contains("shop".to_owned()));
        let id = || Filter::Text(Field::ProjectId, TextTest::Eq("shop".to_owned()));
        let short = || Filter::Text(Field::Name, TextTest::Contains("s".to_owned()));
        assert_eq!(texts(&short()), 1_000);
        assert_eq!(texts(&name()), 125);
        assert_eq!(texts(&Filter::Or(vec![short(), name()])), 1_125);
        assert_eq!(texts(&Filter::And(vec![name(), Filter::Within(vec![EntityId(7)])])), 0);
        assert_eq!(texts(&Filter::Not(Box::new(short()))), 1_000);
        assert_eq!(texts(&id()), 0);
        let platform = Filter::Text(Field::Platform, TextTest::Eq("gitlab.com".to_owned()));
        assert_eq!(texts(&Filter::Related(Relation::Repository, Box::new(platform))), 0);
    }
}
