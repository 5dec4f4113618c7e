//! What the OpenAPI document says of many operations at once: their refusals, and the parameters of lists.

use std::collections::{BTreeMap, HashSet};
use std::marker::PhantomData;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses};

use crate::server::request::params::Param;
use crate::server::response::problem::PROBLEM_JSON;
use crate::server::rest::list::LIST;
use crate::server::rest::openapi::parameters::parameter;
use crate::server::rest::resource::Resource;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $about:literal),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([$(($status.to_owned(), refusal($status, $about))),+])
                }
            }
        )+
    };
}

refusals! {
    /// Of everything that needs a token.
    Refused {
        "400": "The path, the query or the body is malformed.",
        "401": "There is no valid token.",
        "429": "Too many requests in a second; Retry-After says when to go on.",
        "500": "Something went wrong inside.",
        "503": "Too busy, or the store failed; try again, but look first after outcome-unknown and timeout.",
    }
    /// Of reading one record, or what belongs to it.
    Found {
        "304": "The client has this answer already.",
        "404": "There is no such record.",
    }
    /// Of lists.
    Listed {
        "304": "The client has this answer already.",
        "406": "The list is not given in a format that is accepted.",
        "422": "A filter names a unit that does not exist, a parameter does not fit the others, or the answer would be too large.",
    }
    /// Of naming a unit.
    Referring {
        "404": "There is no such unit.",
        "409": "Several units are called so.",
    }
    /// Of every write.
    Written {
        "403": "The token may not write.",
        "409": "A duplicate, a cycle, or an ambiguous name.",
        "422": "Well-formed, but against a rule.",
        "507": "The disk is full.",
    }
    /// Of what only an admin may do.
    Guarded {
        "403": "The token's role is not admin.",
        "507": "The disk is full.",
    }
    /// Of the doctor.
    Examined {
        "304": "The client has this answer already.",
        "422": "`cursor` is none that findings came with.",
    }
    /// Of the log.
    Traced {
        "403": "The token's role is not admin, or it is limited to units.",
        "413": "What the records of one page were before is too large; ask for fewer entries or changes.",
        "422": "`record` is not of the form KIND:KEY.",
    }
    /// Of everything that has a body.
    Bodied {
        "408": "The body took too long to arrive.",
        "413": "The body is too large.",
        "415": "The body is of another media type than is taken.",
    }
    /// Of changing one record.
    Changed {
        "404": "There is no such record.",
        "412": "The record has changed since, or If-Match names no answer of this record.",
    }
}

fn refusal(status: &str, about: &str) -> RefOr<Response> {
    let response = ResponseBuilder::new().description(about);
    if status == "304" {
        return response.build().into();
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    response.content(PROBLEM_JSON, content).build().into()
}

/// The parameters of every list, with the fields and orders that this kind of record has.
pub(crate) struct ListParams<R>(PhantomData<R>);

impl<R: Resource> IntoParams for ListParams<R> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        LIST.iter().map(|param| of_resource::<R>(param)).collect()
    }
}

fn of_resource<R: Resource>(param: &Param) -> Parameter {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let schema: Schema = match param.name {
        "sort" => {
            let orders = R::sorts().into_iter().flat_map(|name| [name.to_owned(), format!("-{name}")]);
            text().enum_values(Some(orders.collect::<Vec<_>>())).into()
        }
        "fields" => {
            let mut names: Vec<_> = R::columns()
                .csv
                .iter()
                .flat_map(|column| [column.field.name, &*column.name])
                .map(|name| name.replace('.', "\\."))
                .collect();
            let mut seen = HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
            let any = format!("({})", names.join("|"));
            text().pattern(Some(format!("^({any}(, *{any})*)?$"))).into()
        }
        _ => return parameter(param),
    };
    ParameterBuilder::from(parameter(param)).schema(Some(schema)).build()
}

/// The condition of a change.
pub(crate) struct IfMatch;

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about =
            "The ETag of an answer with this record: refuse the change where the record has changed since.";
        let text = ObjectBuilder::new().schema_type(Type::String).examples(["\"r7-all-5f0c21d9-3\""]);
        vec![
            ParameterBuilder::new()
                .name("If-Match")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(about))
                .schema(Some(text))
                .build(),
        ]
    }
}
