//! The hierarchy as the published API has it: parent and child, linked and listed, and nested as a tree.

use axum::response::Response;

use crate::model::command::IfExists;
use crate::model::reference::UnitRef;
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
use crate::wire::fields::{Fields, Manner};
use crate::wire::mapping;

/// Puts one unit beneath another, and makes either where it does not exist.
///
/// The same as POST /mapping with mappingType "parent-child" and relationship "org-hierarchy".
#[utoipa::path(
    post, path = "/api/v2/data/org-hierarchy", tag = "hierarchy", operation_id = "link_units",
    request_body(content = LinkInput, content_type = "application/json"),
    responses((status = 200, description = "The mapping that it made.", body = MappingRecord), Bodied, Written, Refused)
)]
pub(super) async fn link(writer: Writer, _: NoParams, JsonBody(body): JsonBody) -> Result<Response> {
    let command = mapping::linked(Fields::new(body, Manner::Create), IfExists::Refuse)?;
    written_mapping(&writer.apply(command).await?)
}

/// Lists the parent-child mappings, or shows the hierarchy as a tree.
#[utoipa::path(
    get, path = "/api/v2/data/org-hierarchy", tag = "hierarchy", operation_id = "show_hierarchy",
    params(HierarchyParams, LevelParams, MappingParams, ListParams<MappingResource>),
    responses((status = 200, description = "The mappings and their number; with view=tree the units, nested.", content((HierarchyAnswer = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"))), Listed, Referring, Refused)
)]
pub(super) async fn list(request: ListRequest) -> Result<Response> {
    if request.has("view", "tree") {
        return unit_tree::answer(request).await;
    }
    let list = request.known(&[HIERARCHY, LEVELS, MAPPING_LIST])?;
    mapping_list::answer(list, |view, known| {
        let root = known.one("root").map(|root| view.find_unit(&UnitRef::from(root))).transpose()?;
        let parents = Some(Subtree { root, depth: known.whole("depth") });
        Ok(MappingFilter { parents, ..MappingFilter::default() })
    })
    .await
}
