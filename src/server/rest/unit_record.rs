//! How a unit looks in an answer, by itself and as a descendant of another.

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::{Totals, View};
use crate::model::attributes::Attributes;
use crate::model::entity::{EntityId, Kind, Revision};
use crate::query::Field;
use crate::query::OrderBy;
use crate::query::tree::Descendant;
use crate::server::rest::record::{StampsRecord, level_number, object, text};
use crate::server::rest::resource::{Entities, Resource, names};

/// A unit of the hierarchy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgUnit)]
pub(crate) struct UnitRecord<'v> {
    /// Unique among units.
    #[schema(example = "R&D")]
    key: &'v str,
    /// What people call it. Several units may share a name.
    #[schema(example = "R&D")]
    name: &'v str,
    /// A level, or any other word.
    #[schema(example = "department")]
    r#type: &'v str,
    /// 1 for an organization to 5 for a team; null for a type that is no level.
    #[schema(required = true, minimum = 1, maximum = 5)]
    level: Option<u8>,
    /// What another system calls it.
    #[schema(required = true)]
    external_id: Option<&'v str>,
    /// The keys of the units directly above it, the earliest mapping first.
    parents: Vec<&'v str>,
    /// What is beneath it, rolled up.
    totals: TotalsRecord,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

/// What is beneath a unit, at any depth, each counted once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Totals)]
pub(crate) struct TotalsRecord {
    /// Units strictly beneath it.
    units: u64,
    /// People placed in it or beneath it.
    people: u64,
    /// Projects placed in it or beneath it.
    projects: u64,
    /// Repositories of those projects.
    repositories: u64,
    /// Services of those projects.
    services: u64,
}

/// A unit beneath another, where a walk from the top meets it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Descendant)]
pub(crate) struct DescendantRecord<'v> {
    /// How far beneath: 1 for a child.
    #[schema(minimum = 1)]
    depth: usize,
    /// The key of the unit directly above it on this walk.
    #[schema(required = true)]
    parent_key: Option<&'v str>,
    #[serde(flatten)]
    unit: UnitRecord<'v>,
}

impl<'v> UnitRecord<'v> {
    pub(super) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let unit = entity.as_org_unit()?;
        Some(Self {
            key: unit.key.as_str(),
            name: unit.name.as_str(),
            r#type: unit.unit_type.as_str(),
            level: level_number(unit.unit_type.level()),
            external_id: text(unit.external_id.as_ref()),
            parents: view.parents(id).into_iter().filter_map(|parent| unit_key(view, parent)).collect(),
            totals: TotalsRecord::of(view.totals(id)),
            attributes: &unit.attributes,
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}

/// The key of a unit in sight.
pub(super) fn unit_key(view: &View, id: EntityId) -> Option<&str> {
    view.entity(id).map(|entity| entity.label())
}

impl TotalsRecord {
    fn of(totals: Totals) -> Self {
        let Totals { units, people, projects, repositories, services } = totals;
        Self { units, people, projects, repositories, services }
    }
}

/// Units.
#[derive(Debug)]
pub(super) struct Units;

/// Units beneath another.
#[derive(Debug)]
pub(super) struct Descendants;

impl Resource for Units {
    type Item = EntityId;
    type Record<'v> = UnitRecord<'v>;
    const COLUMNS: &'static [&'static str] = &[
        "key",
        "name",
        "type",
        "level",
        "externalId",
        "parents",
        "totals.units",
        "totals.people",
        "totals.projects",
        "totals.repositories",
        "totals.services",
        "attributes",
        "validFrom",
        "validTo",
        "createdAt",
        "updatedAt",
        "revision",
    ];

    fn sorts() -> Vec<&'static str> {
        names(Self::SORTS)
    }

    fn record<'v>(view: &'v View, item: &'v EntityId) -> Option<UnitRecord<'v>> {
        UnitRecord::of(view, *item)
    }

    fn revision(view: &View, item: &EntityId) -> Option<Revision> {
        view.entity(*item).map(|entity| entity.stamps.revision)
    }
}

impl Entities for Units {
    const KIND: Kind = Kind::OrgUnit;
    const SORTS: &'static [(&'static str, OrderBy)] = &[
        ("createdAt", OrderBy::Created),
        ("updatedAt", OrderBy::Updated),
        ("key", OrderBy::Field(Field::Key)),
        ("name", OrderBy::Field(Field::Name)),
        ("type", OrderBy::Field(Field::Type)),
        ("externalId", OrderBy::Field(Field::ExternalId)),
    ];
}

impl Resource for Descendants {
    type Item = Descendant;
    type Record<'v> = DescendantRecord<'v>;
    const COLUMNS: &'static [&'static str] = &[
        "depth",
        "parentKey",
        "key",
        "name",
        "type",
        "level",
        "externalId",
        "parents",
        "totals.units",
        "totals.people",
        "totals.projects",
        "totals.repositories",
        "totals.services",
        "attributes",
        "validFrom",
        "validTo",
        "createdAt",
        "updatedAt",
        "revision",
    ];

    fn sorts() -> Vec<&'static str> {
        Units::sorts()
    }

    fn record<'v>(view: &'v View, item: &'v Descendant) -> Option<DescendantRecord<'v>> {
        let unit = UnitRecord::of(view, item.id)?;
        Some(DescendantRecord { depth: item.depth, parent_key: unit_key(view, item.parent), unit })
    }

    fn revision(view: &View, item: &Descendant) -> Option<Revision> {
        Units::revision(view, &item.id)
    }
}
