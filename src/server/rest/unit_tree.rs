//! The hierarchy, nested. A unit with several parents appears beneath each, so size and depth are limited.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::entity::EntityId;
use crate::model::reference::UnitRef;
use crate::server::limits::{TREE_DEPTH_MAX, TREE_NODES_MAX};
use crate::server::problem::{Problem, Result};
use crate::server::rest::etag;
use crate::server::rest::format::Format;
use crate::server::rest::levels::LEVELS;
use crate::server::rest::list::ListRequest;
use crate::server::rest::mapping_list::MAPPING_LIST;
use crate::server::rest::org_hierarchy::HIERARCHY;

/// The hierarchy beneath the roots, or beneath one unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tree)]
pub(crate) struct TreeRecord<'v> {
    /// How many nodes the tree has.
    count: usize,
    /// The units at the top, by name.
    data: Vec<NodeRecord<'v>>,
}

/// A unit and what is directly beneath it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TreeNode)]
pub(crate) struct NodeRecord<'v> {
    /// Unique among units.
    key: &'v str,
    /// What people call it.
    name: &'v str,
    /// A level, or any other word.
    r#type: &'v str,
    /// The units directly beneath it, by name; none at the depth that was asked for.
    #[schema(no_recursion)]
    children: Vec<NodeRecord<'v>>,
}

/// Answers with the tree that the parameters ask for.
pub(super) fn answer(request: ListRequest, view: &View) -> Result<Response> {
    let headers = request.headers().clone();
    let known = request.only(HIERARCHY, &[LEVELS, MAPPING_LIST], "view=tree")?;
    let tag = etag::tag(view, None, Format::Json);
    if let Some(unchanged) = etag::unchanged(&headers, &tag) {
        return Ok(unchanged);
    }
    let tops = match known.one("root") {
        Some(root) => vec![view.find_unit(&UnitRef::from(root))?],
        None => view.roots(),
    };
    let depth = known.whole("depth");
    let mut grower = Grower { view, depth, count: 0 };
    let data = grower.grow(&tops, 0)?;
    let mut response = Json(TreeRecord { count: grower.count, data }).into_response();
    etag::set(&mut response, &tag);
    Ok(response)
}

struct Grower<'v> {
    view: &'v View,
    /// What was asked for. When nothing was, a tree that is too deep is refused rather than cut.
    depth: Option<usize>,
    count: usize,
}

impl<'v> Grower<'v> {
    fn grow(&mut self, units: &[EntityId], depth: usize) -> Result<Vec<NodeRecord<'v>>> {
        self.count += units.len();
        if self.count > TREE_NODES_MAX {
            return Err(too_large(&format!("the tree may have at most {TREE_NODES_MAX} nodes")));
        }
        units.iter().filter_map(|unit| self.node(*unit, depth).transpose()).collect()
    }

    fn node(&mut self, id: EntityId, depth: usize) -> Result<Option<NodeRecord<'v>>> {
        let view = self.view;
        let Some(unit) = view.entity(id).and_then(|entity| entity.as_org_unit()) else { return Ok(None) };
        let below = view.children(id);
        let children = match self.depth {
            _ if below.is_empty() => Vec::new(),
            Some(most) if depth >= most => Vec::new(),
            _ if depth >= TREE_DEPTH_MAX => {
                return Err(too_large(&format!("the tree may be at most {TREE_DEPTH_MAX} levels deep")));
            }
            _ => self.grow(&below, depth + 1)?,
        };
        let (key, name, r#type) = (unit.key.as_str(), unit.name.as_str(), unit.unit_type.as_str());
        Ok(Some(NodeRecord { key, name, r#type, children }))
    }
}

fn too_large(detail: &str) -> Problem {
    let detail = format!("{detail}; give a root or a depth, or list /units/{{key}}/descendants");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail)
}
