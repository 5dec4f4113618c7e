//! Planning of commands on organizational units: create, update, link, move, delete.
//!
//! Invariant: the hierarchy of units has no cycles. Every new parent-child link is checked for that.

use std::collections::{HashMap, HashSet};

use crate::directory::plan::{Plan, check_revision, created, unknown_id};
use crate::error::Error;
use crate::model::command::{
    Beneath, BeneathCounts, Create, DeleteUnit, Effect, IfExists, LinkUnits, MappingFields, MoveUnit,
    Outcome, Subject, UnitFields, UnitSpec, Update,
};
use crate::model::entity::{Body, Entity, EntityId, Kind, OrgUnit};
use crate::model::key::{Name, TEXT_MAX, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::MappingType;
use crate::model::reference::UnitRef;

/// Maximum number of levels of the hierarchy.
// The closure of a chain of units takes memory, and building it time, in the square of its length.
const LEVELS_MAX: usize = 2048;
/// How many records beneath a unit an error names.
const NAMED_MAX: usize = 5;

impl Plan<'_> {
    pub(super) fn create_unit(&mut self, create: &Create<UnitFields>) -> Result<Outcome, Error> {
        let fields = &create.fields;
        let (key, name) = key_and_name(fields)?;
        let parents = match &fields.parents {
            Some(references) => self.parents_named(references).map_err(|refusal| match refusal {
                // The unit does not exist yet, so naming itself as parent looks like an unknown unit.
                Error::Unknown { reference, .. } if reference == key.as_str() => {
                    Error::SelfParent { key: reference }
                }
                other => other,
            })?,
            None => Vec::new(),
        };
        let existing = match (&fields.key, &*parents) {
            (None, [_, ..]) => self.child_named(&parents, &name, fields.unit_type.as_ref())?,
            _ => self.view.unit_by_key(key.as_str()),
        };
        if let Some(existing) = existing {
            let existing = self.entity(existing, Kind::OrgUnit)?;
            return match create.if_exists {
                IfExists::Refuse => Err(duplicate(existing.label())),
                IfExists::Merge => self.merge_into_unit(existing, fields),
            };
        }
        let parent = parents.first().and_then(|parent| self.view.entity(*parent)?.as_org_unit());
        let unit_type = fields
            .unit_type
            .clone()
            .unwrap_or_else(|| UnitType::default_below(parent.map(|unit| &unit.unit_type)));
        let key = match (&fields.key, parents.first()) {
            (None, Some(parent)) => self.free_key(&name, &unit_type, Some(*parent))?,
            // The key may belong to a unit outside the caller's scope: keys are unique in the whole directory.
            _ if !self.is_free(&key, None) => return Err(duplicate(key.as_str())),
            _ => key,
        };
        let unit = OrgUnit::new(key, name, unit_type).patched(fields);
        let id = self.new_entity(Body::OrgUnit(unit));
        for parent in parents {
            self.check_depth(parent, id, None)?;
            self.map(MappingType::ParentChild, parent, id, &MappingFields::default());
        }
        Ok(created(id))
    }

    /// The child of any of `parents` with this name, and of this type if that is `Some`.
    // A unit without a key is told by its place. Its name alone could be that of a unit below another parent, which would
    // then be moved.
    fn child_named(
        &self,
        parents: &[EntityId],
        name: &Name,
        unit_type: Option<&UnitType>,
    ) -> Result<Option<EntityId>, Error> {
        let mut found = self.view.units_named(name.as_str());
        found.retain(|unit| {
            let is_of_type = unit_type.is_none_or(|wanted| self.unit_type_of(*unit).as_ref() == Some(wanted));
            is_of_type && self.view.parents(*unit).iter().any(|parent| parents.contains(parent))
        });
        if found.len() > 1 {
            let candidates = found.iter().map(|unit| self.view.label(*unit)).collect();
            return Err(Error::Ambiguous { reference: name.to_string(), candidates });
        }
        Ok(found.pop())
    }

    /// A free key for a unit: its name, else its path, else the path with its type, and at last with a number. A path that is
    /// too long loses its beginning.
    pub(super) fn free_key(
        &self,
        name: &Name,
        unit_type: &UnitType,
        parent: Option<EntityId>,
    ) -> Result<UnitKey, Error> {
        let path = self.path_to(parent, name);
        let plain =
            [(name.as_str(), String::new()), (&path, String::new()), (&path, format!(" ({unit_type})"))];
        let numbered = (2_u32..).map(|number| (&*path, format!(" ({unit_type} {number})")));
        for (text, suffix) in plain.into_iter().chain(numbered) {
            let key = UnitKey::parse(&with_suffix(text, &suffix))?;
            if self.is_free(&key, None) {
                return Ok(key);
            }
        }
        unreachable!("there are fewer units than numbers")
    }

    pub(super) fn update_unit(&mut self, update: &Update<UnitRef, UnitFields>) -> Result<Outcome, Error> {
        let entity = self.entity(self.view.find_unit(&update.target)?, Kind::OrgUnit)?;
        check_revision(&entity.stamps, update.if_revision)?;
        self.merge_into_unit(entity, &update.fields)
    }

    fn merge_into_unit(&mut self, entity: &Entity, fields: &UnitFields) -> Result<Outcome, Error> {
        let Some(before) = entity.as_org_unit() else { return Err(unknown_id(entity.id, Kind::OrgUnit)) };
        let after = before.patched(fields);
        if after.key != before.key && !self.is_free(&after.key, Some(entity.id)) {
            return Err(duplicate(after.key.as_str()));
        }
        let moved = match &fields.parents {
            Some(references) => {
                let parents = self.parents_named(references)?;
                self.set_parents(entity.id, &parents)?
            }
            None => false,
        };
        Ok(self.change_record(entity, Body::OrgUnit(after), moved))
    }

    /// Resolves a list of parents, without duplicates: two references may name the same unit.
    fn parents_named(&self, references: &[UnitRef]) -> Result<Vec<EntityId>, Error> {
        let mut parents = Vec::with_capacity(references.len());
        for reference in references {
            let parent = self.known_unit(reference, "parents")?;
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        Ok(parents)
    }

    /// Replaces all parents of a unit; `true` if anything changed.
    fn set_parents(&mut self, child: EntityId, parents: &[EntityId]) -> Result<bool, Error> {
        let before = self.view.parents(child);
        let mut changed = false;
        // Existing links stay as they are, with their ids and attributes.
        for parent in parents.iter().filter(|parent| !before.contains(parent)) {
            self.check_link(*parent, child)?;
            self.map(MappingType::ParentChild, *parent, child, &MappingFields::default());
            changed = true;
        }
        for parent in before.iter().filter(|parent| !parents.contains(parent)) {
            changed |= self.unmap(*parent, child);
        }
        Ok(changed)
    }

    /// Refuses a link from `parent` to `child` that would close a cycle.
    pub(super) fn check_link(&mut self, parent: EntityId, child: EntityId) -> Result<(), Error> {
        // The closure answers in constant time; the path is only walked for the error message.
        let is_above = self.view.contains(child, parent);
        let path_down = is_above.then(|| self.view.path_down(child, parent)).flatten();
        self.no_cycle(parent, child, path_down)?;
        self.check_depth(parent, child, None)
    }

    /// As [`Plan::check_link`], for a link that replaces the one from parent `replaced.0` to child `replaced.1`.
    pub(super) fn check_relink(
        &mut self,
        parent: EntityId,
        child: EntityId,
        replaced: (EntityId, EntityId),
    ) -> Result<(), Error> {
        self.no_cycle(parent, child, self.path_down_without(replaced, child, parent))?;
        self.check_depth(parent, child, Some(replaced))
    }

    fn no_cycle(
        &self,
        parent: EntityId,
        child: EntityId,
        path_down: Option<Vec<EntityId>>,
    ) -> Result<(), Error> {
        if parent == child {
            return Err(Error::SelfParent { key: self.view.label(child) });
        }
        let Some(path_down) = path_down else { return Ok(()) };
        let path = std::iter::once(parent).chain(path_down).map(|unit| self.view.label(unit)).collect();
        Err(Error::WouldCycle { path })
    }

    /// Refuses a link from `parent` to `child` that would make the hierarchy too deep. `replaced` is a link that ends with
    /// the same command.
    pub(super) fn check_depth(
        &mut self,
        parent: EntityId,
        child: EntityId,
        replaced: Option<(EntityId, EntityId)>,
    ) -> Result<(), Error> {
        // A unit that this command creates is not in the view yet.
        let above = match self.new_levels.get(&parent) {
            Some(levels) => *levels,
            None => self.view.levels_above(parent, replaced),
        };
        let left = LEVELS_MAX.saturating_sub(above);
        let below = if self.view.entity(child).is_some() {
            self.view.levels_below(child, replaced, left)
        } else {
            self.new_levels.insert(child, above + 1);
            1
        };
        if below > left {
            return Err(Error::TooDeep { parent: self.key_of(parent), limit: LEVELS_MAX });
        }
        Ok(())
    }

    fn key_of(&self, unit: EntityId) -> String {
        self.existing_or_new_unit(unit).map_or_else(String::new, |unit| unit.key.to_string())
    }

    /// A path down from `upper` to `lower`, both included, that does not use `link`.
    fn path_down_without(
        &self,
        link: (EntityId, EntityId),
        upper: EntityId,
        lower: EntityId,
    ) -> Option<Vec<EntityId>> {
        // Searches upwards from `lower`, and maps each visited unit to its child on the path. The closures cannot tell
        // which paths use `link`; they only exclude units that are not below `upper`.
        let mut child_on_path = HashMap::new();
        let mut waiting = vec![lower];
        while let Some(unit) = waiting.pop() {
            if unit == upper {
                return Some(
                    std::iter::successors(Some(upper), |unit| child_on_path.get(unit).copied()).collect(),
                );
            }
            for above in self.view.parents(unit) {
                let leads_on = above == upper || self.view.contains(upper, above);
                if leads_on && (above, unit) != link && !child_on_path.contains_key(&above) {
                    child_on_path.insert(above, unit);
                    waiting.push(above);
                }
            }
        }
        None
    }

    pub(super) fn delete_unit(&mut self, delete: &DeleteUnit) -> Result<Outcome, Error> {
        let unit = self.entity(self.view.find_unit(&delete.target)?, Kind::OrgUnit)?;
        check_revision(&unit.stamps, delete.if_revision)?;
        let beneath = match delete.beneath {
            Beneath::Refuse => {
                self.check_empty(unit.id)?;
                BeneathCounts::default()
            }
            Beneath::Lift => self.lift_children(unit.id),
            Beneath::End => return Ok(self.end_subtree(unit)),
        };
        Ok(Outcome { beneath, ..self.end_entity(unit) })
    }

    /// Refuses a unit that has child units, people or projects.
    fn check_empty(&self, unit: EntityId) -> Result<(), Error> {
        // From the edges, and not from the closures, which a bulk change keeps for units alone.
        let below: Vec<_> = self
            .view
            .mappings_at(unit)
            .map(|it| it.parent_and_child())
            .filter(|(parent, _)| *parent == unit)
            .collect();
        let count = |kind| below.iter().filter(|(_, child)| self.kind_of(*child) == Some(kind)).count();
        if below.is_empty() {
            return Ok(());
        }
        Err(Error::NotEmpty {
            unit: self.view.label(unit),
            units: count(Kind::OrgUnit),
            people: count(Kind::Person),
            projects: count(Kind::Project),
            some: below.iter().take(NAMED_MAX).map(|(_, child)| self.view.label(*child)).collect(),
        })
    }

    fn kind_of(&self, id: EntityId) -> Option<Kind> {
        self.view.entity(id).map(|entity| entity.kind())
    }

    /// Places everything that is directly below a unit under its parents.
    fn lift_children(&mut self, unit: EntityId) -> BeneathCounts {
        // All parents: a change below one outside the scope is refused, as any other.
        let parents = self.everything.parents(unit);
        let below: Vec<_> = self.view.mappings_of(unit).into_iter().cloned().collect();
        let mut counts = BeneathCounts::default();
        for mapping in below.iter().filter(|mapping| mapping.parent_and_child().0 == unit) {
            for parent in &parents {
                let (from, to) =
                    if mapping.from == unit { (*parent, mapping.to) } else { (mapping.from, *parent) };
                self.map(mapping.mapping_type, from, to, &MappingFields::default());
            }
            counts.lifted += 1;
        }
        counts
    }

    /// Deletes a unit, and the units below it that no other unit holds.
    fn end_subtree(&mut self, top: &Entity) -> Outcome {
        let mut ended = HashSet::from([top.id]);
        let mut units = vec![top.id];
        let mut mappings = HashSet::new();
        let mut counts = BeneathCounts::default();
        let mut at = 0;
        while let Some(unit) = units.get(at).copied() {
            at += 1;
            // Newest first, see `end_entity`.
            for mapping in self.view.mappings_of(unit).into_iter().rev() {
                let (parent, child) = mapping.parent_and_child();
                // A mapping between two units that end is found at both.
                if !mappings.insert(mapping.id) {
                    continue;
                }
                self.end_mapping(mapping);
                if parent != unit {
                    continue;
                }
                if self.kind_of(child) != Some(Kind::OrgUnit) {
                    counts.ended_placements += 1;
                    continue;
                }
                // A child of several units is found at each of them, and held until the last of them ends.
                let is_held = self.everything.parents(child).iter().any(|parent| !ended.contains(parent));
                if !is_held && ended.insert(child) {
                    units.push(child);
                }
            }
        }
        counts.ended_units = units.len() - 1;
        for unit in units {
            if let Some(unit) = self.view.entity(unit) {
                self.push_end(unit);
            }
        }
        Outcome { beneath: counts, ..Outcome::new(Subject::Entity(top.id), Effect::Deleted) }
    }

    pub(super) fn move_unit(&mut self, wanted: &MoveUnit) -> Result<Outcome, Error> {
        let entity = self.entity(self.view.find_unit(&wanted.unit)?, Kind::OrgUnit)?;
        check_revision(&entity.stamps, wanted.if_revision)?;
        let to = self.known_unit(&wanted.to, "to")?;
        let parents = self.view.parents(entity.id);
        let from = match &wanted.from {
            Some(reference) => {
                let from = self.known_unit(reference, "from")?;
                if !parents.contains(&from) {
                    let reason = format!("is not a parent of {:?}", entity.label());
                    return Err(Error::invalid("from", &reference.shown(), reason));
                }
                Some(from)
            }
            None if parents.len() > 1 => {
                return Err(Error::SeveralParents {
                    unit: entity.label().to_owned(),
                    parents: parents.iter().map(|parent| self.view.label(*parent)).collect(),
                });
            }
            None => parents.first().copied(),
        };
        // All its parents are hidden. Adding `to` alone would be a link and not a move, and the caller could not tell.
        if from.is_none() && !self.everything.parents(entity.id).is_empty() {
            let what = format!("{:?} would also keep a parent outside the token's scope", entity.label());
            let instead = "link it to another parent, or use a token whose scope includes its parents";
            return Err(Error::OutOfScope { what, instead });
        }
        let subject = Subject::Entity(entity.id);
        if from == Some(to) {
            return Ok(Outcome::new(subject, Effect::Unchanged));
        }
        if !parents.contains(&to) {
            self.check_link(to, entity.id)?;
            self.map(MappingType::ParentChild, to, entity.id, &MappingFields::default());
        }
        if let Some(from) = from {
            self.unmap(from, entity.id);
        }
        Ok(Outcome::new(subject, Effect::Updated))
    }

    pub(super) fn link_units(&mut self, link: &LinkUnits) -> Result<Outcome, Error> {
        // Without this, linking an unknown unit to itself would create two units of that name, because the view does
        // not include the first one. Two types mean two units.
        let same_type = match (&link.parent.unit_type, &link.child.unit_type) {
            (Some(parent), Some(child)) => parent == child,
            _ => true,
        };
        if same_type && link.parent.reference == link.child.reference {
            return Err(Error::SelfParent { key: link.child.reference.shown() });
        }
        let parent = match self.view.find_unit_of(&link.parent.reference, link.parent.unit_type.as_ref())? {
            Some(parent) => parent,
            None => self.create_parent(&link.parent)?,
        };
        let found = self.existing_child(parent, &link.child)?;
        let child = match found {
            Some(child) => child,
            None => self.create_child(parent, &link.child)?,
        };
        let fields = MappingFields {
            relationship: link.relationship,
            source: link.source.clone(),
            attributes: link.attributes.clone(),
            ..MappingFields::default()
        };
        if parent == child {
            return Err(Error::SelfParent { key: self.view.label(child) });
        }
        if let Some(existing) = self.view.mapping_between(parent, child) {
            return self.merge_or_refuse(existing, &fields, link.if_exists);
        }
        self.check_link(parent, child)?;
        let id = self.map(MappingType::ParentChild, parent, child, &fields);
        Ok(Outcome::new(Subject::Mapping(id), Effect::Created))
    }

    /// The existing unit meant as child, if any; of several with its name, the one below `parent`.
    fn existing_child(&self, parent: EntityId, child: &UnitSpec) -> Result<Option<EntityId>, Error> {
        let found = self.view.units_for(&child.reference, child.unit_type.as_ref());
        let linked = found.iter().copied().find(|unit| self.view.mapping_between(parent, *unit).is_some());
        if let Some(unit) = linked {
            return Ok(Some(unit));
        }
        // A child of this name but of another type is an error, rather than the reason for a second unit of the name.
        if let (Some(wanted), [other]) = (&child.unit_type, &*self.view.units_for(&child.reference, None))
            && self.view.mapping_between(parent, *other).is_some()
        {
            return Err(self.wrong_type(*other, wanted));
        }
        self.view.find_unit_of(&child.reference, child.unit_type.as_ref())
    }

    fn wrong_type(&self, unit: EntityId, wanted: &UnitType) -> Error {
        let found = self.view.entity(unit).and_then(|entity| entity.as_org_unit());
        Error::WrongType {
            key: self.view.label(unit),
            found: found.map_or_else(|| wanted.clone(), |unit| unit.unit_type.clone()),
            asked: wanted.clone(),
        }
    }

    fn create_parent(&mut self, parent: &UnitSpec) -> Result<EntityId, Error> {
        if let (Some(wanted), Some(other)) =
            (&parent.unit_type, self.view.find_unit_of(&parent.reference, None)?)
        {
            return Err(self.wrong_type(other, wanted));
        }
        let unit_type = parent.unit_type.clone().unwrap_or_else(|| UnitType::default_below(None));
        self.create_unit_named(&parent.reference, "parent", unit_type, None)
    }

    fn create_child(&mut self, parent: EntityId, child: &UnitSpec) -> Result<EntityId, Error> {
        let above = self.unit_type_of(parent);
        let unit_type = child.unit_type.clone().unwrap_or_else(|| UnitType::default_below(above.as_ref()));
        self.create_unit_named(&child.reference, "child", unit_type, Some(parent))
    }

    /// The type of a unit of the view, or of one that this plan creates.
    fn unit_type_of(&self, unit: EntityId) -> Option<UnitType> {
        self.existing_or_new_unit(unit).map(|unit| unit.unit_type.clone())
    }

    /// Creates a unit named like the last part of a reference.
    fn create_unit_named(
        &mut self,
        reference: &UnitRef,
        field: &'static str,
        unit_type: UnitType,
        parent: Option<EntityId>,
    ) -> Result<EntityId, Error> {
        let name = match reference {
            UnitRef::Path(names) => names.last().cloned().unwrap_or_default(),
            other => other.shown(),
        };
        let name = Name::parse(&name).map_err(|refusal| refusal.about(field))?;
        self.check_makes_units(field, &name, parent)?;
        let key = self.free_key(&name, &unit_type, parent)?;
        Ok(self.new_entity(Body::OrgUnit(OrgUnit::new(key, name, unit_type))))
    }

    /// Resolves the unit that a field names.
    pub(super) fn known_unit(&self, reference: &UnitRef, field: &'static str) -> Result<EntityId, Error> {
        self.view.find_unit(reference).map_err(|refusal| match refusal {
            Error::NotFound { reference, .. } => Error::Unknown { kind: Kind::OrgUnit, field, reference },
            other => other,
        })
    }
}

fn key_and_name(fields: &UnitFields) -> Result<(UnitKey, Name), Error> {
    match (&fields.key, &fields.name) {
        (Some(key), Some(name)) => Ok((key.clone(), name.clone())),
        (Some(key), None) => Ok((key.clone(), Name::parse(key.as_str())?)),
        (None, Some(name)) => Ok((UnitKey::parse(name.as_str())?, name.clone())),
        (None, None) => Err(Error::Missing { field: "key" }),
    }
}

fn duplicate(key: &str) -> Error {
    Error::Duplicate { kind: Kind::OrgUnit.as_str(), key: key.to_owned(), id: None }
}

/// A text and a suffix as one text that is no longer than a key may be: of each, the end.
fn with_suffix(text: &str, suffix: &str) -> String {
    let end_of = |text: &str, max: usize| -> String {
        let length = text.chars().count();
        if length <= max {
            text.to_owned()
        } else {
            "…".chars().chain(text.chars().skip(length - max + 1)).collect()
        }
    };
    // A type may be as long as a key; half is enough to tell it.
    let suffix = end_of(suffix, TEXT_MAX / 2);
    end_of(text, TEXT_MAX - suffix.chars().count()) + &suffix
}
