//! From a reference to a unit, within a view: tried as key, external id, path, then as a unique name.

use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use crate::error::Error;
use crate::graph::index::IndexBy;
use crate::graph::view::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::level::UnitType;
use crate::model::reference::UnitRef;

/// Between the names of a path that is given as one text.
const PATH_SEPARATOR: char = '/';
/// A path of more names than this leads nowhere.
const PATH_STEPS_MAX: usize = 64;

impl View {
    /// The unit that a reference names.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Ambiguous`] with the keys of all that fit.
    pub fn find_unit(&self, reference: &UnitRef) -> Result<EntityId, Error> {
        self.find_unit_of(reference, None)?
            .ok_or_else(|| Error::NotFound { kind: Kind::OrgUnit.as_str(), reference: reference.shown() })
    }

    /// The unit that a reference names, among units of `unit_type` where one is given.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] with the keys of all that fit.
    pub fn find_unit_of(
        &self,
        reference: &UnitRef,
        unit_type: Option<&UnitType>,
    ) -> Result<Option<EntityId>, Error> {
        self.only(self.units_for(reference, unit_type), || reference.shown())
    }

    /// Every unit that fits a reference equally well: those found by the first way of naming that finds any.
    #[must_use]
    pub fn units_for(&self, reference: &UnitRef, unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let fits = |id: &EntityId| self.is_of_type(*id, unit_type);
        let found = |ids: Vec<EntityId>| -> Vec<EntityId> { ids.into_iter().filter(fits).collect() };
        match reference {
            UnitRef::Id(id) => found(vec![*id]),
            UnitRef::Key(key) => found(self.look_up(IndexBy::UnitKey, key.as_str())),
            UnitRef::ExternalId(id) => found(self.look_up(IndexBy::UnitExternalId, id.as_str())),
            UnitRef::Path(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.at_path(&names, unit_type)
            }
            UnitRef::Text(text) => {
                let text = text.trim();
                let ways: [&dyn Fn() -> Vec<EntityId>; 4] = [
                    &|| self.look_up(IndexBy::UnitKey, text),
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

    /// The units named `name` (or with it as key) beneath `upper`: its children if any fit, else those further down.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] with the keys of all that fit.
    pub fn find_descendant(
        &self,
        upper: EntityId,
        name: &str,
        unit_type: Option<&UnitType>,
    ) -> Result<Option<EntityId>, Error> {
        self.only(self.named_beneath(&[upper], name, unit_type), || name.to_owned())
    }

    fn only(&self, mut found: Vec<EntityId>, shown: impl Fn() -> String) -> Result<Option<EntityId>, Error> {
        if found.len() > 1 {
            let mut candidates: Vec<String> = found.iter().map(|id| self.label(*id)).collect();
            candidates.sort_unstable();
            return Err(Error::Ambiguous { reference: shown(), candidates });
        }
        Ok(found.pop())
    }

    /// The units at the end of a path whose first name may be anywhere, and each other beneath the one before.
    fn at_path(&self, names: &[&str], unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let Some((first, rest)) = names.split_first() else { return Vec::new() };
        if names.len() > PATH_STEPS_MAX {
            return Vec::new();
        }
        let type_of_first = if rest.is_empty() { unit_type } else { None };
        let mut found = self.named(first, type_of_first);
        for (step, name) in rest.iter().enumerate() {
            if found.is_empty() {
                break;
            }
            let type_here = if step + 1 == rest.len() { unit_type } else { None };
            found = self.named_beneath(&found, name, type_here);
        }
        found
    }

    fn named_beneath(&self, uppers: &[EntityId], name: &str, unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let mut found = self.named(name, unit_type);
        if let [upper] = uppers {
            found.retain(|id| self.contains(*upper, *id));
        } else {
            let below = uppers.iter().map(|upper| self.below(*upper, Kind::OrgUnit));
            let beneath = below.fold(RoaringBitmap::new(), |all, below| all | &*below);
            found.retain(|id| beneath.contains(id.0));
        }
        let uppers: FxHashSet<EntityId> = uppers.iter().copied().collect();
        let direct = |id: &EntityId| self.parents(*id).iter().any(|parent| uppers.contains(parent));
        if found.iter().any(direct) {
            found.retain(direct);
        }
        found
    }

    /// The units of just this name.
    #[must_use]
    pub fn units_named(&self, name: &str) -> Vec<EntityId> {
        self.look_up(IndexBy::UnitName, name)
    }

    /// The units with this name or key.
    fn named(&self, name: &str, unit_type: Option<&UnitType>) -> Vec<EntityId> {
        let mut found = self.look_up(IndexBy::UnitName, name);
        found.extend(self.look_up(IndexBy::UnitKey, name));
        found.sort_unstable();
        found.dedup();
        found.retain(|id| self.is_of_type(*id, unit_type));
        found
    }

    fn is_of_type(&self, id: EntityId, unit_type: Option<&UnitType>) -> bool {
        let unit = self.entity(id).and_then(|entity| entity.as_org_unit());
        unit.is_some_and(|unit| unit_type.is_none_or(|asked| unit.unit_type == *asked))
    }
}
