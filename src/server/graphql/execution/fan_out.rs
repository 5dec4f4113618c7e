//! Fan-out of nested lists: how many records a selection yields in the real graph, computed without resolving them.
//!
//! Invariant: records are followed as ids with multiplicities, so that each level of a document costs at most one pass
//! over the graph's edges. A document that goes from children to parents and back may select far more records.

use async_graphql::SelectionField;
use rustc_hash::FxHashMap;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::server::graphql::execution::limits::{PAGE_DEFAULT, PAGE_MAX};

/// The size of a selection's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::server) struct FanOut {
    /// Records in lists without pagination.
    pub(in crate::server) listed: u64,
    /// Fields of all records, including those of pages.
    pub(in crate::server) fields: u64,
}

/// A selected field, of async-graphql or of a plan.
pub(in crate::server) trait SelectedField: Sized {
    fn name(&self) -> &str;

    /// The argument `first` or `last`, if it is a number.
    fn page_size(&self) -> Option<u64>;

    /// The fields that are selected of its value, with fragments expanded.
    fn selections(&self) -> impl Iterator<Item = Self>;
}

impl SelectedField for SelectionField<'_> {
    fn name(&self) -> &str {
        SelectionField::name(self)
    }

    fn page_size(&self) -> Option<u64> {
        // Arguments that cannot be read leave the default: the resolver will report them.
        let arguments = self.arguments().unwrap_or_default();
        let size = arguments.iter().find(|(name, _)| matches!(name.as_str(), "first" | "last"));
        size.and_then(|(_, value)| match value {
            async_graphql::Value::Number(size) => size.as_u64(),
            _ => None,
        })
    }

    fn selections(&self) -> impl Iterator<Item = Self> {
        self.selection_set()
    }
}

/// Records, each with its multiplicity: how many times the response contains it.
type Reached = FxHashMap<EntityId, u64>;

/// Number of fields selected below a field, each counted once, whatever the length of the lists on the way.
// Cannot overflow: `FIELDS_MAX` bounds the document with its fragments expanded, and `NESTING_MAX` the recursion.
pub(in crate::server) fn fields_below(field: &impl SelectedField) -> u64 {
    field.selections().map(|field| 1 + fields_below(&field)).sum()
}

impl FanOut {
    /// The fan-out of what `field` selects of `records`. Stops early once it lists more than `max` records.
    pub(in crate::server) fn below(
        view: &View,
        field: &impl SelectedField,
        records: &[EntityId],
        max: u64,
    ) -> Self {
        let fields = (records.len() as u64).saturating_mul(fields_below(field));
        let mut fan_out = Self { listed: 0, fields };
        if field.selections().any(|selected| leads_to_lists(&selected)) {
            let mut reached = Reached::default();
            for record in records {
                *reached.entry(*record).or_default() += 1;
            }
            fan_out.follow(view, field, &reached, max);
        }
        fan_out
    }

    fn follow(&mut self, view: &View, field: &impl SelectedField, from: &Reached, max: u64) {
        for selected in field.selections() {
            // All other fields are in `fields_below` already.
            if self.listed > max || !leads_to_lists(&selected) {
                continue;
            }
            match Traversal::of(&selected) {
                Traversal::None => {}
                // The `node` of an edge is the record itself, and so is an interface narrowed by a fragment.
                Traversal::Same => self.follow(view, &selected, from, max),
                Traversal::One(edge) => {
                    let to = reached(from, |id| edge(view, id).into_iter().collect());
                    self.follow(view, &selected, &to, max);
                }
                Traversal::List(edges) => {
                    let to = reached(from, |id| edges(view, id));
                    // Multiplicities and not distinct records: the response repeats a record wherever it is reached.
                    let listed = to.values().fold(0_u64, |all, times| all.saturating_add(*times));
                    self.listed = self.listed.saturating_add(listed);
                    self.add(listed, &selected);
                    self.follow(view, &selected, &to, max);
                }
                Traversal::Page(max_of) => {
                    let matches = from.iter().fold(0_u64, |all, (id, times)| {
                        all.saturating_add(times.saturating_mul(max_of(view, *id)))
                    });
                    // Filter and order decide which records a page has, so nothing is followed from here:
                    // `budget::page` weighs their lists when the page is resolved.
                    for part in selected.selections().filter(has_selections) {
                        self.add(matches.min(page_records(&selected, from)), &part);
                    }
                }
            }
        }
    }

    fn add(&mut self, records: u64, field: &impl SelectedField) {
        self.fields = self.fields.saturating_add(records.saturating_mul(fields_below(field)));
    }
}

/// How a field leads from a record to others.
enum Traversal {
    /// The field is an object without records.
    None,
    /// Not at all: the field is a wrapper around the record.
    Same,
    /// To at most one record.
    One(fn(&View, EntityId) -> Option<EntityId>),
    /// To all records of a list without pagination.
    List(fn(&View, EntityId) -> Vec<EntityId>),
    /// To a page. The function gives an upper bound of the records to choose from.
    Page(fn(&View, EntityId) -> u64),
}

impl Traversal {
    // By field name alone, since a selection does not carry its parent type. Hence a name must mean the same on every
    // type, except for those that are told apart below. A new list in the schema must be added here, or it is free.
    fn of(field: &impl SelectedField) -> Self {
        match field.name() {
            "parents" | "units" => Self::List(View::parents),
            "ancestors" => Self::List(View::ancestors),
            "children" => {
                Self::List(|view, id| view.directly_below(id, Kind::OrgUnit).iter().map(EntityId).collect())
            }
            "services" => Self::List(|view, id| view.assets(id, Kind::Service)),
            "repositories" if !is_connection(field) => {
                Self::List(|view, id| view.assets(id, Kind::Repository))
            }
            "repositories" => Self::Page(|view, id| view.below(id, Kind::Repository).len()),
            "people" => Self::Page(|view, id| view.below(id, Kind::Person).len()),
            // Of a unit, the projects below it; of a person, the projects that the person is a member of.
            "projects" => Self::Page(|view, id| match view.entity(id).map(|entity| entity.kind()) {
                Some(Kind::OrgUnit) => view.below(id, Kind::Project).len(),
                _ => view.memberships(id).len() as u64,
            }),
            "members" => Self::Page(|view, id| view.members(id).len() as u64),
            "descendants" => Self::Page(|view, id| view.below(id, Kind::OrgUnit).len()),
            "project" => Self::One(|view, id| view.entity(id).and_then(|entity| entity.owning_project())),
            "organization" => Self::One(|view, id| view.levels(id)[0]),
            "business" => Self::One(|view, id| view.levels(id)[1]),
            "department" => Self::One(|view, id| view.levels(id)[2]),
            "group" => Self::One(|view, id| view.levels(id)[3]),
            "team" => Self::One(|view, id| view.levels(id)[4]),
            // As `Same`, their fields would be followed from the record itself.
            "totals" | "owner" => Self::None,
            _ => Self::Same,
        }
    }
}

/// Whether a field is a connection, by its selection: `repositories` is a list on a project and a connection on a unit.
fn is_connection(field: &impl SelectedField) -> bool {
    field.selections().any(|part| matches!(part.name(), "nodes" | "edges" | "pageInfo" | "totalCount"))
}

/// Whether a field is a list, or leads to one.
fn leads_to_lists(field: &impl SelectedField) -> bool {
    has_selections(field)
        && match Traversal::of(field) {
            Traversal::None => false,
            Traversal::List(_) | Traversal::Page(_) => true,
            Traversal::Same | Traversal::One(_) => field.selections().any(|next| leads_to_lists(&next)),
        }
}

fn has_selections(field: &impl SelectedField) -> bool {
    field.selections().next().is_some()
}

/// Maximum number of records in all pages of a field, one page for each record in `from`.
fn page_records(field: &impl SelectedField, from: &Reached) -> u64 {
    let default = if field.name() == "descendants" { PAGE_MAX } else { PAGE_DEFAULT };
    let times = from.values().fold(0_u64, |all, times| all.saturating_add(*times));
    times.saturating_mul(field.page_size().unwrap_or(default as u64))
}

fn reached(from: &Reached, edges: impl Fn(EntityId) -> Vec<EntityId>) -> Reached {
    let mut to = Reached::default();
    for (id, times) in from {
        for next in edges(*id) {
            // Saturating: going back and forth a few times multiplies beyond 64 bits.
            let count = to.entry(next).or_default();
            *count = count.saturating_add(*times);
        }
    }
    to
}
