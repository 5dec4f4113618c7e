//! `OrgUnit`: the GraphQL type of a unit, with its ancestors, children, descendants and rolled-up totals.

use async_graphql::{Context, Description, ID, Object, OneofObject, SimpleObject};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind, OrgUnit as Record};
use crate::model::key::{ExternalId, UnitKey};
use crate::model::level::{Level, UnitType};
use crate::model::reference::UnitRef;
use crate::model::version::ExpectedRevision;
use crate::query::filter::Filter;
use crate::server::graphql::execution::budget::{self, Budget, list};
use crate::server::graphql::filter::{
    OrgUnitFilter, OrgUnitOrder, PersonFilter, PersonOrder, ProjectFilter, ProjectOrder, RepositoryFilter,
    RepositoryOrder,
};
use crate::server::graphql::plan::{EntityType, FieldRequest, Planned, VisibleRecord, Writer};
use crate::server::graphql::types::connection::{Connection, Listed, PageArgs, connection};
use crate::server::graphql::types::descendants::{DescendantConnection, descendants_field};
use crate::server::graphql::types::facet::OrgUnitFacet;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};
use crate::wire::id::NamedRecord;

/// A unit of the hierarchy: an organization, business, department, group or team, or a unit of a custom type.
#[derive(Clone, Description)]
pub(crate) struct OrgUnit(pub(crate) VisibleEntity);

/// Reference to a unit. Exactly one field must be present.
#[derive(OneofObject)]
pub(crate) enum OrgUnitBy {
    /// The key.
    Key(String),
    /// Names from an ancestor down to the unit, as a list, or as one string separated by `/`.
    Path(Vec<String>),
    /// The id in an external system.
    ExternalId(String),
}

impl OrgUnitBy {
    /// The unit, if it is visible.
    ///
    /// # Errors
    /// The key or external id is malformed, or several units match.
    pub(crate) fn find(self, view: &View) -> Result<Option<EntityId>> {
        let reference = match self {
            Self::Key(key) => UnitRef::Key(UnitKey::parse(&key)?),
            Self::Path(names) => return at_path(view, names),
            Self::ExternalId(id) => UnitRef::ExternalId(ExternalId::parse(&id)?),
        };
        Ok(view.find_unit_of(&reference, None)?)
    }
}

/// The unit at the end of a path.
fn at_path(view: &View, names: Vec<String>) -> Result<Option<EntityId>> {
    // GraphQL coerces `path: "Corp/R&D"` to a list of one name. It is split at its slashes only if no unit has the
    // whole text as its name, because names may contain slashes.
    let spelled = match &*names {
        [text] => Some(text.split('/').map(|name| name.trim().to_owned()).collect()),
        _ => None,
    };
    let found = view.find_unit_of(&UnitRef::Path(names), None)?;
    match (found, spelled) {
        (None, Some(names)) => Ok(view.find_unit_of(&UnitRef::Path(names), None)?),
        (found, _) => Ok(found),
    }
}

/// Number of records below a unit at any depth, each counted once.
#[derive(SimpleObject)]
pub(crate) struct Totals {
    /// Descendant units, without the unit itself.
    units: u64,
    /// People placed in the unit or its descendants.
    people: u64,
    /// Projects placed in the unit or its descendants.
    projects: u64,
    /// Repositories of those projects.
    repositories: u64,
    /// Services of those projects.
    services: u64,
}

impl Totals {
    fn of(view: &View, unit: EntityId) -> Self {
        // Read from the closures' bitmaps, so it costs the same for any subtree and is not charged to the budget.
        let totals = view.totals(unit);
        Self {
            units: totals.units,
            people: totals.people,
            projects: totals.projects,
            repositories: totals.repositories,
            services: totals.services,
        }
    }
}

impl OrgUnit {
    pub(crate) fn at(view: &View, id: EntityId) -> Option<Self> {
        VisibleEntity::at(view, id).filter(|visible| visible.entity.kind() == Kind::OrgUnit).map(Self)
    }

    pub(crate) fn all(view: &View, ids: impl IntoIterator<Item = EntityId>) -> Vec<Self> {
        ids.into_iter().filter_map(|id| Self::at(view, id)).collect()
    }

    fn record(&self) -> Result<&Record> {
        self.0.entity.as_org_unit().ok_or_else(Problem::internal)
    }
}

impl Listed for OrgUnit {
    const KIND: Kind = Kind::OrgUnit;
    const CONNECTION: &'static str = "OrgUnitConnection";
    const EDGE: &'static str = "OrgUnitEdge";
    type Filter = OrgUnitFilter;
    type OrderBy = OrgUnitOrder;
    type FacetBy = OrgUnitFacet;

    fn at(view: &View, id: EntityId) -> Option<Self> {
        Self::at(view, id)
    }
}

impl Planned for OrgUnit {
    const NAME: &'static str = "OrgUnit";
    const IS_NODE: bool = true;
    type Value<'r> = VisibleRecord<'r, Record>;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "key" => Self::text(|unit| unit.key.as_str()),
            "name" => Self::text(|unit| unit.name.as_str()),
            "type" => Self::text(|unit| unit.unit_type.as_str()),
            "level" => Self::json(|visible| visible.record.unit_type.level().map(Level::number)),
            "externalId" => Self::text_if_any(|unit| unit.external_id.as_ref().map(ExternalId::as_str)),
            "attributes" => Self::attributes_of(|unit| &unit.attributes),
            "parents" => field.list::<Self, Self>(|run, visible| run.view.parents(visible.entity.id))?,
            "ancestors" => field.list::<Self, Self>(|run, visible| run.view.ancestors(visible.entity.id))?,
            "children" => {
                let types = unit_types(field.argument("types")?).ok()?;
                let is_listed = move |unit: &Record| types.is_empty() || types.contains(&unit.unit_type);
                field.list_of::<Self, Self>(|run, visible| run.view.children(visible.entity.id), is_listed)?
            }
            "descendants" => descendants_field(field)?,
            "people" => {
                let recursive = field.argument_or("recursive", true)?;
                connection::<Person, Self>(field, move |_, visible| placed(visible.entity.id, recursive))?
            }
            "projects" => {
                let recursive = field.argument_or("recursive", true)?;
                connection::<Project, Self>(field, move |_, visible| placed(visible.entity.id, recursive))?
            }
            "repositories" => {
                let recursive = field.argument_or("recursive", true)?;
                connection::<Repository, Self>(field, move |_, visible| placed(visible.entity.id, recursive))?
            }
            "totals" => {
                field.object::<Totals, Self>(|run, visible| Totals::of(run.view, visible.entity.id))?
            }
            _ => return Self::common(field),
        })
    }
}

impl EntityType for OrgUnit {
    type Record = Record;

    fn record_of(entity: &Entity) -> Option<&Record> {
        entity.as_org_unit()
    }
}

impl Planned for Totals {
    const NAME: &'static str = "Totals";
    type Value<'r> = &'r Self;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        let count: fn(&Self) -> u64 = match field.name() {
            "units" => |totals| totals.units,
            "people" => |totals| totals.people,
            "projects" => |totals| totals.projects,
            "repositories" => |totals| totals.repositories,
            "services" => |totals| totals.services,
            _ => return None,
        };
        Some(Self::json(count))
    }
}

/// The writer of a level field of a person or project.
pub(crate) fn level<'p, T: EntityType>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, T>> {
    let level = Level::ALL.into_iter().find(|level| level.as_str() == field.name())?;
    field.entity::<OrgUnit, T>(move |run, visible| run.level(visible.entity.id, level))
}

/// Records placed in the unit and, if `recursive`, in its descendants.
fn placed(unit: EntityId, recursive: bool) -> Filter {
    if recursive { Filter::Within(vec![unit]) } else { Filter::DirectlyIn(vec![unit]) }
}

#[Object(use_type_description)]
impl OrgUnit {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(self.0.global_id())
    }

    /// Key. Unique among units.
    async fn key(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.key.as_str()))
    }

    /// Display name. Several units may share one.
    async fn name(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.name.as_str()))
    }

    /// Unit type in lower case: one of the five levels, or a custom type.
    #[graphql(name = "type")]
    async fn unit_type(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.unit_type.as_str()))
    }

    /// Level number: 1 for an organization to 5 for a team. Null for a custom type.
    async fn level(&self) -> Result<Option<u8>> {
        Ok(self.record()?.unit_type.level().map(Level::number))
    }

    /// Its id in an external system.
    async fn external_id(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.external_id.as_ref().map(ExternalId::as_str).map(Metered))
    }

    /// Custom attributes, a JSON object.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.record()?.attributes)
    }

    /// Parent units, the earliest mapping first.
    async fn parents(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        Ok(Self::all(&self.0.view, list(context, &self.0.view, self.0.view.parents(self.0.id())).await?))
    }

    /// All ancestor units, each once, from the root down.
    async fn ancestors(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        Ok(Self::all(&self.0.view, list(context, &self.0.view, self.0.view.ancestors(self.0.id())).await?))
    }

    /// Child units, by name.
    async fn children(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only units of these types.")] types: Option<Vec<String>>,
    ) -> Result<Vec<OrgUnit>> {
        let types = unit_types(types)?;
        // Counted before the types are filtered: the graph's fan-out is what `fan_out` has weighed, and reading it all
        // is the cost.
        let mut children =
            Self::all(&self.0.view, list(context, &self.0.view, self.0.view.children(self.0.id())).await?);
        children.retain(|child| {
            types.is_empty() || child.record().is_ok_and(|unit| types.contains(&unit.unit_type))
        });
        Ok(children)
    }

    /// All descendant units as one flat list, in depth-first order, siblings by name. A unit with several parents is
    /// listed once, at its smallest depth.
    async fn descendants(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Maximum depth; 1 returns the children only. Default: unlimited.")] depth: Option<
            u32,
        >,
        #[graphql(desc = "Only units of these types. Descendants of other types are still searched.")] types: Option<
            Vec<String>,
        >,
        #[graphql(desc = "Page size, 0 to 1,000. Default: 1,000.")] first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
    ) -> Result<DescendantConnection> {
        let types = unit_types(types)?;
        DescendantConnection::new(Budget::of(context)?, &self.0, depth, &types, first, after.as_deref()).await
    }

    /// People placed in the unit and, unless `recursive` is false, in its descendants. Each once.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn people(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Include records placed in descendant units.", default = true)] recursive: bool,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<PersonFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<PersonOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Person>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, placed(self.0.id(), recursive), filter, order_by, page).await
    }

    /// Projects placed in the unit and, unless `recursive` is false, in its descendants. Each once.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn projects(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Include records placed in descendant units.", default = true)] recursive: bool,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<ProjectOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Project>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, placed(self.0.id(), recursive), filter, order_by, page).await
    }

    /// Repositories of the projects placed in the unit and, unless `recursive` is false, in its descendants. Each once.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn repositories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Include records placed in descendant units.", default = true)] recursive: bool,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<RepositoryFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<RepositoryOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Repository>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, placed(self.0.id(), recursive), filter, order_by, page).await
    }

    /// Number of records of each kind below the unit at any depth, each counted once.
    async fn totals(&self) -> Totals {
        Totals::of(&self.0.view, self.0.id())
    }

    /// Whether the record is a descendant of this unit. False for the unit itself.
    async fn contains(
        &self,
        #[graphql(desc = "A global id, or a unit's key, external id, path (`Corp/R&D`) or unique name.")] id: ID,
    ) -> Result<bool> {
        let view = &self.0.view;
        let lower = match NamedRecord::read(view, &id) {
            Some(NamedRecord::Entity(lower)) => lower,
            // A mapping is between records and not below a unit.
            Some(NamedRecord::Mapping(_)) => return Ok(false),
            None => view.find_unit(&UnitRef::Text(id.to_string()))?,
        };
        Ok(view.contains(self.0.id(), lower))
    }

    /// When the record was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.entity.stamps.created_at)
    }

    /// When the record was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.entity.stamps.updated_at)
    }

    /// The revision that last changed the record.
    async fn revision(&self) -> Revision {
        Revision(self.0.entity.stamps.revision)
    }

    /// The version of the record, for `ifRevision`: changes with each change of the record, and when the store is restored.
    async fn version(&self) -> String {
        ExpectedRevision::of(self.0.entity.stamps.revision, self.0.view.lineage()).to_string()
    }
}

/// Parses the unit types in an argument. Empty if it is absent.
pub(crate) fn unit_types(types: Option<Vec<String>>) -> Result<Vec<UnitType>> {
    Ok(types
        .unwrap_or_default()
        .iter()
        .map(|word| UnitType::parse(word))
        .collect::<std::result::Result<_, _>>()?)
}
