//! Mappings between known records: what each end names, told from the mapping's type, or the type from the ends.

use std::sync::Arc;

use crate::directory::plan::{Plan, must_be_of};
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::change::Change;
use crate::model::command::{
    Create, Delete, Effect, EndRef, IfExists, MappingFields, Outcome, Subject, Update,
};
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::reference::UnitRef;

const FROM: &str = "attribute1";
const TO: &str = "attribute2";

/// Both ends of a mapping, found.
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
    /// A mapping between entities of the right kinds. There is at most one between two records, so where one
    /// will stand already once this plan is carried out, that one is the answer.
    pub(super) fn map(
        &mut self,
        mapping_type: MappingType,
        from: EntityId,
        to: EntityId,
        fields: &MappingFields,
    ) -> MappingId {
        let (holder, held) = mapping_type.parent_and_child(from, to);
        if let Some(standing) = self.standing_between(holder, held) {
            return standing;
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

    /// The mapping by which `holder` holds `held`: one that this plan makes, or one of the view that it leaves.
    fn standing_between(&self, holder: EntityId, held: EntityId) -> Option<MappingId> {
        let made_here = self.changes.iter().find_map(|change| match change {
            Change::PutMapping(mapping) if mapping.parent_and_child() == (holder, held) => Some(mapping.id),
            _ => None,
        });
        let left = || {
            let before = self.view.mapping_between(holder, held)?.id;
            let ends_here = |change: &Change| match change {
                Change::EndMapping { id, .. } => *id == before,
                Change::PutMapping(after) => after.id == before,
                _ => false,
            };
            (!self.changes.iter().any(ends_here)).then_some(before)
        };
        made_here.or_else(left)
    }

    /// Ends the mapping by which `holder` holds `held`; whether there was one.
    pub(super) fn unmap(&mut self, holder: EntityId, held: EntityId) -> bool {
        let Some(mapping) = self.view.mapping_between(holder, held) else { return false };
        self.end_mapping(mapping);
        true
    }

    pub(super) fn create_mapping(&mut self, create: &Create<MappingFields>) -> Result<Outcome, Error> {
        let fields = &create.fields;
        let from = fields.from.as_ref().ok_or(Error::Missing { field: FROM })?;
        let to = fields.to.as_ref().ok_or(Error::Missing { field: TO })?;
        let ends = self.ends(fields.mapping_type, from, to)?;
        let (holder, held) = ends.parent_and_child();
        if ends.mapping_type == MappingType::ParentChild && holder == held {
            return Err(Error::SelfParent { key: self.view.label(held) });
        }
        if let Some(existing) = self.view.mapping_between(holder, held) {
            return self.meet_mapping(existing, fields, create.if_exists);
        }
        if ends.mapping_type == MappingType::ParentChild {
            self.check_link(holder, held)?;
        }
        let id = self.map(ends.mapping_type, ends.from, ends.to, fields);
        Ok(Outcome { subject: Subject::Mapping(id), effect: Effect::Created })
    }

    /// What to do about a mapping that is there already.
    pub(super) fn meet_mapping(
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
        must_be_of(&before.stamps, update.if_revision)?;
        let fields = &update.fields;
        if let Some(asked) = fields.mapping_type.filter(|asked| *asked != before.mapping_type) {
            let reason = format!(
                "cannot take the place of {}; end this mapping and make another",
                before.mapping_type
            );
            return Err(Error::invalid("mappingType", asked.as_str(), reason));
        }
        let from = fields.from.clone().unwrap_or(EndRef::Id(before.from));
        let to = fields.to.clone().unwrap_or(EndRef::Id(before.to));
        let ends = self.ends(Some(before.mapping_type), &from, &to)?;
        if (ends.from, ends.to) != (before.from, before.to) {
            let (holder, held) = ends.parent_and_child();
            if let Some(other) = self.view.mapping_between(holder, held) {
                return Err(self.duplicate_mapping(other));
            }
            if ends.mapping_type == MappingType::ParentChild {
                self.check_relink(holder, held, before.parent_and_child())?;
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
            return Outcome { subject, effect: Effect::Unchanged };
        }
        after.stamps = before.stamps.changed(self.context.now, self.context.revision).into();
        self.changes.push(Change::PutMapping(Arc::new(after)));
        Outcome { subject, effect: Effect::Updated }
    }

    pub(super) fn delete_mapping(&mut self, delete: &Delete<MappingId>) -> Result<Outcome, Error> {
        let mapping = self.known_mapping(&delete.target)?;
        must_be_of(&mapping.stamps, delete.if_revision)?;
        self.end_mapping(mapping);
        Ok(Outcome { subject: Subject::Mapping(mapping.id), effect: Effect::Deleted })
    }

    fn known_mapping(&self, id: &MappingId) -> Result<&'p Mapping, Error> {
        let mapping = self.view.mapping(id).map(|mapping| &**mapping);
        mapping.ok_or_else(|| Error::NotFound { kind: "mapping", reference: id.to_string() })
    }

    fn ends(&self, mapping_type: Option<MappingType>, from: &EndRef, to: &EndRef) -> Result<Ends, Error> {
        let Some(mapping_type) = mapping_type else { return self.ends_of_some_type(from, to) };
        let straight = self.ends_of(mapping_type, from, to);
        if mapping_type != MappingType::ProjectPeople || straight.is_ok() {
            return straight;
        }
        // Either order will do. Where neither does, the order that the first end speaks for is blamed.
        match self.ends_of(mapping_type, to, from) {
            Ok(ends) => Ok(ends),
            Err(_) if self.end(mapping_type, Kind::Project, from, FROM).is_ok() => straight,
            Err(turned) if matches!(from, EndRef::Text(text) if Email::parse(text).is_ok()) => {
                Err(blamed_on_the_other(turned))
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

    /// The one type whose ends these can be.
    fn ends_of_some_type(&self, from: &EndRef, to: &EndRef) -> Result<Ends, Error> {
        let mut fitting: Vec<Ends> = MappingType::ALL
            .into_iter()
            .filter_map(|mapping_type| self.ends(Some(mapping_type), from, to).ok())
            .collect();
        match (fitting.pop(), fitting.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(Error::Missing { field: "mappingType" }),
            (None, _) => {
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
                Err(Error::Unknown { kind: likely_kind(end), field, reference: shown(end) })
            }
        }
    }

    /// The entity of `kind` that an end of such a mapping names.
    fn end(
        &self,
        mapping_type: MappingType,
        kind: Kind,
        end: &EndRef,
        field: &'static str,
    ) -> Result<EntityId, Error> {
        let unknown = |kind| Error::Unknown { kind, field, reference: shown(end) };
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

fn connects(mapping_type: MappingType) -> &'static str {
    match mapping_type {
        MappingType::ParentChild => "a unit and a unit beneath it",
        MappingType::ProjectPeople => "a project and a person",
        MappingType::ProjectOrg => "a project and a unit",
        MappingType::PeopleOrg => "a person and a unit",
    }
}

/// What an end that names nothing was probably meant to name.
fn likely_kind(end: &EndRef) -> Kind {
    match end {
        EndRef::Text(text) if Email::parse(text).is_ok() => Kind::Person,
        EndRef::Person(_) => Kind::Person,
        EndRef::Project(_) => Kind::Project,
        _ => Kind::OrgUnit,
    }
}

fn shown(end: &EndRef) -> String {
    match end {
        EndRef::Text(text) => text.clone(),
        EndRef::Path(names) => names.join("/"),
        EndRef::Unit(key) => key.as_str().to_owned(),
        EndRef::Person(email) => email.as_str().to_owned(),
        EndRef::Project(id) => id.as_str().to_owned(),
        EndRef::Id(id) => format!("#{}", id.0),
    }
}

/// Ends that were tried in the other order: the first is the second.
fn blamed_on_the_other(refusal: Error) -> Error {
    match refusal {
        Error::Unknown { kind, field, reference } => {
            Error::Unknown { kind, field: if field == FROM { TO } else { FROM }, reference }
        }
        other => other,
    }
}
