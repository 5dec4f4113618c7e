//! Placement of people and projects in units: level names and paths are resolved, missing units are created, and the
//! mappings are changed.

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::change::Change;
use crate::model::command::{LevelNames, MappingFields, Patch, Placement};
use crate::model::entity::{Body, EntityId, Kind, OrgUnit};
use crate::model::key::Name;
use crate::model::level::{Level, UnitType};
use crate::model::mapping::MappingType;
use crate::model::reference::UnitRef;
use crate::model::text::fold;

/// One unit of a path, from the top down.
struct PathStep {
    name: Name,
    unit_type: UnitType,
}

impl Plan<'_> {
    /// Places a person or project, as `mapping_type` says; `true` if anything changed. `id` may be new in this plan.
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
            Placement::LevelPaths(paths) => {
                let units = paths.iter().map(|names| self.unit_at_levels(None, names));
                let units = units.collect::<Result<Vec<_>, _>>()?;
                Ok(self.replace_placements(mapping_type, id, &units))
            }
            Placement::PatchLevels(patches) => self.patch_levels(mapping_type, id, patches),
            Placement::Under(path) => {
                let unit = self.unit_at_path(path)?;
                // Adds a placement: `Under` keeps the others, unlike level names.
                let is_there = self.view.parents(id).contains(&unit);
                if !is_there {
                    self.map(mapping_type, id, unit, &MappingFields::default());
                }
                Ok(!is_there)
            }
            Placement::Units(references) => {
                let units = self.known_units(references)?;
                Ok(self.replace_placements(mapping_type, id, &units))
            }
            Placement::UnitsWithLevels(references, names) => {
                let units = self.known_units(references)?;
                self.check_levels(&units, names)?;
                Ok(self.replace_placements(mapping_type, id, &units))
            }
        }
    }

    /// Whether the record is in all units that a placement names by level fields.
    // An export has a row for each person, with one of the units that they are in. Naming it takes nothing away.
    pub(super) fn is_placed_in(&self, id: EntityId, placement: &Placement) -> Result<bool, Error> {
        let paths = match placement {
            Placement::Levels(names) => std::slice::from_ref(names),
            Placement::LevelPaths(paths) => paths,
            _ => return Ok(false),
        };
        let parents = self.view.parents(id);
        for names in paths {
            let mut upper = None;
            for (level, name) in Level::ALL.into_iter().zip(names) {
                let Some(name) = name else { continue };
                let Some(unit) = self.view.find_named(upper, name.as_str(), Some(&level.into()))? else {
                    return Ok(false);
                };
                upper = Some(unit);
            }
            if !upper.is_some_and(|unit| parents.contains(&unit)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn known_units(&self, references: &[UnitRef]) -> Result<Vec<EntityId>, Error> {
        references.iter().map(|reference| self.known_unit(reference, "units")).collect()
    }

    /// Refuses level names that none of `units` has, nor any unit above them.
    // Both may come from an export, in which somebody has changed one of the two. Which one is not to be guessed.
    fn check_levels(&self, units: &[EntityId], names: &LevelNames) -> Result<(), Error> {
        for (level, name) in Level::ALL.into_iter().zip(names) {
            let Some(name) = name else { continue };
            let folded = fold(name.as_str());
            let is_it = |unit: EntityId| {
                let unit = self.view.entity(unit).and_then(|entity| entity.as_org_unit());
                unit.is_some_and(|unit| {
                    unit.unit_type.level() == Some(level) && fold(unit.name.as_str()) == folded
                })
            };
            let is_there =
                |unit: &EntityId| is_it(*unit) || self.view.ancestors(*unit).into_iter().any(is_it);
            if !units.iter().any(is_there) {
                let reason = "is neither in `units` nor above one of them; correct one of the two fields, or leave one out";
                return Err(Error::invalid(level.as_str(), name.as_str(), reason));
            }
        }
        Ok(())
    }

    /// Places the record in `unit` alone, unless that is its first placement already.
    fn place_at(&mut self, mapping_type: MappingType, id: EntityId, unit: EntityId) -> bool {
        // The first placement gives the level fields that clients read, so sending those back must change nothing.
        if self.view.parents(id).first() == Some(&unit) {
            return false;
        }
        self.replace_placements(mapping_type, id, &[unit])
    }

    /// Makes `units` the only placements; `true` if anything changed.
    fn replace_placements(&mut self, mapping_type: MappingType, id: EntityId, units: &[EntityId]) -> bool {
        let before = self.view.parents(id);
        let mut changed = false;
        for unit in before.iter().filter(|unit| !units.contains(unit)) {
            changed |= self.unmap(*unit, id);
        }
        for (at, unit) in units.iter().enumerate() {
            // The list may name a unit twice, and there is one mapping per pair.
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
        let current = self.view.levels(id);
        let current_name = |level: Level| {
            let unit = self.view.entity(current[level.index()]?)?.as_org_unit()?;
            Some(unit.name.clone())
        };
        let before: LevelNames = Level::ALL.map(current_name);
        let mut after = before.clone();
        for (name, patch) in after.iter_mut().zip(patches) {
            *name = patch.clone().applied(name.take());
        }
        if after == before {
            return Ok(false);
        }
        let Some(first_changed) = (0..5).find(|at| after[*at] != before[*at]) else { return Ok(false) };
        // Levels above the first change keep their units. Resolving them by name again could find other ones.
        let upper = current[..first_changed].iter().flatten().last().copied();
        let mut names = after;
        names[..first_changed].fill(None);
        let unit = match (upper, names.iter().any(Option::is_some)) {
            (_, true) => self.unit_at_levels(upper, &names)?,
            (Some(upper), false) => upper,
            (None, false) => return Ok(self.replace_placements(mapping_type, id, &[])),
        };
        Ok(self.place_at(mapping_type, id, unit))
    }

    /// The lowest unit of a level path below `upper`. Finds or creates each step below the one before it.
    fn unit_at_levels(&mut self, upper: Option<EntityId>, names: &LevelNames) -> Result<EntityId, Error> {
        let steps = Level::ALL
            .iter()
            .zip(names)
            .filter_map(|(level, name)| Some(PathStep { name: name.clone()?, unit_type: (*level).into() }))
            .collect();
        self.descend(upper, steps)
    }

    /// The unit that a text names; if there is none, the text is taken as a path, and its missing units are created.
    fn unit_at_path(&mut self, path: &str) -> Result<EntityId, Error> {
        // The whole text first, since a key may have slashes in it.
        if let Some(unit) = self.view.find_unit_of(&UnitRef::from(path), None)? {
            return Ok(unit);
        }
        let mut upper = None;
        let mut above: Option<UnitType> = None;
        let mut steps = Vec::new();
        for text in path.split('/') {
            let name = Name::parse(text).map_err(|refusal| refusal.about("path"))?;
            // Only the existing beginning of the path is resolved: below a unit that is to be created, nothing exists.
            if steps.is_empty()
                && let Some(unit) = self.view.find_named(upper, name.as_str(), None)?
            {
                upper = Some(unit);
                above = self.existing_or_new_unit(unit).map(|unit| unit.unit_type.clone());
                continue;
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
        let named = self.view.find_named(upper, name.as_str(), Some(&unit_type))?;
        self.check_is_name(upper, &name, &unit_type, named)?;
        if let Some(unit) = named.or_else(|| self.new_unit_named(upper, &name, &unit_type)) {
            return Ok(unit);
        }
        // An existing root of this name and type is linked, rather than creating a second unit of the name.
        let adopted = match upper {
            Some(upper) => self.unplaced_root(upper, &name, &unit_type)?,
            None => None,
        };
        let unit = if let Some(root) = adopted {
            root
        } else {
            self.check_makes_units(unit_type.level().map_or("path", Level::as_str), &name, upper)?;
            let key = self.free_key(&name, &unit_type, upper)?;
            self.new_entity(Body::OrgUnit(OrgUnit {
                key,
                name,
                unit_type,
                external_id: None,
                attributes: Attributes::default(),
            }))
        };
        if upper.is_none() {
            self.new_levels.insert(unit, 1);
        }
        if let Some(upper) = upper {
            self.check_depth(upper, unit, None)?;
            self.map(MappingType::ParentChild, upper, unit, &MappingFields::default());
        }
        Ok(unit)
    }

    /// The unit that this plan has created below `upper` with this name and type, for an earlier path of the same record.
    fn new_unit_named(&self, upper: Option<EntityId>, name: &Name, unit_type: &UnitType) -> Option<EntityId> {
        let folded = fold(name.as_str());
        let parent_of = |unit: EntityId| {
            self.changes.iter().find_map(|change| match change {
                Change::PutMapping(link)
                    if link.to == unit && link.mapping_type == MappingType::ParentChild =>
                {
                    Some(link.from)
                }
                _ => None,
            })
        };
        self.changes.iter().find_map(|change| match change {
            Change::PutEntity(entity) => {
                let unit = entity.as_org_unit()?;
                let is_it = fold(unit.name.as_str()) == folded && unit.unit_type == *unit_type;
                (is_it && self.view.entity(entity.id).is_none() && parent_of(entity.id) == upper)
                    .then_some(entity.id)
            }
            _ => None,
        })
    }

    /// Refuses a name that no unit below `upper` has, if the author does not want it to create one.
    pub(super) fn check_makes_units(
        &self,
        field: &'static str,
        name: &Name,
        upper: Option<EntityId>,
    ) -> Result<(), Error> {
        if self.makes_units {
            return Ok(());
        }
        Err(Error::Unknown { kind: Kind::OrgUnit, field, reference: self.path_to(upper, name) })
    }

    /// Refuses a level name that is only the key of a unit: of `found`, or of one of another type, where a second unit would
    /// be created.
    // Of a renamed unit, the key is often the old name, and a record that still has that name would silently be placed in
    // another team.
    fn check_is_name(
        &self,
        upper: Option<EntityId>,
        name: &Name,
        unit_type: &UnitType,
        found: Option<EntityId>,
    ) -> Result<(), Error> {
        let unit = match found {
            Some(unit) => unit,
            None => match self.view.unit_by_key(name.as_str()) {
                Some(unit) if upper.is_none_or(|upper| self.view.contains(upper, unit)) => unit,
                _ => return Ok(()),
            },
        };
        let Some(unit) = self.view.entity(unit).and_then(|entity| entity.as_org_unit()) else {
            return Ok(());
        };
        let last_step = name.as_str().rsplit('/').next().unwrap_or_default().trim();
        let own = fold(unit.name.as_str());
        if own == fold(name.as_str()) || own == fold(last_step) && found.is_some() {
            return Ok(());
        }
        let field = unit_type.level().map_or("path", Level::as_str);
        let reason = format!(
            "is no unit's name, but the key of {:?} ({}); write the name, or place by the unit's key in `units`",
            unit.name.as_str(),
            unit.unit_type
        );
        Err(Error::invalid(field, name.as_str(), reason))
    }

    /// The only root unit of this name and type, unless linking it below `upper` would close a cycle.
    fn unplaced_root(
        &self,
        upper: EntityId,
        name: &Name,
        unit_type: &UnitType,
    ) -> Result<Option<EntityId>, Error> {
        let mut roots = self.view.units_for(&UnitRef::Path(vec![name.as_str().to_owned()]), Some(unit_type));
        roots.retain(|root| {
            // Of all parents, hidden ones too: a unit that only looks like a root must not get another parent.
            *root != upper && self.everything.parents(*root).is_empty() && !self.view.contains(*root, upper)
        });
        if roots.len() > 1 {
            return Err(Error::Ambiguous {
                reference: name.as_str().to_owned(),
                candidates: roots.iter().map(|root| self.view.label(*root)).collect(),
            });
        }
        // The view lacks the links of this plan, and one of those may have put `upper` below the root.
        Ok(roots.pop().filter(|root| !self.is_newly_below(*root, upper)))
    }

    /// Whether this plan has put `lower` below `upper`.
    fn is_newly_below(&self, upper: EntityId, lower: EntityId) -> bool {
        let mut at = lower;
        // Ends, because units that this plan creates get one parent each, and were linked from the top down.
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

    /// The names from a root down to `upper` and `name`, joined with slashes.
    pub(super) fn path_to(&self, upper: Option<EntityId>, name: &Name) -> String {
        let mut names = vec![name.as_str().to_owned()];
        let mut at = upper;
        while let Some(unit) = at {
            if let Some(unit) = self.existing_or_new_unit(unit) {
                names.push(unit.name.as_str().to_owned());
            }
            let new_parent = self.changes.iter().find_map(|change| match change {
                Change::PutMapping(mapping) if mapping.to == unit => Some(mapping.from),
                _ => None,
            });
            at = self.view.parents(unit).first().copied().or(new_parent);
        }
        names.reverse();
        names.join("/")
    }

    /// A unit of the view, or one that this plan creates.
    pub(super) fn existing_or_new_unit(&self, id: EntityId) -> Option<&OrgUnit> {
        let new = || {
            self.changes.iter().find_map(|change| match change {
                Change::PutEntity(entity) if entity.id == id => entity.as_org_unit(),
                _ => None,
            })
        };
        self.view.entity(id).and_then(|entity| entity.as_org_unit()).or_else(new)
    }
}
