//! Evaluates a mapping filter: conditions as sets of entities, and the cheapest way to visit all candidates.
//!
//! Invariant: each matching mapping is visited exactly once.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::{Mapping, MappingType};
use crate::model::text::{bare, fold};
use crate::query::mapping::filter::{KEYS, MappingFilter, by_key, containing};
use crate::query::mapping::subtree::with_descendants;
use crate::query::select::select;

/// The cost of reading one mapping through the edges of an entity, in mappings read sequentially: the former are
/// scattered in memory, the latter are contiguous.
const RANDOM_ACCESS_COST: u64 = 4;

/// A mapping filter, prepared for one view.
pub(super) struct Selected<'v, 'f> {
    view: &'v View,
    filter: &'f MappingFilter,
    from: Option<RoaringBitmap>,
    to: Option<RoaringBitmap>,
    within: Vec<RoaringBitmap>,
    parents: Option<RoaringBitmap>,
    text: Option<TextMatch>,
}

/// The prepared text condition.
struct TextMatch {
    bare_text: String,
    /// The entities whose key contains it.
    ends: RoaringBitmap,
    /// Whether it can occur in an id, which is a UUID.
    may_be_in_id: bool,
}

/// The entities through whose edges all candidates are reached.
enum MappingCandidates {
    All,
    /// The mappings with one of these at either end.
    Ends(RoaringBitmap),
    /// The mappings with one of these as the child, that is the child unit, the member or what is placed.
    Children(RoaringBitmap),
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

    /// Calls `visit` with each matching mapping, unordered.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&'v Arc<Mapping>)) {
        let mut visit_matching = |mapping: &'v Arc<Mapping>| {
            if self.matches(mapping) {
                visit(mapping);
            }
        };
        match self.candidates() {
            MappingCandidates::All => self.view.each_mapping().for_each(visit_matching),
            MappingCandidates::Children(children) => {
                for id in children.iter().map(EntityId) {
                    self.view.parent_mappings_of(id).for_each(&mut visit_matching);
                }
            }
            MappingCandidates::Ends(ends) => {
                for id in ends.iter().map(EntityId) {
                    // A mapping between two of these entities is reached from both; it counts at its `from` end only.
                    let is_first = |it: &&Arc<Mapping>| it.from == id || !ends.contains(it.from.0);
                    self.view.mappings_at(id).filter(is_first).for_each(&mut visit_matching);
                }
            }
        }
    }

    fn candidates(&self) -> MappingCandidates {
        let mappings_of =
            |ids: &RoaringBitmap| ids.iter().map(|id| self.view.mapping_count_of(EntityId(id))).sum::<u64>();
        // Conditions on the ends narrow most, so the set with the fewest mappings is taken without comparing it to a
        // scan.
        let end = self.filter.end.map(|end| RoaringBitmap::from([end.0]));
        if let Some(few) = end.iter().chain(&self.from).chain(&self.to).min_by_key(|ids| mappings_of(ids)) {
            return MappingCandidates::Ends(few.clone());
        }
        if let Some(parents) = &self.parents {
            // From the side of the children: each has few parents, so few mappings are visited in vain.
            let mut children = RoaringBitmap::new();
            for unit in parents {
                children |= self.view.directly_below(EntityId(unit), Kind::OrgUnit);
            }
            return MappingCandidates::Children(children);
        }
        let all = self.view.mapping_count();
        if let Some(fewest) = self.within.iter().min_by_key(|ids| ids.len())
            && fewest.len() * RANDOM_ACCESS_COST < all
        {
            return MappingCandidates::Ends(fewest.clone());
        }
        // Each mapping type has one kind of child, so a filter by type visits the edges of that kind alone.
        let types = self.filter.types.as_deref().unwrap_or(&MappingType::ALL);
        let mut children = RoaringBitmap::new();
        for kind in types.iter().map(|mapping_type| child_kind(*mapping_type)) {
            children |= self.view.all(kind);
        }
        if children.len() * RANDOM_ACCESS_COST < all {
            MappingCandidates::Children(children)
        } else {
            MappingCandidates::All
        }
    }

    /// Whether a visible mapping matches. The conditions are in the order of their cost, cheapest first.
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
        let bare_text = bare(text).into_owned();
        // Formatting the id of every mapping is the most expensive test, and most texts cannot be part of a UUID.
        let may_be_in_id = bare_text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        Self { bare_text, ends, may_be_in_id }
    }

    /// Whether it occurs in the source or the id of the mapping.
    fn is_in(&self, mapping: &Mapping) -> bool {
        source_of(mapping).is_some_and(|source| bare(source).contains(&self.bare_text))
            || self.may_be_in_id && mapping.id.to_string().contains(&self.bare_text)
    }
}

fn source_of(mapping: &Mapping) -> Option<&str> {
    mapping.source.as_ref().map(|source| source.as_str())
}

/// The entities with any of these keys, case-insensitive.
fn with_keys(view: &View, keys: &[String]) -> RoaringBitmap {
    let mut found = RoaringBitmap::new();
    for key in keys {
        let folded = fold(key);
        for (kind, field) in KEYS {
            let has_key =
                |id: &u32| view.entity(EntityId(*id)).is_some_and(|entity| fold(entity.label()) == folded);
            // `by_key` finds keys by prefix, so those that continue are sorted out here.
            found.extend(select(view, kind, &by_key(field, key)).iter().filter(has_key));
        }
    }
    found
}

/// The kind of the child in mappings of this type.
fn child_kind(mapping_type: MappingType) -> Kind {
    match mapping_type {
        MappingType::ParentChild => Kind::OrgUnit,
        MappingType::ProjectPeople | MappingType::PeopleOrg => Kind::Person,
        MappingType::ProjectOrg => Kind::Project,
    }
}
