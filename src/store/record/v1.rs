//! Record format version 1: the model's fields, serialized with postcard. Archives use the same types as JSON, by name.
//!
//! Invariant: the order, types and names of fields and variants never change; a change needs a new version.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unfit;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::entity::{
    Body, EntityId, OrgUnit, Person, Project, ProjectOwner, Repository, Revision, Service, Stamps,
};
use crate::model::key::{Email, ExternalId, Name, ProjectId, ServiceIdentifier, UnitKey};
use crate::model::level::{Level, UnitType};
use crate::model::mapping::{Mapping, MappingId, MappingType, Relationship};
use crate::model::repo_url::RepoUrl;
use crate::model::time::Timestamp;
use crate::model::token::{Role, Scope, Token, TokenId};

/// The maximum nesting depth of JSON values.
// `serde_json` refuses to parse deeper than 127 levels by default. A deeper value could be stored but never loaded.
pub(super) const JSON_DEPTH_MAX: usize = 127;

/// Timestamps in milliseconds, each as the difference from an earlier one.
// Most differences are 0, which postcard's variable-length integers store in one byte instead of six.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct StampsV1 {
    created_at: i64,
    updated_after: i64,
    revision: u64,
    valid_after: i64,
    valid_for: Option<i64>,
}

impl StampsV1 {
    pub(in crate::store) fn of(stamps: &Stamps) -> Self {
        let [created_at, updated_at, valid_from] =
            [stamps.created_at, stamps.updated_at, stamps.valid_from].map(Timestamp::as_millis);
        Self {
            created_at,
            // Wrapping, since any `i64` must survive a round trip, bytes of a fuzzer included.
            updated_after: updated_at.wrapping_sub(created_at),
            revision: stamps.revision.0,
            valid_after: valid_from.wrapping_sub(created_at),
            valid_for: stamps.valid_to.map(|to| to.as_millis().wrapping_sub(valid_from)),
        }
    }

    pub(in crate::store) fn into_stamps(self) -> Stamps {
        let valid_from = self.created_at.wrapping_add(self.valid_after);
        Stamps {
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.created_at.wrapping_add(self.updated_after)),
            revision: Revision(self.revision),
            valid_from: Timestamp::from_millis(valid_from),
            valid_to: self.valid_for.map(|after| Timestamp::from_millis(valid_from.wrapping_add(after))),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(in crate::store) enum BodyV1<'a> {
    OrgUnit {
        key: &'a str,
        /// `None` if it equals the key.
        name: Option<&'a str>,
        #[serde(borrow)]
        unit_type: UnitTypeV1<'a>,
        external_id: Option<&'a str>,
        // JSON as text: postcard cannot decode a value without a schema. `Cow`, because the text is made for writing.
        attributes: Option<Cow<'a, str>>,
    },
    Person {
        email: &'a str,
        first_name: Option<&'a str>,
        last_name: Option<&'a str>,
        display_name: Option<&'a str>,
        external_id: Option<&'a str>,
        attributes: Option<Cow<'a, str>>,
    },
    Project {
        project_id: &'a str,
        /// `None` if it equals the id.
        name: Option<&'a str>,
        owner: Option<OwnerV1<'a>>,
        external_id: Option<&'a str>,
        attributes: Option<Cow<'a, str>>,
    },
    Repository {
        project: u32,
        name: &'a str,
        platform: Option<&'a str>,
        url: Option<&'a str>,
        attributes: Option<Cow<'a, str>>,
    },
    Service {
        project: u32,
        name: &'a str,
        identifier: Option<&'a str>,
        dependencies: Option<Cow<'a, str>>,
        external_id: Option<&'a str>,
        attributes: Option<Cow<'a, str>>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) enum UnitTypeV1<'a> {
    Other(&'a str),
    Organization,
    Business,
    Department,
    Group,
    Team,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct OwnerV1<'a> {
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    email: Option<&'a str>,
}

impl<'a> BodyV1<'a> {
    pub(in crate::store) fn of(body: &'a Body) -> Result<Self, Unfit> {
        Ok(match body {
            Body::OrgUnit(unit) => Self::OrgUnit {
                key: unit.key.as_str(),
                name: Some(unit.name.as_str()).filter(|name| *name != unit.key.as_str()),
                unit_type: UnitTypeV1::of(&unit.unit_type),
                external_id: unit.external_id.as_ref().map(ExternalId::as_str),
                attributes: attributes_text(&unit.attributes)?,
            },
            Body::Person(person) => Self::Person {
                email: person.email.as_str(),
                first_name: person.first_name.as_ref().map(Name::as_str),
                last_name: person.last_name.as_ref().map(Name::as_str),
                display_name: person.display_name.as_ref().map(Name::as_str),
                external_id: person.external_id.as_ref().map(ExternalId::as_str),
                attributes: attributes_text(&person.attributes)?,
            },
            Body::Project(project) => Self::Project {
                project_id: project.project_id.as_str(),
                name: Some(project.name.as_str()).filter(|name| *name != project.project_id.as_str()),
                owner: project.owner.as_ref().map(OwnerV1::of),
                external_id: project.external_id.as_ref().map(ExternalId::as_str),
                attributes: attributes_text(&project.attributes)?,
            },
            Body::Repository(repository) => Self::Repository {
                project: repository.project.0,
                name: repository.name.as_str(),
                platform: repository.platform.as_ref().map(Name::as_str),
                url: repository.url.as_ref().map(RepoUrl::as_str),
                attributes: attributes_text(&repository.attributes)?,
            },
            Body::Service(service) => Self::Service {
                project: service.project.0,
                name: service.name.as_str(),
                identifier: service.identifier.as_ref().map(ServiceIdentifier::as_str),
                dependencies: service.dependencies.as_deref().map(json_text).transpose()?,
                external_id: service.external_id.as_ref().map(ExternalId::as_str),
                attributes: attributes_text(&service.attributes)?,
            },
        })
    }

    pub(in crate::store) fn into_body(self) -> Result<Body, Unfit> {
        Ok(match self {
            Self::OrgUnit { key, name, unit_type, external_id, attributes } => Body::OrgUnit(OrgUnit {
                key: UnitKey::stored(key)?,
                name: Name::stored(name.unwrap_or(key))?,
                unit_type: unit_type.into_unit_type()?,
                external_id: parsed(external_id, ExternalId::stored)?,
                attributes: attributes_of(attributes)?,
            }),
            Self::Person { email, first_name, last_name, display_name, external_id, attributes } => {
                Body::Person(Person {
                    email: Email::stored(email)?,
                    first_name: parsed(first_name, Name::stored)?,
                    last_name: parsed(last_name, Name::stored)?,
                    display_name: parsed(display_name, Name::stored)?,
                    external_id: parsed(external_id, ExternalId::stored)?,
                    attributes: attributes_of(attributes)?,
                })
            }
            Self::Project { project_id, name, owner, external_id, attributes } => Body::Project(Project {
                project_id: ProjectId::stored(project_id)?,
                name: Name::stored(name.unwrap_or(project_id))?,
                owner: owner.map(OwnerV1::into_owner).transpose()?,
                external_id: parsed(external_id, ExternalId::stored)?,
                attributes: attributes_of(attributes)?,
            }),
            Self::Repository { project, name, platform, url, attributes } => Body::Repository(Repository {
                project: EntityId(project),
                name: Name::stored(name)?,
                platform: parsed(platform, Name::stored)?,
                url: parsed(url, RepoUrl::stored)?,
                attributes: attributes_of(attributes)?,
            }),
            Self::Service { project, name, identifier, dependencies, external_id, attributes } => {
                Body::Service(Service {
                    project: EntityId(project),
                    name: Name::stored(name)?,
                    identifier: parsed(identifier, ServiceIdentifier::stored)?,
                    dependencies: dependencies
                        .map(|text| json_of::<Value>(&text).map(Box::new))
                        .transpose()?,
                    external_id: parsed(external_id, ExternalId::stored)?,
                    attributes: attributes_of(attributes)?,
                })
            }
        })
    }
}

impl<'a> UnitTypeV1<'a> {
    fn of(unit_type: &'a UnitType) -> Self {
        match unit_type {
            UnitType::Other(word) => Self::Other(word.as_str()),
            UnitType::Level(Level::Organization) => Self::Organization,
            UnitType::Level(Level::Business) => Self::Business,
            UnitType::Level(Level::Department) => Self::Department,
            UnitType::Level(Level::Group) => Self::Group,
            UnitType::Level(Level::Team) => Self::Team,
        }
    }

    fn into_unit_type(self) -> Result<UnitType, Unfit> {
        Ok(match self {
            Self::Other(word) => UnitType::parse(word)?,
            Self::Organization => Level::Organization.into(),
            Self::Business => Level::Business.into(),
            Self::Department => Level::Department.into(),
            Self::Group => Level::Group.into(),
            Self::Team => Level::Team.into(),
        })
    }
}

impl<'a> OwnerV1<'a> {
    fn of(owner: &'a ProjectOwner) -> Self {
        Self {
            first_name: owner.first_name.as_deref().map(Name::as_str),
            last_name: owner.last_name.as_deref().map(Name::as_str),
            email: owner.email.as_ref().map(Email::as_str),
        }
    }

    fn into_owner(self) -> Result<ProjectOwner, Unfit> {
        Ok(ProjectOwner {
            first_name: parsed(self.first_name, Name::stored)?.map(Box::new),
            last_name: parsed(self.last_name, Name::stored)?.map(Box::new),
            email: parsed(self.email, Email::stored)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct MappingV1<'a> {
    mapping_type: u8,
    relationship: u8,
    from: u32,
    to: u32,
    source: Option<&'a str>,
    attributes: Option<Cow<'a, str>>,
}

impl<'a> MappingV1<'a> {
    pub(in crate::store) fn of(mapping: &'a Mapping) -> Result<Self, Unfit> {
        Ok(Self {
            mapping_type: mapping.mapping_type as u8,
            relationship: mapping.relationship as u8,
            from: mapping.from.0,
            to: mapping.to.0,
            source: mapping.source.as_deref().map(Name::as_str),
            attributes: attributes_text(&mapping.attributes)?,
        })
    }

    pub(in crate::store) fn into_mapping(self, id: MappingId, stamps: Arc<Stamps>) -> Result<Mapping, Unfit> {
        Ok(Mapping {
            id,
            mapping_type: numbered(&MappingType::ALL, self.mapping_type)?,
            relationship: numbered(&Relationship::ALL, self.relationship)?,
            from: EntityId(self.from),
            to: EntityId(self.to),
            source: parsed(self.source, Name::stored)?.map(Arc::new),
            attributes: attributes_of(self.attributes)?,
            stamps,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct TokenV1<'a> {
    hash: [u8; 32],
    role: u8,
    description: Option<&'a str>,
    units: Vec<u32>,
    expires_at: Option<i64>,
    created_at: i64,
    revoked_at: Option<i64>,
    revision: u64,
}

impl<'a> TokenV1<'a> {
    pub(in crate::store) fn of(token: &'a Token) -> Self {
        Self {
            hash: token.hash,
            role: token.role as u8,
            description: token.description.as_ref().map(Name::as_str),
            units: match &token.scope {
                Scope::Everything => Vec::new(),
                // An empty list means everything, so a scope of no units would widen to everything when it is read.
                // `u32::MAX` is never the id of an entity.
                Scope::Units(units) if units.is_empty() => vec![u32::MAX],
                Scope::Units(units) => units.iter().map(|unit| unit.0).collect(),
            },
            expires_at: token.expires_at.map(Timestamp::as_millis),
            created_at: token.created_at.as_millis(),
            revoked_at: token.revoked_at.map(Timestamp::as_millis),
            revision: token.revision.0,
        }
    }

    pub(in crate::store) fn into_token(self, id: TokenId) -> Result<Token, Unfit> {
        Ok(Token {
            id,
            hash: self.hash,
            role: numbered(&[Role::Read, Role::Write, Role::Admin], self.role)?,
            description: parsed(self.description, Name::stored)?,
            scope: match &*self.units {
                [] => Scope::Everything,
                units => Scope::Units(units.iter().copied().map(EntityId).collect()),
            },
            expires_at: self.expires_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(self.created_at),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
            revision: Revision(self.revision),
        })
    }
}

fn parsed<T>(text: Option<&str>, parse: fn(&str) -> Result<T, Error>) -> Result<Option<T>, Unfit> {
    Ok(text.map(parse).transpose()?)
}

/// The variant with this number.
// The lists passed in are in the order of the enum's discriminants, which `as u8` writes.
fn numbered<T: Copy>(all: &[T], number: u8) -> Result<T, Unfit> {
    all.get(usize::from(number)).copied().ok_or(Unfit::Shape)
}

fn attributes_text(attributes: &Attributes) -> Result<Option<Cow<'static, str>>, Unfit> {
    let Some(map) = attributes.as_map() else { return Ok(None) };
    // One less, because the map around the values is a level itself.
    if map.values().any(|value| nests_beyond(value, JSON_DEPTH_MAX - 1)) {
        return Err(Unfit::TooDeep);
    }
    serde_json::to_string(map).map(|text| Some(text.into())).map_err(|_| Unfit::Shape)
}

fn attributes_of(text: Option<Cow<'_, str>>) -> Result<Attributes, Unfit> {
    Ok(text.map(|text| json_of(&text).map(Attributes::new)).transpose()?.unwrap_or_default())
}

fn json_text(value: &Value) -> Result<Cow<'static, str>, Unfit> {
    if nests_beyond(value, JSON_DEPTH_MAX) { Err(Unfit::TooDeep) } else { Ok(value.to_string().into()) }
}

fn json_of<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Unfit> {
    serde_json::from_str(text).map_err(|_| Unfit::Shape)
}

fn nests_beyond(value: &Value, depth: usize) -> bool {
    // Stops at the limit, so the recursion cannot overflow the stack however deep the value is.
    match value {
        Value::Array(items) => depth == 0 || items.iter().any(|item| nests_beyond(item, depth - 1)),
        Value::Object(map) => depth == 0 || map.values().any(|item| nests_beyond(item, depth - 1)),
        _ => false,
    }
}
