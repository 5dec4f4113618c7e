//! Which mappings are asked for, and about how much work it is to find them.

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::field::Field;
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::{MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::query::filter::{Filter, TextTest};
use crate::query::mapping::subtree::{Subtree, with_descendants};

/// The kinds of entity that mappings connect, each with the field that is its key.
pub(super) const KEYS: [(Kind, Field); 3] =
    [(Kind::OrgUnit, Field::Key), (Kind::Person, Field::Email), (Kind::Project, Field::ProjectId)];

/// Which mappings are asked for. All conditions must hold, and those that are not given do not narrow; a list without
/// values matches nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappingFilter {
    /// Of any of these types.
    pub types: Option<Vec<MappingType>>,
    /// Of any of these relationships.
    pub relationships: Option<Vec<Relationship>>,
    /// The first end has one of these keys, without case.
    pub from_keys: Option<Vec<String>>,
    /// The second end has one of these keys, without case.
    pub to_keys: Option<Vec<String>>,
    /// Either end is this entity.
    pub end: Option<EntityId>,
    /// With exactly this source.
    pub source: Option<String>,
    /// For each of these lists, either end is one of its units or beneath one.
    pub within: Vec<Vec<EntityId>>,
    /// Parent-child mappings alone, with the parent in this part of the hierarchy.
    pub parents: Option<Subtree>,
    /// With this in the key of an end, in the source or in the id, without case.
    pub text: Option<String>,
}

impl MappingFilter {
    /// Matches no mapping at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self { types: Some(Vec::new()), ..Self::default() }
    }

    /// About how many records or texts are looked at to find what it matches, as [`Filter::texts`] says it of records.
    #[must_use]
    pub fn cost(&self, view: &View) -> u64 {
        let keys = self.from_keys.iter().chain(&self.to_keys).flatten();
        let of_keys = keys.flat_map(|key| KEYS.map(|(kind, field)| by_key(field, key).texts(view, kind)));
        let of_text =
            self.text.iter().flat_map(|text| KEYS.map(|at| containing(at.1, text).texts(view, at.0)));
        let texts: u64 = of_keys.chain(of_text).fold(0, u64::saturating_add);
        texts.saturating_add(self.candidates(view))
    }

    /// A record is at some end of one mapping, as a rule.
    fn candidates(&self, view: &View) -> u64 {
        if let Some(end) = self.end {
            return view.mapping_count_of(end);
        }
        if let Some(keys) = self.from_keys.as_ref().or(self.to_keys.as_ref()) {
            return keys.iter().map(|key| mapping_count_of(view, key)).sum();
        }
        let everyone = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
        let units = |is_limited: bool| if is_limited { view.all(Kind::OrgUnit).len() } else { everyone };
        let within = self.within.iter().map(|units| with_descendants(view, units).len());
        within.chain([units(self.parents.is_some())]).min().unwrap_or(everyone)
    }
}

/// How many mappings the entities of just this key have.
fn mapping_count_of(view: &View, key: &str) -> u64 {
    let unit = UnitKey::parse(key).ok().and_then(|key| view.find_unit(&UnitRef::Key(key)).ok());
    let person = Email::parse(key).ok().and_then(|email| view.person_by_email(&email));
    let project = ProjectId::parse(key).ok().and_then(|id| view.project_by_id(&id));
    [unit, person, project].into_iter().flatten().map(|id| view.mapping_count_of(id)).sum()
}

/// Matches at least the entities whose key is this without case.
pub(super) fn by_key(field: Field, key: &str) -> Filter {
    let key = key.to_owned();
    // Emails are compared without case anyway.
    Filter::Text(field, if field == Field::Email { TextTest::Eq(key) } else { TextTest::StartsWith(key) })
}

pub(super) fn containing(field: Field, text: &str) -> Filter {
    Filter::Text(field, TextTest::Contains(text.to_owned()))
}
