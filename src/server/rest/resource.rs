//! What lists, single answers and exports need to know of a kind of record.

use std::sync::Arc;

use serde::Serialize;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind, Revision};
use crate::model::mapping::Mapping;
use crate::query::Field;
use crate::query::OrderBy;
use crate::query::tree::Descendant;
use crate::server::rest::mapping_list::MAPPING_SORTS;
use crate::wire::asset::RepositoryRecord;
use crate::wire::mapping::MappingRecord;
use crate::wire::person::PersonRecord;
use crate::wire::project::ProjectRecord;
use crate::wire::unit::{DescendantRecord, UnitRecord};

/// A kind of record that is answered with.
pub(super) trait Resource: Send + Sync + 'static {
    /// What stands for one record until it is written out.
    type Item: Send + Sync + 'static;
    /// The record as the wire has it.
    type Record<'v>: Serialize;
    /// Its columns, in order. A dotted one is a member of an object, and `fields=` names what is before the dot.
    const COLUMNS: &'static [&'static str];

    /// The fields that lists of it are sorted by.
    fn sorts() -> Vec<&'static str>;

    /// The record, if it is still there to be seen.
    fn record<'v>(view: &'v View, item: &'v Self::Item) -> Option<Self::Record<'v>>;

    /// The revision in which it last changed.
    fn revision(view: &View, item: &Self::Item) -> Option<Revision>;
}

/// A kind of record that is an entity: filtered, sorted and paged by the query engine.
pub(super) trait Entities: Resource<Item = EntityId> {
    /// Which.
    const KIND: Kind;
    /// The fields that it can be sorted by.
    const SORTS: &'static [(&'static str, OrderBy)];
}

/// People.
#[derive(Debug)]
pub(super) struct People;

/// Projects.
#[derive(Debug)]
pub(super) struct Projects;

/// Repositories.
#[derive(Debug)]
pub(super) struct Repositories;

/// Mappings of every type.
#[derive(Debug)]
pub(super) struct Mappings;

/// The names of orders.
pub(super) fn names(sorts: &[(&'static str, OrderBy)]) -> Vec<&'static str> {
    sorts.iter().map(|(name, _)| *name).collect()
}

fn revision_of(view: &View, id: EntityId) -> Option<Revision> {
    view.entity(id).map(|entity| entity.stamps.revision)
}

impl Resource for People {
    type Item = EntityId;
    type Record<'v> = PersonRecord<'v>;
    const COLUMNS: &'static [&'static str] = &[
        "email",
        "firstName",
        "lastName",
        "displayName",
        "externalId",
        "organization",
        "business",
        "department",
        "group",
        "team",
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

    fn record<'v>(view: &'v View, item: &'v EntityId) -> Option<PersonRecord<'v>> {
        PersonRecord::of(view, *item)
    }

    fn revision(view: &View, item: &EntityId) -> Option<Revision> {
        revision_of(view, *item)
    }
}

impl Entities for People {
    const KIND: Kind = Kind::Person;
    const SORTS: &'static [(&'static str, OrderBy)] = &[
        ("createdAt", OrderBy::Created),
        ("updatedAt", OrderBy::Updated),
        ("email", OrderBy::Field(Field::Email)),
        ("firstName", OrderBy::Field(Field::FirstName)),
        ("lastName", OrderBy::Field(Field::LastName)),
        ("displayName", OrderBy::Field(Field::DisplayName)),
        ("externalId", OrderBy::Field(Field::ExternalId)),
    ];
}

impl Resource for Projects {
    type Item = EntityId;
    type Record<'v> = ProjectRecord<'v>;
    const COLUMNS: &'static [&'static str] = &[
        "projectId",
        "projectName",
        "projectOwner.firstName",
        "projectOwner.lastName",
        "projectOwner.email",
        "externalId",
        "organization",
        "business",
        "department",
        "group",
        "team",
        "assets",
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

    fn record<'v>(view: &'v View, item: &'v EntityId) -> Option<ProjectRecord<'v>> {
        ProjectRecord::of(view, *item)
    }

    fn revision(view: &View, item: &EntityId) -> Option<Revision> {
        revision_of(view, *item)
    }
}

impl Entities for Projects {
    const KIND: Kind = Kind::Project;
    const SORTS: &'static [(&'static str, OrderBy)] = &[
        ("createdAt", OrderBy::Created),
        ("updatedAt", OrderBy::Updated),
        ("projectId", OrderBy::Field(Field::ProjectId)),
        ("projectName", OrderBy::Field(Field::Name)),
        ("projectOwner", OrderBy::Field(Field::OwnerEmail)),
        ("externalId", OrderBy::Field(Field::ExternalId)),
    ];
}

impl Resource for Repositories {
    type Item = EntityId;
    type Record<'v> = RepositoryRecord<'v>;
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "platform",
        "url",
        "projectId",
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

    fn record<'v>(view: &'v View, item: &'v EntityId) -> Option<RepositoryRecord<'v>> {
        RepositoryRecord::of(view, *item)
    }

    fn revision(view: &View, item: &EntityId) -> Option<Revision> {
        revision_of(view, *item)
    }
}

impl Entities for Repositories {
    const KIND: Kind = Kind::Repository;
    const SORTS: &'static [(&'static str, OrderBy)] = &[
        ("createdAt", OrderBy::Created),
        ("updatedAt", OrderBy::Updated),
        ("name", OrderBy::Field(Field::Name)),
        ("platform", OrderBy::Field(Field::Platform)),
        ("url", OrderBy::Field(Field::Url)),
    ];
}

impl Resource for Mappings {
    type Item = Arc<Mapping>;
    type Record<'v> = MappingRecord<'v>;
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "attribute1",
        "attribute2",
        "mappingType",
        "relationship",
        "parent",
        "parentType",
        "child",
        "childType",
        "source",
        "attributes",
        "validFrom",
        "validTo",
        "createdAt",
        "updatedAt",
        "revision",
    ];

    fn sorts() -> Vec<&'static str> {
        MAPPING_SORTS.to_vec()
    }

    fn record<'v>(view: &'v View, item: &'v Arc<Mapping>) -> Option<MappingRecord<'v>> {
        MappingRecord::of(view, item)
    }

    fn revision(_: &View, item: &Arc<Mapping>) -> Option<Revision> {
        Some(item.stamps.revision)
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
        revision_of(view, *item)
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
        DescendantRecord::of(view, item)
    }

    fn revision(view: &View, item: &Descendant) -> Option<Revision> {
        Units::revision(view, &item.id)
    }
}
