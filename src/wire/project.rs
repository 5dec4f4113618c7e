//! A project, in and out, with its owner.

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::command::{OwnerFields, Patch, ProjectFields};
use crate::model::entity::{EntityId, ProjectOwner};
use crate::model::key::{Email, ExternalId, Name, ProjectId};
use crate::wire::asset::{AssetsRecord, assets};
use crate::wire::fields::{Fields, Given, Manner};
use crate::wire::level::{LevelsRecord, placement};
use crate::wire::stamps::{StampsRecord, object, text};

/// A project, with its repositories and services.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project)]
pub(crate) struct ProjectRecord<'v> {
    /// Unique among projects.
    #[schema(example = "2322345")]
    project_id: &'v str,
    /// What people call it.
    #[schema(example = "Phase 2")]
    project_name: &'v str,
    /// Who answers for it.
    #[schema(required = true)]
    project_owner: Option<OwnerRecord<'v>>,
    /// What another system calls it.
    #[schema(required = true)]
    external_id: Option<&'v str>,
    #[serde(flatten)]
    levels: LevelsRecord<'v>,
    /// What it consists of.
    assets: AssetsRecord<'v>,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

/// Who answers for a project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectOwner)]
pub(crate) struct OwnerRecord<'v> {
    /// Given name.
    #[schema(required = true)]
    first_name: Option<&'v str>,
    /// Family name.
    #[schema(required = true)]
    last_name: Option<&'v str>,
    /// Leads to the person, where one has this address.
    #[schema(required = true)]
    email: Option<&'v str>,
}

impl<'v> ProjectRecord<'v> {
    pub(crate) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let project = entity.as_project()?;
        Some(Self {
            project_id: project.project_id.as_str(),
            project_name: project.name.as_str(),
            project_owner: project.owner.as_ref().map(OwnerRecord::of),
            external_id: text(project.external_id.as_ref()),
            levels: LevelsRecord::of(view, id),
            assets: AssetsRecord::of(view, id),
            attributes: &project.attributes,
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}

impl<'v> OwnerRecord<'v> {
    pub(crate) fn of(owner: &'v ProjectOwner) -> Self {
        Self {
            first_name: text(owner.first_name.as_deref()),
            last_name: text(owner.last_name.as_deref()),
            email: owner.email.as_ref().map(Email::as_str),
        }
    }
}

/// Reads what is said of a project.
pub(crate) fn project(mut given: Fields) -> Result<ProjectFields, Error> {
    given.drop_read_only(&[])?;
    let manner = given.manner();
    let project_id = given.required("projectId", manner == Manner::Create, ProjectId::parse)?;
    let name = given.required("projectName", manner != Manner::Merge, Name::parse)?;
    let owner = owner(&mut given)?;
    let external_id = given.optional("externalId", ExternalId::parse)?;
    let placement = placement(&mut given)?;
    let (repositories, services) = assets(&mut given)?;
    let attributes = given.attributes()?;
    Ok(ProjectFields { project_id, name, owner, external_id, attributes, repositories, services, placement })
}

fn owner(given: &mut Fields) -> Result<Patch<OwnerFields>, Error> {
    let manner = given.manner();
    let mut owner = match given.object("projectOwner")? {
        Given::Value(owner) => owner,
        Given::Null => return Ok(Given::Null.patch(manner)),
        Given::Absent => return Ok(Given::Absent.patch(manner)),
    };
    let fields = OwnerFields {
        first_name: owner.text("firstName", "projectOwner.firstName", Name::parse)?.patch(manner),
        last_name: owner.text("lastName", "projectOwner.lastName", Name::parse)?.patch(manner),
        email: owner.text("email", "projectOwner.email", Email::parse)?.patch(manner),
    };
    given.keep("projectOwner", owner.into_rest());
    Ok(Patch::Set(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fields(manner: Manner, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), manner)
    }

    #[test]
    fn what_is_required_is_named() {
        for (manner, body, code, field) in [
            (Manner::Create, json!({}), "missing-field", "projectId"),
            (Manner::Create, json!({"projectId": "p"}), "missing-field", "projectName"),
            (Manner::Replace, json!({}), "missing-field", "projectName"),
            (Manner::Merge, json!({"projectName": null}), "invalid", "projectName"),
            (Manner::Create, json!({"projectId": 7}), "invalid", "projectId"),
            (Manner::Merge, json!({"projectOwner": {"email": "x"}}), "invalid", "projectOwner.email"),
        ] {
            let refusal = project(fields(manner, &body)).unwrap_err();
            assert_eq!((refusal.code(), refusal.field()), (code, Some(field)), "{body}");
        }
    }
}
