//! Where an entity stands in an order, and the cursor that says so.
//!
//! A cursor holds what a record shows of itself, never its number in the store, so that it stays right when
//! other records come and go.

use std::borrow::Cow;
use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;
use crate::graph::View;
use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId, RepoUrl, UnitKey};
use crate::model::reference::UnitRef;
use crate::query::order::{Order, OrderBy, Value};

/// The first part of every cursor of this form.
const FORM: &str = "1";
/// Between the parts of a cursor: no text of a record holds a control character.
const SEPARATOR: char = '\u{1f}';
/// Before a value, to tell an empty one from none.
const PRESENT: char = '=';

/// What tells a record from all others: its kind and key, for an asset its project, url or identifier, and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RecordKey<'v> {
    kind: Kind,
    parts: [Cow<'v, str>; 3],
}

impl<'v> RecordKey<'v> {
    pub(super) fn of(view: &'v View, entity: &'v Entity) -> Self {
        let project_id = |project: EntityId| {
            let project = view.entity(project).and_then(|project| project.as_project());
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

    /// The record with this key, if it is in sight.
    fn find(&self, view: &View) -> Option<EntityId> {
        let key = &*self.parts[0];
        match self.kind {
            Kind::OrgUnit => view.find_unit(&UnitRef::Key(UnitKey::parse(key).ok()?)).ok(),
            Kind::Person => view.person_by_email(&Email::parse(key).ok()?),
            Kind::Project => view.project_by_id(&ProjectId::parse(key).ok()?),
            Kind::Repository | Kind::Service => {
                let project = view.project_by_id(&ProjectId::parse(key).ok()?)?;
                let is_this = |id: &EntityId| {
                    view.entity(*id).is_some_and(|entity| RecordKey::of(view, entity) == *self)
                };
                view.assets(project, self.kind).into_iter().find(is_this)
            }
        }
    }
}

/// Where an entity stands in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position<'v> {
    value: Option<Value<'v>>,
    key: RecordKey<'v>,
}

impl<'v> Position<'v> {
    pub(super) fn of(view: &'v View, order: Order, entity: &'v Entity) -> Self {
        Self { value: order.value(view, entity), key: RecordKey::of(view, entity) }
    }

    /// Where `entity`, whose value is `value`, stands to this in `order`.
    pub(super) fn compare_record(
        &self,
        view: &View,
        value: Option<&Value<'_>>,
        entity: &Entity,
        order: Order,
    ) -> Ordering {
        let by_value = order.compare(value, self.value.as_ref());
        by_value.then_with(|| RecordKey::of(view, entity).cmp(&self.key))
    }

    /// The record that stood here in the order of creation, if it is still in sight.
    pub(super) fn record(&self, view: &View) -> Option<EntityId> {
        let created = Order { by: OrderBy::Created, descending: false };
        let id = self.key.find(view)?;
        // A record ended and made anew under the same key stands elsewhere.
        (created.value(view, view.entity(id)?) == self.value).then_some(id)
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
        let parts: [&str; 7] = [FORM, &order.word(), &value, &kind, first, second, third];
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
        if word != order.word() {
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
