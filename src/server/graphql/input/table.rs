//! Input object types generated from the field tables in `wire`, which REST's request bodies use as well.
//!
//! Invariant: an input has the same fields as the REST body of its record. They differ in two points: a blank text is
//! refused here, where REST reads it as absent, and null keeps a field that cannot be cleared.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use async_graphql::registry::{Deprecation, MetaInputValue, MetaType, MetaTypeId, Registry};
use async_graphql::{ID, InputType, InputValueError, InputValueResult, MaybeUndefined, Pos, Value};
use serde_json::{Map, Value as JsonValue};

use crate::model::command::{IfExists, Placement};
use crate::model::level::Level;
use crate::model::reference::UnitRef;
use crate::model::version::ExpectedRevision;
use crate::server::graphql::types::scalars::{IfRevision, Json};
use crate::server::response::problem::{Problem, Result};
use crate::wire::field::{Need, RecordField};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::id::unit_ref;

/// The definition of a generated input object.
pub(crate) trait Table: Send + Sync + 'static {
    const NAME: &'static str;
    const ABOUT: &'static str;

    /// The members, in schema order.
    fn members() -> Vec<Member>;
}

/// One member of an input object.
pub(crate) struct Member {
    name: &'static str,
    about: &'static str,
    of: MemberType,
}

/// The type of a member.
#[derive(Clone, Copy)]
enum MemberType {
    RequiredText,
    Text,
    RequiredId,
    Ids,
    Json,
    Revision,
    /// Boolean with the default false.
    Flag,
    /// A nested input type: its type name, and a check of a value, which returns the error message.
    // Function pointers erase the type, so that members of different types fit into one list.
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

    /// A member of a nested input type. [`Input::nested`] extracts its value.
    pub(crate) const fn nested<N: InputType>(name: &'static str, about: &'static str) -> Self {
        let check = |value| match N::parse(Some(value)) {
            Ok(_) => Ok(()),
            // Only the message survives: the position is that of the whole argument, which async-graphql adds later.
            Err(why) => Err(why.into_server_error(Pos::default()).message),
        };
        Self::new(name, about, MemberType::Nested(Option::<N>::create_type_info, check))
    }

    pub(crate) const IF_REVISION: Self = Self::new(
        "ifRevision",
        "Refuse the change unless the record is still at this `revision`, or has this `version`.",
        MemberType::Revision,
    );
    pub(crate) const ATTRIBUTES: Self =
        Self::new("attributes", "Custom attributes, a JSON object.", MemberType::Json);
    pub(crate) const ATTRIBUTES_PATCH: Self = Self::new(
        "attributes",
        "Merged into the attributes as a JSON Merge Patch (RFC 7396). Null removes all of them.",
        MemberType::Json,
    );

    /// The members of a new record, from its field table.
    pub(crate) fn of_new<F>(table: &'static [RecordField<F>]) -> impl Iterator<Item = Self> {
        table.iter().map(|RecordField { given, .. }| {
            // `Need::Kept` is optional here: such a field has a default, such as a unit's name from its key.
            let is_required = matches!(given.need, Need::Key | Need::Always);
            let of = if is_required { MemberType::RequiredText } else { MemberType::Text };
            Self::new(given.name, given.about_new, of)
        })
    }

    /// The members of an update, from the record's field table.
    pub(crate) fn of_changes<F>(table: &'static [RecordField<F>]) -> impl Iterator<Item = Self> {
        // All optional and nullable in the schema, as absent means unchanged. Null keeps a field that is required.
        table.iter().map(|RecordField { given, .. }| Self::text(given.name, given.about))
    }

    fn type_name(&self, registry: &mut Registry) -> String {
        match self.of {
            MemberType::RequiredText => String::create_type_info(registry),
            MemberType::Text => Option::<String>::create_type_info(registry),
            MemberType::RequiredId => ID::create_type_info(registry),
            MemberType::Ids => Option::<Vec<ID>>::create_type_info(registry),
            MemberType::Json => Option::<Json>::create_type_info(registry),
            MemberType::Revision => Option::<IfRevision>::create_type_info(registry),
            MemberType::Flag => bool::create_type_info(registry),
            MemberType::Nested(type_name, _) => type_name(registry),
        }
    }

    /// The value as JSON. None if it is absent.
    // JSON, because the tables in `wire` read JSON: one reader serves REST and GraphQL.
    fn parse<U: InputType>(&self, value: Option<Value>) -> Parsed<U> {
        match self.of {
            MemberType::RequiredText => required(value, |text: String| text.into()),
            MemberType::RequiredId => required(value, |id: ID| id.0.into()),
            MemberType::Text => optional(value, |text: String| text.into()),
            MemberType::Ids => optional(value, |ids: Vec<ID>| ids.into_iter().map(|id| id.0).collect()),
            MemberType::Json => optional(value, |Json(json)| json),
            MemberType::Revision => {
                optional(value, |expected: IfRevision| expected.to_value().into_json().unwrap_or_default())
            }
            MemberType::Flag => optional(value, |flag: bool| flag.into()),
            MemberType::Nested(_, check) => match value {
                None => Ok(None),
                Some(Value::Null) => Ok(Some(JsonValue::Null)),
                Some(value) => {
                    // Parsed here for the error alone; `Input::nested` parses it again to have the value.
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

fn optional<T: InputType, U: InputType>(value: Option<Value>, json: impl Fn(T) -> JsonValue) -> Parsed<U> {
    let parsed = MaybeUndefined::<T>::parse(value).map_err(InputValueError::propagate)?;
    Ok(match parsed {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(JsonValue::Null),
        MaybeUndefined::Value(value) => Some(json(value)),
    })
}

/// A parsed input object: the members that the client sent, as JSON.
pub(crate) struct Input<T> {
    members: Map<String, JsonValue>,
    of: PhantomData<T>,
}

impl<T: Table> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(T::NAME).field(&self.members).finish()
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
        let mut members = Map::new();
        // Unknown members are not looked for: async-graphql's validation has refused them by now.
        for member in T::members() {
            if let Some(value) = member.parse(object.get(member.name).cloned())? {
                members.insert(member.name.to_owned(), value);
            }
        }
        Ok(Self { members, of: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::from_json(JsonValue::Object(self.members.clone())).unwrap_or_default()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

// Each of these removes its member. What is left goes to the field table, which reads unknown members as attributes, so
// a member that is only read would be stored twice. `shift_remove` keeps the order of the rest.
impl<T: Table> Input<T> {
    /// Removes and returns the reference to the record to change.
    pub(crate) fn id(&mut self) -> ID {
        ID(self.members.shift_remove("id").and_then(text).unwrap_or_default())
    }

    /// Removes and returns the expected revision.
    pub(crate) fn if_revision(&mut self) -> Option<ExpectedRevision> {
        let expected = self.members.shift_remove("ifRevision")?;
        IfRevision::of_json(&expected).map(|IfRevision(expected)| expected)
    }

    /// Removes `upsert` and returns what to do if the record exists.
    pub(crate) fn if_exists(&mut self) -> IfExists {
        super::if_exists(self.members.shift_remove("upsert").is_some_and(|flag| flag == true))
    }

    /// Removes and returns a list of unit references. None if it is absent or null.
    pub(crate) fn units(&mut self, name: &str) -> Option<Vec<UnitRef>> {
        let JsonValue::Array(ids) = self.members.shift_remove(name)? else { return None };
        Some(ids.into_iter().filter_map(text).map(|id| unit_ref(&id)).collect())
    }

    /// Removes and returns the units of the placement. None if the five levels apply.
    pub(crate) fn placement(&mut self) -> Option<Placement> {
        let units = self.units("units")?;
        // `units` wins over the levels. Left in, they would be a second placement that contradicts it.
        for level in Level::ALL {
            self.members.shift_remove(level.as_str());
        }
        Some(Placement::Units(units))
    }

    /// Removes and returns a member of a nested input type.
    ///
    /// # Errors
    /// An internal error only: the value was checked when the input was parsed.
    pub(crate) fn nested<N: InputType>(&mut self, name: &str) -> Result<MaybeUndefined<N>> {
        let value = self.members.shift_remove(name).map(Value::from_json).transpose();
        let parsed = value.ok().and_then(|value| MaybeUndefined::parse(value).ok());
        parsed.ok_or_else(Problem::internal)
    }

    /// The fields of a new record. Null is the same as absent.
    pub(crate) fn new_record(mut self) -> Fields {
        self.members.retain(|_, value| !value.is_null());
        Fields::of_input(self.members, UpdateMode::Create)
    }

    /// The fields of an update.
    pub(crate) fn changes(self) -> Fields {
        Fields::of_input(self.members, UpdateMode::Merge)
    }
}

fn text(value: JsonValue) -> Option<String> {
    if let JsonValue::String(text) = value { Some(text) } else { None }
}
