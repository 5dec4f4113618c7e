//! `Person`: the GraphQL type of a person, with units, levels and projects.

use async_graphql::{Context, Description, ID, Object};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind, Person as Record};
use crate::model::key::{ExternalId, Name};
use crate::model::level::Level;
use crate::model::version::ExpectedRevision;
use crate::query::filter::{Field, Filter, Relation, TextTest};
use crate::server::graphql::execution::budget::{self, list};
use crate::server::graphql::filter::{PersonFilter, PersonOrder, ProjectFilter, ProjectOrder};
use crate::server::graphql::plan::{EntityType, FieldRequest, Planned, VisibleRecord, Writer};
use crate::server::graphql::types::connection::{Connection, Listed, PageArgs, connection};
use crate::server::graphql::types::facet::PersonFacet;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::org_unit::{OrgUnit, level};
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};

/// A person.
#[derive(Clone, Description)]
pub(crate) struct Person(pub(crate) VisibleEntity);

impl Listed for Person {
    const KIND: Kind = Kind::Person;
    const CONNECTION: &'static str = "PersonConnection";
    const EDGE: &'static str = "PersonEdge";
    type Filter = PersonFilter;
    type OrderBy = PersonOrder;
    type FacetBy = PersonFacet;

    fn at(view: &View, id: EntityId) -> Option<Self> {
        VisibleEntity::at(view, id).filter(|visible| visible.entity.kind() == Kind::Person).map(Self)
    }
}

impl Person {
    fn record(&self) -> Result<&Record> {
        self.0.entity.as_person().ok_or_else(Problem::internal)
    }

    fn level(&self, level: Level) -> Option<OrgUnit> {
        let view = &self.0.view;
        view.levels(self.0.id())[level.index()].and_then(|unit| OrgUnit::at(view, unit))
    }
}

impl Planned for Person {
    const NAME: &'static str = "Person";
    const IS_NODE: bool = true;
    type Value<'r> = VisibleRecord<'r, Record>;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "email" => Self::text(|person| person.email.as_str()),
            "firstName" => Self::text_if_any(|person| person.first_name.as_ref().map(Name::as_str)),
            "lastName" => Self::text_if_any(|person| person.last_name.as_ref().map(Name::as_str)),
            "displayName" => Self::text_if_any(|person| person.display_name.as_ref().map(Name::as_str)),
            "externalId" => Self::text_if_any(|person| person.external_id.as_ref().map(ExternalId::as_str)),
            "attributes" => Self::attributes_of(|person| &person.attributes),
            "units" => field.list::<OrgUnit, Self>(|run, visible| run.view.parents(visible.entity.id))?,
            "projects" => connection::<Project, Self>(field, |_, visible| works_on(visible.record))?,
            _ => return level(field).or_else(|| Self::common(field)),
        })
    }
}

impl EntityType for Person {
    type Record = Record;

    fn record_of(entity: &Entity) -> Option<&Record> {
        entity.as_person()
    }
}

#[Object(use_type_description)]
impl Person {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(self.0.global_id())
    }

    /// Email address. Unique among people, case-insensitive.
    async fn email(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.email.as_str()))
    }

    /// First name.
    async fn first_name(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.first_name.as_ref().map(Name::as_str).map(Metered))
    }

    /// Last name.
    async fn last_name(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.last_name.as_ref().map(Name::as_str).map(Metered))
    }

    /// Display name.
    async fn display_name(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.display_name.as_ref().map(Name::as_str).map(Metered))
    }

    /// The person's id in an external system.
    async fn external_id(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.external_id.as_ref().map(ExternalId::as_str).map(Metered))
    }

    /// Custom attributes, a JSON object.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.record()?.attributes)
    }

    /// The units that the person is placed in, the earliest mapping first.
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

    /// The projects that the person is a member of.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn projects(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<ProjectOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Project>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, works_on(self.record()?), filter, order_by, page).await
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

/// Projects that the person is a member of.
fn works_on(person: &Record) -> Filter {
    // The email is the key of a person, so this condition is one index lookup and no scan of the projects.
    let email = Filter::Text(Field::Email, TextTest::Eq(person.email.as_str().to_owned()));
    Filter::Related(Relation::Member, Box::new(email))
}
