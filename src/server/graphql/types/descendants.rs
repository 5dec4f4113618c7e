//! A whole tree in one call: every unit beneath another, flat, with its depth and its parent.

use async_graphql::{Context, Description, Object, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::entity::Kind;
use crate::model::level::UnitType;
use crate::query::subtree::{Descendant, descendants};
use crate::server::graphql::execution::budget::{self, Budget};
use crate::server::graphql::execution::limits::PAGE_MAX;
use crate::server::graphql::types::connection::{PageInfo, invalid, page_size};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::response::problem::Result;

/// Units beneath another, depth first, siblings by name.
#[derive(Description)]
pub(crate) struct DescendantConnection {
    top: VisibleEntity,
    all: Vec<Descendant>,
    from: usize,
    to: usize,
}

/// A unit beneath another, with its place.
#[derive(SimpleObject)]
#[graphql(name = "OrgUnitDescendantEdge")]
pub(crate) struct DescendantEdge {
    /// The unit.
    node: OrgUnit,
    /// Where this edge stands in the list.
    cursor: Metered<String>,
    /// 1 for a child of the unit that was asked about.
    depth: usize,
    /// The unit directly above it on this walk.
    parent: OrgUnit,
}

impl DescendantConnection {
    pub(crate) async fn new(
        context: &Context<'_>,
        top: &VisibleEntity,
        depth: Option<u32>,
        types: &[UnitType],
        first: Option<i64>,
        after: Option<&str>,
    ) -> Result<Self> {
        let first = page_size("first", first)?.unwrap_or(PAGE_MAX);
        let depth = depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX));
        let beneath = top.view.below(top.id(), Kind::OrgUnit).len();
        let walk = || Self::walked(top, depth, types, first, after);
        Budget::of(context)?.look(&top.view, beneath, walk).await
    }

    fn walked(
        top: &VisibleEntity,
        depth: Option<usize>,
        types: &[UnitType],
        first: usize,
        after: Option<&str>,
    ) -> Result<Self> {
        let all = descendants(&top.view, top.id(), depth, types);
        let from = match after {
            None => 0,
            Some(cursor) => {
                let at = all.iter().position(|unit| self::cursor(top, *unit) == cursor);
                at.ok_or_else(|| {
                    invalid("after is no cursor of this list; take one from its edges").with("field", "after")
                })? + 1
            }
        };
        let to = from.saturating_add(first).min(all.len());
        Ok(Self { top: top.clone(), all, from, to })
    }

    fn page(&self) -> impl Iterator<Item = Descendant> + '_ {
        self.all[self.from..self.to].iter().copied()
    }
}

fn cursor(top: &VisibleEntity, unit: Descendant) -> String {
    URL_SAFE_NO_PAD.encode(top.view.label(unit.id))
}

#[Object(name = "OrgUnitDescendantConnection", use_type_description)]
impl DescendantConnection {
    /// The units of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        budget::page(context, &self.top.view, &self.page().map(|unit| unit.id).collect::<Vec<_>>()).await?;
        Ok(OrgUnit::all(&self.top.view, self.page().map(|unit| unit.id)))
    }

    /// The units of this page, each with its depth and its parent.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<DescendantEdge>> {
        budget::page(context, &self.top.view, &self.page().map(|unit| unit.id).collect::<Vec<_>>()).await?;
        let edge = |unit: Descendant| {
            Some(DescendantEdge {
                node: OrgUnit::at(&self.top.view, unit.id)?,
                cursor: Metered(cursor(&self.top, unit)),
                depth: unit.depth,
                parent: OrgUnit::at(&self.top.view, unit.parent)?,
            })
        };
        Ok(self.page().filter_map(edge).collect())
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.to < self.all.len(),
            has_previous_page: self.from > 0,
            start_cursor: self.page().next().map(|unit| cursor(&self.top, unit)),
            end_cursor: self.page().last().map(|unit| cursor(&self.top, unit)),
        }
    }

    /// How many units the whole list has.
    async fn total_count(&self) -> usize {
        self.all.len()
    }
}
