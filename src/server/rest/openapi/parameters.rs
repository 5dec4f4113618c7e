//! Query parameters in the OpenAPI document, generated from the same tables that the parser uses.
//!
//! Invariant: the documented parameters are exactly the accepted ones.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

use crate::server::request::params::{Param, ParamType};

/// Declares a type that documents the parameters of a table: `parameters!(PeopleParams = PERSON_LIST)`, beside the
/// table.
// A type per table because `utoipa::path` takes parameters by type only.
macro_rules! parameters {
    ($name:ident = $table:ident) => {
        #[doc = concat!("The parameters of `", stringify!($table), "`.")]
        pub(super) struct $name;

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $table.iter().map($crate::server::rest::openapi::parameters::parameter).collect()
            }
        }
    };
}

pub(crate) use parameters;

/// The OpenAPI description of one parameter.
pub(crate) fn parameter(param: &Param) -> Parameter {
    let text = |words: &[&str]| {
        let object = ObjectBuilder::new().schema_type(Type::String);
        if words.is_empty() { object } else { object.enum_values(Some(words.to_vec())) }
    };
    let schema: Schema = match param.value_type {
        ParamType::Text => text(&[]).into(),
        ParamType::Texts => ArrayBuilder::new().items(text(&[])).into(),
        // The empty text is accepted and ignored, so it has to be documented: validators would refuse it otherwise.
        ParamType::Words(words) => ArrayBuilder::new().items(text(&[words, &[""]].concat())).into(),
        ParamType::OneOf(words) => text(words).into(),
        ParamType::Flag => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        ParamType::Whole(least, most) => {
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)).into()
        }
    };
    // Exploded form style is `a=1&a=2`. Without it, tools could join the values with commas, which is one value here.
    let is_many = param.value_type.repeats();
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
