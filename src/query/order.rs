//! Total orders over entities.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::graph::View;
use crate::model::entity::Entity;
use crate::query::filter::Field;
use crate::query::text::folded_text;

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
pub(super) enum Value<'e> {
    Millis(i64),
    Text(Cow<'e, str>),
}

impl Order {
    /// A word for this order; no two orders share one.
    pub(super) fn word(self) -> String {
        let by = match self.by {
            OrderBy::Created => "created",
            OrderBy::Updated => "updated",
            OrderBy::Field(field) => field.as_str(),
        };
        let direction = if self.descending { "-" } else { "+" };
        format!("{direction}{by}")
    }

    /// What `entity`, which `view` shows, is sorted by.
    pub(super) fn value<'v>(self, view: &'v View, entity: &'v Entity) -> Option<Value<'v>> {
        match self.by {
            OrderBy::Created => Some(Value::Millis(entity.stamps.created_at.as_millis())),
            OrderBy::Updated => Some(Value::Millis(entity.stamps.updated_at.as_millis())),
            OrderBy::Field(field) => folded_text(view, entity.id, entity.kind(), field).map(Value::Text),
        }
    }

    /// Values in this order; none last in both directions.
    pub(super) fn compare(self, a: Option<&Value<'_>>, b: Option<&Value<'_>>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
}
