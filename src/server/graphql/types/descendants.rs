//! `OrgUnitDescendantConnection`: the subtree of a unit as one flat list, with depth and parent of each descendant.

use async_graphql::{Context, Description, Object, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::entity::{EntityId, Kind};
use crate::model::level::UnitType;
use crate::query::subtree::{Descendant, descendants};
use crate::server::graphql::execution::budget::{self, Budget};
use crate::server::graphql::execution::limits::PAGE_MAX;
use crate::server::graphql::plan::{FieldRequest, Planned, Writer, array, now, visible};
use crate::server::graphql::types::connection::{PageInfo, invalid, page_size};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::org_unit::{OrgUnit, unit_types};
use crate::server::response::problem::{Problem, Result};

/// Descendants of a unit, in depth-first order, siblings by name.
#[derive(Description)]
pub(crate) struct DescendantConnection {
    top: VisibleEntity,
    all: Vec<Descendant>,
    from: usize,
    to: usize,
}

/// A descendant of a unit, with its depth and parent.
#[derive(SimpleObject)]
#[graphql(name = "OrgUnitDescendantEdge")]
pub(crate) struct DescendantEdge {
    /// The unit.
    node: OrgUnit,
    /// Opaque cursor of this edge.
    cursor: Metered<String>,
    /// Distance from the top unit: 1 for a child.
    depth: usize,
    /// The parent through which this descendant was reached.
    parent: OrgUnit,
}

impl DescendantConnection {
    pub(crate) async fn new(
        budget: &Budget,
        top: &VisibleEntity,
        depth: Option<u32>,
        types: &[UnitType],
        first: Option<i64>,
        after: Option<&str>,
    ) -> Result<Self> {
        let first = page_size("first", first)?.unwrap_or(PAGE_MAX);
        let depth = depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX));
        // The estimate ignores `depth` and `types`: how many units they leave is known only after the walk.
        let estimate = top.view.below(top.id(), Kind::OrgUnit).len();
        let walk = || Self::walked(top, depth, types, first, after);
        budget.run_read(&top.view, estimate, walk).await
    }

    fn walked(
        top: &VisibleEntity,
        depth: Option<usize>,
        types: &[UnitType],
        first: usize,
        after: Option<&str>,
    ) -> Result<Self> {
        // The whole walk is made for every page: depth-first order has no index, and a cursor names a unit and not a
        // position, so that it stays valid when units before it are created or deleted.
        let all = descendants(&top.view, top.id(), depth, types);
        let from = match after {
            None => 0,
            Some(cursor) => {
                let at = all.iter().position(|unit| self::cursor(top, *unit) == cursor);
                at.ok_or_else(|| {
                    invalid("after is not a cursor of this list; use a cursor from its edges")
                        .with("field", "after")
                })? + 1
            }
        };
        let to = from.saturating_add(first).min(all.len());
        Ok(Self { top: top.clone(), all, from, to })
    }

    fn page(&self) -> impl Iterator<Item = Descendant> + '_ {
        self.all[self.from..self.to].iter().copied()
    }

    fn page_ids(&self) -> Vec<EntityId> {
        self.page().map(|unit| unit.id).collect()
    }

    fn position(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.to < self.all.len(),
            has_previous_page: self.from > 0,
            start_cursor: self.page().next().map(|unit| cursor(&self.top, unit)),
            end_cursor: self.page().last().map(|unit| cursor(&self.top, unit)),
        }
    }
}

fn cursor(top: &VisibleEntity, unit: Descendant) -> String {
    // The key, which is unique among units; each unit is listed once, so it is unique in this list, too.
    URL_SAFE_NO_PAD.encode(top.view.label(unit.id))
}

/// The writer of `OrgUnit.descendants`.
pub(crate) fn descendants_field<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, OrgUnit>> {
    let depth = field.argument("depth")?;
    let types = unit_types(field.argument("types")?).ok()?;
    let (first, after) = (field.argument("first")?, field.argument::<Option<String>>("after")?);
    let fields = field.fields::<DescendantConnection>()?;
    Some(OrgUnit::written(move |run, outline, visible, out| {
        let top = VisibleEntity::at(run.view, visible.entity.id).ok_or_else(Problem::internal)?;
        let found = DescendantConnection::new(run.budget, &top, depth, &types, first, after.as_deref());
        fields.write(run, outline, &now(found)?, out)
    }))
}

impl Planned for DescendantConnection {
    const NAME: &'static str = "OrgUnitDescendantConnection";
    type Value<'r> = &'r Self;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "nodes" => {
                let fields = field.fields::<OrgUnit>()?;
                Self::written(move |run, outline, connection, out| {
                    run.page(outline, &connection.page_ids(), || {
                        let visible = connection.page().filter_map(|unit| visible::<OrgUnit>(run, unit.id));
                        array(visible, out, |visible, out| fields.write(run, outline, visible, out))
                    })
                })
            }
            "edges" => {
                let fields = field.fields::<DescendantEdge>()?;
                Self::written(move |run, outline, connection, out| {
                    run.page(outline, &connection.page_ids(), || {
                        array(connection.page(), out, |unit, out| {
                            fields.write(run, outline, (&connection.top, unit), out)
                        })
                    })
                })
            }
            "pageInfo" => field.object::<PageInfo, Self>(|_, connection| connection.position())?,
            "totalCount" => Self::json(|connection| connection.all.len()),
            _ => return None,
        })
    }
}

impl Planned for DescendantEdge {
    const NAME: &'static str = "OrgUnitDescendantEdge";
    type Value<'r> = (&'r VisibleEntity, Descendant);

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "node" => field.entity::<OrgUnit, Self>(|_, (_, unit)| Some(unit.id))?,
            "cursor" => Self::leaf(|run, (top, unit), out| run.text(&cursor(top, unit), out)),
            "depth" => Self::json(|(_, unit)| unit.depth),
            "parent" => field.entity::<OrgUnit, Self>(|_, (_, unit)| Some(unit.parent))?,
            _ => return None,
        })
    }
}

#[Object(name = "OrgUnitDescendantConnection", use_type_description)]
impl DescendantConnection {
    /// The units of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        budget::page(context, &self.top.view, &self.page_ids()).await?;
        Ok(OrgUnit::all(&self.top.view, self.page().map(|unit| unit.id)))
    }

    /// The units of this page, each with its depth and its parent.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<DescendantEdge>> {
        budget::page(context, &self.top.view, &self.page_ids()).await?;
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

    /// Position of this page in the list.
    async fn page_info(&self) -> PageInfo {
        self.position()
    }

    /// Number of descendants, on all pages.
    async fn total_count(&self) -> usize {
        self.all.len()
    }
}
