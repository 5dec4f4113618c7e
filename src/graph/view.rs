//! [`View`]: a read-only snapshot of one revision, limited to one scope.
//!
//! Invariant: every read goes through a view, and a view returns nothing outside its scope. The `pub(crate)` methods
//! that say "not limited to the scope" are for candidates and counts that their callers narrow.

mod hierarchy;
pub(super) mod node;
mod related;
mod visible;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use memchr::memmem::Finder;
use roaring::RoaringBitmap;

use crate::error::Error;
use crate::graph::index::IndexBy;
use crate::graph::order::Order;
use crate::graph::{Graph, RecordKey, Sorted, TextCandidates, Value};
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::key::{Email, ProjectId, ServiceIdentifier};
use crate::model::repo_url::RepoUrl;
use crate::model::token::Scope;
use crate::model::version::Lineage;

use self::visible::VisibleSet;

/// A read-only snapshot of a directory at one revision, limited to one scope. Cheap to clone.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
/// let view = directory.view();
/// directory.apply(clade::DeletePerson::new("ada@corp.example"))?;
/// assert!(view.person("ada@corp.example").is_ok(), "a view never changes");
/// assert_eq!(view.within(&[view.org_unit("Research")?.id()]).roots().len(), 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct View {
    graph: Arc<Graph>,
    /// The visible entities; `None` for all.
    visible: Option<Arc<VisibleSet>>,
}

/// The number of records below a unit, at any depth, each counted once.
///
/// ```
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Research");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let totals = view.org_unit("Corp")?.totals();
/// assert_eq!((totals.units, totals.people, totals.projects), (1, 1, 0));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Units below it, without itself.
    pub units: u64,
    /// People placed in it or below it.
    pub people: u64,
    /// Projects placed in it or below it.
    pub projects: u64,
    /// Repositories of those projects.
    pub repositories: u64,
    /// Services of those projects.
    pub services: u64,
}

impl View {
    /// A view of the whole graph.
    #[must_use]
    pub fn of(graph: Arc<Graph>) -> Self {
        Self { graph, visible: None }
    }

    /// Estimated memory, in bytes, that this view keeps alive after a newer revision is published.
    #[cfg(feature = "server")]
    pub(crate) fn retained_bytes(&self) -> u64 {
        self.graph.copy_bytes()
    }

    /// This view, limited to `scope`.
    #[must_use]
    pub fn scoped_to(&self, scope: &Scope) -> Self {
        match scope {
            Scope::Everything => self.clone(),
            Scope::Units(units) => self.within(units),
        }
    }

    /// This view, limited to these units and everything below them; they become its roots. Units that are not visible
    /// in this view are ignored. If none is left, the result is empty.
    #[must_use]
    pub fn within(&self, units: &[EntityId]) -> Self {
        // Through `self.entity`, not the graph: narrowing a view that is narrowed already must never widen it.
        let is_unit = |id: &EntityId| self.entity(*id).is_some_and(|it| it.kind() == Kind::OrgUnit);
        let units = units.iter().copied().filter(is_unit).collect();
        Self { graph: Arc::clone(&self.graph), visible: Some(Arc::new(VisibleSet::of(&self.graph, units))) }
    }

    /// Whether it is limited to a scope.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.visible.is_some()
    }

    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.graph.revision()
    }

    /// A random number that is chosen when the directory is opened, the same for all of its views. Revisions are
    /// comparable only within one instance: a restored backup uses the same revision numbers again for other content.
    #[must_use]
    pub fn instance_id(&self) -> u32 {
        self.graph.instance_id
    }

    /// The lineage of the store when the directory was opened: a condition for a later process needs it beside the
    /// revision, see [`ExpectedRevision`](crate::model::ExpectedRevision).
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        self.graph.lineage
    }

    /// A name for the scope, equal for equal scopes: `all`, or a hash of the unit keys. For `ETag`s and cache keys.
    #[must_use]
    pub fn scope_name(&self) -> &str {
        // A hash is 16 hexadecimal digits, so it is never "all".
        self.visible.as_ref().map_or("all", |visible| visible.name(&self.graph))
    }

    /// Identifies the content of this view: revision, scope and instance. For `ETag`s and cache keys.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("r{}-{}-{:08x}", self.revision(), self.scope_name(), self.instance_id())
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether an entity is in the scope. Deleted entities are in every unlimited scope: check [`View::entity`] too.
    fn is_visible(&self, id: EntityId) -> bool {
        self.visible.as_ref().is_none_or(|visible| visible.is_visible(&self.graph, id))
    }

    /// The entity with this id; `None` if it does not exist, is deleted or is not visible.
    #[must_use]
    pub fn entity(&self, id: EntityId) -> Option<&Arc<Entity>> {
        self.graph.entity(id).filter(|_| self.is_visible(id))
    }

    /// The key, email, project id or name of this entity, for messages; `?` if it is not visible.
    #[must_use]
    pub fn label(&self, id: EntityId) -> String {
        // Error messages name parents and path steps, some of which may be outside the caller's scope.
        self.entity(id).map_or_else(|| "?".to_owned(), |entity| entity.label().to_owned())
    }

    /// All visible entities of a kind, as a bitmap of their ids.
    #[must_use]
    pub fn all(&self, kind: Kind) -> &RoaringBitmap {
        match &self.visible {
            None => &self.graph.all[kind as usize],
            Some(visible) => visible.all(&self.graph, kind),
        }
    }

    /// The id that the next new entity gets. For the planner only: it reveals how many entities there ever were, in any
    /// scope.
    pub(crate) fn next_entity(&self) -> EntityId {
        self.graph.next_entity()
    }

    /// The visible entities with this key in an index, by id.
    pub(super) fn look_up(&self, by: IndexBy, text: &str) -> Vec<EntityId> {
        let entity_of = |id| self.graph.entity(id).map(|entity| &**entity);
        let compared = by.compared(text);
        let mut found: Vec<_> =
            self.graph.index.find(by, &compared, entity_of).filter(|id| self.is_visible(*id)).collect();
        // The index is a hash table without an order of its own; ids are in order of creation.
        found.sort_unstable();
        found
    }

    /// The visible entity with this key. Does not allocate for a key in lower case.
    // A store of an earlier version may have keys that differ in case alone. Each is found by its own spelling.
    pub(super) fn look_up_key(&self, by: IndexBy, text: &str) -> Option<EntityId> {
        let entity_of = |id| self.graph.entity(id).map(|entity| &**entity);
        let compared = by.compared(text);
        let is_spelled_so = |id: EntityId| entity_of(id).is_some_and(|entity| entity.label() == text);
        let mut some_spelling = None;
        for id in self.graph.index.find(by, &compared, entity_of).filter(|id| self.is_visible(*id)) {
            if is_spelled_so(id) {
                return Some(id);
            }
            some_spelling = some_spelling.max(Some(id));
        }
        some_spelling
    }

    /// The person with this email, in any spelling.
    #[must_use]
    pub fn person_by_email(&self, email: &Email) -> Option<EntityId> {
        self.look_up_key(IndexBy::Email, email.as_str())
    }

    /// The project with this id, in any spelling.
    #[must_use]
    pub fn project_by_id(&self, id: &ProjectId) -> Option<EntityId> {
        self.look_up_key(IndexBy::ProjectId, id.as_str())
    }

    /// The repositories of all projects with this URL, in any spelling, in order of creation.
    #[must_use]
    pub fn repositories_at(&self, url: &RepoUrl) -> Vec<EntityId> {
        self.look_up(IndexBy::RepositoryUrl, url.as_str())
    }

    /// The repository with this URL, in any spelling.
    ///
    /// # Errors
    /// [`Error::SeveralProjects`] if several projects have one.
    pub fn repository_at(&self, url: &RepoUrl) -> Result<Option<EntityId>, Error> {
        self.only_asset(&self.repositories_at(url), url.as_str())
    }

    /// The service with this identifier.
    ///
    /// # Errors
    /// [`Error::SeveralProjects`] if several projects have one.
    pub fn service_called(&self, identifier: &ServiceIdentifier) -> Result<Option<EntityId>, Error> {
        self.only_asset(&self.services_called(identifier), identifier.as_str())
    }

    /// The only one of `assets`; of those of a single project, the earliest.
    fn only_asset(&self, assets: &[EntityId], reference: &str) -> Result<Option<EntityId>, Error> {
        let owners = assets.iter().filter_map(|id| self.entity(*id)?.owning_project());
        let projects: BTreeSet<String> = owners.map(|project| self.label(project)).collect();
        if projects.len() > 1 {
            let reference = reference.to_owned();
            return Err(Error::SeveralProjects { reference, projects: projects.into_iter().collect() });
        }
        Ok(assets.first().copied())
    }

    /// The services of all projects with this identifier, in order of creation.
    #[must_use]
    pub fn services_called(&self, identifier: &ServiceIdentifier) -> Vec<EntityId> {
        self.look_up(IndexBy::ServiceIdentifier, identifier.as_str())
    }

    /// Builds the text index, which is otherwise built by the first search. Takes seconds for a million records.
    pub fn warm_up(&self) {
        self.graph.text();
    }

    /// The entities of `among` that may have a text that contains `part`, which is bare.
    pub(crate) fn candidates_containing(&self, part: &str, among: &RoaringBitmap) -> TextCandidates {
        self.graph.text().containing(part, among)
    }

    /// The entities of `among` that may have a text that begins with `part`, which is bare. Includes false positives,
    /// which the caller must check.
    pub(crate) fn candidates_starting(&self, part: &str, among: &RoaringBitmap) -> RoaringBitmap {
        self.graph.text().starting(part, among)
    }

    /// For each trigram of a bare word, the entities of `among` that have it.
    pub(crate) fn trigrams(&self, word: &str, among: &RoaringBitmap) -> Vec<RoaringBitmap> {
        self.graph.text().each_of(word, among)
    }

    /// The visible entities of `ids` with a match in their bare texts that passes: `passes` gets the texts, as in
    /// [`View::for_each_text`], and the offset of the match.
    pub(crate) fn matching_texts(
        &self,
        kind: Kind,
        ids: &RoaringBitmap,
        finder: &Finder<'_>,
        passes: impl Fn(&str, usize) -> bool,
    ) -> RoaringBitmap {
        let texts = self.graph.text().texts();
        if self.is_narrowed() {
            texts.matching(&(ids & self.all(kind)), finder, passes)
        } else {
            texts.matching(ids, finder, passes)
        }
    }

    /// Calls `visit` with the bare texts of each visible entity of `ids`: in the order of [`Kind::texts`], with a
    /// `SEPARATOR` after each.
    pub(crate) fn for_each_text(&self, ids: &RoaringBitmap, visit: impl FnMut(EntityId, &str)) {
        // Filtered here, since `ids` are mostly candidates of the index, which is not limited to the scope.
        let ids = ids.iter().map(EntityId).filter(|id| self.is_visible(*id));
        self.graph.text().texts().each(ids, visit);
    }

    /// The unique sort key of `entity`, which breaks ties.
    pub(crate) fn record_key<'v>(&'v self, entity: &'v Entity) -> RecordKey<'v> {
        RecordKey::of(&self.graph, entity)
    }

    /// Compares the position of a record in an order with a value and key. Not limited to the scope.
    pub(crate) fn compare_position(
        &self,
        order: Order,
        id: EntityId,
        value: Option<&Value<'_>>,
        key: &RecordKey<'_>,
    ) -> Ordering {
        let Some(entity) = self.graph.entity(id) else { return Ordering::Less };
        let by_value = order.compare(order.value(entity).as_ref(), value);
        by_value.then_with(|| RecordKey::of(&self.graph, entity).cmp(key))
    }

    /// The number of records of `kind`, which is the length of [`View::sorted`]. Not limited to the scope.
    pub(crate) fn count_of(&self, kind: Kind) -> u64 {
        self.graph.count_of(kind)
    }

    /// All records of `kind` in an order; `None` for the order of creation, which is that of the ids. Not limited to
    /// the scope.
    pub(crate) fn sorted(&self, kind: Kind, order: Order) -> Option<&Sorted> {
        self.graph.sorted(kind, order)
    }

    /// Each platform with the projects that have a repository there. Not limited to the scope.
    pub(crate) fn projects_by_platform(&self) -> impl Iterator<Item = (&str, &RoaringBitmap)> {
        self.graph.platforms.iter().map(|(platform, projects)| (platform.as_str(), projects))
    }
}
