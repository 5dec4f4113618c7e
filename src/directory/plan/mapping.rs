//! Planning of commands on mappings: it resolves both ends by the mapping's type, or infers the type from the ends.
//!
//! Invariant: there is at most one mapping between two records.

use std::sync::Arc;

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::change::Change;
use crate::model::command::{
    Create, Delete, Effect, EndMapping, EndRef, IfExists, MappingFields, Outcome, Subject, Update,
};
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::reference::UnitRef;

const FROM: &str = "attribute1";
const TO: &str = "attribute2";

/// The resolved ends of a mapping.
struct Ends {
    mapping_type: MappingType,
    from: EntityId,
    to: EntityId,
}

impl Ends {
    fn parent_and_child(&self) -> (EntityId, EntityId) {
        self.mapping_type.parent_and_child(self.from, self.to)
    }
}

impl<'p> Plan<'p> {
    /// Creates a mapping between entities of the right kinds. If there is one after the changes so far, returns that
    /// instead.
    pub(super) fn map(
        &mut self,
        mapping_type: MappingType,
        from: EntityId,
        to: EntityId,
        fields: &MappingFields,
    ) -> MappingId {
        let (parent, child) = mapping_type.parent_and_child(from, to);
        if let Some(existing) = self.planned_mapping_between(parent, child) {
            return existing;
        }
        let id = self.new_mapping_id();
        self.changes.push(Change::PutMapping(Arc::new(Mapping {
            id,
            mapping_type,
            relationship: fields.relationship.unwrap_or_else(|| mapping_type.default_relationship()),
            from,
            to,
            source: fields.source.clone().applied(None).map(Arc::new),
            attributes: Attributes::default().patched(&fields.attributes),
            stamps: Arc::clone(&self.context.fresh),
        })));
        id
    }

    /// The mapping between `parent` and `child` after the changes so far: a new one, or an unchanged one of the view.
    fn planned_mapping_between(&self, parent: EntityId, child: EntityId) -> Option<MappingId> {
        let created = self.changes.iter().find_map(|change| match change {
            Change::PutMapping(mapping) if mapping.parent_and_child() == (parent, child) => Some(mapping.id),
            _ => None,
        });
        let unchanged = || {
            let before = self.view.mapping_between(parent, child)?.id;
            // A mapping that was put again has other ends now, or `created` would have found it.
            let is_changed = |change: &Change| match change {
                Change::EndMapping { id, .. } => *id == before,
                Change::PutMapping(after) => after.id == before,
                _ => false,
            };
            (!self.changes.iter().any(is_changed)).then_some(before)
        };
        created.or_else(unchanged)
    }

    /// Deletes the mapping between `parent` and `child`; `true` if there was one.
    pub(super) fn unmap(&mut self, parent: EntityId, child: EntityId) -> bool {
        let Some(mapping) = self.view.mapping_between(parent, child) else { return false };
        self.end_mapping(mapping);
        true
    }

    pub(super) fn create_mapping(&mut self, create: &Create<MappingFields>) -> Result<Outcome, Error> {
        let fields = &create.fields;
        let from = fields.from.as_ref().ok_or(Error::Missing { field: FROM })?;
        let to = fields.to.as_ref().ok_or(Error::Missing { field: TO })?;
        let ends = self.ends(fields.mapping_type, from, to)?;
        let (parent, child) = ends.parent_and_child();
        if ends.mapping_type == MappingType::ParentChild && parent == child {
            return Err(Error::SelfParent { key: self.view.label(child) });
        }
        // Before the cycle check, which an existing link has passed already.
        if let Some(existing) = self.view.mapping_between(parent, child) {
            return self.merge_or_refuse(existing, fields, create.if_exists);
        }
        if ends.mapping_type == MappingType::ParentChild {
            self.check_link(parent, child)?;
        }
        let id = self.map(ends.mapping_type, ends.from, ends.to, fields);
        Ok(Outcome::new(Subject::Mapping(id), Effect::Created))
    }

    /// Updates a mapping that exists already, or refuses the command, as `if_exists` says.
    pub(super) fn merge_or_refuse(
        &mut self,
        existing: &Mapping,
        fields: &MappingFields,
        if_exists: IfExists,
    ) -> Result<Outcome, Error> {
        match if_exists {
            IfExists::Refuse => Err(self.duplicate_mapping(existing)),
            IfExists::Merge => {
                let ends = (existing.from, existing.to);
                Ok(self.change_mapping(existing, ends, fields))
            }
        }
    }

    fn duplicate_mapping(&self, existing: &Mapping) -> Error {
        let ends = format!("{} > {}", self.view.label(existing.from), self.view.label(existing.to));
        Error::Duplicate { kind: "mapping", key: ends, id: Some(existing.id.to_string()) }
    }

    pub(super) fn update_mapping(
        &mut self,
        update: &Update<MappingId, MappingFields>,
    ) -> Result<Outcome, Error> {
        let before = self.known_mapping(&update.target)?;
        self.expect_revision(&before.stamps, update.if_revision);
        let fields = &update.fields;
        if let Some(wanted) = fields.mapping_type.filter(|wanted| *wanted != before.mapping_type) {
            let reason =
                format!("cannot replace {}; delete this mapping and create a new one", before.mapping_type);
            return Err(Error::invalid("mappingType", wanted.as_str(), reason));
        }
        let from = fields.from.clone().unwrap_or(EndRef::Id(before.from));
        let to = fields.to.clone().unwrap_or(EndRef::Id(before.to));
        let ends = self.ends(Some(before.mapping_type), &from, &to)?;
        if (ends.from, ends.to) != (before.from, before.to) {
            let (parent, child) = ends.parent_and_child();
            if let Some(other) = self.view.mapping_between(parent, child) {
                return Err(self.duplicate_mapping(other));
            }
            if ends.mapping_type == MappingType::ParentChild {
                // Ignores the old link, which would otherwise count as part of a cycle that it no longer closes.
                self.check_relink(parent, child, before.parent_and_child())?;
            }
        }
        Ok(self.change_mapping(before, (ends.from, ends.to), fields))
    }

    fn change_mapping(
        &mut self,
        before: &Mapping,
        (from, to): (EntityId, EntityId),
        fields: &MappingFields,
    ) -> Outcome {
        let mut after = Mapping {
            from,
            to,
            relationship: fields.relationship.unwrap_or(before.relationship),
            source: fields.source.clone().map(Arc::new).applied(before.source.clone()),
            attributes: before.attributes.patched(&fields.attributes),
            ..before.clone()
        };
        let subject = Subject::Mapping(before.id);
        if after == *before {
            return Outcome::new(subject, Effect::Unchanged);
        }
        after.stamps = before.stamps.changed(self.context.now, self.context.revision).into();
        self.changes.push(Change::PutMapping(Arc::new(after)));
        Outcome::new(subject, Effect::Updated)
    }

    pub(super) fn delete_mapping(&mut self, delete: &Delete<MappingId>) -> Result<Outcome, Error> {
        let mapping = self.known_mapping(&delete.target)?;
        self.expect_revision(&mapping.stamps, delete.if_revision);
        self.end_mapping(mapping);
        Ok(Outcome::new(Subject::Mapping(mapping.id), Effect::Deleted))
    }

    pub(super) fn end_mapping_between(&mut self, end: &EndMapping) -> Result<Outcome, Error> {
        let (parent, child) = self.ends(end.mapping_type, &end.from, &end.to)?.parent_and_child();
        let mapping = self.view.mapping_between(parent, child).ok_or_else(|| {
            let ends = format!("{} > {}", self.view.label(parent), self.view.label(child));
            Error::not_found("mapping", ends)
        })?;
        self.end_mapping(mapping);
        Ok(Outcome::new(Subject::Mapping(mapping.id), Effect::Deleted))
    }

    fn known_mapping(&self, id: &MappingId) -> Result<&'p Mapping, Error> {
        let mapping = self.view.mapping(id).map(|mapping| &**mapping);
        mapping.ok_or_else(|| Error::not_found("mapping", id.to_string()))
    }

    fn ends(&self, mapping_type: Option<MappingType>, from: &EndRef, to: &EndRef) -> Result<Ends, Error> {
        let Some(mapping_type) = mapping_type else { return self.ends_of_inferred_type(from, to) };
        let straight = self.ends_of(mapping_type, from, to);
        if mapping_type != MappingType::ProjectPeople || straight.is_ok() {
            return straight;
        }
        // Clients send project and person in either order. If neither order resolves, the error is that of the order
        // which the first end suggests: a project that exists, or a text that is an email address.
        match self.ends_of(mapping_type, to, from) {
            Ok(ends) => Ok(ends),
            Err(_) if self.end(mapping_type, Kind::Project, from, FROM).is_ok() => straight,
            Err(turned) if matches!(from, EndRef::Text(text) if Email::parse(text).is_ok()) => {
                Err(with_swapped_field(turned))
            }
            Err(_) => straight,
        }
    }

    fn ends_of(&self, mapping_type: MappingType, from: &EndRef, to: &EndRef) -> Result<Ends, Error> {
        let (kind_of_from, kind_of_to) = mapping_type.ends();
        Ok(Ends {
            mapping_type,
            from: self.end(mapping_type, kind_of_from, from, FROM)?,
            to: self.end(mapping_type, kind_of_to, to, TO)?,
        })
    }

    /// The ends, with the only mapping type that they fit; an error if they fit none or several.
    fn ends_of_inferred_type(&self, from: &EndRef, to: &EndRef) -> Result<Ends, Error> {
        let mut fitting: Vec<Ends> = MappingType::ALL
            .into_iter()
            .filter_map(|mapping_type| self.ends(Some(mapping_type), from, to).ok())
            .collect();
        match (fitting.pop(), fitting.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(Error::Missing { field: "mappingType" }),
            (None, _) => {
                // Name the end that resolves to nothing. If each does, but no type fits both, only a type helps.
                let names_anything = |end: &EndRef| {
                    MappingType::ALL.into_iter().any(|mapping_type| {
                        let (from, to) = mapping_type.ends();
                        [from, to].into_iter().any(|kind| self.end(mapping_type, kind, end, FROM).is_ok())
                    })
                };
                let (field, end) = if names_anything(from) { (TO, to) } else { (FROM, from) };
                if names_anything(end) {
                    return Err(Error::Missing { field: "mappingType" });
                }
                Err(Error::Unknown { kind: likely_kind(end), field, reference: reference_text(end) })
            }
        }
    }

    /// Resolves an end of such a mapping to an entity of `kind`.
    fn end(
        &self,
        mapping_type: MappingType,
        kind: Kind,
        end: &EndRef,
        field: &'static str,
    ) -> Result<EntityId, Error> {
        let unknown = |kind| Error::Unknown { kind, field, reference: reference_text(end) };
        let of_kind = |entity: &Entity| {
            if entity.kind() == kind {
                return Ok(entity.id);
            }
            Err(Error::WrongEnd {
                mapping_type: mapping_type.as_str(),
                expected: connects(mapping_type),
                field,
                reference: entity.label().to_owned(),
                found: entity.kind(),
            })
        };
        let found = |id: Option<EntityId>, kind| {
            let entity = id.and_then(|id| self.view.entity(id)).ok_or_else(|| unknown(kind))?;
            of_kind(entity)
        };
        match (end, kind) {
            (EndRef::Id(id), _) => found(Some(*id), kind),
            (EndRef::Unit(key), _) => {
                found(self.view.find_unit(&UnitRef::Key(key.clone())).ok(), Kind::OrgUnit)
            }
            (EndRef::Person(email), _) => found(self.view.person_by_email(email), Kind::Person),
            (EndRef::Project(id), _) => found(self.view.project_by_id(id), Kind::Project),
            (EndRef::Text(text), Kind::OrgUnit) => self.known_unit(&UnitRef::Text(text.clone()), field),
            (EndRef::Path(names), Kind::OrgUnit) => self.known_unit(&UnitRef::Path(names.clone()), field),
            (EndRef::Text(text), Kind::Person) => {
                let email = Email::parse(text).map_err(|_| unknown(kind))?;
                self.view.person_by_email(&email).ok_or_else(|| unknown(kind))
            }
            (EndRef::Text(text), Kind::Project) => {
                let id = ProjectId::parse(text).map_err(|_| unknown(kind))?;
                self.view.project_by_id(&id).ok_or_else(|| unknown(kind))
            }
            _ => Err(unknown(kind)),
        }
    }
}

/// What a mapping type connects, for messages.
fn connects(mapping_type: MappingType) -> &'static str {
    match mapping_type {
        MappingType::ParentChild => "a parent unit and a child unit",
        MappingType::ProjectPeople => "a project and a person",
        MappingType::ProjectOrg => "a project and a unit",
        MappingType::PeopleOrg => "a person and a unit",
    }
}

/// The kind that an unresolved end was probably meant to be, for messages.
fn likely_kind(end: &EndRef) -> Kind {
    match end {
        EndRef::Text(text) if Email::parse(text).is_ok() => Kind::Person,
        EndRef::Person(_) => Kind::Person,
        EndRef::Project(_) => Kind::Project,
        _ => Kind::OrgUnit,
    }
}

/// The reference as text, for messages.
fn reference_text(end: &EndRef) -> String {
    match end {
        EndRef::Text(text) => text.clone(),
        EndRef::Path(names) => names.join("/"),
        EndRef::Unit(key) => key.as_str().to_owned(),
        EndRef::Person(email) => email.as_str().to_owned(),
        EndRef::Project(id) => id.as_str().to_owned(),
        EndRef::Id(id) => format!("#{}", id.0),
    }
}

/// Corrects the field of an error from resolving the ends in the other order.
fn with_swapped_field(refusal: Error) -> Error {
    match refusal {
        Error::Unknown { kind, field, reference } => {
            Error::Unknown { kind, field: if field == FROM { TO } else { FROM }, reference }
        }
        other => other,
    }
}
