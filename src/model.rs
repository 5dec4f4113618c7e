//! What is true of one record: entities, keys, levels, mappings, tokens, commands and change sets.
//!
//! Nothing here knows of other records, of a disk, of a clock or of a wire format. A value of these
//! types has been checked: what cannot be right cannot be built.

pub mod attributes;
pub mod builder;
pub mod change;
pub mod command;
pub mod entity;
pub mod field;
pub mod id;
pub mod key;
pub mod level;
pub mod mapping;
pub mod patch;
pub mod person;
pub mod project;
pub mod reference;
pub mod time;
pub mod token;
pub mod unit;

pub use attributes::{Attributes, AttributesPatch};
pub use builder::{
    Commands, CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, DeleteMapping, DeleteOrgUnit,
    DeletePerson, DeleteProject, IntoCommand, IntoCommands, MoveOrgUnit, UpdateMapping, UpdateOrgUnit,
    UpdatePerson, UpdateProject,
};
pub use change::{Batch, BatchHash, Change, ChangeSet, RecordId};
pub use command::Command;
pub use entity::{
    Body, Entity, EntityId, Kind, OrgUnit, Person, Project, ProjectOwner, Repository, Revision, Service,
    Stamps,
};
pub use field::Field;
pub use key::{Email, ExternalId, Name, ProjectId, RepoUrl, ServiceIdentifier, UnitKey};
pub use level::{Level, UnitType};
pub use mapping::{Mapping, MappingId, MappingType, Relationship};
pub use reference::UnitRef;
pub use time::Timestamp;
pub use token::{Actor, JwtSubject, Role, Token, TokenId};
