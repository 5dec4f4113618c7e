//! The hierarchy as a nested tree: `GET /api/v2/data/org-hierarchy?view=tree`.
//!
//! Invariant: the tree is limited in nodes and depth. A unit with several parents appears below each of them, so a
//! small hierarchy may have an exponentially large tree.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::reference::UnitRef;
use crate::query::cost::serialization_cost;
use crate::query::with_similar;
use crate::server::limits::{TREE_DEPTH_MAX, TREE_NODES_MAX};
use crate::server::request::params::{Param, ParamType};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::levels::LEVELS;
use crate::server::rest::list::{JsonPage, ListRequest};
use crate::server::rest::mapping_list::MAPPING_LIST;
use crate::server::rest::openapi::parameters::parameters;

/// The parameters of the hierarchy.
pub(super) const HIERARCHY: &[Param] = &[
    Param {
        name: "view",
        value_type: ParamType::OneOf(&["list", "tree"]),
        about: "`list` (default): the parent-child mappings. `tree`: the units as a nested tree, which can be combined with `root` and `depth` only.",
    },
    Param {
        name: "root",
        value_type: ParamType::Text,
        about: "Only the hierarchy from this unit down: its key, external id, path or unique name. Default: from every unit without a parent.",
    },
    Param {
        name: "depth",
        value_type: ParamType::Whole(1, TREE_DEPTH_MAX),
        about: "The maximum number of levels below the root, or below every unit without a parent. Default: all levels.",
    },
];

parameters!(HierarchyParams = HIERARCHY);

/// The hierarchy from all roots, or from one unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tree)]
pub(crate) struct TreeRecord<'v> {
    /// The number of nodes in the tree.
    count: usize,
    /// The units at the top, ordered by name.
    data: Vec<NodeRecord<'v>>,
}

/// A unit with its children.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TreeNode)]
pub(crate) struct NodeRecord<'v> {
    /// The unit's key, unique among units.
    key: &'v str,
    /// The unit's name.
    name: &'v str,
    /// The unit's type: a level, or any other word.
    r#type: &'v str,
    /// The units directly below it, ordered by name; empty at the requested depth.
    // Without this, utoipa would follow the type into itself without end.
    #[schema(no_recursion)]
    children: Vec<NodeRecord<'v>>,
}

/// The response with the tree that the parameters select.
pub(super) async fn respond(request: ListRequest) -> Result<Response> {
    let list = request.only(HIERARCHY, &[LEVELS, MAPPING_LIST], "view=tree")?;
    let (root, depth) = (list.params.one("root").map(str::to_owned), list.params.whole("depth"));
    list.json(
        // The units are a lower bound of the nodes; a tree that grows far beyond them stops at the maximum.
        |view, _| Ok((serialization_cost(view.all(Kind::OrgUnit).len()), ())),
        move |view, ()| {
            let tops = match root {
                Some(root) => {
                    let found = view.find_unit(&UnitRef::from(root.as_str()));
                    vec![found.map_err(|refusal| with_similar(view, refusal))?]
                }
                None => view.roots(),
            };
            let mut builder = TreeBuilder { view, depth, count: 0 };
            let data = builder.nodes(&tops, 0)?;
            Ok(JsonPage::of(&TreeRecord { count: builder.count, data }, None))
        },
    )
    .await
}

struct TreeBuilder<'v> {
    view: &'v View,
    /// The requested depth. If it is `None`, a tree that is too deep is refused rather than cut.
    depth: Option<usize>,
    /// The number of nodes so far.
    count: usize,
}

impl<'v> TreeBuilder<'v> {
    fn nodes(&mut self, units: &[EntityId], depth: usize) -> Result<Vec<NodeRecord<'v>>> {
        // Counted before the nodes are built, so that the limit bounds the work too.
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
            Some(max) if depth >= max => Vec::new(),
            // Reached only if no depth was requested: the parameter's maximum is the same.
            _ if depth >= TREE_DEPTH_MAX => {
                return Err(too_large(&format!("the tree may be at most {TREE_DEPTH_MAX} levels deep")));
            }
            _ => self.nodes(&below, depth + 1)?,
        };
        let (key, name, r#type) = (unit.key.as_str(), unit.name.as_str(), unit.unit_type.as_str());
        Ok(Some(NodeRecord { key, name, r#type, children }))
    }
}

fn too_large(detail: &str) -> Problem {
    let detail = format!("{detail}; set root or depth, or list /api/v2/data/units/{{key}}/descendants");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail)
}
