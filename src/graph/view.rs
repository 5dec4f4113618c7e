//! One revision, one scope. Every read begins here, and nothing outside the scope is ever seen.

mod hierarchy;
pub(super) mod node;
mod related;
mod visible;

use std::cmp::Ordering;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::graph::index::IndexBy;
use crate::graph::order::Order;
use crate::graph::{Graph, RecordKey, Sorted, TextCandidates, Value};
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::key::{Email, ProjectId, RepoUrl, ServiceIdentifier};
use crate::model::token::Scope;

use self::visible::VisibleSet;

/// A directory at one revision, as far as one scope may see it. Cheap to clone; never changes.
#[derive(Debug, Clone)]
pub struct View {
    graph: Arc<Graph>,
    /// What it is narrowed to; everything where to nothing.
    sight: Option<Arc<VisibleSet>>,
}

/// What is beneath a unit, rolled up, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Units strictly beneath it.
    pub units: u64,
    /// People placed in it or beneath it.
    pub people: u64,
    /// Projects placed in it or beneath it.
    pub projects: u64,
    /// Repositories of those projects.
    pub repositories: u64,
    /// Services of those projects.
    pub services: u64,
}

impl View {
    /// Sees everything in `graph`.
    #[must_use]
    pub fn of(graph: Arc<Graph>) -> Self {
        Self { graph, sight: None }
    }

    /// About how many bytes it takes to hold this once it was replaced.
    #[cfg(feature = "server")]
    pub(crate) fn retained_bytes(&self) -> u64 {
        self.graph.copy_bytes()
    }

    /// As far as `scope` reaches.
    #[must_use]
    pub fn scoped_to(&self, scope: &Scope) -> Self {
        match scope {
            Scope::Everything => self.clone(),
            Scope::Units(units) => self.within(units),
        }
    }

    /// Narrows to these units and what is beneath them; they become its roots. Those that are not in sight add
    /// nothing, and without any there is nothing to be seen.
    #[must_use]
    pub fn within(&self, units: &[EntityId]) -> Self {
        let is_unit = |id: &EntityId| self.entity(*id).is_some_and(|it| it.kind() == Kind::OrgUnit);
        let units = units.iter().copied().filter(is_unit).collect();
        Self { graph: Arc::clone(&self.graph), sight: Some(Arc::new(VisibleSet::of(&self.graph, units))) }
    }

    /// Whether anything is left out of it.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.sight.is_some()
    }

    /// The revision that this is a view of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.graph.revision()
    }

    /// A number that the views of one instance_id of a directory share, and hardly any others: a revision says what is
    /// in a directory only together with this, since a backup that was restored counts on from where it stood.
    #[must_use]
    pub fn instance_id(&self) -> u32 {
        self.graph.instance_id
    }

    /// A word for what this view may see: the same for equal scopes, for use in `ETag`s and cache keys.
    #[must_use]
    pub fn scope_name(&self) -> &str {
        self.sight.as_ref().map_or("all", |sight| sight.name(&self.graph))
    }

    /// Tells what this view holds from what any other does, as a word: equal views of one instance_id have the same. For
    /// `ETag`s and cache keys.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("r{}-{}-{:08x}", self.revision(), self.scope_name(), self.instance_id())
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    fn sees(&self, id: EntityId) -> bool {
        self.sight.as_ref().is_none_or(|sight| sight.sees(&self.graph, id))
    }

    /// The entity of this number, if it exists now and is in sight.
    #[must_use]
    pub fn entity(&self, id: EntityId) -> Option<&Arc<Entity>> {
        self.graph.entity(id).filter(|_| self.sees(id))
    }

    /// What messages call this entity; `?` for what is out of sight.
    #[must_use]
    pub fn label(&self, id: EntityId) -> String {
        self.entity(id).map_or_else(|| "?".to_owned(), |entity| entity.label().to_owned())
    }

    /// All entities of a kind.
    #[must_use]
    pub fn all(&self, kind: Kind) -> &RoaringBitmap {
        match &self.sight {
            None => &self.graph.all[kind as usize],
            Some(sight) => sight.all(&self.graph, kind),
        }
    }

    /// The number that the next new entity gets. For the planner alone: it says how many there ever were.
    pub(crate) fn next_entity(&self) -> EntityId {
        self.graph.next_entity()
    }

    pub(super) fn look_up(&self, by: IndexBy, text: &str) -> Vec<EntityId> {
        let entity_of = |id| self.graph.entity(id).map(|entity| &**entity);
        let mut found: Vec<_> =
            self.graph.index.find(by, text, entity_of).filter(|id| self.sees(*id)).collect();
        found.sort_unstable();
        found
    }

    /// As [`View::look_up`], where a text stands for one entity at most.
    fn look_up_one(&self, by: IndexBy, text: &str) -> Option<EntityId> {
        let entity_of = |id| self.graph.entity(id).map(|entity| &**entity);
        self.graph.index.find(by, text, entity_of).find(|id| self.sees(*id))
    }

    /// The person with this email.
    #[must_use]
    pub fn person_by_email(&self, email: &Email) -> Option<EntityId> {
        self.look_up_one(IndexBy::Email, &email.folded())
    }

    /// The project with this id.
    #[must_use]
    pub fn project_by_id(&self, id: &ProjectId) -> Option<EntityId> {
        self.look_up_one(IndexBy::ProjectId, id.as_str())
    }

    /// Every project's repository at this url, the earliest first.
    #[must_use]
    pub fn repositories_at(&self, url: &RepoUrl) -> Vec<EntityId> {
        self.look_up(IndexBy::RepositoryUrl, &url.normalized())
    }

    /// Every project's service with this identifier, the earliest first.
    #[must_use]
    pub fn services_called(&self, identifier: &ServiceIdentifier) -> Vec<EntityId> {
        self.look_up(IndexBy::ServiceIdentifier, identifier.as_str())
    }

    /// Builds now what is otherwise built when a text is first looked for. Takes seconds for a million records.
    pub fn warm_up(&self) {
        self.graph.text();
    }

    /// Who of a kind may have `part`, folded, somewhere in a text of their own; none when it is too short to look
    /// up. Not narrowed to what is in sight.
    pub(crate) fn may_contain(&self, part: &str) -> Option<TextCandidates> {
        self.graph.text().containing(part)
    }

    /// The same at the beginning of a text. Others may be among them: whether one has it is for the caller to see.
    pub(crate) fn may_start(&self, part: &str) -> Option<RoaringBitmap> {
        self.graph.text().starting(part)
    }

    /// For each three letters in a row of a word, folded, who has them. Not narrowed to what is in sight.
    pub(crate) fn trigrams(&self, word: &str) -> Vec<RoaringBitmap> {
        self.graph.text().each_of(word)
    }

    /// Shows the texts of each of `ids` in turn, folded, in the order of [`Kind::texts`]; between them a `SEPARATOR`.
    pub(crate) fn each_texts(&self, ids: &RoaringBitmap, show: impl FnMut(EntityId, &str)) {
        let ids = ids.iter().map(EntityId).filter(|id| self.sees(*id));
        self.graph.text().texts().each(ids, show);
    }

    /// What `entity` is sorted by in an order.
    pub(crate) fn value<'v>(&'v self, order: Order, entity: &'v Entity) -> Option<Value<'v>> {
        order.value(&self.graph, entity)
    }

    /// What tells `entity` from all others.
    pub(crate) fn record_key<'v>(&'v self, entity: &'v Entity) -> RecordKey<'v> {
        RecordKey::of(&self.graph, entity)
    }

    /// How a record, out of sight too, stands in an order to one with this value and key.
    pub(crate) fn stands(
        &self,
        order: Order,
        id: EntityId,
        value: Option<&Value<'_>>,
        key: &RecordKey<'_>,
    ) -> Ordering {
        let Some(entity) = self.graph.entity(id) else { return Ordering::Less };
        let by_value = order.compare(order.value(&self.graph, entity).as_ref(), value);
        by_value.then_with(|| RecordKey::of(&self.graph, entity).cmp(key))
    }

    /// How many records of `kind` there are, out of sight too: as many as a list of them has.
    pub(crate) fn count_of(&self, kind: Kind) -> u64 {
        self.graph.count_of(kind)
    }

    /// All records of `kind` in an order, out of sight too; none for that of creation, which is the numbers' own.
    pub(crate) fn sorted(&self, kind: Kind, order: Order) -> Option<&Sorted> {
        self.graph.sorted(kind, order)
    }

    /// Each platform, with the projects that have a repository there. Not narrowed to what is in sight.
    pub(crate) fn projects_by_platform(&self) -> impl Iterator<Item = (&str, &RoaringBitmap)> {
        self.graph.platforms.iter().map(|(platform, projects)| (platform.as_str(), projects))
    }
}
