//! `Project`: the GraphQL type of a project, with its owner, members, repositories and services.

use async_graphql::{Context, Description, ID, Object};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind, Project as Record, ProjectOwner as OwnerRecord};
use crate::model::key::{Email, ExternalId, Name};
use crate::model::level::Level;
use crate::model::version::ExpectedRevision;
use crate::query::filter::{Field, Filter, Relation, TextTest};
use crate::server::graphql::execution::budget::{self, list};
use crate::server::graphql::filter::{PersonFilter, PersonOrder, ProjectFilter, ProjectOrder};
use crate::server::graphql::plan::{self, EntityType, FieldRequest, Planned, VisibleRecord, Writer, null};
use crate::server::graphql::types::connection::{Connection, Listed, PageArgs, connection};
use crate::server::graphql::types::facet::ProjectFacet;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::org_unit::{OrgUnit, level};
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::graphql::types::service::Service;
use crate::server::response::problem::{Problem, Result};

/// A project.
#[derive(Clone, Description)]
pub(crate) struct Project(pub(crate) VisibleEntity);

impl Listed for Project {
    const KIND: Kind = Kind::Project;
    const CONNECTION: &'static str = "ProjectConnection";
    const EDGE: &'static str = "ProjectEdge";
    type Filter = ProjectFilter;
    type OrderBy = ProjectOrder;
    type FacetBy = ProjectFacet;

    fn at(view: &View, id: EntityId) -> Option<Self> {
        VisibleEntity::at(view, id).filter(|visible| visible.entity.kind() == Kind::Project).map(Self)
    }
}

impl Project {
    fn record(&self) -> Result<&Record> {
        self.0.entity.as_project().ok_or_else(Problem::internal)
    }

    fn level(&self, level: Level) -> Option<OrgUnit> {
        let view = &self.0.view;
        view.levels(self.0.id())[level.index()].and_then(|unit| OrgUnit::at(view, unit))
    }
}

impl Planned for Project {
    const NAME: &'static str = "Project";
    const IS_NODE: bool = true;
    type Value<'r> = VisibleRecord<'r, Record>;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "projectId" => Self::text(|project| project.project_id.as_str()),
            "projectName" => Self::text(|project| project.name.as_str()),
            "externalId" => Self::text_if_any(|project| project.external_id.as_ref().map(ExternalId::as_str)),
            "attributes" => Self::attributes_of(|project| &project.attributes),
            "owner" => {
                let fields = field.fields::<ProjectOwner>()?;
                Self::written(move |run, outline, visible, out| match &visible.record.owner {
                    Some(owner) => fields.write(run, outline, owner, out),
                    None => null(out),
                })
            }
            "units" => field.list::<OrgUnit, Self>(|run, visible| run.view.parents(visible.entity.id))?,
            "members" => connection::<Person, Self>(field, |_, visible| works_on(visible.record))?,
            "repositories" => field.list::<Repository, Self>(|run, visible| {
                run.view.assets(visible.entity.id, Kind::Repository)
            })?,
            "services" => field
                .list::<Service, Self>(|run, visible| run.view.assets(visible.entity.id, Kind::Service))?,
            _ => return level(field).or_else(|| Self::common(field)),
        })
    }
}

impl EntityType for Project {
    type Record = Record;

    fn record_of(entity: &Entity) -> Option<&Record> {
        entity.as_project()
    }
}

#[Object(use_type_description)]
impl Project {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(self.0.global_id())
    }

    /// Project id. Unique among projects.
    async fn project_id(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.project_id.as_str()))
    }

    /// Display name.
    async fn project_name(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.name.as_str()))
    }

    /// Its id in an external system.
    async fn external_id(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.external_id.as_ref().map(ExternalId::as_str).map(Metered))
    }

    /// Custom attributes, a JSON object.
    // Nullable in the schema, unlike in the other types. The resolver never returns null; only an error gives one.
    async fn attributes(&self, context: &Context<'_>) -> Option<Result<Json>> {
        Some(self.record().and_then(|record| budget::attributes(context, &record.attributes)))
    }

    /// The project's owner. Null if it has none.
    async fn owner(&self) -> Result<Option<ProjectOwner>> {
        let owner = self.record()?.owner.clone();
        Ok(owner.map(|record| ProjectOwner { view: self.0.view.clone(), record }))
    }

    /// The units that the project is placed in, the earliest mapping first.
    async fn units(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        Ok(OrgUnit::all(&self.0.view, list(context, &self.0.view, self.0.view.parents(self.0.id())).await?))
    }

    /// The nearest organization above. Between equally near ones, the earliest mapping wins.
    async fn organization(&self) -> Option<OrgUnit> {
        self.level(Level::Organization)
    }

    /// The nearest business above. Between equally near ones, the earliest mapping wins.
    async fn business(&self) -> Option<OrgUnit> {
        self.level(Level::Business)
    }

    /// The nearest department above. Between equally near ones, the earliest mapping wins.
    async fn department(&self) -> Option<OrgUnit> {
        self.level(Level::Department)
    }

    /// The nearest group above. Between equally near ones, the earliest mapping wins.
    async fn group(&self) -> Option<OrgUnit> {
        self.level(Level::Group)
    }

    /// The nearest team above. Between equally near ones, the earliest mapping wins.
    async fn team(&self) -> Option<OrgUnit> {
        self.level(Level::Team)
    }

    /// The people who are members of the project.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn members(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<PersonFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<PersonOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Person>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, works_on(self.record()?), filter, order_by, page).await
    }

    /// The project's repositories, in input order.
    async fn repositories(&self, context: &Context<'_>) -> Result<Vec<Repository>> {
        let view = &self.0.view;
        let assets = list(context, view, view.assets(self.0.id(), Kind::Repository)).await?;
        Ok(assets.into_iter().filter_map(|id| Repository::at(view, id)).collect())
    }

    /// The project's services, in input order.
    async fn services(&self, context: &Context<'_>) -> Result<Vec<Service>> {
        let view = &self.0.view;
        let assets = list(context, view, view.assets(self.0.id(), Kind::Service)).await?;
        Ok(assets.into_iter().filter_map(|id| Service::at(view, id)).collect())
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

/// The owner in a project's record. Not necessarily a person in the directory.
#[derive(Description)]
pub(crate) struct ProjectOwner {
    view: View,
    record: OwnerRecord,
}

#[Object(use_type_description)]
impl ProjectOwner {
    /// First name.
    async fn first_name(&self) -> Option<Metered<&str>> {
        self.record.first_name.as_deref().map(Name::as_str).map(Metered)
    }

    /// Last name.
    async fn last_name(&self) -> Option<Metered<&str>> {
        self.record.last_name.as_deref().map(Name::as_str).map(Metered)
    }

    /// Email address.
    async fn email(&self) -> Option<Metered<&str>> {
        self.record.email.as_ref().map(Email::as_str).map(Metered)
    }

    /// The person with this email. Null if no visible person has it.
    async fn person(&self) -> Option<Person> {
        // Found by email at each read and not stored: the person may be created later, or be outside the scope.
        let id = self.view.person_by_email(self.record.email.as_ref()?)?;
        Person::at(&self.view, id)
    }
}

impl Planned for ProjectOwner {
    const NAME: &'static str = "ProjectOwner";
    type Value<'r> = &'r OwnerRecord;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "firstName" => Self::leaf(|run, owner, out| {
                run.text_if_any(owner.first_name.as_deref().map(Name::as_str), out)
            }),
            "lastName" => Self::leaf(|run, owner, out| {
                run.text_if_any(owner.last_name.as_deref().map(Name::as_str), out)
            }),
            "email" => {
                Self::leaf(|run, owner, out| run.text_if_any(owner.email.as_ref().map(Email::as_str), out))
            }
            "person" => {
                field.entity::<Person, Self>(|run, owner| run.view.person_by_email(owner.email.as_ref()?))?
            }
            _ => return None,
        })
    }
}

/// People who are members of the project.
fn works_on(project: &Record) -> Filter {
    // The project id is a key, so this condition is one index lookup and no scan of the people.
    let id = Filter::Text(Field::ProjectId, TextTest::Eq(project.project_id.as_str().to_owned()));
    Filter::Related(Relation::Project, Box::new(id))
}

/// The writer of the field `project` of a repository or service.
pub(crate) fn owning_project<'p, T: EntityType>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, T>> {
    let fields = field.fields::<Project>()?;
    Some(T::written(move |run, outline, visible, out| {
        // Visible only through its project, so a missing project is a fault and not a null.
        let project = visible.entity.owning_project().and_then(|id| plan::visible::<Project>(run, id));
        fields.write(run, outline, project.ok_or_else(Problem::internal)?, out)
    }))
}
