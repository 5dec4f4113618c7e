//! The transitive closure of the hierarchy: for each unit, bitmaps of its direct children and of all its descendants.
//!
//! Invariant: `below` of a unit is the union of its `direct` and of the `below` of the child units in `direct`. Every
//! change keeps this; [`Graph::rebuild_closures`] computes it from the edges alone.
//!
//! Bitmaps, because nearly every query intersects them with other sets: a filter by subtree is one intersection, a
//! total is one cardinality, a cycle test is one lookup. An update costs one bitmap union per ancestor.

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::{Graph, GraphEdge, Sets, entity_id, node};
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::MappingType;

/// The direct children and the descendants of one unit, by kind.
#[derive(Debug, Clone, Default)]
pub(super) struct DescendantSets {
    /// The direct children, if the unit has or had child units.
    // Most units are leaves, whose direct children are all their descendants, so they store one set only. Boxed to
    // keep the entry of a leaf small.
    own: Option<Box<Sets>>,
    /// The descendants at any depth.
    pub(super) below: Sets,
}

impl DescendantSets {
    /// The sets of a unit whose only descendants so far are these direct children.
    fn of(direct: Sets) -> Self {
        let has_units = !direct[Kind::OrgUnit as usize].is_empty();
        Self { own: has_units.then(|| Box::new(direct.clone())), below: direct }
    }

    /// The child units, the people and projects placed in the unit, and the assets of these projects.
    pub(super) fn direct(&self) -> &Sets {
        self.own.as_deref().unwrap_or(&self.below)
    }

    /// The direct children, mutable. In a leaf unit this is the same set as `below`.
    fn direct_mut(&mut self) -> &mut Sets {
        self.own.as_deref_mut().unwrap_or(&mut self.below)
    }

    /// Stores the direct children in a set of their own, because deeper descendants are about to be added.
    fn store_direct_separately(&mut self) {
        self.own.get_or_insert_with(|| Box::new(self.below.clone()));
    }
}

impl PartialEq for DescendantSets {
    fn eq(&self, other: &Self) -> bool {
        // Not derived: a unit that lost its last child unit still has `own`, one that never had any has not.
        self.direct() == other.direct() && self.below == other.below
    }
}

/// Entity ids by kind, unordered.
type IdsByKind = [Vec<u32>; Kind::ALL.len()];

/// A bitmap of these ids. Sorting first is far faster than inserting in random order.
fn sorted(mut ids: Vec<u32>) -> RoaringBitmap {
    ids.sort_unstable();
    ids.dedup();
    RoaringBitmap::from_sorted_iter(ids).expect("the numbers were sorted")
}

impl Graph {
    /// Updates the closures after `child` was placed directly under the unit `parent`.
    pub(super) fn attach(&mut self, parent: EntityId, child: EntityId) {
        let direct = self.direct_children(child);
        // `Some` for a unit alone. Cloned, since the sets of the ancestors are borrowed mutably below.
        let deeper = self.descendants.get(&child).map(|sets| sets.below.clone());
        let sets = self.descendants.entry(parent).or_default();
        if deeper.is_some() {
            sets.store_direct_separately();
        }
        insert(sets.direct_mut(), &direct);
        for unit in self.unit_and_ancestors(parent) {
            let below = &mut self.descendants.entry(unit).or_default().below;
            insert(below, &direct);
            if let Some(deeper) = &deeper {
                unite(below, deeper);
            }
        }
    }

    /// Updates the closures after the edge from the unit `parent` to `child` was removed.
    pub(super) fn detach(&mut self, parent: EntityId, child: EntityId) {
        let mut direct = Sets::default();
        insert(&mut direct, &self.direct_children(child));
        let mut removed = direct.clone();
        if let Some(sets) = self.descendants.get(&child) {
            unite(&mut removed, &sets.below);
        }
        if let Some(sets) = self.descendants.get_mut(&parent) {
            subtract(sets.direct_mut(), &direct);
        }
        self.retract(parent, &removed);
    }

    /// Removes `removed` from `parent` and its ancestors, except what is still reachable another way.
    // In a hierarchy with several parents per unit, subtracting alone would be wrong: an ancestor may reach the same
    // entity through another child. So what its remaining children still reach is put back.
    fn retract(&mut self, parent: EntityId, removed: &Sets) {
        let mut upwards = self.unit_and_ancestors(parent);
        // Lower units first, since each reads the corrected sets of its children. An ancestor has strictly more units
        // below it than any of its descendants, so the count gives that order without a topological sort.
        upwards.sort_by_key(|unit| {
            self.descendants.get(unit).map_or(0, |b| b.below[Kind::OrgUnit as usize].len())
        });
        let removed_count: u64 = removed.iter().map(RoaringBitmap::len).sum();
        for unit in upwards {
            let Some(sets) = self.descendants.get(&unit) else { continue };
            let kept = if removed_count < sets.direct()[Kind::OrgUnit as usize].len() {
                self.kept_by_parents(unit, sets, removed)
            } else {
                self.kept_by_children(sets, removed)
            };
            if let Some(sets) = self.descendants.get_mut(&unit) {
                subtract(&mut sets.below, removed);
                unite(&mut sets.below, &kept);
            }
        }
    }

    /// What of `removed` a unit with these sets still reaches, found from its children.
    fn kept_by_children(&self, sets: &DescendantSets, removed: &Sets) -> Sets {
        let mut kept = Sets::default();
        unite_common(&mut kept, sets.direct(), removed);
        for child in &sets.direct()[Kind::OrgUnit as usize] {
            if let Some(child) = self.descendants.get(&EntityId(child)) {
                unite_common(&mut kept, &child.below, removed);
            }
        }
        kept
    }

    /// The same, found from the parents of what was removed: faster for a unit with more child units than that.
    // Without it, a unit that loses its children one by one would take time in the square of their number.
    fn kept_by_parents(&self, unit: EntityId, sets: &DescendantSets, removed: &Sets) -> Sets {
        let mut kept = Sets::default();
        let units = Kind::OrgUnit as usize;
        // Whether the unit reaches a parent on a way that leads over nothing removed.
        let is_reached = |parent: EntityId| {
            parent == unit || sets.below[units].contains(parent.0) && !removed[units].contains(parent.0)
        };
        for kind in [Kind::OrgUnit, Kind::Person, Kind::Project] {
            for id in removed[kind as usize].iter().map(EntityId) {
                if !self.unordered_parents(id).into_iter().any(is_reached) {
                    continue;
                }
                // What is below a removed unit that is still reached is so too; its sets are up to date.
                insert(&mut kept, &self.direct_children(id));
                if let Some(deeper) = self.descendants.get(&id) {
                    unite_common(&mut kept, &deeper.below, removed);
                }
            }
        }
        kept
    }

    /// Updates the closures after an asset was added to a project.
    pub(super) fn attach_asset(&mut self, project: EntityId, asset: EntityId, kind: Kind) {
        for parent in self.unordered_parents(project) {
            self.descendants.entry(parent).or_default().direct_mut()[kind as usize].insert(asset.0);
            for unit in self.unit_and_ancestors(parent) {
                self.descendants.entry(unit).or_default().below[kind as usize].insert(asset.0);
            }
        }
    }

    /// Updates the closures after an asset was removed. No `retract` is needed: an asset has a single project.
    pub(super) fn detach_asset(&mut self, project: EntityId, asset: EntityId, kind: Kind) {
        for parent in self.unordered_parents(project) {
            if let Some(sets) = self.descendants.get_mut(&parent) {
                sets.direct_mut()[kind as usize].remove(asset.0);
            }
            for unit in self.unit_and_ancestors(parent) {
                if let Some(sets) = self.descendants.get_mut(&unit) {
                    sets.below[kind as usize].remove(asset.0);
                }
            }
        }
    }

    /// Computes every closure anew from the edges.
    pub(super) fn rebuild_closures(&mut self) {
        // Plain vectors first, bitmaps once per unit: see `sorted`.
        let units = self.all[Kind::OrgUnit as usize].clone();
        let mut gathered: FxHashMap<EntityId, IdsByKind> = FxHashMap::default();
        gathered.extend(units.iter().map(|unit| (EntityId(unit), IdsByKind::default())));
        self.gather(&mut gathered);
        let mut sets: FxHashMap<EntityId, DescendantSets> = FxHashMap::default();
        sets.reserve(gathered.len());
        for (unit, gathered) in gathered {
            sets.insert(unit, DescendantSets::of(gathered.map(sorted)));
        }
        for unit in self.children_first(&units) {
            let Some(direct) = sets.get(&unit).and_then(|sets| sets.own.clone()) else { continue };
            let mut below = *direct;
            for child in below[Kind::OrgUnit as usize].clone() {
                if let Some(child) = sets.get(&EntityId(child)) {
                    unite(&mut below, &child.below);
                }
            }
            sets.entry(unit).or_default().below = below;
        }
        self.descendants = sets;
    }

    /// Collects the direct children of each unit from the edges, in the order in which the edges are in memory: going
    /// from unit to unit would cause a cache miss at every edge.
    fn gather(&self, gathered: &mut FxHashMap<EntityId, IdsByKind>) {
        let mut placed: Vec<(EntityId, EntityId)> = Vec::new();
        let mut assets: Vec<(EntityId, EntityId)> = Vec::new();
        for edge in self.nodes.edge_references() {
            let mapping = match edge.weight() {
                GraphEdge::Mapping(mapping) => mapping,
                GraphEdge::Asset => {
                    assets.push((entity_id(edge.target()), entity_id(edge.source())));
                    continue;
                }
            };
            let (parent, child) = mapping.parent_and_child();
            let kind = match mapping.mapping_type {
                MappingType::ParentChild => Kind::OrgUnit,
                MappingType::PeopleOrg => Kind::Person,
                MappingType::ProjectOrg => Kind::Project,
                MappingType::ProjectPeople => continue,
            };
            if let Some(gathered) = gathered.get_mut(&parent) {
                gathered[kind as usize].push(child.0);
            }
            if kind == Kind::Project {
                placed.push((child, parent));
            }
        }
        // A merge join of placements and assets, both sorted by project: linear, and without a lookup per project.
        placed.sort_unstable();
        assets.sort_unstable();
        let mut assets = &assets[..];
        for of_project in placed.chunk_by(|(one, _), (other, _)| one == other) {
            let project = of_project[0].0;
            let before = assets.iter().take_while(|(owner, _)| *owner < project).count();
            assets = &assets[before..];
            let own = assets.iter().take_while(|(owner, _)| *owner == project).map(|(_, asset)| asset.0);
            for (_, unit) in of_project {
                let Some(gathered) = gathered.get_mut(unit) else { continue };
                for asset in own.clone() {
                    let is_repository = self.all[Kind::Repository as usize].contains(asset);
                    let kind = if is_repository { Kind::Repository } else { Kind::Service };
                    gathered[kind as usize].push(asset);
                }
            }
        }
    }

    /// What a unit gains with the child `child`: itself and, of a project, its assets.
    fn direct_children(&self, child: EntityId) -> Vec<(Kind, EntityId)> {
        let with_assets = std::iter::once(child).chain(self.asset_ids(child));
        with_assets.filter_map(|id| Some((self.entity(id)?.kind(), id))).collect()
    }

    /// The unit and all its ancestors.
    fn unit_and_ancestors(&self, unit: EntityId) -> Vec<EntityId> {
        let mut found = self.ancestors(unit);
        found.push(unit);
        found
    }

    /// All `units`, each after its descendants.
    fn children_first(&self, units: &RoaringBitmap) -> Vec<EntityId> {
        // An iterative post-order walk: recursion could overflow the stack in a deep hierarchy.
        let mut order = Vec::new();
        let mut seen = RoaringBitmap::new();
        let mut stack = Vec::new();
        for unit in units {
            stack.push((unit, false));
            while let Some((unit, children_done)) = stack.pop() {
                if children_done {
                    order.push(EntityId(unit));
                } else if seen.insert(unit) {
                    stack.push((unit, true));
                    for edge in self.nodes.edges_directed(node(EntityId(unit)), Direction::Outgoing) {
                        let is_child = matches!(edge.weight(), GraphEdge::Mapping(mapping)
                            if mapping.mapping_type == MappingType::ParentChild);
                        if is_child {
                            stack.push((entity_id(edge.target()).0, false));
                        }
                    }
                }
            }
        }
        order
    }
}

fn insert(into: &mut Sets, added: &[(Kind, EntityId)]) {
    for (kind, id) in added {
        into[*kind as usize].insert(id.0);
    }
}

fn unite(into: &mut Sets, added: &Sets) {
    for (into, added) in into.iter_mut().zip(added) {
        // Roaring unions walk the containers of both sides; most of the five sets are empty.
        if !added.is_empty() {
            *into |= added;
        }
    }
}

fn unite_common(into: &mut Sets, left: &Sets, right: &Sets) {
    for ((into, left), right) in into.iter_mut().zip(left).zip(right) {
        if !right.is_empty() && !left.is_empty() {
            *into |= left & right;
        }
    }
}

fn subtract(from: &mut Sets, removed: &Sets) {
    for (from, removed) in from.iter_mut().zip(removed) {
        if !removed.is_empty() {
            *from -= removed;
        }
    }
}
