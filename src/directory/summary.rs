//! What a change set did to the records of the directory, beyond those that its commands name.
//!
//! Invariant: the numbers compare the directory before the change set with the one after it. A record that the set creates
//! and deletes again is in none of them.

use roaring::RoaringBitmap;

use crate::directory::plan::Planned;
use crate::graph::View;
use crate::model::change::Change;
use crate::model::command::{Command, Subject};
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::{Mapping, MappingId, MappingType};

/// Maximum number of units in each list of a [`WriteSummary`].
// A list is for people to read. An import may create a hundred thousand units by name.
const LISTED_MAX: usize = 100;

/// What a change set did to the records of the directory.
///
/// ```
/// use clade::{CreatePerson, Directory};
///
/// let ada = CreatePerson::new("ada@corp.example").under("Corp/Research");
/// let applied = Directory::in_memory()?.apply(ada)?;
/// assert_eq!((applied.summary.people.created, applied.summary.mappings.created), (1, 2));
/// assert_eq!(applied.summary.made_count, 2, "two units that no command names");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// Units.
    pub units: RecordCounts,
    /// People.
    pub people: RecordCounts,
    /// Projects.
    pub projects: RecordCounts,
    /// Repositories.
    pub repositories: RecordCounts,
    /// Services.
    pub services: RecordCounts,
    /// Mappings. They never move: the records at their ends do.
    pub mappings: RecordCounts,
    /// The first 100 units that were created because a name or path led to them.
    pub made: Vec<EntityId>,
    /// The number of units that were created because a name or path led to them.
    pub made_count: u64,
    /// The first 100 units that had parents, kept one of them, and got another by a mapping.
    pub second_parents: Vec<EntityId>,
    /// The number of units that had parents, kept one of them, and got another by a mapping.
    pub second_parents_count: u64,
}

/// Numbers of records of one kind, by what happened to them.
///
/// ```
/// use clade::{CreatePerson, Directory};
///
/// let applied = Directory::in_memory()?.apply(CreatePerson::new("ada@corp.example"))?;
/// assert_eq!(applied.summary.people.created, 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Created.
    pub created: u64,
    /// Existed, and got a new revision.
    pub updated: u64,
    /// Existed, and got or lost a unit directly above them.
    pub moved: u64,
    /// Deleted.
    pub ended: u64,
}

/// The records of one kind that a change set has touched so far.
#[derive(Debug, Default)]
struct Touched {
    created: RoaringBitmap,
    updated: RoaringBitmap,
    moved: RoaringBitmap,
    ended: RoaringBitmap,
}

/// Collects the summary while a change set is planned.
pub(super) struct SummaryBuilder {
    /// The id of the first entity that the change set can create.
    first_entity: EntityId,
    /// The ids of the first and the last mapping that the change set has created.
    // Ids of new mappings only grow, so no set of them is needed to tell which ones it has created.
    new_mappings: Option<(MappingId, MappingId)>,
    kinds: [Touched; Kind::ALL.len()],
    mappings: RecordCounts,
    made: RoaringBitmap,
    /// Units that existed and got a parent by a mapping.
    linked: RoaringBitmap,
}

impl SummaryBuilder {
    /// For a change set whose first new entity will have the id `first_entity`.
    pub(super) fn new(first_entity: EntityId) -> Self {
        Self {
            first_entity,
            new_mappings: None,
            kinds: Default::default(),
            mappings: RecordCounts::default(),
            made: RoaringBitmap::new(),
            linked: RoaringBitmap::new(),
        }
    }

    /// Adds the changes of a command, which are not in `before` yet.
    pub(super) fn add(&mut self, before: &View, command: &Command, planned: &Planned) {
        let is_link = matches!(command, Command::CreateMapping(_) | Command::LinkUnits(_));
        for change in &planned.changes {
            match change {
                Change::PutEntity(entity) => {
                    let is_new = self.is_new(entity.id);
                    let touched = &mut self.kinds[entity.kind() as usize];
                    let of_kind = if is_new { &mut touched.created } else { &mut touched.updated };
                    let is_first = of_kind.insert(entity.id.0);
                    let is_named = planned.outcome.subject == Subject::Entity(entity.id);
                    if is_new && is_first && !is_named && entity.kind() == Kind::OrgUnit {
                        self.made.insert(entity.id.0);
                    }
                }
                Change::EndEntity { id, .. } => self.ended(before, *id),
                Change::PutMapping(mapping) => self.put(before, mapping, is_link),
                Change::EndMapping { id, .. } => {
                    if self.is_new_mapping(*id) {
                        self.mappings.created = self.mappings.created.saturating_sub(1);
                    } else {
                        self.mappings.ended += 1;
                    }
                    if let Some(mapping) = before.mapping(id) {
                        self.moved(before, mapping);
                    }
                }
                Change::PutToken(_) => {}
            }
        }
    }

    fn is_new(&self, id: EntityId) -> bool {
        id >= self.first_entity
    }

    fn is_new_mapping(&self, id: MappingId) -> bool {
        self.new_mappings.is_some_and(|(first, _)| id >= first)
    }

    fn ended(&mut self, before: &View, id: EntityId) {
        let Some(entity) = before.entity(id) else { return };
        let is_new = self.is_new(id);
        let touched = &mut self.kinds[entity.kind() as usize];
        touched.updated.remove(id.0);
        touched.moved.remove(id.0);
        if is_new {
            touched.created.remove(id.0);
            self.made.remove(id.0);
        } else {
            touched.ended.insert(id.0);
        }
        self.linked.remove(id.0);
    }

    fn put(&mut self, before: &View, mapping: &Mapping, is_link: bool) {
        let is_created = match self.new_mappings {
            Some((_, last)) => mapping.id > last,
            None => before.mapping(&mapping.id).is_none(),
        };
        if is_created {
            let first = self.new_mappings.map_or(mapping.id, |(first, _)| first);
            self.new_mappings = Some((first, mapping.id));
            self.mappings.created += 1;
        } else if !self.is_new_mapping(mapping.id) {
            self.mappings.updated += 1;
            match before.mapping(&mapping.id) {
                Some(it) if (it.from, it.to) != (mapping.from, mapping.to) => self.moved(before, it),
                _ => return,
            }
        } else {
            return;
        }
        self.moved(before, mapping);
        let (_, child) = mapping.parent_and_child();
        if is_link && mapping.mapping_type == MappingType::ParentChild && !self.is_new(child) {
            self.linked.insert(child.0);
        }
    }

    fn moved(&mut self, before: &View, mapping: &Mapping) {
        let (_, child) = mapping.parent_and_child();
        if mapping.mapping_type != MappingType::ProjectPeople
            && !self.is_new(child)
            && let Some(entity) = before.entity(child)
        {
            self.kinds[entity.kind() as usize].moved.insert(child.0);
        }
    }

    /// The summary, with `after` as the directory after the change set.
    pub(super) fn finish(self, after: &View) -> WriteSummary {
        let of = |kind: Kind| {
            let Touched { created, updated, moved, ended } = &self.kinds[kind as usize];
            let [created, updated, moved, ended] = [created, updated, moved, ended].map(RoaringBitmap::len);
            RecordCounts { created, updated, moved, ended }
        };
        let first = |ids: &RoaringBitmap| ids.iter().take(LISTED_MAX).map(EntityId).collect();
        let twofold = self.linked.iter().filter(|unit| self.has_old_and_new_parent(after, EntityId(*unit)));
        let twofold: RoaringBitmap = twofold.collect();
        WriteSummary {
            units: of(Kind::OrgUnit),
            people: of(Kind::Person),
            projects: of(Kind::Project),
            repositories: of(Kind::Repository),
            services: of(Kind::Service),
            mappings: self.mappings,
            made: first(&self.made),
            made_count: self.made.len(),
            second_parents: first(&twofold),
            second_parents_count: twofold.len(),
        }
    }

    fn has_old_and_new_parent(&self, after: &View, unit: EntityId) -> bool {
        let parents = after.parents(unit);
        let links = || parents.iter().filter_map(|parent| after.mapping_between(*parent, unit));
        let is_new = |link: &Mapping| self.is_new_mapping(link.id);
        links().any(is_new) && !links().all(is_new)
    }
}
