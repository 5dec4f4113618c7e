//! Resolves unit references within a view: tried as key, external id, path, then as a unique name.
//!
//! Invariant: only units in the scope of the view are found, so a reference that is ambiguous for an administrator may
//! be unique for a limited token.

use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use crate::error::Error;
use crate::graph::index::IndexBy;
use crate::graph::view::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::level::UnitType;
use crate::model::reference::UnitRef;

/// Separates the names of a path that is written as one text.
const PATH_SEPARATOR: char = '/';
/// Maximum number of names in a path; a longer one matches nothing. Bounds the work that one reference causes.
const PATH_STEPS_MAX: usize = 64;

impl View {
    /// The unit that `reference` names.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Ambiguous`] with the keys of all matches.
    pub fn find_unit(&self, reference: &UnitRef) -> Result<EntityId, Error> {
        self.find_unit_of(reference, None)?
            .ok_or_else(|| Error::not_found(Kind::OrgUnit.as_str(), reference.shown()))
    }

    /// The unit that `reference` names, among units of `unit_type` if that is `Some`. `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] with the keys of all matches.
    pub fn find_unit_of(
        &self,
        reference: &UnitRef,
        unit_type: Option<&UnitType>,
    ) -> Result<Option<EntityId>, Error> {
        self.at_most_one(self.units_for(reference, unit_type), || reference.shown())
    }

    /// All units that match `reference`: the result of the first way of lookup that finds any.
    #[must_use]
    pub fn units_for(&self, reference: &UnitRef, unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let fits = |id: &EntityId| self.is_of_type(*id, unit_type);
        let found = |ids: Vec<EntityId>| -> Vec<EntityId> { ids.into_iter().filter(fits).collect() };
        match reference {
            UnitRef::Id(id) => found(vec![*id]),
            UnitRef::Key(key) => found(self.by_key(key.as_str())),
            UnitRef::ExternalId(id) => found(self.look_up(IndexBy::UnitExternalId, id.as_str())),
            UnitRef::Path(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.at_path(&names, unit_type)
            }
            UnitRef::Text(text) => {
                let text = text.trim();
                // Closures, so that a later lookup runs only if all before it found nothing. Keys come first: they are
                // unique and may contain a slash, so a path must not shadow them.
                let ways: [&dyn Fn() -> Vec<EntityId>; 4] = [
                    &|| self.by_key(text),
                    &|| self.look_up(IndexBy::UnitExternalId, text),
                    &|| {
                        self.at_path(
                            &text.split(PATH_SEPARATOR).map(str::trim).collect::<Vec<_>>(),
                            unit_type,
                        )
                    },
                    &|| self.look_up(IndexBy::UnitName, text),
                ];
                ways.iter().map(|way| found(way())).find(|ids| !ids.is_empty()).unwrap_or_default()
            }
        }
    }

    /// The unit with this name, or if there is none with this key: below `upper`, or anywhere. Below `upper`, a child comes
    /// before deeper descendants. `name` may be a path.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] with the keys of all matches.
    pub fn find_named(
        &self,
        upper: Option<EntityId>,
        name: &str,
        unit_type: Option<&UnitType>,
    ) -> Result<Option<EntityId>, Error> {
        let found = if let Some(upper) = upper {
            self.named_below(&[upper], name, unit_type)
        } else {
            let steps: Vec<&str> = name.split(PATH_SEPARATOR).map(str::trim).collect();
            let mut named = self.named(name, unit_type);
            if named.is_empty() && steps.len() > 1 {
                named = self.at_path(&steps, unit_type);
            }
            named
        };
        self.at_most_one(found, || name.to_owned())
    }

    fn at_most_one(
        &self,
        mut found: Vec<EntityId>,
        reference: impl Fn() -> String,
    ) -> Result<Option<EntityId>, Error> {
        if found.len() > 1 {
            let mut candidates: Vec<String> = found.iter().map(|id| self.label(*id)).collect();
            // Sorted by key, so that the message does not depend on the internal ids.
            candidates.sort_unstable();
            return Err(Error::Ambiguous { reference: reference(), candidates });
        }
        Ok(found.pop())
    }

    /// The units at the end of a path. The first name may be at any depth, each further one under the one before.
    fn at_path(&self, names: &[&str], unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let Some((first, rest)) = names.split_first() else { return Vec::new() };
        if names.len() > PATH_STEPS_MAX {
            return Vec::new();
        }
        // The type restricts the last unit of the path alone; those on the way may be of any type.
        let type_of_first = if rest.is_empty() { unit_type } else { None };
        let mut found = self.named(first, type_of_first);
        for (step, name) in rest.iter().enumerate() {
            if found.is_empty() {
                break;
            }
            let type_here = if step + 1 == rest.len() { unit_type } else { None };
            found = self.named_below(&found, name, type_here);
        }
        found
    }

    fn named_below(&self, uppers: &[EntityId], name: &str, unit_type: Option<&UnitType>) -> Vec<EntityId> {
        // One parent: a bitmap test per match. Several parents: one union, instead of a test per pair.
        let below = |mut found: Vec<EntityId>| {
            found.retain(|id| self.is_of_type(*id, unit_type));
            if let [upper] = uppers {
                found.retain(|id| self.contains(*upper, *id));
            } else if !found.is_empty() {
                let below = uppers.iter().map(|upper| self.below(*upper, Kind::OrgUnit));
                let descendants = below.fold(RoaringBitmap::new(), |all, below| all | below);
                found.retain(|id| descendants.contains(id.0));
            }
            found
        };
        let mut found = below(self.look_up(IndexBy::UnitName, name));
        if found.is_empty() {
            found = below(self.by_key(name));
        }
        // A direct child wins over deeper units of the same name, as a caller means the nearest one.
        let uppers: FxHashSet<EntityId> = uppers.iter().copied().collect();
        let direct = |id: &EntityId| self.parents(*id).iter().any(|parent| uppers.contains(parent));
        if found.iter().any(direct) {
            found.retain(direct);
        }
        found
    }

    /// The unit with this key, in any spelling.
    pub(crate) fn unit_by_key(&self, key: &str) -> Option<EntityId> {
        self.look_up_key(IndexBy::UnitKey, key)
    }

    fn by_key(&self, key: &str) -> Vec<EntityId> {
        self.unit_by_key(key).into_iter().collect()
    }

    /// The units with this name, in any spelling.
    #[must_use]
    pub fn units_named(&self, name: &str) -> Vec<EntityId> {
        self.look_up(IndexBy::UnitName, name)
    }

    /// The units with this name; if there are none, the one with this key.
    // A name comes first: the key of a renamed unit is often its old name, which another unit may have by now.
    fn named(&self, name: &str, unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let fits = |id: &EntityId| self.is_of_type(*id, unit_type);
        let mut found: Vec<_> = self.look_up(IndexBy::UnitName, name).into_iter().filter(fits).collect();
        if found.is_empty() {
            found.extend(self.by_key(name).into_iter().filter(fits));
        }
        found
    }

    fn is_of_type(&self, id: EntityId, unit_type: Option<&UnitType>) -> bool {
        let unit = self.entity(id).and_then(|entity| entity.as_org_unit());
        unit.is_some_and(|unit| unit_type.is_none_or(|wanted| unit.unit_type == *wanted))
    }
}
