//! Shared parts of operations in the OpenAPI document: error responses, list parameters and the `If-Match` header.

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
    /// The errors of every operation: all need a token.
    Refused {
        "400": "The path, the query or the body is malformed.",
        "401": "The token is missing, invalid, expired or revoked.",
        "429": "Too many requests per second. Retry after the time in the Retry-After header.",
        "500": "Internal server error. The cause is in the server log.",
        "503": "The server is busy, or the store failed. Retry; after the codes `outcome-unknown` and `timeout`, first check whether the change was made.",
    }
    /// The errors of reading one record or its lists.
    Found {
        "304": "Not modified: the client already has this response.",
        "404": "The record does not exist, or is outside the token's scope.",
    }
    /// The errors of lists.
    Listed {
        "304": "Not modified: the client already has this response.",
        "406": "The Accept header allows none of the formats of a list.",
        "422": "A filter names a unit that does not exist, parameters cannot be combined, the cursor is invalid, or the request is too expensive or its response too large.",
    }
    /// The errors of referencing a unit.
    Referring {
        "404": "The unit does not exist, or is outside the token's scope.",
        "409": "The reference is ambiguous; `candidates` lists the keys of the units it matches.",
    }
    /// The errors of the export.
    Exported {
        "404": "The unit does not exist, or is outside the token's scope.",
        "409": "The reference is ambiguous; `candidates` lists the keys of the units it matches.",
        "422": "The parameters cannot be combined.",
    }
    /// The errors of every write.
    Written {
        "403": "The token's role is not sufficient, or a record is outside its scope.",
        "409": "A duplicate key, a cycle in the hierarchy, or an ambiguous reference.",
        "422": "The body is well-formed, but breaks a rule.",
        "507": "The disk is full. Reads still work.",
    }
    /// The errors of operations for admins.
    Guarded {
        "403": "The token's role is not admin.",
        "507": "The disk is full. Reads still work.",
    }
    /// The errors of the data-quality checks.
    Examined {
        "304": "Not modified: the client already has this response.",
        "422": "`cursor` is not from an earlier response.",
    }
    /// The errors of the audit log.
    Traced {
        "403": "The token's role is not admin, or it is limited to units.",
        "404": "There is no record or unit that `record` or `within` names.",
        "409": "`record` or `within` names several records; `candidates` lists them.",
        "413": "The earlier states of the records on this page are too large; request fewer entries or changes.",
        "422": "A parameter is well-formed, but its value is not valid.",
    }
    /// The errors of operations with a body.
    Bodied {
        "408": "The body arrived too slowly.",
        "413": "The body is too large.",
        "415": "The media type or encoding of the body is not supported.",
    }
    /// The errors of changing one record.
    Changed {
        "404": "The record does not exist, or is outside the token's scope.",
        "412": "The record has changed since, or If-Match contains no ETag of this record.",
    }
}

// A 304 has no body (RFC 9110, section 15.4.5); it is among the errors only because operations share it.
fn refusal(status: &str, about: &str) -> RefOr<Response> {
    let response = ResponseBuilder::new().description(about);
    if status == "304" {
        return response.build().into();
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    response.content(PROBLEM_JSON, content).build().into()
}

/// The parameters of every list, with the fields and sort orders of this kind of record.
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
            // An empty value is the default, as the form of a page sends it.
            text().enum_values(Some(orders.chain([String::new()]).collect::<Vec<_>>())).into()
        }
        // A pattern rather than an enum: the value is one text with names separated by commas.
        "fields" => {
            let mut names: Vec<_> = R::columns()
                .csv
                .iter()
                .flat_map(|column| [column.field.name, &*column.name])
                .map(|name| name.replace('.', "\\."))
                .collect();
            // A field with one column has the same name as the column.
            let mut seen = HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
            let any = format!("({})", names.join("|"));
            text().pattern(Some(format!("^({any}(, *{any})*)?$"))).into()
        }
        _ => return parameter(param),
    };
    ParameterBuilder::from(parameter(param)).schema(Some(schema)).build()
}

/// The `If-Match` header of a change.
pub(crate) struct IfMatch;

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The ETag of an earlier response with this record. The change is refused (412) if the record has changed since.";
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
