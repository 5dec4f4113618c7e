//! Commands: the changes that a caller can request, with all their fields.
//!
//! Invariant: a command holds only values that are valid by themselves. Whether it fits the records of a directory is
//! checked when it is planned.

use std::time::Duration;

use crate::model::attributes::AttributesPatch;
use crate::model::entity::EntityId;
use crate::model::key::{Email, Name, ProjectId, UnitKey};
use crate::model::level::UnitType;
use crate::model::mapping::{MappingId, MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::model::time::Timestamp;
use crate::model::token::{Role, TokenId};
use crate::model::version::ExpectedRevision;

pub use crate::model::patch::{LevelNames, Patch, Placement};
pub use crate::model::person::PersonFields;
pub use crate::model::project::{OwnerFields, ProjectFields, RepositoryFields, ServiceFields};
pub use crate::model::unit::UnitFields;

/// What to do when the record to create exists already.
///
/// ```
/// # let directory = clade::Directory::in_memory()?;
/// use clade::CreatePerson; // `or_update` sets `IfExists::Merge`; the default is `IfExists::Refuse`.
/// directory.apply(CreatePerson::new("ada@corp.example"))?;
/// assert_eq!(directory.apply(CreatePerson::new("ada@corp.example")).unwrap_err().code(), "duplicate");
/// assert!(directory.apply(CreatePerson::new("ada@corp.example").or_update()).is_ok());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse the command with [`Error::Duplicate`](crate::error::Error::Duplicate).
    #[default]
    Refuse,
    /// Update the record with the fields that are set.
    Merge,
}

/// A change to one record of a directory.
///
/// ```
/// use clade::{Command, CreatePerson, Directory, IntoCommand};
/// let command = CreatePerson::new("ada@corp.example").into_command()?;
/// assert!(matches!(command, Command::CreatePerson(_)));
/// assert_eq!(Directory::in_memory()?.apply(command)?.outcomes.len(), 1);
/// # Ok::<(), clade::Error>(())
/// ```
// Non-exhaustive: a new command must not break programs that match on it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Creates a unit.
    CreateUnit(Create<UnitFields>),
    /// Updates a unit.
    UpdateUnit(Update<UnitRef, UnitFields>),
    /// Deletes a unit and the mappings that name it; its children, people and projects stay.
    DeleteUnit(DeleteUnit),
    /// Creates a person.
    CreatePerson(Create<PersonFields>),
    /// Updates a person.
    UpdatePerson(Update<PersonRef, PersonFields>),
    /// Deletes a person and the mappings that name them.
    DeletePerson(Delete<PersonRef>),
    /// Creates a project.
    CreateProject(Create<ProjectFields>),
    /// Updates a project.
    UpdateProject(Update<ProjectRef, ProjectFields>),
    /// Deletes a project, its repositories and services, and the mappings that name it.
    DeleteProject(Delete<ProjectRef>),
    /// Creates a mapping between two records that exist.
    CreateMapping(Create<MappingFields>),
    /// Updates a mapping.
    UpdateMapping(Update<MappingId, MappingFields>),
    /// Deletes a mapping.
    DeleteMapping(Delete<MappingId>),
    /// Deletes the mapping between two records.
    EndMapping(EndMapping),
    /// Makes one unit a parent of another, and creates either if it does not exist.
    LinkUnits(LinkUnits),
    /// Moves a unit, with everything below it, to another parent.
    MoveUnit(MoveUnit),
    /// Creates a token whose secret the caller has generated.
    CreateToken(NewToken),
    /// Updates the role, description or expiry of a token.
    UpdateToken(UpdateToken),
    /// Creates a token that replaces another, which stays valid for an overlap.
    RotateToken(RotateToken),
    /// Revokes a token. It stays on record.
    RevokeToken(TokenId),
}

/// Creates a record.
///
/// ```
/// # use clade::{Command, Directory};
/// use clade::model::{Email, command::{Create, IfExists, PersonFields}};
/// let fields = PersonFields { email: Some(Email::parse("ada@corp.example")?), ..PersonFields::default() };
/// let create = Command::CreatePerson(Create { fields, if_exists: IfExists::Refuse });
/// assert!(Directory::in_memory()?.apply(create)?.view.person("ada@corp.example").is_ok());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Create<F> {
    /// The fields of the record.
    pub fields: F,
    /// What to do when the record exists.
    pub if_exists: IfExists,
}

/// Updates a record.
///
/// ```
/// # use clade::{Command, CreatePerson, Directory};
/// use clade::model::{Email, Name, command::{Patch, PersonFields, PersonRef, Update}};
/// # let directory = Directory::in_memory()?;
/// let seen = directory.apply(CreatePerson::new("ada@corp.example"))?.view.revision();
/// let target = PersonRef::Email(Email::parse("ada@corp.example")?);
/// let fields = PersonFields { first_name: Patch::Set(Name::parse("Ada")?), ..PersonFields::default() };
/// let update = Update { target, fields, if_revision: Some(seen.into()) };
/// assert!(directory.apply(Command::UpdatePerson(update.clone())).is_ok());
/// let stale = directory.apply(Command::UpdatePerson(update)).unwrap_err();
/// assert_eq!(stale.code(), "precondition-failed", "the first update gave the record a new revision");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Update<R, F> {
    /// The record to update.
    pub target: R,
    /// The fields to change; the others keep their values.
    pub fields: F,
    /// Refuse unless the record's last change is of this revision; `None` for no check.
    pub if_revision: Option<ExpectedRevision>,
}

/// Deletes a record. It stays in the store with its `valid_to` set.
///
/// ```
/// # use clade::{Command, CreateProject, Directory};
/// use clade::model::command::{Delete, ProjectRef};
/// use clade::model::ProjectId;
/// # let directory = Directory::in_memory()?; directory.apply(CreateProject::new("cart", "Cart"))?;
/// let target = ProjectRef::ProjectId(ProjectId::parse("cart")?);
/// let delete = Command::DeleteProject(Delete { target, if_revision: None });
/// assert!(directory.apply(delete)?.view.all(clade::Kind::Project).is_empty());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Delete<R> {
    /// The record to delete.
    pub target: R,
    /// Refuse unless the record's last change is of this revision; `None` for no check.
    pub if_revision: Option<ExpectedRevision>,
}

/// Deletes a unit.
///
/// ```
/// # use clade::{Command, CreateOrgUnit, Directory};
/// use clade::model::command::{Beneath, DeleteUnit};
///
/// let directory = Directory::in_memory()?;
/// directory.apply(CreateOrgUnit::new("Corp", "organization"))?;
/// directory.apply(CreateOrgUnit::new("Retail", "business").under("Corp"))?;
/// let delete = DeleteUnit { target: "Corp".into(), if_revision: None, beneath: Beneath::Lift };
/// assert_eq!(directory.apply(Command::DeleteUnit(delete))?.outcomes[0].beneath.lifted, 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DeleteUnit {
    /// The unit to delete.
    pub target: UnitRef,
    /// Refuse unless the unit's last change is of this revision; `None` for no check.
    pub if_revision: Option<ExpectedRevision>,
    /// What becomes of the records directly beneath it.
    pub beneath: Beneath,
}

/// What becomes of the child units, people and projects of a unit that is deleted.
///
/// ```
/// use clade::model::command::Beneath;
/// assert_eq!(Beneath::default(), Beneath::Refuse);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Beneath {
    /// The command is refused if there are any.
    #[default]
    Refuse,
    /// They are placed under the unit's parents; if it has none, units become roots, and people and projects are in no unit.
    Lift,
    /// Child units that no other unit holds are deleted as well, at any depth. People and projects lose their place in
    /// what is deleted, and stay.
    End,
}

/// What became of the records beneath a deleted unit.
///
/// ```
/// use clade::model::command::BeneathCounts;
/// assert_eq!(BeneathCounts::default().lifted, 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BeneathCounts {
    /// Records that were placed under the unit's parents.
    pub lifted: usize,
    /// Other units that were deleted.
    pub ended_units: usize,
    /// Places of people and projects that ended.
    pub ended_placements: usize,
}

/// A reference to a person.
///
/// ```
/// # use clade::{Command, CreatePerson, Directory};
/// use clade::model::command::{Delete, PersonRef};
/// # let directory = Directory::in_memory()?;
/// let view = directory.apply(CreatePerson::new("ada@corp.example"))?.view;
/// let target = PersonRef::Id(view.person("ada@corp.example")?.id());
/// let view = directory.apply(Command::DeletePerson(Delete { target, if_revision: None }))?.view;
/// assert!(view.person("ada@corp.example").is_err());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// By email, without regard to case.
    Email(Email),
    /// By the id that a view of the same directory returned.
    Id(EntityId),
}

/// A reference to a project.
///
/// ```
/// # use clade::{Command, CreateProject, Directory};
/// use clade::model::{ProjectId, command::{Delete, ProjectRef}};
/// # let directory = Directory::in_memory()?; directory.apply(CreateProject::new("cart", "Cart"))?;
/// let target = ProjectRef::ProjectId(ProjectId::parse("cart")?);
/// let view = directory.apply(Command::DeleteProject(Delete { target, if_revision: None }))?.view;
/// assert!(view.project("cart").is_err());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRef {
    /// By project id, exactly.
    ProjectId(ProjectId),
    /// By the id that a view of the same directory returned.
    Id(EntityId),
}

/// The fields of a mapping, in a command.
///
/// ```
/// # use clade::{Command, CreateOrgUnit, CreatePerson, Directory};
/// use clade::model::command::{Create, EndRef, IfExists, MappingFields};
/// # let directory = Directory::in_memory()?;
/// # directory.apply(CreateOrgUnit::new("Corp", "team"))?; directory.apply(CreatePerson::new("ada@corp.example"))?;
/// let [from, to] = ["ada@corp.example", "Corp"].map(|end| Some(EndRef::Text(end.to_owned())));
/// let fields = MappingFields { from, to, ..MappingFields::default() };
/// let create = Command::CreateMapping(Create { fields, if_exists: IfExists::Refuse });
/// assert_eq!(directory.apply(create)?.view.mappings()[0].mapping_type.as_str(), "people-org");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MappingFields {
    /// Its type; `None` derives it from the kinds of the two ends.
    pub mapping_type: Option<MappingType>,
    /// Its relationship; `None` uses the default of the type.
    pub relationship: Option<Relationship>,
    /// `attribute1`; required for a new mapping.
    pub from: Option<EndRef>,
    /// `attribute2`; required for a new mapping.
    pub to: Option<EndRef>,
    /// The system that stated it.
    pub source: Patch<Name>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
}

/// Deletes the mapping between two records.
///
/// ```
/// # use clade::{Command, CreatePerson, Directory};
/// use clade::model::command::{EndMapping, EndRef};
/// # let directory = Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example").under("Corp"))?;
/// let [from, to] = ["ada@corp.example", "Corp"].map(|end| EndRef::Text(end.to_owned()));
/// let end = Command::EndMapping(EndMapping { mapping_type: None, from, to });
/// assert!(directory.apply(end)?.view.mappings().is_empty());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EndMapping {
    /// Its type; `None` derives it from the kinds of the two ends.
    pub mapping_type: Option<MappingType>,
    /// `attribute1`.
    pub from: EndRef,
    /// `attribute2`.
    pub to: EndRef,
}

/// A reference to one end of a mapping.
///
/// ```
/// use clade::{Command, CreateMapping, IntoCommand, model::command::EndRef}; // the builders take texts
/// let Command::CreateMapping(create) = CreateMapping::member("cart", "ada@corp.example").into_command()? else {
///     unreachable!("it was built as one");
/// };
/// assert_eq!(create.fields.to, Some(EndRef::Text("ada@corp.example".to_owned())));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndRef {
    /// An email, a project id or a reference to a unit, depending on the mapping's type.
    Text(String),
    /// A unit by the names on the path to it from any ancestor.
    Path(Vec<String>),
    /// The unit with exactly this key.
    Unit(UnitKey),
    /// The person with this email.
    Person(Email),
    /// The project with this id.
    Project(ProjectId),
    /// The entity with the id that a view of the same directory returned.
    Id(EntityId),
}

/// Makes one unit a parent of another, and creates either if it does not exist.
///
/// ```
/// use clade::{Directory, model::command::LinkUnits};
/// let view = Directory::in_memory()?.apply(LinkUnits::new("Corp", "Research"))?.view;
/// assert_eq!(view.org_unit("Corp")?.children().count(), 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LinkUnits {
    /// The parent.
    pub parent: UnitSpec,
    /// The child.
    pub child: UnitSpec,
    /// The relationship; `None` means `org-hierarchy`.
    pub relationship: Option<Relationship>,
    /// The system that stated it.
    pub source: Patch<Name>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
    /// What to do when the two are linked already.
    pub if_exists: IfExists,
}

/// A unit to look up, or to create with this type if there is none.
///
/// ```
/// use clade::model::{Level, UnitType, command::LinkUnits};
/// let link = LinkUnits::new("Corp", "Search").types(Level::Organization.into(), UnitType::parse("squad")?);
/// let view = clade::Directory::in_memory()?.apply(link)?.view;
/// assert_eq!(view.org_unit("Search")?.unit_type.as_str(), "squad");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UnitSpec {
    /// The reference to look it up by; the last name of it becomes the name of a new unit.
    pub reference: UnitRef,
    /// Only units of this type match. `None` matches any, and creates one a level below its parent.
    pub unit_type: Option<UnitType>,
}

/// Moves a unit, with everything below it, to another parent.
///
/// ```
/// # use clade::{Command, CreateOrgUnit, Directory, model::command::MoveUnit};
/// # let directory = Directory::in_memory()?;
/// # directory.apply(["Checkout", "Web"].map(|name| CreateOrgUnit::new(name, "team")))?;
/// let to_web = MoveUnit { unit: "Checkout".into(), to: "Web".into(), from: None, if_revision: None };
/// assert_eq!(directory.apply(Command::MoveUnit(to_web))?.view.org_unit("Web")?.totals().units, 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MoveUnit {
    /// The unit to move.
    pub unit: UnitRef,
    /// The new parent.
    pub to: UnitRef,
    /// The parent to remove; required only if the unit has several.
    pub from: Option<UnitRef>,
    /// Refuse unless the unit's last change is of this revision; `None` for no check.
    pub if_revision: Option<ExpectedRevision>,
}

/// A new token, whose secret the caller has generated.
///
/// ```
/// use clade::access::Secret;
/// use clade::{Command, Directory, model::{Role, command::NewToken}};
/// let secret = Secret::generate();
/// let (id, hash) = (secret.id().clone(), secret.hash());
/// let token = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None };
/// let view = Directory::in_memory()?.apply(Command::CreateToken(token))?.view;
/// assert_eq!(view.token(secret.id()).map(|token| token.role), Some(Role::Read));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its public part.
    pub id: TokenId,
    /// BLAKE3 of the whole secret.
    // A hash, not the secret: commands become log entries, and the log is exported and backed up.
    pub hash: [u8; 32],
    /// The operations that it permits.
    pub role: Role,
    /// Its purpose.
    pub description: Option<Name>,
    /// The units, with everything below them, that it is limited to: 1 to 1000. `None` for the whole directory.
    // An empty list is refused rather than read as `None`: a caller that filtered all units out must not get
    // everything.
    pub units: Option<Vec<UnitRef>>,
    /// When it expires; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// Updates the role, description or expiry of a token. Its units cannot be changed.
///
/// ```
/// use clade::model::{Role, TokenId, command::{Patch, UpdateToken}};
/// let id = TokenId::parse("aB3dE5gH")?;
/// let update = UpdateToken { id, role: Some(Role::Write), description: Patch::Keep, expires_at: Patch::Clear };
/// let refusal = clade::Directory::in_memory()?.apply(clade::Command::UpdateToken(update)).unwrap_err();
/// assert_eq!(refusal.code(), "not-found");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateToken {
    /// The token to update.
    pub id: TokenId,
    /// The new role; `None` keeps it. A token always has one, so this is not a [`Patch`].
    pub role: Option<Role>,
    /// Its purpose.
    pub description: Patch<Name>,
    /// When it expires; cleared for never.
    pub expires_at: Patch<Timestamp>,
}

/// A new token that replaces another: with the same role, units, description and lifetime. The caller has generated its
/// secret.
///
/// ```
/// # use clade::{Command, Directory, access::Secret, model::{Role, command::NewToken}};
/// use clade::model::command::RotateToken;
/// # let (directory, old) = (Directory::in_memory()?, Secret::generate());
/// # let (id, hash) = (old.id().clone(), old.hash());
/// # let token = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None };
/// # directory.apply(Command::CreateToken(token))?;
/// let new = Secret::generate();
/// let (id, new_id, new_hash) = (old.id().clone(), new.id().clone(), new.hash());
/// let rotate = RotateToken { id, new_id, new_hash, overlap: std::time::Duration::from_hours(1) };
/// assert_eq!(directory.apply(Command::RotateToken(rotate))?.view.tokens().len(), 2, "both are valid for an hour");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateToken {
    /// The token to replace, which must be valid.
    pub id: TokenId,
    /// The public part of the new token.
    pub new_id: TokenId,
    /// BLAKE3 of the whole new secret.
    pub new_hash: [u8; 32],
    /// How long the old token stays valid, unless it expires earlier.
    pub overlap: Duration,
}

/// The result of a command.
///
/// ```
/// use clade::model::command::{Effect, Subject};
/// let applied = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let outcome = &applied.outcomes[0];
/// let Subject::Entity(id) = outcome.subject else { unreachable!("a person is an entity") };
/// assert_eq!((outcome.effect, applied.view.label(id).as_str()), (Effect::Created, "ada@corp.example"));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The record that was the target of the command.
    pub subject: Subject,
    /// What the command did to it.
    pub effect: Effect,
    /// Of a deleted unit: what became of the records beneath it.
    pub beneath: BeneathCounts,
}

impl Outcome {
    /// The outcome of a command that deletes no unit.
    #[must_use]
    pub fn new(subject: Subject, effect: Effect) -> Self {
        Self { subject, effect, beneath: BeneathCounts::default() }
    }
}

/// The record that was the target of a command.
///
/// ```
/// use clade::model::command::{LinkUnits, Subject};
/// let applied = clade::Directory::in_memory()?.apply(LinkUnits::new("Corp", "Research"))?;
/// let Subject::Mapping(id) = &applied.outcomes[0].subject else { unreachable!("a link is a mapping") };
/// assert!(applied.view.mapping(id).is_some());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A unit, person or project.
    Entity(EntityId),
    /// A mapping.
    Mapping(MappingId),
    /// A token.
    Token(TokenId),
}

/// What a command did to its record.
///
/// ```
/// use clade::{CreatePerson, Directory, model::command::Effect};
/// let directory = Directory::in_memory()?;
/// let sync = || directory.apply(CreatePerson::new("ada@corp.example").or_update());
/// assert_eq!(sync()?.outcomes[0].effect, Effect::Created);
/// assert_eq!(sync()?.outcomes[0].effect, Effect::Unchanged, "an unchanged record makes no revision");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It was created.
    Created,
    /// It was updated.
    Updated,
    /// It was in the requested state already. Nothing was written.
    Unchanged,
    /// It was deleted or revoked.
    Deleted,
}
