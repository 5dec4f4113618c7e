//! Facets: the values of a dimension, each with the number of matching entities.
//!
//! Invariant: an entity counts once for a value, even if several ways lead to it (two repositories on one platform, two
//! parents under one unit).

mod bucket;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::hash::Hash;

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::key::fold_email;
use crate::model::level::Level;
use crate::query::filter::{Field, Filter, Relation};
use crate::query::select::{neighbours, select};

pub use self::bucket::{Bucket, BucketPosition, FacetPage};

/// Maximum number of descendants for which the count of a unit is rolled up; those of larger units are intersected.
const ROLLED_UP_MAX: u64 = 8192;

/// Number of records whose parents are prefetched together.
const FETCH_BATCH: usize = 128;

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

/// For each of `dimensions`, its values among the entities of `kind` that `filter` matches, of which `page` selects some:
/// most frequent first, then by value, then by key. Values with a count of 0 are left out; a dimension that `kind` does
/// not have is empty.
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
    page: &FacetPage,
) -> Vec<Vec<Bucket>> {
    facets_of(view, kind, filter, None, dimensions, disjunctive, page)
}

/// As [`facets`]; `matches` of the filter are not selected again.
#[must_use]
pub(crate) fn facets_of(
    view: &View,
    kind: Kind,
    filter: &Filter,
    matches: Option<&RoaringBitmap>,
    dimensions: &[FacetBy],
    disjunctive: bool,
    page: &FacetPage,
) -> Vec<Vec<Bucket>> {
    let known = matches.map(|matches| FacetCounts::of(filter.clone(), Cow::Borrowed(matches)));
    let mut counted: Vec<FacetCounts<'_>> = known.into_iter().collect();
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
            counted.push(FacetCounts::of(filter, matches));
            counted.len() - 1
        });
        facets.push(largest(counted[index].values(view, kind, *by), page));
    }
    facets
}

/// As [`facets`], for all values of one dimension.
#[must_use]
pub fn facet(view: &View, kind: Kind, filter: &Filter, by: FacetBy, disjunctive: bool) -> Vec<Bucket> {
    let all = FacetPage { first: usize::MAX, after: None };
    facets(view, kind, filter, &[by], disjunctive, &all).pop().unwrap_or_default()
}

/// The matches of a filter, with their counts.
struct FacetCounts<'v> {
    filter: Filter,
    matches: Cow<'v, RoaringBitmap>,
    /// For each level, its units that contain matches, counted when the first level is requested.
    units: OnceCell<[Vec<(EntityId, u64)>; Level::ALL.len()]>,
}

/// A value with its count, which becomes a [`Bucket`] if it is among the largest.
struct ValueCount<'v> {
    value: &'v str,
    /// Of a level: the unit and its key.
    unit: Option<(EntityId, &'v str)>,
    count: u64,
}

impl ValueCount<'_> {
    /// The parts by which values are sorted.
    fn rank(&self) -> (Reverse<u64>, &str, Option<&str>) {
        (Reverse(self.count), self.value, self.unit.map(|(_, key)| key))
    }
}

impl<'m> FacetCounts<'m> {
    fn of(filter: Filter, matches: Cow<'m, RoaringBitmap>) -> Self {
        Self { filter, matches, units: OnceCell::new() }
    }

    fn values<'v>(&self, view: &'v View, kind: Kind, by: FacetBy) -> Vec<ValueCount<'v>> {
        let matches = &self.matches;
        match by {
            FacetBy::Level(level) => {
                let units = self.units.get_or_init(|| by_level(view, &count_below(view, kind, matches)));
                level_values(view, &units[level.index()])
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

/// The units with at least one of `matches` among their descendants, with their number.
fn count_below(view: &View, kind: Kind, matches: &RoaringBitmap) -> Vec<(EntityId, u64)> {
    if matches.len() == view.all(kind).len() {
        return view.counts_below(kind).filter(|(_, count)| *count > 0).collect();
    }
    let mut counted = Vec::new();
    // Of each unit, whether everything below it matches: so it is with all units below that one, and their counts are the
    // lengths of their sets.
    let mut open: Vec<_> = view.unordered_roots().iter().map(|unit| (unit.0, false)).collect();
    let mut seen = RoaringBitmap::new();
    let mut has_small = false;
    while let Some((unit, all_match)) = open.pop() {
        let below = view.below(EntityId(unit), kind);
        if !all_match && below.len() <= ROLLED_UP_MAX {
            has_small |= !below.is_empty();
            continue;
        }
        // A unit with several parents is reached more than once.
        if !seen.insert(unit) {
            continue;
        }
        let count = if all_match { below.len() } else { matches.intersection_len(below) };
        if count > 0 {
            counted.push((EntityId(unit), count));
            let all_match = count == below.len();
            let children = view.directly_below(EntityId(unit), Kind::OrgUnit);
            open.extend(children.iter().map(|child| (child, all_match)));
        }
    }
    if has_small {
        counted.extend(roll_up(view, kind, matches).into_iter().filter(|(unit, _)| !seen.contains(unit.0)));
    }
    counted
}

/// For each unit, the number of `matches` among its descendants; units without any are left out.
// From the records upwards: the descendants of a small unit are scattered over many containers of a bitmap, with a few ids
// in each, so that intersecting thousands of units with `matches` would take far longer.
fn roll_up(view: &View, kind: Kind, matches: &RoaringBitmap) -> FxHashMap<EntityId, u64> {
    let mut directly: FxHashMap<EntityId, u64> = FxHashMap::default();
    let mut counts: FxHashMap<EntityId, u64> = FxHashMap::default();
    let is_asset = matches!(kind, Kind::Repository | Kind::Service);
    // Assets are where their project is. Of other records only the edges are read here, and not the record.
    let mut placed =
        matches.iter().map(EntityId).filter_map(|id| if is_asset { view.project_of(id) } else { Some(id) });
    let mut batch = Vec::with_capacity(FETCH_BATCH);
    loop {
        batch.clear();
        batch.extend(placed.by_ref().take(FETCH_BATCH));
        if batch.is_empty() {
            break;
        }
        view.prefetch_parents(&batch);
        for id in &batch {
            if let Some(only) = view.only_parent(*id) {
                *directly.entry(only).or_default() += 1;
            } else {
                // Several ways may lead to one ancestor, for which the record counts once.
                for unit in view.ancestors(*id) {
                    *counts.entry(unit).or_default() += 1;
                }
            }
        }
    }
    for (mut unit, count) in directly {
        *counts.entry(unit).or_default() += count;
        // Step by step while there is one parent, which takes no memory of its own.
        while let Some(only) = view.only_parent(unit) {
            unit = only;
            *counts.entry(unit).or_default() += count;
        }
        for unit in view.ancestors(unit) {
            *counts.entry(unit).or_default() += count;
        }
    }
    counts
}

/// The units of each level.
fn by_level(view: &View, counted: &[(EntityId, u64)]) -> [Vec<(EntityId, u64)>; Level::ALL.len()] {
    let mut units: [Vec<_>; Level::ALL.len()] = Default::default();
    for unit in counted {
        if let Some(level) = level_of(view, unit.0) {
            units[level.index()].push(*unit);
        }
    }
    units
}

fn level_values<'v>(view: &'v View, units: &[(EntityId, u64)]) -> Vec<ValueCount<'v>> {
    let value = |(id, count): &(EntityId, u64)| {
        let unit = view.entity(*id)?.as_org_unit()?;
        Some(ValueCount { value: unit.name.as_str(), unit: Some((*id, unit.key.as_str())), count: *count })
    };
    units.iter().filter_map(value).collect()
}

/// The values that `page` selects, most frequent first, then by value, then by key.
fn largest(mut values: Vec<ValueCount<'_>>, page: &FacetPage) -> Vec<Bucket> {
    if let Some(after) = &page.after {
        values.retain(|value| value.rank() > after.rank());
    }
    let compare = |a: &ValueCount<'_>, b: &ValueCount<'_>| a.rank().cmp(&b.rank());
    // The others are left out before they are sorted: there may be thousands of them.
    if page.first < values.len() {
        values.select_nth_unstable_by(page.first, compare);
        values.truncate(page.first);
    }
    values.sort_unstable_by(compare);
    let bucket = |it: ValueCount<'_>| Bucket {
        value: it.value.to_owned(),
        unit: it.unit.map(|(id, _)| id),
        count: it.count,
    };
    values.into_iter().map(bucket).collect()
}

fn platforms<'v>(view: &'v View, kind: Kind, matches: &RoaringBitmap) -> Vec<ValueCount<'v>> {
    if kind == Kind::Repository {
        return own_field(view, matches, Field::Platform);
    }
    if kind != Kind::Project {
        return Vec::new();
    }
    // The platform index answers this with one intersection per platform; no repository is read. It is not limited to
    // the scope, but `matches` is.
    let values = view.projects_by_platform().map(|(platform, projects)| ValueCount {
        value: platform,
        unit: None,
        count: projects.intersection_len(matches),
    });
    values.filter(|value| value.count > 0).collect()
}

/// Counts by a text of the entity itself. Spellings of an email that differ in case are one value.
fn own_field<'v>(view: &'v View, matches: &RoaringBitmap, field: Field) -> Vec<ValueCount<'v>> {
    let mut tally = ValueCounts::default();
    for id in matches {
        if let Some(text) = view.entity(EntityId(id)).and_then(|entity| field.text(entity)) {
            let value = if field == Field::OwnerEmail { fold_email(text) } else { Cow::Borrowed(text) };
            tally.count(value, id, text);
        }
    }
    tally.into_values()
}

/// Counts by a text of the neighbours that is unique among them.
fn neighbour_field<'v>(
    view: &'v View,
    kind: Kind,
    matches: &RoaringBitmap,
    relation: Relation,
    field: Field,
) -> Vec<ValueCount<'v>> {
    let mut tally = ValueCounts::default();
    for id in matches {
        for neighbour in neighbours(view, kind, EntityId(id), relation) {
            if let Some(text) = view.entity(neighbour).and_then(|entity| field.text(entity)) {
                // The neighbour's id stands for its text, which spares hashing it.
                tally.count(neighbour, id, text);
            }
        }
    }
    tally.into_values()
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

    fn into_values(self) -> Vec<ValueCount<'v>> {
        let value =
            |tallied: Tallied<'v>| ValueCount { value: tallied.spelling, unit: None, count: tallied.count };
        self.values.into_values().map(value).collect()
    }
}
