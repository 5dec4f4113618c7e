//! Total orders over entities.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::graph::{Graph, folded_texts};
use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::field::Field;
use crate::model::key::{RepoUrl, fold};

/// What entities are sorted by. Equal ones are told apart by their keys, the least first; in the order of
/// creation, where no two are equal, they need not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// Greatest first. What has no value comes last either way.
    pub descending: bool,
}

/// A sortable property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrderBy {
    /// When a record was made.
    #[default]
    Created,
    /// When it last changed.
    Updated,
    /// One of its texts, without case.
    Field(Field),
}

/// What an entity is sorted by. Two of one order are of one variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value<'e> {
    Millis(i64),
    Text(Cow<'e, str>),
}

impl Order {
    /// What `entity` is sorted by.
    pub(super) fn value<'g>(self, graph: &'g Graph, entity: &'g Entity) -> Option<Value<'g>> {
        match self.by {
            OrderBy::Created => Some(Value::Millis(entity.stamps.created_at.as_millis())),
            OrderBy::Updated => Some(Value::Millis(entity.stamps.updated_at.as_millis())),
            OrderBy::Field(field) => match folded_texts::place(entity.kind(), field) {
                // An empty text is one that is not there.
                Some(nth) => Some(folded_texts::nth(graph.text().texts().of(entity.id), nth))
                    .filter(|text| !text.is_empty())
                    .map(|text| Value::Text(Cow::Borrowed(text))),
                None => field.text(entity).map(fold).map(Value::Text),
            },
        }
    }

    /// Values in this order; none last in both directions.
    pub(crate) fn compare(self, a: Option<&Value<'_>>, b: Option<&Value<'_>>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
}

/// What tells a record from all others: its kind and key, for an asset its project, url or identifier, and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordKey<'g> {
    pub(crate) kind: Kind,
    pub(crate) parts: [Cow<'g, str>; 3],
}

impl<'g> RecordKey<'g> {
    pub(super) fn of(graph: &'g Graph, entity: &'g Entity) -> Self {
        let project_id = |project: EntityId| {
            let project = graph.entity(project).and_then(|project| project.as_project());
            project.map(|project| project.project_id.as_str()).unwrap_or_default()
        };
        let parts = match &entity.body {
            Body::OrgUnit(unit) => [Cow::Borrowed(unit.key.as_str()), "".into(), "".into()],
            Body::Person(person) => [person.email.folded(), "".into(), "".into()],
            Body::Project(project) => [project.project_id.as_str().into(), "".into(), "".into()],
            Body::Repository(repository) => {
                let url = repository.url.as_ref().map(RepoUrl::as_str).unwrap_or_default();
                [project_id(repository.project).into(), url.into(), repository.name.as_str().into()]
            }
            Body::Service(service) => {
                let identifier = service.identifier.as_ref().map(AsRef::as_ref).unwrap_or_default();
                [project_id(service.project).into(), identifier.into(), service.name.as_str().into()]
            }
        };
        Self { kind: entity.kind(), parts }
    }
}
