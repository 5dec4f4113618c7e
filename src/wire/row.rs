//! A row: a record (entity or mapping) to be serialized, with access to the keys of the records that it refers to.
//!
//! Accessors that do not apply return `None`: a person has no project, and a row of the log has no view.

use std::cell::{OnceCell, RefCell};

use rustc_hash::FxHashMap;

use crate::directory::{Audit, View};
use crate::model::attributes::Attributes;
use crate::model::entity::{Body, Entity, EntityId, OrgUnit, Person, Project, Repository, Service, Stamps};
use crate::model::mapping::{Mapping, MappingType};
use crate::query::subtree::Descendant;

/// A record to be serialized.
#[derive(Clone)]
pub(crate) struct Row<'v> {
    record: RowSource<'v>,
    source: RecordOrigin<'v>,
    // Computed at most once per record, for all five columns together, and only if one of them is selected.
    levels: OnceCell<LevelUnits>,
    level_cache: Option<&'v LevelCache>,
    /// Of a descendant: its depth below the start of the walk, and the parent through which the walk reached it.
    pub(crate) walk: Option<(usize, EntityId)>,
}

/// For each level, the nearest ancestor.
type LevelUnits = [Option<EntityId>; 5];

/// The level units of the records of one response, by the parents of a record.
// Records of the same parents have the same levels, and deriving them may mean to read thousands of ancestors.
#[derive(Default)]
pub(crate) struct LevelCache(RefCell<FxHashMap<Vec<EntityId>, LevelUnits>>);

impl LevelCache {
    /// The level units of a record.
    pub(crate) fn levels(&self, view: &View, id: EntityId) -> LevelUnits {
        let parents = view.parents(id);
        if let Some(known) = self.0.borrow().get(&parents) {
            return *known;
        }
        let levels = view.levels(id);
        self.0.borrow_mut().insert(parents, levels);
        levels
    }
}

#[derive(Clone, Copy)]
enum RowSource<'v> {
    Entity(&'v Entity),
    Mapping(&'v Mapping),
}

/// The source of a record, in which the keys of other records are looked up.
#[derive(Clone, Copy)]
enum RecordOrigin<'v> {
    View(&'v View),
    Log(&'v Audit),
}

impl<'v> Row<'v> {
    fn new(record: RowSource<'v>, source: RecordOrigin<'v>) -> Self {
        Self { record, source, levels: OnceCell::new(), level_cache: None, walk: None }
    }

    /// The same row, with its levels taken from a cache of the same view.
    pub(crate) fn with_level_cache(self, cache: &'v LevelCache) -> Self {
        Self { level_cache: Some(cache), ..self }
    }

    /// An entity; `None` if it is not visible.
    pub(crate) fn entity(view: &'v View, id: EntityId) -> Option<Self> {
        Some(Self::new(RowSource::Entity(view.entity(id)?), RecordOrigin::View(view)))
    }

    /// A mapping; `None` unless both its ends are visible.
    pub(crate) fn mapping(view: &'v View, mapping: &'v Mapping) -> Option<Self> {
        // A mapping would reveal the key of an end outside the scope.
        view.entity(mapping.from).and(view.entity(mapping.to))?;
        Some(Self::new(RowSource::Mapping(mapping), RecordOrigin::View(view)))
    }

    /// A descendant of a unit, with its position in the walk from there.
    pub(crate) fn descendant(view: &'v View, item: &Descendant) -> Option<Self> {
        Some(Self { walk: Some((item.depth, item.parent)), ..Self::entity(view, item.id)? })
    }

    /// An entity at a revision of the log.
    pub(crate) fn logged_entity(audit: &'v Audit, entity: &'v Entity) -> Self {
        Self::new(RowSource::Entity(entity), RecordOrigin::Log(audit))
    }

    /// A mapping at a revision of the log.
    pub(crate) fn logged_mapping(audit: &'v Audit, mapping: &'v Mapping) -> Self {
        Self::new(RowSource::Mapping(mapping), RecordOrigin::Log(audit))
    }

    pub(crate) fn view(&self) -> Option<&'v View> {
        if let RecordOrigin::View(view) = self.source { Some(view) } else { None }
    }

    fn body(&self) -> Option<&'v Body> {
        if let RowSource::Entity(entity) = self.record { Some(&entity.body) } else { None }
    }

    pub(crate) fn id(&self) -> Option<EntityId> {
        if let RowSource::Entity(entity) = self.record { Some(entity.id) } else { None }
    }

    pub(crate) fn unit(&self) -> Option<&'v OrgUnit> {
        if let Body::OrgUnit(unit) = self.body()? { Some(unit) } else { None }
    }

    pub(crate) fn person(&self) -> Option<&'v Person> {
        if let Body::Person(person) = self.body()? { Some(person) } else { None }
    }

    pub(crate) fn project(&self) -> Option<&'v Project> {
        if let Body::Project(project) = self.body()? { Some(project) } else { None }
    }

    pub(crate) fn repository(&self) -> Option<&'v Repository> {
        if let Body::Repository(repository) = self.body()? { Some(repository) } else { None }
    }

    pub(crate) fn service(&self) -> Option<&'v Service> {
        if let Body::Service(service) = self.body()? { Some(service) } else { None }
    }

    pub(crate) fn as_mapping(&self) -> Option<&'v Mapping> {
        if let RowSource::Mapping(mapping) = self.record { Some(mapping) } else { None }
    }

    /// The parent and the child of a mapping between two units.
    pub(crate) fn ends(&self) -> Option<[&'v OrgUnit; 2]> {
        let mapping = self.as_mapping().filter(|it| it.mapping_type == MappingType::ParentChild)?;
        let unit = |id| self.view()?.entity(id)?.as_org_unit();
        Some([unit(mapping.from)?, unit(mapping.to)?])
    }

    /// The key of another record; `None` if it is not visible.
    pub(crate) fn key(&self, id: EntityId) -> Option<&'v str> {
        match self.source {
            RecordOrigin::View(view) => view.entity(id).map(|entity| entity.label()),
            // Ended records are not in a view, so the log brings the keys of all records that it mentions.
            RecordOrigin::Log(audit) => audit.keys.get(&id).map(String::as_str),
        }
    }

    pub(crate) fn attributes(&self) -> &'v Attributes {
        match self.record {
            RowSource::Mapping(mapping) => &mapping.attributes,
            RowSource::Entity(entity) => match &entity.body {
                Body::OrgUnit(unit) => &unit.attributes,
                Body::Person(person) => &person.attributes,
                Body::Project(project) => &project.attributes,
                Body::Repository(repository) => &repository.attributes,
                Body::Service(service) => &service.attributes,
            },
        }
    }

    pub(crate) fn stamps(&self) -> &'v Stamps {
        match self.record {
            RowSource::Entity(entity) => &entity.stamps,
            RowSource::Mapping(mapping) => &mapping.stamps,
        }
    }

    /// The name of the nearest ancestor of this level, counted from 0.
    pub(crate) fn level(&self, level: usize) -> Option<&'v str> {
        let (view, id) = (self.view()?, self.id()?);
        let levels = self.levels.get_or_init(|| match self.level_cache {
            Some(cache) => cache.levels(view, id),
            None => view.levels(id),
        });
        Some(view.entity(levels[level]?)?.as_org_unit()?.name.as_str())
    }
}
