//! Input objects made from a record's table in `wire`, and read by it: what a body of REST gives, an input gives too.
//!
//! They differ in two things alone: a blank text is refused here, where REST takes it for none, and null keeps what
//! cannot be taken away.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use async_graphql::registry::{Deprecation, MetaInputValue, MetaType, MetaTypeId, Registry};
use async_graphql::{ID, InputType, InputValueError, InputValueResult, MaybeUndefined, Pos, Value};
use serde_json::{Map, Value as JsonValue};

use crate::model::command::{IfExists, Placement};
use crate::model::entity::Revision as RevisionNumber;
use crate::model::level::Level;
use crate::model::reference::UnitRef;
use crate::server::graphql::types::scalars::{Json, Revision};
use crate::server::response::problem::{Problem, Result};
use crate::wire::field::{Need, RecordField};
use crate::wire::fields::{Fields, Manner};
use crate::wire::id::unit_ref;

/// An input object that has a table.
pub(crate) trait Table: Send + Sync + 'static {
    const NAME: &'static str;
    const ABOUT: &'static str;

    /// Its members, in the order in which the schema has them.
    fn members() -> Vec<Member>;
}

/// One member of an input object.
pub(crate) struct Member {
    name: &'static str,
    about: &'static str,
    of: MemberType,
}

/// What a member holds.
#[derive(Clone, Copy)]
enum MemberType {
    RequiredText,
    Text,
    RequiredId,
    Ids,
    Json,
    Revision,
    /// False where it is not given.
    Flag,
    /// An input type of its own: its name, and what is wrong with a value of it.
    Nested(fn(&mut Registry) -> String, fn(Value) -> Result<(), String>),
}

impl Member {
    const fn new(name: &'static str, about: &'static str, of: MemberType) -> Self {
        Self { name, about, of }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, MemberType::Text)
    }

    pub(crate) const fn id(about: &'static str) -> Self {
        Self::new("id", about, MemberType::RequiredId)
    }

    pub(crate) const fn ids(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, MemberType::Ids)
    }

    pub(crate) const fn upsert(about: &'static str) -> Self {
        Self::new("upsert", about, MemberType::Flag)
    }

    /// A member of a type of its own, which [`Input::nested`] takes out again.
    pub(crate) const fn nested<N: InputType>(name: &'static str, about: &'static str) -> Self {
        let wrong = |value| match N::parse(Some(value)) {
            Ok(_) => Ok(()),
            Err(why) => Err(why.into_server_error(Pos::default()).message),
        };
        Self::new(name, about, MemberType::Nested(Option::<N>::create_type_info, wrong))
    }

    pub(crate) const IF_REVISION: Self = Self::new(
        "ifRevision",
        "Refuse the change unless the record is still at this revision.",
        MemberType::Revision,
    );
    pub(crate) const ATTRIBUTES: Self =
        Self::new("attributes", "Custom attributes, a JSON object.", MemberType::Json);
    pub(crate) const ATTRIBUTES_PATCH: Self = Self::new(
        "attributes",
        "Merged into the attributes as a JSON Merge Patch (RFC 7396). Null removes all of them.",
        MemberType::Json,
    );

    /// The members that a new record's table makes.
    pub(crate) fn of_new<F>(table: &'static [RecordField<F>]) -> impl Iterator<Item = Self> {
        table.iter().map(|RecordField { given, .. }| {
            let is_required = matches!(given.need, Need::Key | Need::Always);
            let of = if is_required { MemberType::RequiredText } else { MemberType::Text };
            Self::new(given.name, given.about_new, of)
        })
    }

    /// Those that a table makes of the changes to a record.
    pub(crate) fn of_changes<F>(table: &'static [RecordField<F>]) -> impl Iterator<Item = Self> {
        table.iter().map(|RecordField { given, .. }| Self::text(given.name, given.about))
    }

    fn type_name(&self, registry: &mut Registry) -> String {
        match self.of {
            MemberType::RequiredText => String::create_type_info(registry),
            MemberType::Text => Option::<String>::create_type_info(registry),
            MemberType::RequiredId => ID::create_type_info(registry),
            MemberType::Ids => Option::<Vec<ID>>::create_type_info(registry),
            MemberType::Json => Option::<Json>::create_type_info(registry),
            MemberType::Revision => Option::<Revision>::create_type_info(registry),
            MemberType::Flag => bool::create_type_info(registry),
            MemberType::Nested(type_name, _) => type_name(registry),
        }
    }

    /// The value as JSON; none where it is not given.
    fn parse<U: InputType>(&self, value: Option<Value>) -> Parsed<U> {
        match self.of {
            MemberType::RequiredText => required(value, |text: String| text.into()),
            MemberType::RequiredId => required(value, |id: ID| id.0.into()),
            MemberType::Text => given(value, |text: String| text.into()),
            MemberType::Ids => given(value, |ids: Vec<ID>| ids.into_iter().map(|id| id.0).collect()),
            MemberType::Json => given(value, |Json(json)| json),
            MemberType::Revision => given(value, |Revision(revision)| revision.0.into()),
            MemberType::Flag => given(value, |flag: bool| flag.into()),
            MemberType::Nested(_, check) => match value {
                None => Ok(None),
                Some(Value::Null) => Ok(Some(JsonValue::Null)),
                Some(value) => {
                    check(value.clone()).map_err(InputValueError::custom)?;
                    value.into_json().map(Some).map_err(InputValueError::custom)
                }
            },
        }
    }

    fn described(&self, registry: &mut Registry) -> MetaInputValue {
        MetaInputValue {
            name: self.name.to_owned(),
            description: Some(self.about.to_owned()),
            ty: self.type_name(registry),
            deprecation: Deprecation::NoDeprecated,
            default_value: matches!(self.of, MemberType::Flag).then(|| "false".to_owned()),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            is_secret: false,
            directive_invocations: Vec::new(),
        }
    }
}

type Parsed<U> = Result<Option<JsonValue>, InputValueError<U>>;

fn required<T: InputType, U: InputType>(value: Option<Value>, json: impl Fn(T) -> JsonValue) -> Parsed<U> {
    T::parse(value).map(|value| Some(json(value))).map_err(InputValueError::propagate)
}

fn given<T: InputType, U: InputType>(value: Option<Value>, json: impl Fn(T) -> JsonValue) -> Parsed<U> {
    let given = MaybeUndefined::<T>::parse(value).map_err(InputValueError::propagate)?;
    Ok(match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(JsonValue::Null),
        MaybeUndefined::Value(value) => Some(json(value)),
    })
}

/// What was given in an input object of this table.
pub(crate) struct Input<T> {
    given: Map<String, JsonValue>,
    of: PhantomData<T>,
}

impl<T: Table> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(T::NAME).field(&self.given).finish()
    }
}

impl<T: Table> InputType for Input<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let members = T::members().into_iter();
            let described = members.map(|it| (it.name.to_owned(), it.described(registry)));
            MetaType::InputObject {
                name: T::NAME.to_owned(),
                description: Some(T::ABOUT.to_owned()),
                input_fields: described.collect(),
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                rust_typename: Some(std::any::type_name::<Self>()),
                oneof: false,
                directive_invocations: Vec::new(),
            }
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(object)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let mut given = Map::new();
        for member in T::members() {
            if let Some(value) = member.parse(object.get(member.name).cloned())? {
                given.insert(member.name.to_owned(), value);
            }
        }
        Ok(Self { given, of: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::from_json(JsonValue::Object(self.given.clone())).unwrap_or_default()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T: Table> Input<T> {
    /// Takes out the record that is to change, as it is named.
    pub(crate) fn id(&mut self) -> ID {
        ID(self.given.shift_remove("id").and_then(text).unwrap_or_default())
    }

    /// Takes out the revision that the record must be of.
    pub(crate) fn if_revision(&mut self) -> Option<RevisionNumber> {
        self.given.shift_remove("ifRevision")?.as_u64().map(RevisionNumber)
    }

    /// Takes out what is to be done where the record is there.
    pub(crate) fn if_exists(&mut self) -> IfExists {
        super::if_exists(self.given.shift_remove("upsert").is_some_and(|flag| flag == true))
    }

    /// Takes out a list of units.
    pub(crate) fn units(&mut self, name: &str) -> Option<Vec<UnitRef>> {
        let JsonValue::Array(ids) = self.given.shift_remove(name)? else { return None };
        Some(ids.into_iter().filter_map(text).map(|id| unit_ref(&id)).collect())
    }

    /// Takes out the units that the record is to be placed in: they stand instead of the five levels.
    pub(crate) fn placement(&mut self) -> Option<Placement> {
        let units = self.units("units")?;
        for level in Level::ALL {
            self.given.shift_remove(level.as_str());
        }
        Some(Placement::Units(units))
    }

    /// Takes out what a member of a type of its own holds, which was checked as it was given.
    pub(crate) fn nested<N: InputType>(&mut self, name: &str) -> Result<MaybeUndefined<N>> {
        let given = self.given.shift_remove(name).map(Value::from_json).transpose();
        let parsed = given.ok().and_then(|value| MaybeUndefined::parse(value).ok());
        parsed.ok_or_else(Problem::internal)
    }

    /// The fields of a new record. Null is as good as nothing.
    pub(crate) fn new_record(mut self) -> Fields {
        self.given.retain(|_, value| !value.is_null());
        Fields::of_input(self.given, Manner::Create)
    }

    /// The fields of a record that are to change.
    pub(crate) fn changes(self) -> Fields {
        Fields::of_input(self.given, Manner::Merge)
    }
}

fn text(value: JsonValue) -> Option<String> {
    if let JsonValue::String(text) = value { Some(text) } else { None }
}
