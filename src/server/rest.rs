//! The REST API below `/api/v2/data`, compatible with both editions of the published API. One file per resource.
//!
//! A handler parses its request into validated types, reads the caller's view or submits commands, and builds the
//! response. Each handler sets its `operation_id` explicitly: client generators derive names from it, so it must never
//! change.

mod bulk;
mod doctor;
mod etag;
mod filters;
mod format;
mod levels;
mod list;
mod log;
mod mapping_list;
mod mappings;
pub mod openapi;
mod operations;
mod org_hierarchy;
mod people;
mod projects;
mod resource;
mod rows;
mod single;
mod unit_lists;
mod unit_tree;
mod units;

pub use openapi::openapi;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All REST routes except those of [`operations_router`].
pub(super) fn router() -> Router {
    routes().split_for_parts().0
}

/// The routes of check and backup. They are separate because their responses may take up to an hour to begin.
pub(super) fn operations_router() -> Router {
    operations().split_for_parts().0
}

fn operations() -> OpenApiRouter {
    // `merge` in `openapi()` keeps the frame of `routes()`, so this router needs none.
    OpenApiRouter::new().routes(routes!(operations::check)).routes(routes!(operations::backup))
}

/// Every route with its OpenAPI description.
// Handlers in one `routes!` share a path. The order here is the order in the document (`preserve_order`).
fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(people::create, people::list))
        .routes(routes!(people::show, people::replace, people::change, people::end))
        .routes(routes!(projects::create, projects::list_alias))
        .routes(routes!(projects::list))
        .routes(routes!(projects::show, projects::replace, projects::change, projects::end))
        .routes(routes!(mappings::create, mappings::list_alias))
        .routes(routes!(mappings::list))
        .routes(routes!(mappings::show, mappings::replace, mappings::change, mappings::end))
        .routes(routes!(org_hierarchy::link, org_hierarchy::list))
        .routes(routes!(units::create, units::list))
        .routes(routes!(units::show, units::replace, units::change, units::end))
        .routes(routes!(unit_lists::ancestors))
        .routes(routes!(unit_lists::children))
        .routes(routes!(unit_lists::descendants))
        .routes(routes!(unit_lists::people))
        .routes(routes!(unit_lists::projects))
        .routes(routes!(unit_lists::repositories))
        .routes(routes!(filters::show))
        .routes(routes!(bulk::bulk, operations::everything))
        .routes(routes!(doctor::show))
        .routes(routes!(log::list))
}
