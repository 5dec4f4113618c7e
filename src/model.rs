//! Data model: entities, keys, levels, mappings, tokens, commands and change sets.
//!
//! Invariant: nothing here depends on other records, the disk or a wire format, and only [`Timestamp::now`] reads the
//! clock. Values are validated when they are constructed, so code that receives one does not check it again.

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
pub mod repo_url;
pub mod text;
pub mod time;
pub mod token;
pub mod unit;
pub mod version;

// The structs behind the builders (`Create`, `PersonFields`, …) are exported by `command` alone: transports fill them
// field by field, while a program that starts from the builders would only find two ways to write the same command.
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
pub use key::{Email, ExternalId, Name, ProjectId, ServiceIdentifier, UnitKey};
pub use level::{Level, UnitType};
pub use mapping::{Mapping, MappingId, MappingType, Relationship};
pub use reference::UnitRef;
pub use repo_url::RepoUrl;
pub use time::Timestamp;
pub use token::{Actor, JwtSubject, Role, Token, TokenId};
pub use version::{ExpectedRevision, Lineage};
