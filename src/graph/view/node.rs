//! Nodes: a unit, person or project together with its view, so that a program can navigate from one to the next without
//! ids.
//!
//! Invariant: a node exists only for a visible record of its kind.

use std::ops::Deref;

use crate::error::Error;
use crate::graph::view::{Totals, View};
use crate::model::entity::{Entity, EntityId, Kind, OrgUnit, Person, Project, Repository, Service};
use crate::model::key::{Email, ProjectId};
use crate::model::level::Level;
use crate::model::reference::UnitRef;
use crate::model::repo_url::RepoUrl;

/// A unit in a view. Dereferences to its record, [`OrgUnit`].
///
/// ```
/// # fn main() -> Result<(), clade::Error> {
/// use clade::{CreatePerson, Directory};
///
/// let directory = Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
/// let view = directory.view();
/// let corp = view.org_unit("Corp")?;
/// let research = corp.children().next().expect("Corp has one child");
/// assert_eq!((research.name.as_str(), research.totals().people), ("Research", 1));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OrgUnitNode<'v> {
    view: &'v View,
    id: EntityId,
    record: &'v OrgUnit,
}

/// A person in a view. Dereferences to the record, [`Person`].
///
/// ```
/// # fn main() -> Result<(), clade::Error> {
/// use clade::model::Level;
/// use clade::{CreateOrgUnit, CreatePerson, Directory};
///
/// let directory = Directory::in_memory()?;
/// directory.apply(CreateOrgUnit::new("Research", "team"))?;
/// directory.apply(CreatePerson::new("ada@corp.example").in_units(["Research"]))?;
/// let view = directory.view();
/// let team = view.person("ada@corp.example")?.level(Level::Team).expect("she is in a team");
/// assert_eq!(team.name.as_str(), "Research");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PersonNode<'v> {
    view: &'v View,
    id: EntityId,
    record: &'v Person,
}

/// A project in a view. Dereferences to its record, [`Project`].
///
/// ```
/// # fn main() -> Result<(), clade::Error> {
/// use clade::model::RepoUrl;
/// use clade::{CreateMapping, CreatePerson, CreateProject, Directory};
///
/// let directory = Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example"))?;
/// let cart = CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart.git");
/// directory.apply(cart.under("Corp/Web"))?;
/// directory.apply(CreateMapping::member("cart", "ada@corp.example"))?;
///
/// let view = directory.view();
/// let url = RepoUrl::parse("git@github.com:corp/cart")?;
/// let cart = view.projects_with_repository(&url).next().expect("the url is known in any spelling");
/// assert_eq!(cart.org_units().next().expect("it is in a unit").name.as_str(), "Web");
/// assert_eq!(cart.members().next().expect("Ada works on it").email.as_str(), "ada@corp.example");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ProjectNode<'v> {
    view: &'v View,
    id: EntityId,
    record: &'v Project,
}

impl View {
    /// The unit with this reference: a key, an external id, a path (`"Corp/R&D"`) or a unique name.
    ///
    /// # Errors
    /// As [`View::find_unit`]: [`Error::NotFound`], or [`Error::Ambiguous`] if several units match.
    pub fn org_unit(&self, reference: impl Into<UnitRef>) -> Result<OrgUnitNode<'_>, Error> {
        let reference = reference.into();
        let id = self.find_unit(&reference)?;
        OrgUnitNode::at(self, id).ok_or_else(|| not_found(Kind::OrgUnit, &reference.shown()))
    }

    /// The person with this email, without regard to case.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `email` is not an address, [`Error::NotFound`] if no visible person has it.
    pub fn person(&self, email: &str) -> Result<PersonNode<'_>, Error> {
        let id = self.person_by_email(&Email::parse(email)?);
        id.and_then(|id| PersonNode::at(self, id)).ok_or_else(|| not_found(Kind::Person, email))
    }

    /// The project with this id.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `project_id` cannot be an id, [`Error::NotFound`] if no visible project has it.
    pub fn project(&self, project_id: &str) -> Result<ProjectNode<'_>, Error> {
        let id = self.project_by_id(&ProjectId::parse(project_id)?);
        id.and_then(|id| ProjectNode::at(self, id)).ok_or_else(|| not_found(Kind::Project, project_id))
    }

    /// The projects that have a repository with this URL, in any spelling; the earliest repository first.
    pub fn projects_with_repository(&self, url: &RepoUrl) -> impl Iterator<Item = ProjectNode<'_>> {
        let repositories = self.repositories_at(url).into_iter();
        repositories.filter_map(|id| ProjectNode::at(self, self.entity(id)?.owning_project()?))
    }
}

fn not_found(kind: Kind, reference: &str) -> Error {
    Error::not_found(kind.as_str(), reference)
}

/// The constructor, id and record of every node.
macro_rules! node {
    ($node:ident, $record:ident, $of_entity:ident) => {
        impl<'v> $node<'v> {
            /// The node of a visible record; `None` if the id is not visible or of another kind.
            #[must_use]
            pub fn at(view: &'v View, id: EntityId) -> Option<Self> {
                let record = view.entity(id)?.$of_entity()?;
                Some(Self { view, id, record })
            }

            /// The id of its record, as used by [`View`] and the module `query`.
            #[must_use]
            pub fn id(&self) -> EntityId {
                self.id
            }
        }

        impl Deref for $node<'_> {
            type Target = $record;

            fn deref(&self) -> &$record {
                self.record
            }
        }
    };
}

node!(OrgUnitNode, OrgUnit, as_org_unit);
node!(PersonNode, Person, as_person);
node!(ProjectNode, Project, as_project);

/// The units of people and projects.
macro_rules! placed {
    ($node:ident) => {
        impl<'v> $node<'v> {
            /// The units that it is placed in directly, the earliest mapping first.
            // `use<'v>`, here and below: captures the view's lifetime and not that of `&self`, so that an iterator may
            // outlive the node that it came from, as in `view.person(…)?.org_units()`.
            pub fn org_units(&self) -> impl Iterator<Item = OrgUnitNode<'v>> + use<'v> {
                let view = self.view;
                view.parents(self.id).into_iter().filter_map(|id| OrgUnitNode::at(view, id))
            }

            /// The unit of its level field: the nearest one of this level above it, or `None`. Among units at the same
            /// distance, the earliest mapping decides.
            #[must_use]
            pub fn level(&self, level: Level) -> Option<OrgUnitNode<'v>> {
                self.view.levels(self.id)[level.index()].and_then(|id| OrgUnitNode::at(self.view, id))
            }
        }
    };
}

placed!(PersonNode);
placed!(ProjectNode);

impl<'v> OrgUnitNode<'v> {
    /// The number of records below it, each counted once.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.view.totals(self.id)
    }

    /// Its parents, the earliest mapping first.
    pub fn parents(&self) -> impl Iterator<Item = OrgUnitNode<'v>> + use<'v> {
        self.nodes(self.view.parents(self.id))
    }

    /// All units above it, each once, root first.
    pub fn ancestors(&self) -> impl Iterator<Item = OrgUnitNode<'v>> + use<'v> {
        self.nodes(self.view.ancestors(self.id))
    }

    /// Its child units, by name.
    pub fn children(&self) -> impl Iterator<Item = OrgUnitNode<'v>> + use<'v> {
        self.nodes(self.view.children(self.id))
    }

    /// All units below it, each once, in order of creation.
    pub fn descendants(&self) -> impl Iterator<Item = OrgUnitNode<'v>> + use<'v> {
        let view = self.view;
        self.below(Kind::OrgUnit).filter_map(|id| OrgUnitNode::at(view, id))
    }

    /// All people placed in it or below it, each once, in order of creation.
    pub fn people(&self) -> impl Iterator<Item = PersonNode<'v>> + use<'v> {
        let view = self.view;
        self.below(Kind::Person).filter_map(|id| PersonNode::at(view, id))
    }

    /// All projects placed in it or below it, each once, in order of creation.
    pub fn projects(&self) -> impl Iterator<Item = ProjectNode<'v>> + use<'v> {
        let view = self.view;
        self.below(Kind::Project).filter_map(|id| ProjectNode::at(view, id))
    }

    fn nodes(&self, units: Vec<EntityId>) -> impl Iterator<Item = OrgUnitNode<'v>> + use<'v> {
        let view = self.view;
        units.into_iter().filter_map(|id| OrgUnitNode::at(view, id))
    }

    fn below(&self, kind: Kind) -> impl Iterator<Item = EntityId> + use<'v> {
        self.view.below(self.id, kind).iter().map(EntityId)
    }
}

impl<'v> PersonNode<'v> {
    /// The projects that this person is a member of, in the order of the mappings.
    pub fn projects(&self) -> impl Iterator<Item = ProjectNode<'v>> + use<'v> {
        let view = self.view;
        view.memberships(self.id).into_iter().filter_map(|id| ProjectNode::at(view, id))
    }
}

impl<'v> ProjectNode<'v> {
    /// Its members, in the order of the mappings.
    pub fn members(&self) -> impl Iterator<Item = PersonNode<'v>> + use<'v> {
        let view = self.view;
        view.members(self.id).into_iter().filter_map(|id| PersonNode::at(view, id))
    }

    /// Its repositories, in order of creation.
    pub fn repositories(&self) -> impl Iterator<Item = &'v Repository> + use<'v> {
        self.assets(Kind::Repository).filter_map(Entity::as_repository)
    }

    /// Its services, in order of creation.
    pub fn services(&self) -> impl Iterator<Item = &'v Service> + use<'v> {
        self.assets(Kind::Service).filter_map(Entity::as_service)
    }

    fn assets(&self, kind: Kind) -> impl Iterator<Item = &'v Entity> + use<'v> {
        let view = self.view;
        view.assets(self.id, kind).into_iter().filter_map(|id| view.entity(id).map(|entity| &**entity))
    }
}
