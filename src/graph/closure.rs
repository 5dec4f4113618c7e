//! For each unit, bitmaps of what is directly beneath it and of everything beneath it.
//!
//! What must stay true: `below` of a unit is its `direct` and the `below` of the units in `direct`. Every
//! change keeps it so; [`Graph::rebuild_closures`] makes it so from the edges alone. Most units have no units
//! beneath them, and theirs is kept once.

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::{Graph, GraphEdge, Sets, entity_id, node};
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::MappingType;

/// What is beneath one unit, by kind.
#[derive(Debug, Clone, Default)]
pub(super) struct DescendantSets {
    /// As [`DescendantSets::direct`], in a unit that has child units or had some.
    own: Option<Box<Sets>>,
    /// The same at any depth.
    pub(super) below: Sets,
}

impl DescendantSets {
    /// Of a unit that has this directly beneath it, and nothing deeper yet.
    fn of(direct: Sets) -> Self {
        let has_units = !direct[Kind::OrgUnit as usize].is_empty();
        Self { own: has_units.then(|| Box::new(direct.clone())), below: direct }
    }

    /// Child units, what is placed in the unit, and the assets of the projects placed in it.
    pub(super) fn direct(&self) -> &Sets {
        self.own.as_deref().unwrap_or(&self.below)
    }

    /// The same, to be changed. Where it is all that there is beneath the unit, this changes `below`.
    fn direct_mut(&mut self) -> &mut Sets {
        self.own.as_deref_mut().unwrap_or(&mut self.below)
    }

    /// From now on, there may be more beneath the unit than is so directly.
    fn deepen(&mut self) {
        self.own.get_or_insert_with(|| Box::new(self.below.clone()));
    }
}

impl PartialEq for DescendantSets {
    fn eq(&self, other: &Self) -> bool {
        self.direct() == other.direct() && self.below == other.below
    }
}

/// Numbers of entities by kind, in no order.
type IdsByKind = [Vec<u32>; Kind::ALL.len()];

/// Bitmaps take numbers in order far faster than as they come.
fn sorted(mut ids: Vec<u32>) -> RoaringBitmap {
    ids.sort_unstable();
    ids.dedup();
    RoaringBitmap::from_sorted_iter(ids).expect("the numbers were sorted")
}

impl Graph {
    /// Keeps the closures when `held` comes directly beneath the unit `holder`.
    pub(super) fn attach(&mut self, holder: EntityId, held: EntityId) {
        let direct = self.direct_children(held);
        let deeper = self.beneath.get(&held).map(|beneath| beneath.below.clone());
        let beneath = self.beneath.entry(holder).or_default();
        if deeper.is_some() {
            beneath.deepen();
        }
        insert(beneath.direct_mut(), &direct);
        for unit in self.units_from(holder) {
            let below = &mut self.beneath.entry(unit).or_default().below;
            insert(below, &direct);
            if let Some(deeper) = &deeper {
                unite(below, deeper);
            }
        }
    }

    /// Keeps the closures when `held` is no longer directly beneath the unit `holder`; the edge is gone already.
    pub(super) fn detach(&mut self, holder: EntityId, held: EntityId) {
        let mut direct = Sets::default();
        insert(&mut direct, &self.direct_children(held));
        let mut removed = direct.clone();
        if let Some(beneath) = self.beneath.get(&held) {
            unite(&mut removed, &beneath.below);
        }
        if let Some(beneath) = self.beneath.get_mut(&holder) {
            subtract(beneath.direct_mut(), &direct);
        }
        self.retract(holder, &removed);
    }

    /// Takes `removed` out of everything from `holder` upwards, but for what is still held another way.
    fn retract(&mut self, holder: EntityId, removed: &Sets) {
        let mut upwards = self.units_from(holder);
        // A unit beneath another has fewer units beneath it, so this order meets each before those above it.
        upwards
            .sort_by_key(|unit| self.beneath.get(unit).map_or(0, |b| b.below[Kind::OrgUnit as usize].len()));
        for unit in upwards {
            let mut kept = Sets::default();
            if let Some(beneath) = self.beneath.get(&unit) {
                unite_common(&mut kept, beneath.direct(), removed);
                for child in &beneath.direct()[Kind::OrgUnit as usize] {
                    if let Some(child) = self.beneath.get(&EntityId(child)) {
                        unite_common(&mut kept, &child.below, removed);
                    }
                }
            }
            if let Some(beneath) = self.beneath.get_mut(&unit) {
                subtract(&mut beneath.below, removed);
                unite(&mut beneath.below, &kept);
            }
        }
    }

    /// Keeps the closures when a project gets an asset.
    pub(super) fn attach_asset(&mut self, project: EntityId, asset: EntityId, kind: Kind) {
        for holder in self.holding_units(project) {
            self.beneath.entry(holder).or_default().direct_mut()[kind as usize].insert(asset.0);
            for unit in self.units_from(holder) {
                self.beneath.entry(unit).or_default().below[kind as usize].insert(asset.0);
            }
        }
    }

    /// Keeps the closures when a project loses an asset: nothing else can hold it.
    pub(super) fn detach_asset(&mut self, project: EntityId, asset: EntityId, kind: Kind) {
        for holder in self.holding_units(project) {
            if let Some(beneath) = self.beneath.get_mut(&holder) {
                beneath.direct_mut()[kind as usize].remove(asset.0);
            }
            for unit in self.units_from(holder) {
                if let Some(beneath) = self.beneath.get_mut(&unit) {
                    beneath.below[kind as usize].remove(asset.0);
                }
            }
        }
    }

    /// Computes every closure anew from the edges.
    pub(super) fn rebuild_closures(&mut self) {
        let units = self.all[Kind::OrgUnit as usize].clone();
        let mut gathered: FxHashMap<EntityId, IdsByKind> = FxHashMap::default();
        gathered.extend(units.iter().map(|unit| (EntityId(unit), IdsByKind::default())));
        self.gather(&mut gathered);
        let mut beneath: FxHashMap<EntityId, DescendantSets> = FxHashMap::default();
        beneath.reserve(gathered.len());
        for (unit, gathered) in gathered {
            beneath.insert(unit, DescendantSets::of(gathered.map(sorted)));
        }
        for unit in self.children_first(&units) {
            let Some(direct) = beneath.get(&unit).and_then(|beneath| beneath.own.clone()) else { continue };
            let mut below = *direct;
            for child in below[Kind::OrgUnit as usize].clone() {
                if let Some(child) = beneath.get(&EntityId(child)) {
                    unite(&mut below, &child.below);
                }
            }
            beneath.entry(unit).or_default().below = below;
        }
        self.beneath = beneath;
    }

    /// What the edges say is directly beneath each unit. All edges in the order in which they stand in memory:
    /// going from unit to unit would wait for memory at every step.
    fn gather(&self, gathered: &mut FxHashMap<EntityId, IdsByKind>) {
        let mut placed: Vec<(EntityId, EntityId)> = Vec::new();
        let mut assets: Vec<(EntityId, EntityId)> = Vec::new();
        for edge in self.nodes.edge_references() {
            let mapping = match edge.weight() {
                GraphEdge::Mapping(mapping) => mapping,
                GraphEdge::Asset => {
                    assets.push((entity_id(edge.source()), entity_id(edge.target())));
                    continue;
                }
            };
            let (holder, held) = mapping.parent_and_child();
            let kind = match mapping.mapping_type {
                MappingType::ParentChild => Kind::OrgUnit,
                MappingType::PeopleOrg => Kind::Person,
                MappingType::ProjectOrg => Kind::Project,
                MappingType::ProjectPeople => continue,
            };
            if let Some(gathered) = gathered.get_mut(&holder) {
                gathered[kind as usize].push(held.0);
            }
            if kind == Kind::Project {
                placed.push((held, holder));
            }
        }
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

    /// What comes directly beneath a unit together with `held`: itself, and a project's assets.
    fn direct_children(&self, held: EntityId) -> Vec<(Kind, EntityId)> {
        let with_assets = std::iter::once(held).chain(self.asset_ids(held));
        with_assets.filter_map(|id| Some((self.entity(id)?.kind(), id))).collect()
    }

    /// The unit itself and every unit above it.
    fn units_from(&self, unit: EntityId) -> Vec<EntityId> {
        let mut found = self.ancestors(unit);
        found.push(unit);
        found
    }

    /// All `units`, each after the units beneath it.
    fn children_first(&self, units: &RoaringBitmap) -> Vec<EntityId> {
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
