//! Where an entity stands in an order, and the cursor that says so.
//!
//! A cursor holds what a record shows of itself, never its number in the store, so that it stays right when
//! other records come and go.

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

/// The first part of every cursor of this form.
const FORM: &str = "1";
/// Between the parts of a cursor: no text of a record holds a control character.
const SEPARATOR: char = '\u{1f}';
/// Before a value, to tell an empty one from none.
const PRESENT: char = '=';

/// Where an entity stands in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position<'v> {
    value: Option<Value<'v>>,
    key: RecordKey<'v>,
}

impl<'v> Position<'v> {
    pub(super) fn of(view: &'v View, order: Order, entity: &'v Entity) -> Self {
        Self { value: view.value(order, entity), key: view.record_key(entity) }
    }

    /// Where a record, out of sight too, stands to this in `order`.
    pub(super) fn compare_record(&self, view: &View, id: EntityId, order: Order) -> Ordering {
        view.stands(order, id, self.value.as_ref(), &self.key)
    }

    /// The record that stood here in the order of creation, if it is still in sight.
    pub(super) fn record(&self, view: &View) -> Option<EntityId> {
        let created = Order { by: OrderBy::Created, descending: false };
        let id = find(view, &self.key)?;
        // A record ended and made anew under the same key stands elsewhere.
        (view.value(created, view.entity(id)?) == self.value).then_some(id)
    }

    /// When the record that stood here was made, for a position in the order of creation.
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
            Some(Value::Millis(millis)) => format!("{PRESENT}{millis}"),
            Some(Value::Text(text)) => format!("{PRESENT}{text}"),
        };
        let kind = (self.key.kind as u8).to_string();
        let [first, second, third] = &self.key.parts;
        let parts: [&str; 7] = [FORM, &word(order), &value, &kind, first, second, third];
        URL_SAFE_NO_PAD.encode(parts.join(SEPARATOR.encode_utf8(&mut [0; 4])))
    }
}

impl Position<'static> {
    /// Reads the cursor that was given in `field`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no cursor of `order`.
    pub(super) fn read(order: Order, field: &'static str, cursor: &str) -> Result<Self, Error> {
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.and_then(|text| Self::parse(order, &text)).ok_or_else(|| {
            Error::invalid(
                field,
                cursor,
                "is no cursor of this list in this order; use one that the same list gave",
            )
        })
    }

    fn parse(order: Order, text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        let [FORM, word, value, kind, first, second, third] = parts[..] else { return None };
        if word != self::word(order) {
            return None;
        }
        let value = match (value.strip_prefix(PRESENT), order.by) {
            (None, OrderBy::Field(_)) if value.is_empty() => None,
            (Some(text), OrderBy::Field(_)) => Some(Value::Text(Cow::Owned(text.to_owned()))),
            (Some(millis), OrderBy::Created | OrderBy::Updated) => Some(Value::Millis(millis.parse().ok()?)),
            (None, _) => return None,
        };
        let kind = Kind::ALL.into_iter().find(|known| (*known as u8).to_string() == kind)?;
        let parts = [first, second, third].map(|part| Cow::Owned(part.to_owned()));
        Some(Self { value, key: RecordKey { kind, parts } })
    }
}

/// The record with this key, if it is in sight.
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

/// A word for an order; no two orders share one.
fn word(order: Order) -> String {
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
    use crate::model::key::fold;
    use crate::query::filter::Field;

    fn position(value: Option<&str>, key: &str) -> Position<'static> {
        let value = value.map(|text| Value::Text(Cow::Owned(fold(text).into_owned())));
        let parts = [Cow::Owned(key.to_owned()), Cow::Borrowed(""), Cow::Borrowed("")];
        Position { value, key: RecordKey { kind: Kind::Project, parts } }
    }

    fn by_name(descending: bool) -> Order {
        Order { by: OrderBy::Field(Field::Name), descending }
    }

    #[test]
    fn a_cursor_reads_back_as_the_position_it_stands_for() {
        for place in [position(Some("R&D, Büro 研究"), "a/b"), position(None, "p"), position(Some("="), "=")]
        {
            let cursor = place.cursor(by_name(true));
            assert_eq!(Position::read(by_name(true), "after", &cursor).unwrap(), place);
        }
    }

    #[test]
    fn a_cursor_of_another_order_and_rubbish_are_refused() {
        let cursor = position(Some("x"), "p").cursor(by_name(false));
        let refusal = Position::read(by_name(true), "after", &cursor).unwrap_err();
        assert_eq!(refusal.field(), Some("after"));
        assert!(refusal.to_string().contains("same list"), "{refusal}");
        for rubbish in ["", "é", "AAAA", "MQ", &cursor[..cursor.len() - 2]] {
            let read = Position::read(by_name(false), "before", rubbish);
            assert!(read.is_err() || rubbish.len() > 4, "{rubbish}");
        }
        assert!(Position::read(Order::default(), "after", &cursor).is_err());
    }

    #[test]
    fn what_has_no_value_comes_last_in_both_directions() {
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
