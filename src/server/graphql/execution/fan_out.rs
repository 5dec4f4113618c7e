//! How many records the lists of a selection come to, by the graph's real fan-out, without making any of them.
//!
//! Records are followed as numbers with how many times each is reached, so that a document that leads from children to
//! parents and back costs no more to weigh than the graph has edges, however many records it asks for.

use async_graphql::SelectionField;
use rustc_hash::FxHashMap;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::server::graphql::execution::limits::{PAGE_DEFAULT, PAGE_MAX};

/// What a selection comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::server) struct FanOut {
    /// Records in lists that have no page size.
    pub(in crate::server) listed: u64,
    /// Fields of all records, those of pages too.
    pub(in crate::server) fields: u64,
}

/// Records, each with how many times it is reached.
type Reached = FxHashMap<EntityId, u64>;

/// How many fields are asked for beneath a field, those of a list once: what is in it counts when it is answered. No
/// more than the document may have.
pub(in crate::server) fn fields_beneath(field: &SelectionField<'_>) -> u64 {
    field.selection_set().map(|field| 1 + fields_beneath(&field)).sum()
}

impl FanOut {
    /// What `field` asks of `records` in lists, in lists of those, and so on. Ends once that is more than `most` records.
    pub(in crate::server) fn beneath(
        view: &View,
        field: &SelectionField<'_>,
        records: &[EntityId],
        most: u64,
    ) -> Self {
        let mut fan_out = Self::default();
        if has_selections(field) {
            let mut reached = Reached::default();
            for record in records {
                *reached.entry(*record).or_default() += 1;
            }
            fan_out.fields = (records.len() as u64).saturating_mul(fields_beneath(field));
            fan_out.follow(view, field, &reached, most);
        }
        fan_out
    }

    fn follow(&mut self, view: &View, field: &SelectionField<'_>, from: &Reached, most: u64) {
        for asked in field.selection_set() {
            if self.listed > most || !has_selections(&asked) {
                continue;
            }
            match Traversal::of(&asked) {
                // The node of an edge is the record itself, and so is what an interface is narrowed to.
                Traversal::Same => self.follow(view, &asked, from, most),
                Traversal::One(lead) => {
                    let to = reached(from, |id| lead(view, id).into_iter().collect());
                    self.follow(view, &asked, &to, most);
                }
                Traversal::List(lead) => {
                    let to = reached(from, |id| lead(view, id));
                    let listed = to.values().fold(0_u64, |all, times| all.saturating_add(*times));
                    self.listed = self.listed.saturating_add(listed);
                    self.add(listed, &asked);
                    self.follow(view, &asked, &to, most);
                }
                Traversal::Page(most_of) => {
                    let listed = from.iter().fold(0_u64, |all, (id, times)| {
                        all.saturating_add(times.saturating_mul(most_of(view, *id)))
                    });
                    // Which records a page has is known once it is made; their own lists are counted then.
                    for part in asked.selection_set().filter(has_selections) {
                        self.add(listed.min(page_records(&asked, from)), &part);
                    }
                }
            }
        }
    }

    fn add(&mut self, records: u64, field: &SelectionField<'_>) {
        self.fields = self.fields.saturating_add(records.saturating_mul(fields_beneath(field)));
    }
}

/// Where a field leads from a record.
enum Traversal {
    Same,
    One(fn(&View, EntityId) -> Option<EntityId>),
    List(fn(&View, EntityId) -> Vec<EntityId>),
    /// To a page of at most so many.
    Page(fn(&View, EntityId) -> u64),
}

impl Traversal {
    fn of(field: &SelectionField<'_>) -> Self {
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
            "totals" | "owner" => Self::Page(|_, _| 0),
            _ => Self::Same,
        }
    }
}

/// A project has its repositories as a list, a unit as pages.
fn is_connection(field: &SelectionField<'_>) -> bool {
    field.selection_set().any(|part| matches!(part.name(), "nodes" | "edges" | "pageInfo" | "totalCount"))
}

fn has_selections(field: &SelectionField<'_>) -> bool {
    field.selection_set().next().is_some()
}

/// The most records that pages of this size have, one for each record that they are asked of.
fn page_records(field: &SelectionField<'_>, from: &Reached) -> u64 {
    let arguments = field.arguments().unwrap_or_default();
    let size = arguments.iter().find(|(name, _)| matches!(name.as_str(), "first" | "last"));
    let size = size.and_then(|(_, value)| match value {
        async_graphql::Value::Number(size) => size.as_u64(),
        _ => None,
    });
    let default = if field.name() == "descendants" { PAGE_MAX } else { PAGE_DEFAULT };
    let times = from.values().fold(0_u64, |all, times| all.saturating_add(*times));
    times.saturating_mul(size.unwrap_or(default as u64))
}

fn reached(from: &Reached, lead: impl Fn(EntityId) -> Vec<EntityId>) -> Reached {
    let mut to = Reached::default();
    for (id, times) in from {
        for next in lead(*id) {
            let there = to.entry(next).or_default();
            *there = there.saturating_add(*times);
        }
    }
    to
}
