//! Planning of commands on projects, with their repositories and services: create, update, delete.

use crate::directory::plan::{Plan, created, unknown_id};
use crate::error::Error;
use crate::model::command::{
    Create, Delete, IfExists, Outcome, Placement, ProjectFields, ProjectRef, Update,
};
use crate::model::entity::{Body, Entity, Kind, Project};
use crate::model::key::ProjectId;
use crate::model::mapping::MappingType;

impl<'p> Plan<'p> {
    pub(super) fn create_project(&mut self, create: &Create<ProjectFields>) -> Result<Outcome, Error> {
        let fields = &create.fields;
        let project_id = fields.project_id.clone().ok_or(Error::Missing { field: "projectId" })?;
        if let Some(id) = self.view.project_by_id(&project_id) {
            let existing = self.entity(id, Kind::Project)?;
            return match create.if_exists {
                IfExists::Refuse => Err(duplicate(existing.label())),
                IfExists::Merge if self.is_placed_in(existing.id, &fields.placement)? => {
                    self.merge_into_project(existing, fields, &Placement::Keep)
                }
                IfExists::Merge => self.merge_into_project(existing, fields, &fields.placement),
            };
        }
        // Project ids are unique in the whole directory, so one outside the caller's scope is a duplicate too.
        if self.everything.project_by_id(&project_id).is_some() {
            return Err(duplicate(project_id.as_str()));
        }
        // Checked only here, because a merge into an existing project needs no name.
        let name = fields.name.clone().ok_or(Error::Missing { field: "projectName" })?;
        let id = self.new_entity(Body::Project(Project::new(project_id, name).patched(fields)));
        self.set_assets(id, fields)?;
        self.place(MappingType::ProjectOrg, id, &fields.placement)?;
        Ok(created(id))
    }

    pub(super) fn update_project(
        &mut self,
        update: &Update<ProjectRef, ProjectFields>,
    ) -> Result<Outcome, Error> {
        let entity = self.known_project(&update.target)?;
        self.expect_revision(&entity.stamps, update.if_revision);
        self.merge_into_project(entity, &update.fields, &update.fields.placement)
    }

    fn merge_into_project(
        &mut self,
        entity: &Entity,
        fields: &ProjectFields,
        placement: &Placement,
    ) -> Result<Outcome, Error> {
        let Some(before) = entity.as_project() else { return Err(unknown_id(entity.id, Kind::Project)) };
        let after = before.patched(fields);
        let project_id = &after.project_id;
        if self.everything.project_by_id(project_id).is_some_and(|owner| owner != entity.id) {
            return Err(duplicate(project_id.as_str()));
        }
        let assets_changed = self.set_assets(entity.id, fields)?;
        let moved = self.place(MappingType::ProjectOrg, entity.id, placement)?;
        Ok(self.change_record(entity, Body::Project(after), assets_changed || moved))
    }

    pub(super) fn delete_project(&mut self, delete: &Delete<ProjectRef>) -> Result<Outcome, Error> {
        let entity = self.known_project(&delete.target)?;
        self.expect_revision(&entity.stamps, delete.if_revision);
        Ok(self.end_entity(entity))
    }

    fn known_project(&self, reference: &ProjectRef) -> Result<&'p Entity, Error> {
        match reference {
            ProjectRef::Id(id) => self.entity(*id, Kind::Project),
            ProjectRef::ProjectId(project_id) => match self.view.project_by_id(project_id) {
                Some(id) => self.entity(id, Kind::Project),
                None => Err(not_found(project_id)),
            },
        }
    }
}

fn duplicate(project_id: &str) -> Error {
    Error::Duplicate { kind: Kind::Project.as_str(), key: project_id.to_owned(), id: None }
}

fn not_found(project_id: &ProjectId) -> Error {
    Error::not_found(Kind::Project.as_str(), project_id.as_str())
}
