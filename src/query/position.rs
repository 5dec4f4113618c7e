//! Positions in a sort order, and their encoding as cursors.
//!
//! Invariant: a cursor contains only what users can see of a record (sort value and key), never its internal id, so
//! that it stays valid when other records are created and deleted.

use std::borrow::Cow;
use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;
use crate::graph::order::{Order, OrderBy};
use crate::graph::{RecordKey, Value, View};
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::reference::UnitRef;
use crate::model::text::Collated;

/// The version of the cursor format: the first part of every cursor.
const VERSION: &str = "1";
/// Separates the parts of a cursor; validated texts contain no control characters.
const SEPARATOR: char = '\u{1f}';
/// Precedes a value, to distinguish an empty one from a missing one.
const VALUE_PREFIX: char = '=';

/// The position of an entity in an order: its sort value and, as tie-breaker, its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position<'v> {
    value: Option<Value<'v>>,
    key: RecordKey<'v>,
}

impl<'v> Position<'v> {
    pub(super) fn of(view: &'v View, order: Order, entity: &'v Entity) -> Self {
        Self { value: order.value(entity), key: view.record_key(entity) }
    }

    /// Compares the record `id`, visible or not, with this position in `order`.
    pub(super) fn compare_record(&self, view: &View, id: EntityId, order: Order) -> Ordering {
        view.compare_position(order, id, self.value.as_ref(), &self.key)
    }

    /// The record at this position in the order of creation, if it still exists and is visible.
    pub(super) fn record(&self, view: &View) -> Option<EntityId> {
        let created = Order { by: OrderBy::Created, descending: false };
        let id = find(view, &self.key)?;
        // A record that was deleted and created again under the same key has another position.
        (created.value(view.entity(id)?) == self.value).then_some(id)
    }

    /// The time of creation in milliseconds, for a position in the order of creation.
    pub(super) fn created_millis(&self) -> Option<i64> {
        match self.value {
            Some(Value::Millis(millis)) => Some(millis),
            _ => None,
        }
    }

    /// The cursor for this position.
    pub(super) fn cursor(&self, order: Order) -> String {
        let value = match &self.value {
            None => String::new(),
            Some(Value::Millis(millis)) => format!("{VALUE_PREFIX}{millis}"),
            Some(Value::Text(text)) => format!("{VALUE_PREFIX}{}", text.0),
        };
        // Part of the format: changing the discriminants of `Kind` makes cursors that clients hold invalid.
        let kind = (self.key.kind as u8).to_string();
        let [first, second, third] = &self.key.parts;
        let parts: [&str; 7] = [VERSION, &order_name(order), &value, &kind, first, second, third];
        URL_SAFE_NO_PAD.encode(parts.join(SEPARATOR.encode_utf8(&mut [0; 4])))
    }
}

impl Position<'static> {
    /// Parses the cursor in the argument `field`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is not a cursor of `order`.
    pub(super) fn read(order: Order, field: &'static str, cursor: &str) -> Result<Self, Error> {
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.and_then(|text| Self::parse(order, &text)).ok_or_else(|| {
            Error::invalid(
                field,
                cursor,
                "is not a cursor of this list in this order; use a cursor that the same list returned",
            )
        })
    }

    fn parse(order: Order, text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        let [VERSION, order_name, value, kind, first, second, third] = parts[..] else { return None };
        // A cursor of another order would point to an unrelated position, so it is refused.
        if order_name != self::order_name(order) {
            return None;
        }
        let value = match (value.strip_prefix(VALUE_PREFIX), order.by) {
            (None, OrderBy::Field(_)) if value.is_empty() => None,
            (Some(text), OrderBy::Field(_)) => Some(Value::Text(Collated(Cow::Owned(text.to_owned())))),
            (Some(millis), OrderBy::Created | OrderBy::Updated) => Some(Value::Millis(millis.parse().ok()?)),
            (None, _) => return None,
        };
        let kind = Kind::ALL.into_iter().find(|known| (*known as u8).to_string() == kind)?;
        let parts = [first, second, third].map(|part| Cow::Owned(part.to_owned()));
        Some(Self { value, key: RecordKey { kind, parts } })
    }
}

/// The record with this key, if it is visible.
fn find(view: &View, wanted: &RecordKey<'_>) -> Option<EntityId> {
    let key = &*wanted.parts[0];
    match wanted.kind {
        Kind::OrgUnit => view.find_unit(&UnitRef::Key(UnitKey::parse(key).ok()?)).ok(),
        Kind::Person => view.person_by_email(&Email::parse(key).ok()?),
        Kind::Project => view.project_by_id(&ProjectId::parse(key).ok()?),
        Kind::Repository | Kind::Service => {
            let project = view.project_by_id(&ProjectId::parse(key).ok()?)?;
            let is_this =
                |id: &EntityId| view.entity(*id).is_some_and(|entity| view.record_key(entity) == *wanted);
            view.assets(project, wanted.kind).into_iter().find(is_this)
        }
    }
}

/// The name of an order in cursors, unique for each order.
fn order_name(order: Order) -> String {
    let by = match order.by {
        OrderBy::Created => "created",
        OrderBy::Updated => "updated",
        OrderBy::Field(field) => field.as_str(),
    };
    let direction = if order.descending { "-" } else { "+" };
    format!("{direction}{by}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::filter::Field;

    fn position(value: Option<&str>, key: &str) -> Position<'static> {
        let value = value.map(|text| Value::Text(Collated(Cow::Owned(text.to_owned()))));
        let parts = [Cow::Owned(key.to_owned()), Cow::Borrowed(""), Cow::Borrowed("")];
        Position { value, key: RecordKey { kind: Kind::Project, parts } }
    }

    fn by_name(descending: bool) -> Order {
        Order { by: OrderBy::Field(Field::Name), descending }
    }

    #[test]
    fn cursor_round_trips() {
        for position in
            [position(Some("R&D, Büro 研究"), "a/b"), position(None, "p"), position(Some("="), "=")]
        {
            let cursor = position.cursor(by_name(true));
            assert_eq!(Position::read(by_name(true), "after", &cursor).unwrap(), position);
        }
    }

    #[test]
    fn cursor_of_another_order_or_garbage_is_refused() {
        let cursor = position(Some("x"), "p").cursor(by_name(false));
        let refusal = Position::read(by_name(true), "after", &cursor).unwrap_err();
        assert_eq!(refusal.field(), Some("after"));
        assert!(refusal.to_string().contains("same list"), "{refusal}");
        for garbage in ["", "é", "AAAA", "MQ", &cursor[..cursor.len() - 2]] {
            let read = Position::read(by_name(false), "before", garbage);
            assert!(read.is_err() || garbage.len() > 4, "{garbage}");
        }
        assert!(Position::read(Order::default(), "after", &cursor).is_err());
    }

    #[test]
    fn missing_values_come_last_in_both_directions() {
        let (a, b, none) = (position(Some("A"), "1"), position(Some("b"), "2"), position(None, "0"));
        let compare = |a: &Position<'_>, b: &Position<'_>, descending| {
            by_name(descending).compare(a.value.as_ref(), b.value.as_ref())
        };
        assert_eq!(compare(&a, &b, false), Ordering::Less);
        assert_eq!(compare(&a, &b, true), Ordering::Greater);
        assert_eq!(compare(&none, &a, false), Ordering::Greater);
        assert_eq!(compare(&none, &a, true), Ordering::Greater);
    }
}
