//! The wire's shapes: how a record looks in an answer, whatever the format. Clients read these names.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Map;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::attributes::Attributes;
use crate::model::entity::{Entity, EntityId, Stamps};
use crate::model::level::Level;
use crate::model::mapping::{Mapping, MappingType};
use crate::model::time::Timestamp;
use crate::server::rest::asset_record::{AssetsRecord, OwnerRecord};

/// When a record was made and changed, and when it holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stamps)]
pub(crate) struct StampsRecord {
    /// From when the record holds.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    valid_from: Timestamp,
    /// Until when it holds; null while it does.
    #[serde(serialize_with = "maybe_moment")]
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    valid_to: Option<Timestamp>,
    /// When the record was made.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The revision of the directory in which it last changed.
    #[schema(example = 7)]
    revision: u64,
}

/// The five level fields: the name of the nearest unit of that type above, or null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Levels)]
pub(crate) struct LevelsRecord<'v> {
    /// The highest level.
    #[schema(required = true, example = "Opsera")]
    organization: Option<&'v str>,
    /// Beneath the organization.
    #[schema(required = true, example = "Engineering")]
    business: Option<&'v str>,
    /// Beneath the business.
    #[schema(required = true, example = "Platform")]
    department: Option<&'v str>,
    /// Beneath the department.
    #[schema(required = true, example = "Phase 2")]
    group: Option<&'v str>,
    /// The lowest level.
    #[schema(required = true, example = "AOD")]
    team: Option<&'v str>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub(crate) struct PersonRecord<'v> {
    /// Unique among people, compared without case.
    #[schema(example = "jd@opsera.io")]
    email: &'v str,
    /// Given name.
    #[schema(required = true)]
    first_name: Option<&'v str>,
    /// Family name.
    #[schema(required = true)]
    last_name: Option<&'v str>,
    /// The name to show.
    #[schema(required = true)]
    display_name: Option<&'v str>,
    /// What another system calls this person.
    #[schema(required = true)]
    external_id: Option<&'v str>,
    #[serde(flatten)]
    levels: LevelsRecord<'v>,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

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

/// A mapping between two records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mapping)]
pub(crate) struct MappingRecord<'v> {
    /// Its id, a `UUIDv7`.
    #[schema(example = "019ab3c5-2f7e-7c11-9d1c-0a4be3a1f3aa")]
    id: String,
    /// The parent, the project, or for `people-org` the person: its key.
    attribute1: &'v str,
    /// The child, the person, or for placements the unit: its key.
    attribute2: &'v str,
    /// What it connects: `parent-child`, `project-people`, `project-org` or `people-org`.
    mapping_type: &'static str,
    /// How: `many-to-many`, `many-to-one`, `one-to-one`, `one-to-many` or `org-hierarchy`.
    relationship: &'static str,
    /// The parent, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'v str>,
    /// The type of the parent, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_type: Option<&'v str>,
    /// The child, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<&'v str>,
    /// The type of the child, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    child_type: Option<&'v str>,
    /// Which system says so.
    #[schema(required = true)]
    source: Option<&'v str>,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

impl StampsRecord {
    pub(super) fn of(stamps: &Stamps) -> Self {
        Self {
            valid_from: stamps.valid_from,
            valid_to: stamps.valid_to,
            created_at: stamps.created_at,
            updated_at: stamps.updated_at,
            revision: stamps.revision.0,
        }
    }
}

impl<'v> LevelsRecord<'v> {
    fn of(view: &'v View, id: EntityId) -> Self {
        let names = view.levels(id).map(|unit| unit_name(view, unit?));
        let [organization, business, department, group, team] = names;
        Self { organization, business, department, group, team }
    }
}

fn unit_name(view: &View, id: EntityId) -> Option<&str> {
    view.entity(id)?.as_org_unit().map(|unit| unit.name.as_str())
}

impl<'v> PersonRecord<'v> {
    pub(super) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let person = entity.as_person()?;
        Some(Self {
            email: person.email.as_str(),
            first_name: text(person.first_name.as_ref()),
            last_name: text(person.last_name.as_ref()),
            display_name: text(person.display_name.as_ref()),
            external_id: text(person.external_id.as_ref()),
            levels: LevelsRecord::of(view, id),
            attributes: &person.attributes,
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}

impl<'v> ProjectRecord<'v> {
    pub(super) fn of(view: &'v View, id: EntityId) -> Option<Self> {
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

impl<'v> MappingRecord<'v> {
    pub(super) fn of(view: &'v View, mapping: &'v Mapping) -> Option<Self> {
        let (from, to) = (view.entity(mapping.from)?, view.entity(mapping.to)?);
        let between_units = mapping.mapping_type == MappingType::ParentChild;
        let key = |entity: &'v Arc<Entity>| between_units.then(|| entity.label());
        let kind = |entity: &'v Arc<Entity>| entity.as_org_unit().filter(|_| between_units);
        Some(Self {
            id: mapping.id.to_string(),
            attribute1: from.label(),
            attribute2: to.label(),
            mapping_type: mapping.mapping_type.as_str(),
            relationship: mapping.relationship.as_str(),
            parent: key(from),
            parent_type: kind(from).map(|unit| unit.unit_type.as_str()),
            child: key(to),
            child_type: kind(to).map(|unit| unit.unit_type.as_str()),
            source: text(mapping.source.as_deref()),
            attributes: &mapping.attributes,
            stamps: StampsRecord::of(&mapping.stamps),
        })
    }
}

/// The text of a field that may not be there.
pub(super) fn text<T: AsRef<str>>(value: Option<&T>) -> Option<&str> {
    value.map(AsRef::as_ref)
}

/// The number of a level, of a type that is one.
pub(super) fn level_number(level: Option<Level>) -> Option<u8> {
    level.map(Level::number)
}

/// Attributes as a JSON object, `{}` where there are none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn object<S: Serializer>(attributes: &&Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    match attributes.as_map() {
        Some(map) => Map::serialize(map, serializer),
        None => serializer.serialize_map(Some(0))?.end(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn no_attributes(attributes: &&Attributes) -> bool {
    attributes.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn moment<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn maybe_moment<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.collect_str(moment),
        None => serializer.serialize_none(),
    }
}
