//! What may be asked for. A command says what is wanted; whether it can be is the planner's to tell.

use std::time::Duration;

use crate::model::attributes::AttributesPatch;
use crate::model::entity::{EntityId, Revision};
use crate::model::key::{Email, Name, ProjectId, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::{MappingId, MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::model::time::Timestamp;
use crate::model::token::{Role, TokenId};

pub use crate::model::patch::{LevelNames, Patch, Placement};
pub use crate::model::person::PersonFields;
pub use crate::model::project::{OwnerFields, ProjectFields, RepositoryFields, ServiceFields};
pub use crate::model::unit::UnitFields;

/// What to do when the record to be created is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse, naming it.
    #[default]
    Refuse,
    /// Merge what is given into it.
    Merge,
}

/// Everything that a directory can be asked to change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Makes a unit.
    CreateUnit(Create<UnitFields>),
    /// Changes a unit.
    UpdateUnit(Update<UnitRef, UnitFields>),
    /// Ends a unit and the mappings that name it; what was beneath it stays.
    DeleteUnit(Delete<UnitRef>),
    /// Makes a person.
    CreatePerson(Create<PersonFields>),
    /// Changes a person.
    UpdatePerson(Update<PersonRef, PersonFields>),
    /// Ends a person and the mappings that name them.
    DeletePerson(Delete<PersonRef>),
    /// Makes a project.
    CreateProject(Create<ProjectFields>),
    /// Changes a project.
    UpdateProject(Update<ProjectRef, ProjectFields>),
    /// Ends a project, its repositories and services, and the mappings that name it.
    DeleteProject(Delete<ProjectRef>),
    /// Maps two known records onto each other.
    CreateMapping(Create<MappingFields>),
    /// Changes a mapping.
    UpdateMapping(Update<MappingId, MappingFields>),
    /// Ends a mapping.
    DeleteMapping(Delete<MappingId>),
    /// Puts one unit beneath another and makes either where it does not exist.
    LinkUnits(LinkUnits),
    /// Puts a unit beneath another parent.
    MoveUnit(MoveUnit),
    /// Keeps a token whose secret the caller holds.
    CreateToken(NewToken),
    /// Changes what a token says of itself.
    UpdateToken(UpdateToken),
    /// Keeps a new token in place of another, which goes on for a while.
    RotateToken(RotateToken),
    /// Refuses a token from now on.
    RevokeToken(TokenId),
}

/// Makes a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Create<F> {
    /// What it holds.
    pub fields: F,
    /// What to do when it is there.
    pub if_exists: IfExists,
}

/// Changes a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Update<R, F> {
    /// Which.
    pub target: R,
    /// What becomes of its fields.
    pub fields: F,
    /// Refuse unless the record is still of this revision.
    pub if_revision: Option<Revision>,
}

/// Ends a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete<R> {
    /// Which.
    pub target: R,
    /// Refuse unless the record is still of this revision.
    pub if_revision: Option<Revision>,
}

/// A way to name a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// By email.
    Email(Email),
    /// A person already found, in the same directory.
    Id(EntityId),
}

/// A way to name a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRef {
    /// By project id.
    ProjectId(ProjectId),
    /// A project already found, in the same directory.
    Id(EntityId),
}

/// What is said of a mapping.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MappingFields {
    /// What it connects; told from the two ends when not given.
    pub mapping_type: Option<MappingType>,
    /// How; the type's own when not given.
    pub relationship: Option<Relationship>,
    /// `attribute1`; required of a new mapping.
    pub from: Option<EndRef>,
    /// `attribute2`; required of a new mapping.
    pub to: Option<EndRef>,
    /// Which system says so.
    pub source: Patch<Name>,
    /// All else.
    pub attributes: AttributesPatch,
}

/// A way to name one end of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndRef {
    /// An email, a project id or a unit, by what the mapping's type asks for.
    Text(String),
    /// Names from an ancestor downwards: a unit.
    Path(Vec<String>),
    /// The unit with exactly this key.
    Unit(UnitKey),
    /// The person with this email.
    Person(Email),
    /// The project with this id.
    Project(ProjectId),
    /// An entity already found, in the same directory.
    Id(EntityId),
}

/// Puts one unit beneath another.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkUnits {
    /// The upper one.
    pub parent: UnitSpec,
    /// The lower one.
    pub child: UnitSpec,
    /// How; `org-hierarchy` when not given.
    pub relationship: Option<Relationship>,
    /// Which system says so.
    pub source: Patch<Name>,
    /// All else.
    pub attributes: AttributesPatch,
    /// What to do when it is there already.
    pub if_exists: IfExists,
}

/// A unit that is found, or made with this type. Where a type is given, only units of it are found.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitSpec {
    /// How it is named.
    pub reference: UnitRef,
    /// Its type.
    pub unit_type: Option<UnitType>,
}

/// Puts a unit beneath another parent.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveUnit {
    /// Which.
    pub unit: UnitRef,
    /// The parent it gets.
    pub to: UnitRef,
    /// The parent it loses; may be left out where it has just one, or none.
    pub from: Option<UnitRef>,
    /// Refuse unless the unit is still of this revision.
    pub if_revision: Option<Revision>,
}

/// A token whose secret the caller holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its public part.
    pub id: TokenId,
    /// BLAKE3 of the whole secret.
    pub hash: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// What it is for.
    pub description: Option<Name>,
    /// The units that it sees and may change, with what is beneath them; everything when not given.
    pub units: Option<Vec<UnitRef>>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// Changes what a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateToken {
    /// Which.
    pub id: TokenId,
    /// What it may do.
    pub role: Option<Role>,
    /// What it is for.
    pub description: Patch<Name>,
    /// From when on it is refused.
    pub expires_at: Patch<Timestamp>,
}

/// A token whose secret the caller holds, to take the place of another: with its role, units and description, and for
/// as long as that one was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateToken {
    /// The one to be replaced.
    pub id: TokenId,
    /// The public part of the new one.
    pub new_id: TokenId,
    /// BLAKE3 of the whole new secret.
    pub new_hash: [u8; 32],
    /// How long both hold.
    pub overlap: Duration,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The record it was about.
    pub subject: Subject,
    /// What became of it.
    pub effect: Effect,
}

/// The record that a command was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A unit, person or project.
    Entity(EntityId),
    /// A mapping.
    Mapping(MappingId),
    /// A token.
    Token(TokenId),
}

/// What became of the record that a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was made.
    Created,
    /// It changed.
    Updated,
    /// It was already so.
    Unchanged,
    /// It was ended.
    Deleted,
}
