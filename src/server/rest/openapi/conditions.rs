//! Conditional requests in the OpenAPI document: `If-None-Match` for operations with a 304, and the `ETag` header for
//! those with a 304 or a 412.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Required};

/// Adds `If-None-Match` and `ETag` to the operations of a document.
pub(super) fn add(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        // POST and DELETE are left out: they return no `ETag` that a condition could use.
        for operation in [&mut item.get, &mut item.put, &mut item.patch].into_iter().flatten() {
            let has = |status: &str| operation.responses.responses.contains_key(status);
            let (is_read, is_tagged) = (has("304"), has("304") || has("412"));
            if is_read {
                operation.parameters.get_or_insert_default().push(if_none_match().into());
            }
            if is_tagged {
                add_etag(operation);
            }
        }
    }
}

fn add_etag(operation: &mut Operation) {
    // RFC 9110, section 15.4.5: a 304 repeats the `ETag`.
    for status in ["200", "304"] {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            let about = "Identifies the revision and the token's scope that this response shows.";
            let header = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .description(Some(about))
                .build();
            response.headers.insert("ETag".to_owned(), header.into());
        }
    }
}

fn if_none_match() -> Parameter {
    ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The ETag of an earlier response. The result is 304 if the response would be the same.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).examples(["\"r7-all-5f0c21d9-3\""])))
        .build()
}
