//! Sort orders of entities: the sort value, then the key as tie-breaker.
//!
//! Invariant: an order is total, so that a cursor has exactly one position in it.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::graph::Graph;
use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::field::Field;
use crate::model::repo_url::RepoUrl;
use crate::model::text::Collated;

/// A sort order of entities. Entities with equal values are sorted by key, ascending. The order of creation needs no
/// tie-breaker, since ids are assigned in that order.
///
/// ```
/// use clade::query::{Order, PageRequest, page};
/// use clade::{CreatePerson, Directory, Kind};
///
/// let view = Directory::in_memory()?.apply(["eve@corp.example", "ada@corp.example"].map(CreatePerson::new))?.view;
/// let newest_first = Order { descending: true, ..Order::default() };
/// let found = page(&view, view.all(Kind::Person), newest_first, &PageRequest::default())?;
/// assert_eq!(view.label(found.ids[0]), "ada@corp.example");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// The property to sort by.
    pub by: OrderBy,
    /// Greatest value first. Entities without a value come last in both directions.
    pub descending: bool,
}

/// A sortable property.
///
/// ```
/// use clade::query::{Field, Order, OrderBy, PageRequest, page};
/// use clade::{CreatePerson, Directory, Kind};
///
/// let view = Directory::in_memory()?.apply(["eve@corp.example", "ada@corp.example"].map(CreatePerson::new))?.view;
/// let by_email = Order { by: OrderBy::Field(Field::Email), descending: false };
/// let found = page(&view, view.all(Kind::Person), by_email, &PageRequest::default())?;
/// assert_eq!(view.label(found.ids[0]), "ada@corp.example");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrderBy {
    /// The time of creation.
    #[default]
    Created,
    /// The time of the last change.
    Updated,
    /// A text field, by the root collation of Unicode.
    Field(Field),
}

/// The value that an entity is sorted by. All values of one order have the same variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value<'e> {
    Millis(i64),
    Text(Collated<'e>),
}

impl Order {
    /// The sort value of `entity`; `None` if it lacks the field.
    pub(crate) fn value(self, entity: &Entity) -> Option<Value<'_>> {
        match self.by {
            OrderBy::Created => Some(Value::Millis(entity.stamps.created_at.as_millis())),
            OrderBy::Updated => Some(Value::Millis(entity.stamps.updated_at.as_millis())),
            OrderBy::Field(field) => field.text(entity).map(|text| Value::Text(text.into())),
        }
    }

    /// Compares two values in this order; `None` comes last in both directions.
    pub(crate) fn compare(self, a: Option<&Value<'_>>, b: Option<&Value<'_>>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
}

/// The natural key of a record: its kind and key; of an asset its project, url or identifier, and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordKey<'g> {
    pub(crate) kind: Kind,
    pub(crate) parts: [Cow<'g, str>; 3],
}

impl<'g> RecordKey<'g> {
    pub(super) fn of(graph: &'g Graph, entity: &'g Entity) -> Self {
        // Cursors contain this key, so it is built from what users see and never from the internal id.
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
