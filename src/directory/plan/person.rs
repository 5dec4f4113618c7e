//! Planning of commands on people: create, update, delete.

use crate::directory::plan::{Plan, created, unknown_id};
use crate::error::Error;
use crate::model::command::{Create, Delete, IfExists, Outcome, PersonFields, PersonRef, Placement, Update};
use crate::model::entity::{Body, Entity, Kind, Person};
use crate::model::mapping::MappingType;

impl<'p> Plan<'p> {
    pub(super) fn create_person(&mut self, create: &Create<PersonFields>) -> Result<Outcome, Error> {
        let fields = &create.fields;
        let email = fields.email.clone().ok_or(Error::Missing { field: "email" })?;
        if let Some(id) = self.view.person_by_email(&email) {
            let existing = self.entity(id, Kind::Person)?;
            return match create.if_exists {
                IfExists::Refuse => Err(duplicate(existing.label())),
                IfExists::Merge if self.is_placed_in(existing.id, &fields.placement)? => {
                    self.merge_into_person(existing, fields, &Placement::Keep)
                }
                IfExists::Merge => self.merge_into_person(existing, fields, &fields.placement),
            };
        }
        // Emails are unique in the whole directory, so one outside the caller's scope is a duplicate too.
        if self.everything.person_by_email(&email).is_some() {
            return Err(duplicate(email.as_str()));
        }
        let id = self.new_entity(Body::Person(Person::new(email).patched(fields)));
        self.place(MappingType::PeopleOrg, id, &fields.placement)?;
        Ok(created(id))
    }

    pub(super) fn update_person(
        &mut self,
        update: &Update<PersonRef, PersonFields>,
    ) -> Result<Outcome, Error> {
        let entity = self.known_person(&update.target)?;
        self.expect_revision(&entity.stamps, update.if_revision);
        self.merge_into_person(entity, &update.fields, &update.fields.placement)
    }

    fn merge_into_person(
        &mut self,
        entity: &Entity,
        fields: &PersonFields,
        placement: &Placement,
    ) -> Result<Outcome, Error> {
        let Some(before) = entity.as_person() else { return Err(unknown_id(entity.id, Kind::Person)) };
        let after = before.patched(fields);
        if self.everything.person_by_email(&after.email).is_some_and(|owner| owner != entity.id) {
            return Err(duplicate(after.email.as_str()));
        }
        let moved = self.place(MappingType::PeopleOrg, entity.id, placement)?;
        Ok(self.change_record(entity, Body::Person(after), moved))
    }

    pub(super) fn delete_person(&mut self, delete: &Delete<PersonRef>) -> Result<Outcome, Error> {
        let entity = self.known_person(&delete.target)?;
        self.expect_revision(&entity.stamps, delete.if_revision);
        Ok(self.end_entity(entity))
    }

    fn known_person(&self, reference: &PersonRef) -> Result<&'p Entity, Error> {
        match reference {
            PersonRef::Id(id) => self.entity(*id, Kind::Person),
            PersonRef::Email(email) => match self.view.person_by_email(email) {
                Some(id) => self.entity(id, Kind::Person),
                None => Err(Error::not_found(Kind::Person.as_str(), email.as_str())),
            },
        }
    }
}

fn duplicate(email: &str) -> Error {
    Error::Duplicate { kind: Kind::Person.as_str(), key: email.to_owned(), id: None }
}
