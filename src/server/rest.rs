//! REST: `/api/v2/data`, compatible with both editions of the published API. One file a resource.
//!
//! A handler reads its request into types that cannot be wrong, asks the view or the writer, and dresses the answer.

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

/// All routes but those of [`operations_router`].
pub(super) fn router() -> Router {
    routes().split_for_parts().0
}

/// The routes of operations on the whole store, which may take long to begin their answer.
pub(super) fn operations_router() -> Router {
    operations().split_for_parts().0
}

fn operations() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(operations::check)).routes(routes!(operations::backup))
}

/// Every route, with what the OpenAPI document says of it.
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
