//! What the OpenAPI document says of query parameters: made from the tables that the parser reads, so the two cannot
//! differ.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use crate::server::request::params::{Param, Shape};

/// Describes the parameters of a table, as the parser reads them: `parameters!(PeopleParams = PERSON_LIST)`, to be put
/// beside the table.
macro_rules! parameters {
    ($name:ident = $table:ident) => {
        #[doc = concat!("The parameters of `", stringify!($table), "`.")]
        pub(super) struct $name;

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $table.iter().map($crate::server::rest::parameters::parameter).collect()
            }
        }
    };
}

pub(super) use parameters;

pub(super) fn parameter(param: &Param) -> Parameter {
    let text = |words: &[&str]| {
        let object = ObjectBuilder::new().schema_type(Type::String);
        if words.is_empty() { object } else { object.enum_values(Some(words.to_vec())) }
    };
    let schema: Schema = match param.shape {
        Shape::Text => text(&[]).into(),
        Shape::Texts => ArrayBuilder::new().items(text(&[])).into(),
        Shape::Words(words) => ArrayBuilder::new().items(text(&[words, &[""]].concat())).into(),
        Shape::OneOf(words) => text(words).into(),
        Shape::Flag => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Shape::Whole(least, most) => {
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)).into()
        }
    };
    let is_many = param.shape.repeats();
    ParameterBuilder::new()
        .name(param.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(param.about))
        .schema(Some(schema))
        .style(is_many.then_some(ParameterStyle::Form))
        .explode(is_many.then_some(true))
        .build()
}
