//! The hierarchy, nested. A unit with several parents appears beneath each, so size and depth are limited.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::reference::UnitRef;
use crate::query::cost::cost_of;
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
        shape: ParamType::OneOf(&["list", "tree"]),
        about: "tree: the units, nested, instead of their mappings. Takes only root and depth beside it.",
    },
    Param {
        name: "root",
        shape: ParamType::Text,
        about: "Only what is beneath this unit: its key, external id, path or unique name.",
    },
    Param {
        name: "depth",
        shape: ParamType::Whole(1, TREE_DEPTH_MAX),
        about: "Only so many levels beneath the root, or beneath every unit that has nothing above it.",
    },
];

parameters!(HierarchyParams = HIERARCHY);

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
pub(super) async fn answer(request: ListRequest) -> Result<Response> {
    let list = request.only(HIERARCHY, &[LEVELS, MAPPING_LIST], "view=tree")?;
    let (root, depth) = (list.known.one("root").map(str::to_owned), list.known.whole("depth"));
    list.json(
        |view, _| Ok((cost_of(view.all(Kind::OrgUnit).len()), ())),
        move |view, ()| {
            let tops = match root {
                Some(root) => vec![view.find_unit(&UnitRef::from(root.as_str()))?],
                None => view.roots(),
            };
            let mut grower = Grower { view, depth, count: 0 };
            let data = grower.grow(&tops, 0)?;
            Ok(JsonPage::of(&TreeRecord { count: grower.count, data }, None))
        },
    )
    .await
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
