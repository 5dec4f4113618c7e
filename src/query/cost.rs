//! Cost estimate of a filter, made before it is evaluated: about how many texts have to be compared.
//!
//! Bitmap operations and index lookups take next to no time beside that, so they are not counted.

use crate::error::Error;
use crate::graph::View;
use crate::model::entity::Kind;
use crate::query::filter::Filter;
use crate::query::select::{Cost, Selection};

/// Number of text comparisons that any request may cause, however few records there are: about one second of work.
const TEXTS_MAX: u64 = 10_000_000;
/// Number of passes over all visible records that a request may cause, however many there are.
const PASSES_MAX: u64 = 4;
/// The trigram index is assumed to let one record of eight through.
// The true share is known only after the lookup, and the estimate has to be cheap.
const TRIGRAM_SELECTIVITY: u64 = 8;

/// The time to serialize one record, in text comparisons.
const TEXTS_PER_RECORD: u64 = 40;

/// The estimated cost of evaluating a filter.
///
/// ```
/// use clade::query::cost::Estimate;
/// use clade::query::{Field, Filter, TextTest};
/// use clade::{CreatePerson, Directory, Kind};
///
/// let view = Directory::in_memory()?.apply(["eve@corp.example", "ada@corp.example"].map(CreatePerson::new))?.view;
/// let estimate = |test| Filter::Text(Field::Email, test).estimate(&view, Kind::Person);
/// let equal = estimate(TextTest::Eq("ada@corp.example".to_owned()));
/// assert_eq!(equal, Estimate { texts: 0, matches: 2 }, "there is an index of emails");
/// assert_eq!(estimate(TextTest::Contains("a".to_owned())).texts, 2, "each email is compared");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Approximate number of texts that are compared.
    pub texts: u64,
    /// Maximum number of records that match.
    pub matches: u64,
}

impl Filter {
    /// Estimates the cost of finding the records of `kind` that match. Call this for every filter from a client, after
    /// [`Filter::checked`].
    #[must_use]
    pub fn estimate(&self, view: &View, kind: Kind) -> Estimate {
        Estimate::of(Selection { view, kind }, self, view.all(kind).len())
    }
}

/// The cost of serializing this many records, in text comparisons; each record takes some microseconds.
#[must_use]
pub fn serialization_cost(records: u64) -> u64 {
    records.saturating_mul(TEXTS_PER_RECORD)
}

/// Checks that a request may compare this many texts of `view`.
///
/// # Errors
/// [`Error::TooCostly`] if `texts` is greater than [`text_comparisons_max`].
pub fn check_affordable(view: &View, texts: u64) -> Result<(), Error> {
    let limit = text_comparisons_max(view);
    if texts > limit { Err(Error::TooCostly { texts, limit }) } else { Ok(()) }
}

/// Maximum number of text comparisons of one request: about one second of work, or a few passes over all visible
/// records if that is more.
// Grows with the directory, so that a plain filter without an index is allowed at any size.
#[must_use]
pub fn text_comparisons_max(view: &View) -> u64 {
    let records: u64 = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
    TEXTS_MAX.max(records.saturating_mul(PASSES_MAX))
}

impl Estimate {
    /// The estimate for a filter among `among` candidates.
    // Follows the order of evaluation in `Selection`: if that changes, these numbers have to change too.
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
            // The texts of a project's repositories and services are compared as well.
            Filter::AnyText(_) if kind == Kind::Project => {
                let assets = view.all(Kind::Repository).len() + view.all(Kind::Service).len();
                Self { texts: among.saturating_add(assets), matches: among }
            }
            Filter::Text(..) | Filter::AnyText(_) => {
                let has_trigrams = selection.cost(filter) == Cost::Trigrams;
                let texts = if has_trigrams { among / TRIGRAM_SELECTIVITY } else { among };
                Self { texts, matches: among }
            }
            // The complement may contain all candidates, however few records the condition matches.
            Filter::Not(condition) => Self { matches: among, ..Self::of(selection, condition, among) },
            Filter::And(conditions) => {
                // Each condition sees only what the cheaper ones before it may have left.
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
                // Evaluated over all neighbours, unless the candidates are fewer; the bound assumes the worse case.
                let neighbours = selection.over_neighbours(*relation);
                let neighbour_count = neighbours.view.all(neighbours.kind).len();
                Self { matches: among, ..Self::of(neighbours, condition, neighbour_count) }
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
    fn narrowing_first_costs_less() {
        let view = View::of(Arc::new(Graph::default()));
        let texts = |filter: &Filter| {
            Estimate::of(Selection { view: &view, kind: Kind::Project }, filter, 1_000).texts
        };
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
