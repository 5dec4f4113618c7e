//! Where a person or project belongs: level paths, found or made, and the mappings that say so.

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::change::Change;
use crate::model::command::{LevelNames, MappingFields, Patch, Placement};
use crate::model::entity::{Body, EntityId, OrgUnit};
use crate::model::key::Name;
use crate::model::level::{Level, UnitType};
use crate::model::mapping::MappingType;
use crate::model::reference::UnitRef;

/// One step down a path.
struct PathStep {
    name: Name,
    unit_type: UnitType,
}

impl Plan<'_> {
    /// Places what `mapping_type` places; whether that changed anything. `id` may be new.
    pub(super) fn place(
        &mut self,
        mapping_type: MappingType,
        id: EntityId,
        placement: &Placement,
    ) -> Result<bool, Error> {
        match placement {
            Placement::Keep => Ok(false),
            Placement::Levels(names) if names.iter().all(Option::is_none) => Ok(false),
            Placement::Levels(names) => {
                let unit = self.unit_at_levels(None, names)?;
                Ok(self.place_at(mapping_type, id, unit))
            }
            Placement::PatchLevels(patches) => self.patch_levels(mapping_type, id, patches),
            Placement::Under(path) => {
                let unit = self.unit_at_path(path)?;
                let is_there = self.view.parents(id).contains(&unit);
                if !is_there {
                    self.map(mapping_type, id, unit, &MappingFields::default());
                }
                Ok(!is_there)
            }
            Placement::Units(references) => {
                let units: Result<Vec<_>, _> =
                    references.iter().map(|reference| self.known_unit(reference, "units")).collect();
                Ok(self.place_in_just(mapping_type, id, &units?))
            }
        }
    }

    /// In `unit` and nowhere else. Where the record is shown there already, its other placements stay.
    fn place_at(&mut self, mapping_type: MappingType, id: EntityId, unit: EntityId) -> bool {
        if self.view.parents(id).first() == Some(&unit) {
            return false;
        }
        self.place_in_just(mapping_type, id, &[unit])
    }

    fn place_in_just(&mut self, mapping_type: MappingType, id: EntityId, units: &[EntityId]) -> bool {
        let before = self.view.parents(id);
        let mut changed = false;
        for unit in before.iter().filter(|unit| !units.contains(unit)) {
            changed |= self.unmap(*unit, id);
        }
        for (at, unit) in units.iter().enumerate() {
            if !before.contains(unit) && !units[..at].contains(unit) {
                self.map(mapping_type, id, *unit, &MappingFields::default());
                changed = true;
            }
        }
        changed
    }

    fn patch_levels(
        &mut self,
        mapping_type: MappingType,
        id: EntityId,
        patches: &[Patch<Name>; 5],
    ) -> Result<bool, Error> {
        let shown = self.view.levels(id);
        let shown_name = |level: Level| {
            let unit = self.view.entity(shown[level.index()]?)?.as_org_unit()?;
            Some(unit.name.clone())
        };
        let before: LevelNames = Level::ALL.map(shown_name);
        let mut after = before.clone();
        for (name, patch) in after.iter_mut().zip(patches) {
            *name = patch.clone().applied(name.take());
        }
        if after == before {
            return Ok(false);
        }
        let Some(first_changed) = (0..5).find(|at| after[*at] != before[*at]) else { return Ok(false) };
        let upper = shown[..first_changed].iter().flatten().last().copied();
        let mut names = after;
        names[..first_changed].fill(None);
        let unit = match (upper, names.iter().any(Option::is_some)) {
            (_, true) => self.unit_at_levels(upper, &names)?,
            (Some(upper), false) => upper,
            (None, false) => return Ok(self.place_in_just(mapping_type, id, &[])),
        };
        Ok(self.place_at(mapping_type, id, unit))
    }

    /// The lowest unit of a level path, each step found or made beneath the one before it.
    fn unit_at_levels(&mut self, upper: Option<EntityId>, names: &LevelNames) -> Result<EntityId, Error> {
        let steps = Level::ALL
            .iter()
            .zip(names)
            .filter_map(|(level, name)| Some(PathStep { name: name.clone()?, unit_type: (*level).into() }))
            .collect();
        self.descend(upper, steps)
    }

    /// The unit that a text names; where there is none, the one at the end of the path that it spells.
    fn unit_at_path(&mut self, path: &str) -> Result<EntityId, Error> {
        if let Some(unit) = self.view.find_unit_of(&UnitRef::from(path), None)? {
            return Ok(unit);
        }
        let mut upper = None;
        let mut above: Option<UnitType> = None;
        let mut steps = Vec::new();
        for text in path.split('/') {
            let name = Name::parse(text).map_err(|refusal| refusal.about("path"))?;
            if steps.is_empty() {
                let found = match upper {
                    None => self.view.find_unit_of(&UnitRef::from(name.as_str()), None)?,
                    Some(upper) => self.view.find_descendant(upper, name.as_str(), None)?,
                };
                if let Some(unit) = found {
                    upper = Some(unit);
                    above = self.unit_known_or_made(unit).map(|unit| unit.unit_type.clone());
                    continue;
                }
            }
            let unit_type = UnitType::default_below(above.as_ref());
            above = Some(unit_type.clone());
            steps.push(PathStep { name, unit_type });
        }
        self.descend(upper, steps)
    }

    fn descend(&mut self, upper: Option<EntityId>, steps: Vec<PathStep>) -> Result<EntityId, Error> {
        let mut at = upper;
        for step in steps {
            at = Some(self.step_down(at, step)?);
        }
        at.ok_or(Error::Missing { field: "organization" })
    }

    fn step_down(&mut self, upper: Option<EntityId>, step: PathStep) -> Result<EntityId, Error> {
        let PathStep { name, unit_type } = step;
        let found = match upper {
            None => self.view.find_unit_of(&UnitRef::from(name.as_str()), Some(&unit_type))?,
            Some(upper) => self.view.find_descendant(upper, name.as_str(), Some(&unit_type))?,
        };
        if let Some(unit) = found {
            return Ok(unit);
        }
        let adopted = match upper {
            Some(upper) => self.unplaced_root(upper, &name, &unit_type)?,
            None => None,
        };
        let unit = if let Some(root) = adopted {
            root
        } else {
            let key = self.free_key(&name, &unit_type, upper)?;
            self.new_entity(Body::OrgUnit(OrgUnit {
                key,
                name,
                unit_type,
                external_id: None,
                attributes: Attributes::default(),
            }))
        };
        if let Some(upper) = upper {
            self.map(MappingType::ParentChild, upper, unit, &MappingFields::default());
        }
        Ok(unit)
    }

    /// The one unit of this name and type with nothing above it, unless `upper` is it or beneath it.
    fn unplaced_root(
        &self,
        upper: EntityId,
        name: &Name,
        unit_type: &UnitType,
    ) -> Result<Option<EntityId>, Error> {
        let mut roots = self.view.units_for(&UnitRef::Path(vec![name.as_str().to_owned()]), Some(unit_type));
        roots.retain(|root| {
            *root != upper && self.everything.parents(*root).is_empty() && !self.view.contains(*root, upper)
        });
        if roots.len() > 1 {
            return Err(Error::Ambiguous {
                reference: name.as_str().to_owned(),
                candidates: roots.iter().map(|root| self.view.label(*root)).collect(),
            });
        }
        // A root that holds something this plan made would still close a cycle.
        Ok(roots.pop().filter(|root| !self.made_beneath(*root, upper)))
    }

    /// Whether this plan has put `lower` beneath `upper`, which the view does not show.
    fn made_beneath(&self, upper: EntityId, lower: EntityId) -> bool {
        let mut at = lower;
        loop {
            let above = self.changes.iter().find_map(|change| match change {
                Change::PutMapping(mapping)
                    if mapping.mapping_type == MappingType::ParentChild && mapping.to == at =>
                {
                    Some(mapping.from)
                }
                _ => None,
            });
            match above {
                Some(above) if above == upper || self.view.contains(upper, above) => return true,
                Some(above) => at = above,
                None => return false,
            }
        }
    }

    /// The names from a root down to `name` beneath `upper`, joined.
    pub(super) fn path_to(&self, upper: Option<EntityId>, name: &Name) -> String {
        let mut names = vec![name.as_str().to_owned()];
        let mut at = upper;
        while let Some(unit) = at {
            if let Some(unit) = self.unit_known_or_made(unit) {
                names.push(unit.name.as_str().to_owned());
            }
            let made_above = self.changes.iter().find_map(|change| match change {
                Change::PutMapping(mapping) if mapping.to == unit => Some(mapping.from),
                _ => None,
            });
            at = self.view.parents(unit).first().copied().or(made_above);
        }
        names.reverse();
        names.join("/")
    }

    /// A unit of the view, or one that this plan makes.
    pub(super) fn unit_known_or_made(&self, id: EntityId) -> Option<&OrgUnit> {
        let made = || {
            self.changes.iter().find_map(|change| match change {
                Change::PutEntity(entity) if entity.id == id => entity.as_org_unit(),
                _ => None,
            })
        };
        self.view.entity(id).and_then(|entity| entity.as_org_unit()).or_else(made)
    }
}
