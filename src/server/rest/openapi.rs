//! The OpenAPI document: made from the handlers, so that it says what is served.

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

const ABOUT: &str = "\
Who and what belongs where: people, projects, org units and the mappings between them.

Send a token with every request, as `Authorization: Bearer <token>` or `Authorization: <token>`; where \
the server trusts an identity provider, a JWT of that one does as well. A token that is \
bound to units sees those and what is beneath them, and nothing else, in every answer.

The five level fields of people and projects (`organization`, `business`, `department`, `group`, `team`) are a \
path when they are written, and are derived from the hierarchy when they are read. A unit is named by its key, \
its external id, its path (`Opsera/R&D`) or a name that only it has.

Every refusal is `application/problem+json` with a stable `code`. Answers carry an `ETag` for `If-None-Match` and \
`If-Match`. Keys in paths are percent-encoded once: `a/b` is sent as `a%2Fb`.";

/// The document of everything that is served.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = super::routes().merge(super::operations()).into_openapi();
    conditions::add(&mut document);
    partial_records::add(&mut document);
    document
}

/// What the document says before the first route is added.
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
    let anyone = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
    let here = ServerBuilder::new().url("/").description(Some("The server that gave this document")).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([here]))
        .components(Some(components))
        .security(Some([anyone("bearer"), anyone("token")]))
        .tags(Some(tags()))
        .build()
}

fn tags() -> [Tag; 8] {
    [
        ("people", "People, and where they belong."),
        ("projects", "Projects, their repositories and services, and where they belong."),
        ("mappings", "What belongs to what."),
        ("hierarchy", "The published API's view of the hierarchy, and the facets for filter drop-downs."),
        ("units", "Org units, and what is above and beneath them."),
        ("bulk", "Many records at once, in and out."),
        ("doctor", "What is worth a look about the data."),
        ("operations", "The store itself: examined and copied. For admins."),
    ]
    .map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())
}
