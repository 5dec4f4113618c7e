//! Units: made, changed, linked, moved, ended. Everything that puts one unit beneath another checks for cycles.

use std::collections::HashMap;

use crate::directory::plan::{Plan, created, must_be_of};
use crate::error::Error;
use crate::model::command::{
    Create, Delete, Effect, IfExists, LinkUnits, MappingFields, MoveUnit, Outcome, Subject, UnitFields,
    UnitSpec, Update,
};
use crate::model::entity::{Body, Entity, EntityId, Kind, OrgUnit};
use crate::model::key::{Name, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::MappingType;
use crate::model::reference::UnitRef;

impl Plan<'_> {
    pub(super) fn create_unit(&mut self, create: &Create<UnitFields>) -> Result<Outcome, Error> {
        let fields = &create.fields;
        let (key, name) = key_and_name(fields)?;
        let parents = match &fields.parents {
            Some(references) => self.parents_named(references).map_err(|refusal| match refusal {
                Error::Unknown { reference, .. } if reference == key.as_str() => {
                    Error::SelfParent { key: reference }
                }
                other => other,
            })?,
            None => Vec::new(),
        };
        if let Ok(existing) = self.view.find_unit(&key.clone().into()) {
            let existing = self.entity(existing, Kind::OrgUnit)?;
            return match create.if_exists {
                IfExists::Refuse => Err(taken(&key)),
                IfExists::Merge => self.merge_into_unit(existing, fields),
            };
        }
        if !self.is_free(&key) {
            return Err(taken(&key));
        }
        let parent = parents.first().and_then(|parent| self.view.entity(*parent)?.as_org_unit());
        let unit_type = fields
            .unit_type
            .clone()
            .unwrap_or_else(|| UnitType::default_below(parent.map(|unit| &unit.unit_type)));
        let unit = OrgUnit::new(key, name, unit_type).patched(fields);
        let id = self.new_entity(Body::OrgUnit(unit));
        for parent in parents {
            self.map(MappingType::ParentChild, parent, id, &MappingFields::default());
        }
        Ok(created(id))
    }

    /// The name as key, where it is free; else the path; else the path with the type, and then a number.
    pub(super) fn free_key(
        &self,
        name: &Name,
        unit_type: &UnitType,
        parent: Option<EntityId>,
    ) -> Result<UnitKey, Error> {
        let path = self.path_to(parent, name);
        let plain = [name.as_str().to_owned(), path.clone(), format!("{path} ({unit_type})")];
        let numbered = (2_u32..).map(|number| format!("{path} ({unit_type} {number})"));
        for text in plain.into_iter().chain(numbered) {
            let key = UnitKey::parse(&text)?;
            if self.is_free(&key) {
                return Ok(key);
            }
        }
        unreachable!("numbers do not run out before memory does")
    }

    pub(super) fn update_unit(&mut self, update: &Update<UnitRef, UnitFields>) -> Result<Outcome, Error> {
        let entity = self.entity(self.view.find_unit(&update.target)?, Kind::OrgUnit)?;
        must_be_of(&entity.stamps, update.if_revision)?;
        self.merge_into_unit(entity, &update.fields)
    }

    fn merge_into_unit(&mut self, entity: &Entity, fields: &UnitFields) -> Result<Outcome, Error> {
        let Some(before) = entity.as_org_unit() else { return Err(Error::Missing { field: "key" }) };
        let after = before.patched(fields);
        if after.key != before.key && !self.is_free(&after.key) {
            return Err(taken(&after.key));
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

    /// The units that a list of parents names, each once, however often and by whichever of its names.
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

    /// Just these parents and no others; whether that changed anything.
    fn set_parents(&mut self, child: EntityId, parents: &[EntityId]) -> Result<bool, Error> {
        let before = self.view.parents(child);
        let mut changed = false;
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

    /// Refuses to put `child` beneath `parent` where that would close a cycle.
    pub(super) fn check_link(&self, parent: EntityId, child: EntityId) -> Result<(), Error> {
        let is_above = self.view.contains(child, parent);
        let way_down = is_above.then(|| self.view.path_down(child, parent)).flatten();
        self.no_cycle(parent, child, way_down)
    }

    /// As [`Plan::check_link`], where the link takes the place of the one by which `replaced.0` holds `replaced.1`.
    pub(super) fn check_relink(
        &self,
        parent: EntityId,
        child: EntityId,
        replaced: (EntityId, EntityId),
    ) -> Result<(), Error> {
        self.no_cycle(parent, child, self.way_down_without(replaced, child, parent))
    }

    fn no_cycle(
        &self,
        parent: EntityId,
        child: EntityId,
        way_down: Option<Vec<EntityId>>,
    ) -> Result<(), Error> {
        if parent == child {
            return Err(Error::SelfParent { key: self.view.label(child) });
        }
        let Some(way_down) = way_down else { return Ok(()) };
        let path = std::iter::once(parent).chain(way_down).map(|unit| self.view.label(unit)).collect();
        Err(Error::WouldCycle { path })
    }

    /// A way down from `upper` to `lower`, both included, that does not lead through the one link.
    fn way_down_without(
        &self,
        link: (EntityId, EntityId),
        upper: EntityId,
        lower: EntityId,
    ) -> Option<Vec<EntityId>> {
        // For each unit on the way up, the one beneath it.
        let mut beneath = HashMap::new();
        let mut waiting = vec![lower];
        while let Some(unit) = waiting.pop() {
            if unit == upper {
                return Some(std::iter::successors(Some(upper), |unit| beneath.get(unit).copied()).collect());
            }
            for above in self.view.parents(unit) {
                let leads_on = above == upper || self.view.contains(upper, above);
                if leads_on && (above, unit) != link && !beneath.contains_key(&above) {
                    beneath.insert(above, unit);
                    waiting.push(above);
                }
            }
        }
        None
    }

    pub(super) fn delete_unit(&mut self, delete: &Delete<UnitRef>) -> Result<Outcome, Error> {
        let entity = self.entity(self.view.find_unit(&delete.target)?, Kind::OrgUnit)?;
        must_be_of(&entity.stamps, delete.if_revision)?;
        Ok(self.end_entity(entity))
    }

    pub(super) fn move_unit(&mut self, wanted: &MoveUnit) -> Result<Outcome, Error> {
        let entity = self.entity(self.view.find_unit(&wanted.unit)?, Kind::OrgUnit)?;
        must_be_of(&entity.stamps, wanted.if_revision)?;
        let to = self.known_unit(&wanted.to, "to")?;
        let parents = self.view.parents(entity.id);
        let from = match &wanted.from {
            Some(reference) => {
                let from = self.known_unit(reference, "from")?;
                if !parents.contains(&from) {
                    let reason = format!("is no parent of {:?}", entity.label());
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
        if from.is_none() && !self.everything.parents(entity.id).is_empty() {
            let what = format!("{:?} would stay where the token does not see it too", entity.label());
            let instead = "link it beneath another unit, or ask for a token that sees where it is";
            return Err(Error::OutOfScope { what, instead });
        }
        let subject = Subject::Entity(entity.id);
        if from == Some(to) {
            return Ok(Outcome { subject, effect: Effect::Unchanged });
        }
        if !parents.contains(&to) {
            self.check_link(to, entity.id)?;
            self.map(MappingType::ParentChild, to, entity.id, &MappingFields::default());
        }
        if let Some(from) = from {
            self.unmap(from, entity.id);
        }
        Ok(Outcome { subject, effect: Effect::Updated })
    }

    pub(super) fn link_units(&mut self, link: &LinkUnits) -> Result<Outcome, Error> {
        let same_type = match (&link.parent.unit_type, &link.child.unit_type) {
            (Some(parent), Some(child)) => parent == child,
            _ => true,
        };
        if same_type && link.parent.reference == link.child.reference {
            return Err(Error::SelfParent { key: link.child.reference.shown() });
        }
        let parent = match self.view.find_unit_of(&link.parent.reference, link.parent.unit_type.as_ref())? {
            Some(parent) => parent,
            None => self.make_parent(&link.parent)?,
        };
        let found = self.child_meant(parent, &link.child)?;
        let child = match found {
            Some(child) => child,
            None => self.make_child(parent, &link.child)?,
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
            return self.meet_mapping(existing, &fields, link.if_exists);
        }
        self.check_link(parent, child)?;
        let id = self.map(MappingType::ParentChild, parent, child, &fields);
        Ok(Outcome { subject: Subject::Mapping(id), effect: Effect::Created })
    }

    /// The child that is there already; among several of its name, the one beneath the parent.
    fn child_meant(&self, parent: EntityId, child: &UnitSpec) -> Result<Option<EntityId>, Error> {
        let found = self.view.units_for(&child.reference, child.unit_type.as_ref());
        let beneath = found.iter().copied().find(|unit| self.view.mapping_between(parent, *unit).is_some());
        if let Some(unit) = beneath {
            return Ok(Some(unit));
        }
        if let (Some(asked), [other]) = (&child.unit_type, &*self.view.units_for(&child.reference, None))
            && self.view.mapping_between(parent, *other).is_some()
        {
            return Err(self.wrong_type(*other, asked));
        }
        self.view.find_unit_of(&child.reference, child.unit_type.as_ref())
    }

    fn wrong_type(&self, unit: EntityId, asked: &UnitType) -> Error {
        let found = self.view.entity(unit).and_then(|entity| entity.as_org_unit());
        Error::WrongType {
            key: self.view.label(unit),
            found: found.map_or_else(|| asked.clone(), |unit| unit.unit_type.clone()),
            asked: asked.clone(),
        }
    }

    fn make_parent(&mut self, parent: &UnitSpec) -> Result<EntityId, Error> {
        if let (Some(asked), Some(other)) =
            (&parent.unit_type, self.view.find_unit_of(&parent.reference, None)?)
        {
            return Err(self.wrong_type(other, asked));
        }
        let unit_type = parent.unit_type.clone().unwrap_or_else(|| UnitType::default_below(None));
        self.make_unit(&parent.reference, "parent", unit_type, None)
    }

    fn make_child(&mut self, parent: EntityId, child: &UnitSpec) -> Result<EntityId, Error> {
        let above = self.unit_type_of(parent);
        let unit_type = child.unit_type.clone().unwrap_or_else(|| UnitType::default_below(above.as_ref()));
        self.make_unit(&child.reference, "child", unit_type, Some(parent))
    }

    /// The type of a unit of the view, or of one that this plan makes.
    fn unit_type_of(&self, unit: EntityId) -> Option<UnitType> {
        self.unit_known_or_made(unit).map(|unit| unit.unit_type.clone())
    }

    /// A unit by the name that a reference ends in.
    fn make_unit(
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
        let key = self.free_key(&name, &unit_type, parent)?;
        Ok(self.new_entity(Body::OrgUnit(OrgUnit::new(key, name, unit_type))))
    }

    /// The unit that a field must name.
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

fn taken(key: &UnitKey) -> Error {
    Error::Duplicate { kind: Kind::OrgUnit.as_str(), key: key.as_str().to_owned(), id: None }
}
