//! Facets: the values of a dimension, each with the number of matching entities.
//!
//! Invariant: an entity counts once for a value, even if several ways lead to it (two repositories on one platform, two
//! parents under one unit).

use std::borrow::Cow;
use std::cell::{LazyCell, OnceCell};
use std::cmp::Reverse;
use std::hash::Hash;

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::key::fold;
use crate::model::level::Level;
use crate::query::filter::{Field, Filter, Relation};
use crate::query::select::{neighbours, select};

/// Maximum number of descendants for which a unit is counted entity by entity; see [`Flags`].
const FLAGGED_MAX: u64 = 8192;

/// A dimension by which entities are counted.
///
/// ```
/// use clade::query::{FacetBy, Filter, facet};
///
/// let cart = clade::CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let platforms = facet(&view, clade::Kind::Project, &Filter::All, FacetBy::Platform, false);
/// assert_eq!((platforms[0].value.as_str(), platforms[0].count), ("github.com", 1));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FacetBy {
    /// Units of a level; an entity counts for each of its ancestors of that level.
    Level(Level),
    /// Hosting platforms; a project counts for each platform of its repositories.
    Platform,
    /// The emails of projects' owners.
    Owner,
    /// The emails of projects' members.
    Member,
    /// Project ids; a person counts for each project they work on, an asset for its project.
    Project,
    /// The types of units.
    Type,
}

impl FacetBy {
    /// All dimensions.
    pub const ALL: [Self; 10] = [
        Self::Level(Level::Organization),
        Self::Level(Level::Business),
        Self::Level(Level::Department),
        Self::Level(Level::Group),
        Self::Level(Level::Team),
        Self::Platform,
        Self::Owner,
        Self::Member,
        Self::Project,
        Self::Type,
    ];
}

/// One value of a dimension, with its count.
///
/// ```
/// use clade::query::{Bucket, FacetBy, Filter, facet};
/// use clade::{CreatePerson, Directory, Kind, model::Level};
///
/// let people = ["ada@corp.example", "eve@corp.example"].map(|it| CreatePerson::new(it).under("Corp/Retail"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let businesses = facet(&view, Kind::Person, &Filter::All, FacetBy::Level(Level::Business), false);
/// let unit = Some(view.org_unit("Retail")?.id());
/// assert_eq!(businesses, [Bucket { value: "Retail".to_owned(), unit, count: 2 }]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The value: for a level, the unit's name.
    pub value: String,
    /// The unit, for a level.
    pub unit: Option<EntityId>,
    /// The number of matching entities that have it.
    pub count: u64,
}

/// For each of `dimensions`, its values among the entities of `kind` that `filter` matches: most frequent first, then
/// by value, then by key. Values with a count of 0 are left out; a dimension that `kind` does not have is empty.
///
/// With `disjunctive`, the filter's own conditions on that dimension are ignored, so that a client can offer the
/// other values of a choice. This applies to conditions that the whole filter requires by [`Filter::And`], not to
/// those inside an [`Filter::Or`] or [`Filter::Not`]. A [`Filter::Within`] is a condition on a level if all its units
/// are of that level. One with units of several levels means any of them, as an `Or` would, and is never ignored:
/// without the units of one level it would match less, and hide what was chosen. [`Filter::always_applied`] protects any other
/// condition.
#[must_use]
pub fn facets(
    view: &View,
    kind: Kind,
    filter: &Filter,
    dimensions: &[FacetBy],
    disjunctive: bool,
) -> Vec<Vec<Bucket>> {
    let mut counted: Vec<FacetCounts<'_>> = Vec::new();
    let mut facets = Vec::with_capacity(dimensions.len());
    for by in dimensions {
        let filter = if disjunctive {
            without_dimension(view, filter, *by).unwrap_or(Filter::All)
        } else {
            filter.clone()
        };
        // Dimensions without conditions of their own have the same filter, so their matches are selected once.
        let index = counted.iter().position(|counted| counted.filter == filter).unwrap_or_else(|| {
            let matches = select(view, kind, &filter);
            counted.push(FacetCounts { filter, matches, units: OnceCell::new() });
            counted.len() - 1
        });
        facets.push(counted[index].buckets(view, kind, *by));
    }
    facets
}

/// As [`facets`], for one dimension.
#[must_use]
pub fn facet(view: &View, kind: Kind, filter: &Filter, by: FacetBy, disjunctive: bool) -> Vec<Bucket> {
    facets(view, kind, filter, &[by], disjunctive).pop().unwrap_or_default()
}

/// The matches of a filter, with their counts.
struct FacetCounts<'v> {
    filter: Filter,
    matches: Cow<'v, RoaringBitmap>,
    /// The units that contain matches, counted when the first level is requested and reused for the other four.
    units: OnceCell<Vec<(EntityId, u64)>>,
}

impl FacetCounts<'_> {
    fn buckets(&self, view: &View, kind: Kind, by: FacetBy) -> Vec<Bucket> {
        let matches = &self.matches;
        match by {
            FacetBy::Level(level) => {
                level_buckets(view, self.units.get_or_init(|| count_below(view, kind, matches)), level)
            }
            FacetBy::Platform => platforms(view, kind, matches),
            FacetBy::Owner => own_field(view, matches, Field::OwnerEmail),
            FacetBy::Member => neighbour_field(view, kind, matches, Relation::Member, Field::Email),
            FacetBy::Project => neighbour_field(view, kind, matches, Relation::Project, Field::ProjectId),
            FacetBy::Type => own_field(view, matches, Field::Type),
        }
    }
}

/// `filter` without its own conditions on a dimension; `None` if nothing else is left.
fn without_dimension(view: &View, filter: &Filter, by: FacetBy) -> Option<Filter> {
    match filter {
        Filter::And(conditions) if !conditions.is_empty() => {
            let kept: Vec<_> =
                conditions.iter().filter_map(|condition| without_dimension(view, condition, by)).collect();
            (!kept.is_empty()).then_some(Filter::And(kept))
        }
        Filter::Related(Relation::Repository, condition) if by == FacetBy::Platform => {
            let kept = without_dimension(view, condition, by)?;
            Some(Filter::Related(Relation::Repository, Box::new(kept)))
        }
        condition if is_on(view, condition, by) => None,
        condition => Some(condition.clone()),
    }
}

fn is_on(view: &View, condition: &Filter, by: FacetBy) -> bool {
    match (by, condition) {
        (FacetBy::Level(level), Filter::Within(units)) => {
            !units.is_empty() && units.iter().all(|unit| level_of(view, *unit) == Some(level))
        }
        (FacetBy::Platform, Filter::Text(Field::Platform, _))
        | (FacetBy::Owner, Filter::Text(Field::OwnerEmail, _))
        | (FacetBy::Type, Filter::Text(Field::Type, _))
        | (FacetBy::Member, Filter::Related(Relation::Member, _))
        | (FacetBy::Project, Filter::Related(Relation::Project, _)) => true,
        _ => false,
    }
}

fn level_of(view: &View, unit: EntityId) -> Option<Level> {
    view.entity(unit)?.as_org_unit()?.unit_type.level()
}

/// The units with at least one of `matches` among their descendants, with their number. Subtrees without any are
/// skipped.
fn count_below(view: &View, kind: Kind, matches: &RoaringBitmap) -> Vec<(EntityId, u64)> {
    let mut counted = Vec::new();
    if matches.is_empty() {
        return counted;
    }
    // Of each unit, whether everything below it matches: so it is with all units below that one, and their counts are the
    // lengths of their sets.
    let mut open: Vec<_> = view.unordered_roots().iter().map(|unit| (unit.0, false)).collect();
    let matching = LazyCell::new(|| Flags::of(matches));
    let mut seen = RoaringBitmap::new();
    while let Some((unit, all_match)) = open.pop() {
        // A unit with several parents is reached more than once.
        if !seen.insert(unit) {
            continue;
        }
        let below = view.below(EntityId(unit), kind);
        let count = if all_match {
            below.len()
        } else if below.len() <= FLAGGED_MAX {
            matching.count(below)
        } else {
            matches.intersection_len(below)
        };
        if count > 0 {
            counted.push((EntityId(unit), count));
            let all_match = count == below.len();
            open.extend(
                view.directly_below(EntityId(unit), Kind::OrgUnit).iter().map(|child| (child, all_match)),
            );
        }
    }
    counted
}

/// A bit for every entity id.
///
/// The descendants of a small unit are scattered over many containers of a Roaring bitmap, with a few ids in each. A
/// bit test for each of them is faster than intersecting all these containers.
struct Flags(Vec<u64>);

impl Flags {
    fn of(ids: &RoaringBitmap) -> Self {
        let mut words = vec![0; ids.max().map_or(0, |max| max as usize / 64 + 1)];
        for id in ids {
            words[id as usize / 64] |= 1 << (id % 64);
        }
        Self(words)
    }

    /// The number of `ids` whose bit is set.
    fn count(&self, ids: &RoaringBitmap) -> u64 {
        let flag = |id: &u32| self.0.get(*id as usize / 64).map_or(0, |word| word >> (id % 64) & 1);
        let mut ids = ids.iter();
        // Read in batches, since `next_many` spares the search for the container at every id.
        let mut buffer = [0; 256];
        let mut count = 0;
        loop {
            match ids.next_many(&mut buffer) {
                [] => return count,
                some => count += some.iter().map(flag).sum::<u64>(),
            }
        }
    }
}

fn level_buckets(view: &View, counted: &[(EntityId, u64)], level: Level) -> Vec<Bucket> {
    let bucket = |(id, count): &(EntityId, u64)| {
        let unit = view.entity(*id)?.as_org_unit()?;
        let bucket = || Bucket { value: unit.name.as_str().to_owned(), unit: Some(*id), count: *count };
        (unit.unit_type.level() == Some(level)).then(|| (bucket(), unit.key.as_str()))
    };
    sorted(counted.iter().filter_map(bucket).collect())
}

/// Most frequent first, then by value, then by key.
fn sorted(mut buckets: Vec<(Bucket, &str)>) -> Vec<Bucket> {
    buckets.sort_unstable_by(|(a, a_key), (b, b_key)| {
        (Reverse(a.count), &a.value, a_key).cmp(&(Reverse(b.count), &b.value, b_key))
    });
    buckets.into_iter().map(|(bucket, _)| bucket).collect()
}

fn platforms(view: &View, kind: Kind, matches: &RoaringBitmap) -> Vec<Bucket> {
    if kind == Kind::Repository {
        return own_field(view, matches, Field::Platform);
    }
    if kind != Kind::Project {
        return Vec::new();
    }
    // The platform index answers this with one intersection per platform; no repository is read. It is not limited to
    // the scope, but `matches` is.
    let buckets = view.projects_by_platform().map(|(platform, projects)| {
        let count = projects.intersection_len(matches);
        (Bucket { value: platform.to_owned(), unit: None, count }, "")
    });
    sorted(buckets.filter(|(bucket, _)| bucket.count > 0).collect())
}

/// Counts by a text of the entity itself. Spellings of an email that differ in case are one value.
fn own_field(view: &View, matches: &RoaringBitmap, field: Field) -> Vec<Bucket> {
    let mut tally = ValueCounts::default();
    for id in matches {
        if let Some(text) = view.entity(EntityId(id)).and_then(|entity| field.text(entity)) {
            let value = if field == Field::OwnerEmail { fold(text) } else { Cow::Borrowed(text) };
            tally.count(value, id, text);
        }
    }
    tally.buckets()
}

/// Counts by a text of the neighbours that is unique among them.
fn neighbour_field(
    view: &View,
    kind: Kind,
    matches: &RoaringBitmap,
    relation: Relation,
    field: Field,
) -> Vec<Bucket> {
    let mut tally = ValueCounts::default();
    for id in matches {
        for neighbour in neighbours(view, kind, EntityId(id), relation) {
            if let Some(text) = view.entity(neighbour).and_then(|entity| field.text(entity)) {
                // The neighbour's id stands for its text, which spares hashing it.
                tally.count(neighbour, id, text);
            }
        }
    }
    tally.buckets()
}

/// Counts entities by value. All values of one entity must be counted one after the other.
// Then the last entity per value is enough to count none twice, instead of a set of entities per value.
struct ValueCounts<'v, V> {
    values: FxHashMap<V, Tallied<'v>>,
}

struct Tallied<'v> {
    spelling: &'v str,
    count: u64,
    last: u32,
}

impl<V> Default for ValueCounts<'_, V> {
    fn default() -> Self {
        Self { values: FxHashMap::default() }
    }
}

impl<'v, V: Eq + Hash> ValueCounts<'v, V> {
    fn count(&mut self, value: V, entity: u32, spelling: &'v str) {
        let tallied = self.values.entry(value).or_insert(Tallied { spelling, count: 0, last: entity });
        if tallied.count == 0 || tallied.last != entity {
            tallied.count += 1;
            tallied.last = entity;
        }
    }

    fn buckets(self) -> Vec<Bucket> {
        let bucket = |tallied: Tallied<'v>| {
            (Bucket { value: tallied.spelling.to_owned(), unit: None, count: tallied.count }, "")
        };
        sorted(self.values.into_values().map(bucket).collect())
    }
}
