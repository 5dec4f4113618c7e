//! The hierarchy in the published API's form: create parent-child mappings, list them, or return the units as a tree.

use axum::response::Response;

use crate::model::command::IfExists;
use crate::model::reference::UnitRef;
use crate::query::with_similar;
use crate::query::{MappingFilter, Subtree};
use crate::server::auth::extract::Writer;
use crate::server::request::body::JsonBody;
use crate::server::request::params::NoParams;
use crate::server::response::problem::Result;
use crate::server::rest::levels::LEVELS;
use crate::server::rest::levels::LevelParams;
use crate::server::rest::list::ListRequest;
use crate::server::rest::mapping_list::MappingParams;
use crate::server::rest::mapping_list::{self, MAPPING_LIST};
use crate::server::rest::openapi::responses::{Bodied, ListParams, Listed, Referring, Refused, Written};
use crate::server::rest::openapi::schemas::HierarchyAnswer;
use crate::server::rest::openapi::schemas::LinkInput;
use crate::server::rest::openapi::schemas::MappingRecord;
use crate::server::rest::resource::MappingResource;
use crate::server::rest::single::written_mapping;
use crate::server::rest::unit_tree::{self, HIERARCHY, HierarchyParams};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::mapping;

/// Places a unit below another unit. Either unit is created if it does not exist.
///
/// The same as `POST /api/v2/data/mapping` with the `mappingType` `parent-child` and the relationship `org-hierarchy`.
#[utoipa::path(
    post, path = "/api/v2/data/org-hierarchy", tag = "hierarchy", operation_id = "link_units",
    request_body(content = LinkInput, content_type = "application/json"),
    responses((status = 200, description = "The created mapping.", body = MappingRecord), Bodied, Written, Refused)
)]
pub(super) async fn link(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let command = mapping::linked(Fields::new(body, UpdateMode::Create), IfExists::Refuse)?;
    written_mapping(&writer.apply(command).await?)
}

/// Lists the parent-child mappings, or with `view=tree` returns the units as a nested tree.
#[utoipa::path(
    get, path = "/api/v2/data/org-hierarchy", tag = "hierarchy", operation_id = "show_hierarchy",
    params(HierarchyParams, LevelParams, MappingParams, ListParams<MappingResource>),
    responses((status = 200, description = "The mappings and their total number; with `view=tree`, the units as a nested tree.", content((HierarchyAnswer = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Referring, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    // The two forms take different parameters, so the form is decided before they are parsed.
    if request.has("view", "tree") {
        return unit_tree::respond(request).await;
    }
    let list = request.parse(&[HIERARCHY, LEVELS, MAPPING_LIST])?;
    mapping_list::respond(list, |view, params| {
        let root = params.one("root").map(|root| view.find_unit(&UnitRef::from(root))).transpose();
        let root = root.map_err(|refusal| with_similar(view, refusal))?;
        let parents = Some(Subtree { root, depth: params.whole("depth") });
        Ok(MappingFilter { parents, ..MappingFilter::default() })
    })
    .await
}
