//! The mappings that a filter matches: conditions as sets of entities, and the shortest way to all that may match.
//!
//! What must stay true: each mapping that matches is shown once.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::key::fold;
use crate::model::mapping::{Mapping, MappingType};
use crate::query::mapping::filter::{KEYS, MappingFilter, by_key, containing};
use crate::query::mapping::subtree::with_descendants;
use crate::query::select::select;

/// Mappings of entities are looked at rather than all mappings where there are so many times more of these: they lie
/// apart in memory, and all mappings in a row.
const WORTH_GATHERING_FROM: u64 = 4;

/// What a filter matches in a view.
pub(super) struct Selected<'v, 'f> {
    view: &'v View,
    filter: &'f MappingFilter,
    from: Option<RoaringBitmap>,
    to: Option<RoaringBitmap>,
    within: Vec<RoaringBitmap>,
    parents: Option<RoaringBitmap>,
    text: Option<TextMatch>,
}

/// Text that is looked for.
struct TextMatch {
    folded: String,
    /// The entities that have it in their key.
    ends: RoaringBitmap,
    /// Whether an id can have it.
    may_be_in_id: bool,
}

/// Where everything that may match is found.
enum MappingCandidates {
    All,
    /// At either end of these.
    Ends(RoaringBitmap),
    /// Where these are the child, the member, or placed somewhere.
    Held(RoaringBitmap),
}

impl<'v, 'f> Selected<'v, 'f> {
    pub(super) fn new(view: &'v View, filter: &'f MappingFilter) -> Self {
        let with_keys = |keys: &Option<Vec<String>>| keys.as_ref().map(|keys| with_keys(view, keys));
        Self {
            view,
            filter,
            from: with_keys(&filter.from_keys),
            to: with_keys(&filter.to_keys),
            within: filter.within.iter().map(|units| with_descendants(view, units)).collect(),
            parents: filter.parents.map(|parents| parents.units(view)),
            text: filter
                .text
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(|text| TextMatch::new(view, text)),
        }
    }

    pub(super) fn view(&self) -> &'v View {
        self.view
    }

    /// Shows each mapping that matches, in no order.
    pub(super) fn each(&self, mut show: impl FnMut(&'v Arc<Mapping>)) {
        let mut look_at = |mapping: &'v Arc<Mapping>| {
            if self.matches(mapping) {
                show(mapping);
            }
        };
        match self.candidates() {
            MappingCandidates::All => self.view.each_mapping().for_each(look_at),
            MappingCandidates::Held(held) => {
                for id in held.iter().map(EntityId) {
                    self.view.mappings_holding(id).for_each(&mut look_at);
                }
            }
            MappingCandidates::Ends(ends) => {
                for id in ends.iter().map(EntityId) {
                    // One between two of them is shown at its first end.
                    let is_first = |it: &&Arc<Mapping>| it.from == id || !ends.contains(it.from.0);
                    self.view.mappings_at(id).filter(is_first).for_each(&mut look_at);
                }
            }
        }
    }

    fn candidates(&self) -> MappingCandidates {
        let mappings_of =
            |ids: &RoaringBitmap| ids.iter().map(|id| self.view.mapping_count_of(EntityId(id))).sum::<u64>();
        let end = self.filter.end.map(|end| RoaringBitmap::from([end.0]));
        if let Some(few) = end.iter().chain(&self.from).chain(&self.to).min_by_key(|ids| mappings_of(ids)) {
            return MappingCandidates::Ends(few.clone());
        }
        if let Some(parents) = &self.parents {
            let mut children = RoaringBitmap::new();
            for unit in parents {
                children |= &*self.view.directly_below(EntityId(unit), Kind::OrgUnit);
            }
            return MappingCandidates::Held(children);
        }
        let all = self.view.mapping_count();
        if let Some(fewest) = self.within.iter().min_by_key(|ids| ids.len())
            && fewest.len() * WORTH_GATHERING_FROM < all
        {
            return MappingCandidates::Ends(fewest.clone());
        }
        let types = self.filter.types.as_deref().unwrap_or(&MappingType::ALL);
        let mut held = RoaringBitmap::new();
        for kind in types.iter().map(|mapping_type| child_kind(*mapping_type)) {
            held |= self.view.all(kind);
        }
        if held.len() * WORTH_GATHERING_FROM < all {
            MappingCandidates::Held(held)
        } else {
            MappingCandidates::All
        }
    }

    /// Whether a mapping in sight matches. What is cheap to tell comes first.
    pub(super) fn matches(&self, mapping: &Mapping) -> bool {
        let filter = self.filter;
        let is_end = |ids: &RoaringBitmap| ids.contains(mapping.from.0) || ids.contains(mapping.to.0);
        filter.types.as_ref().is_none_or(|types| types.contains(&mapping.mapping_type))
            && filter.relationships.as_ref().is_none_or(|all| all.contains(&mapping.relationship))
            && filter.end.is_none_or(|end| mapping.from == end || mapping.to == end)
            && self.from.as_ref().is_none_or(|from| from.contains(mapping.from.0))
            && self.to.as_ref().is_none_or(|to| to.contains(mapping.to.0))
            && self.parents.as_ref().is_none_or(|parents| {
                mapping.mapping_type == MappingType::ParentChild && parents.contains(mapping.from.0)
            })
            && filter.source.as_deref().is_none_or(|source| source_of(mapping) == Some(source))
            && self.within.iter().all(is_end)
            && self.text.as_ref().is_none_or(|text| is_end(&text.ends) || text.is_in(mapping))
    }
}

impl TextMatch {
    fn new(view: &View, text: &str) -> Self {
        let mut ends = RoaringBitmap::new();
        for (kind, field) in KEYS {
            ends |= &*select(view, kind, &containing(field, text));
        }
        let folded = fold(text).into_owned();
        let may_be_in_id = folded.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        Self { folded, ends, may_be_in_id }
    }

    /// Whether it is in the mapping's own texts.
    fn is_in(&self, mapping: &Mapping) -> bool {
        source_of(mapping).is_some_and(|source| fold(source).contains(&self.folded))
            || self.may_be_in_id && mapping.id.to_string().contains(&self.folded)
    }
}

fn source_of(mapping: &Mapping) -> Option<&str> {
    mapping.source.as_ref().map(|source| source.as_str())
}

/// The entities with any of these keys, without case.
fn with_keys(view: &View, keys: &[String]) -> RoaringBitmap {
    let mut found = RoaringBitmap::new();
    for key in keys {
        let folded = fold(key);
        for (kind, field) in KEYS {
            let has_key =
                |id: &u32| view.entity(EntityId(*id)).is_some_and(|entity| fold(entity.label()) == folded);
            found.extend(select(view, kind, &by_key(field, key)).iter().filter(has_key));
        }
    }
    found
}

/// The kind of the child, the member, or what is placed in a unit.
fn child_kind(mapping_type: MappingType) -> Kind {
    match mapping_type {
        MappingType::ParentChild => Kind::OrgUnit,
        MappingType::ProjectPeople | MappingType::PeopleOrg => Kind::Person,
        MappingType::ProjectOrg => Kind::Project,
    }
}
