//! Filter of mappings, and an estimate of what it costs to evaluate.

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::field::Field;
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::{MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::query::filter::{Filter, TextTest};
use crate::query::mapping::subtree::{Subtree, with_descendants};

/// The kinds of entity that mappings connect, each with its key field.
pub(super) const KEYS: [(Kind, Field); 3] =
    [(Kind::OrgUnit, Field::Key), (Kind::Person, Field::Email), (Kind::Project, Field::ProjectId)];

/// A filter of mappings. All conditions must hold; `None` does not restrict; an empty list of types, relationships or
/// keys matches nothing.
///
/// ```
/// use clade::model::MappingType;
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Retail");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let of_units = MappingFilter { types: Some(vec![MappingType::ParentChild]), ..MappingFilter::default() };
/// let page = mappings(&view, &of_units, MappingOrder::default(), &MappingPageRequest::default())?;
/// assert_eq!((view.mappings().len(), page.count), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappingFilter {
    /// Has any of these types.
    pub types: Option<Vec<MappingType>>,
    /// Has any of these relationships.
    pub relationships: Option<Vec<Relationship>>,
    /// The `from` end has one of these keys, case-insensitive.
    pub from_keys: Option<Vec<String>>,
    /// The `to` end has one of these keys, case-insensitive.
    pub to_keys: Option<Vec<String>>,
    /// Either end is this entity.
    pub end: Option<EntityId>,
    /// Has exactly this source.
    pub source: Option<String>,
    /// For each of these lists, either end is one of its units or a descendant of one.
    pub within: Vec<Vec<EntityId>>,
    /// Is a parent-child mapping whose parent is in this part of the hierarchy.
    pub parents: Option<Subtree>,
    /// Contains this in the key of an end, in the source or in the id, case-insensitive.
    pub text: Option<String>,
}

impl MappingFilter {
    /// A filter that matches no mapping.
    #[must_use]
    pub fn nothing() -> Self {
        Self { types: Some(Vec::new()), ..Self::default() }
    }

    /// Approximate number of records or texts that are read to evaluate this filter; compare [`Filter::estimate`].
    #[must_use]
    pub fn cost(&self, view: &View) -> u64 {
        let keys = self.from_keys.iter().chain(&self.to_keys).flatten();
        let of_keys =
            keys.flat_map(|key| KEYS.map(|(kind, field)| by_key(field, key).estimate(view, kind).texts));
        let of_text = self
            .text
            .iter()
            .flat_map(|text| KEYS.map(|at| containing(at.1, text).estimate(view, at.0).texts));
        let texts: u64 = of_keys.chain(of_text).fold(0, u64::saturating_add);
        texts.saturating_add(self.candidates(view))
    }

    /// Approximate number of mappings that are visited.
    // Follows the choice in `Selected::candidates`. As a rule a record is the child of one mapping, so the number of
    // records stands for the number of mappings.
    fn candidates(&self, view: &View) -> u64 {
        if let Some(end) = self.end {
            return view.mapping_count_of(end);
        }
        if let Some(keys) = self.from_keys.as_ref().or(self.to_keys.as_ref()) {
            return keys.iter().map(|key| mapping_count_of(view, key)).sum();
        }
        let all_records = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
        let units = |is_limited: bool| if is_limited { view.all(Kind::OrgUnit).len() } else { all_records };
        let within = self.within.iter().map(|units| with_descendants(view, units).len());
        within.chain([units(self.parents.is_some())]).min().unwrap_or(all_records)
    }
}

/// The number of mappings of the entities with exactly this key.
fn mapping_count_of(view: &View, key: &str) -> u64 {
    let unit = UnitKey::parse(key).ok().and_then(|key| view.find_unit(&UnitRef::Key(key)).ok());
    let person = Email::parse(key).ok().and_then(|email| view.person_by_email(&email));
    let project = ProjectId::parse(key).ok().and_then(|id| view.project_by_id(&id));
    [unit, person, project].into_iter().flatten().map(|id| view.mapping_count_of(id)).sum()
}

/// A filter that matches all entities with this key, case-insensitive, and possibly others.
pub(super) fn by_key(field: Field, key: &str) -> Filter {
    let key = key.to_owned();
    // Only emails have a case-insensitive index; the other keys are found by the trigram index and checked later.
    Filter::Text(field, if field == Field::Email { TextTest::Eq(key) } else { TextTest::StartsWith(key) })
}

pub(super) fn containing(field: Field, text: &str) -> Filter {
    Filter::Text(field, TextTest::Contains(text.to_owned()))
}
