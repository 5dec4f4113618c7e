//! The OpenAPI document, generated from the handlers and the parameter tables, so that it matches what is served.

mod conditions;
pub(super) mod parameters;
mod partial_records;
pub(super) mod responses;
pub(super) mod schemas;

use utoipa::PartialSchema;
use utoipa::openapi::ComponentsBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder};

use crate::server::rest::openapi::schemas::Problem;
use crate::wire::schema;

/// The description at the top of the document (Markdown).
const ABOUT: &str = "\
People, projects, org units and the mappings between them.

Send a token with every request, as `Authorization: Bearer <token>` or `Authorization: <token>`. If the server trusts \
an identity provider, a JWT from that provider is accepted too. A token limited to units sees only those units and \
the records below them, in every response.

The five level fields of people and projects (`organization`, `business`, `department`, `group`, `team`) form a path \
when they are written, and are derived from the hierarchy when they are read. A unit is referenced by its key, its \
external id, its path (`Opsera/R&D`) or its name, if the name is unique.

Every error is `application/problem+json` with a stable `code`. Responses have an `ETag` for `If-None-Match` and \
`If-Match`. Keys in paths are percent-encoded once: `a/b` is sent as `a%2Fb`.";

/// The OpenAPI document of all REST operations.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = super::routes().merge(super::operations()).into_openapi();
    // Added afterwards rather than by the handlers' attributes, since both follow from what the document contains.
    conditions::add(&mut document);
    partial_records::add(&mut document);
    document
}

/// The document without operations: info, servers, security, tags and shared schemas.
pub(super) fn frame() -> OpenApi {
    let contact = ContactBuilder::new()
        .name(Some("The authors of Clade"))
        .url(Some(concat!("https://crates.io/crates/", env!("CARGO_PKG_NAME"))))
        .build();
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Clade")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .contact(Some(contact))
        .license(Some(license))
        .build();
    let components = ComponentsBuilder::new()
        .schema("Problem", Problem::schema())
        .schemas_from_iter(schema::all())
        .security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .security_scheme(
            "token",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                "Authorization",
                "The bare token, without a scheme.",
            ))),
        )
        .build();
    // Two requirements in the list are alternatives. The published API's clients send the bare token; OpenAPI can only
    // express that as an API key in a header.
    let no_scopes = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
    // A relative address, so that the document is right behind any host name and proxy.
    let here = ServerBuilder::new().url("/").description(Some("The server of this document")).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([here]))
        .components(Some(components))
        .security(Some([no_scopes("bearer"), no_scopes("token")]))
        .tags(Some(tags()))
        .build()
}

fn tags() -> [Tag; 8] {
    [
        ("people", "People and the units and projects they belong to."),
        ("projects", "Projects with their repositories and services, and the units they belong to."),
        ("mappings", "Relations between two records: unit and unit, person and unit, project and unit, person and project."),
        ("hierarchy", "The hierarchy in the published API's form, and facets for filter drop-downs."),
        ("units", "Org units, their ancestors and descendants, and the records below them."),
        ("bulk", "Import and export of many records."),
        ("doctor", "Data-quality checks."),
        ("operations", "Consistency check, backup and audit log of the store. For admins."),
    ]
    .map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())
}
