//! The in-memory graph database: every record at one revision, as a petgraph graph with bitmaps and indexes.
//!
//! Invariant: only [`apply`] changes a graph, and it cannot fail. Nothing here does I/O or reads the clock.

pub mod apply;
mod bare_texts;
mod closure;
mod index;
mod levels;
mod mapping_lists;
mod mapping_order;
mod mappings;
mod members;
pub mod order;
mod platforms;
mod resolve;
mod sorted;
mod trigrams;
mod verify;
pub mod view;
mod walk;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use petgraph::graph::NodeIndex;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::closure::DescendantSets;
use crate::graph::index::Index;
use crate::graph::mapping_lists::MappingLists;
use crate::graph::mappings::{Mappings, Nodes};
use crate::graph::members::LargeProjects;
use crate::graph::platforms::Platforms;
use crate::graph::sorted::SortedLists;
use crate::graph::trigrams::TextIndex;
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::token::{Token, TokenId};
use crate::model::version::Lineage;

pub(crate) use bare_texts::{SEPARATOR, nth_text, position as text_position, position_at};
pub(crate) use mapping_lists::MappingRank;
pub use mapping_order::{MappingOrder, MappingOrderBy};
pub(crate) use order::{RecordKey, Value};
pub(crate) use sorted::{Sorted, SortedPosition};
pub(crate) use trigrams::TextCandidates;
pub use view::node::{OrgUnitNode, PersonNode, ProjectNode};
pub use view::{Totals, View};

/// One bitmap of entity ids for each [`Kind`].
type Sets = [RoaringBitmap; Kind::ALL.len()];

/// The weight of an edge.
#[derive(Debug, Clone)]
enum GraphEdge {
    /// A mapping, from the parent to the child.
    Mapping(Arc<Mapping>),
    /// From a repository or service to its project.
    // Not from the project: its outgoing edges are its members, of which there may be a million to search through.
    Asset,
}

impl GraphEdge {
    fn mapping(&self) -> Option<&Arc<Mapping>> {
        match self {
            Self::Mapping(mapping) => Some(mapping),
            Self::Asset => None,
        }
    }
}

/// All records at one revision.
#[derive(Clone, Default)]
pub struct Graph {
    revision: Revision,
    /// Distinguishes directories: two of them may reach the same revision number with different content.
    instance_id: u32,
    lineage: Lineage,
    /// The entity with id `n` is node `n`. A deleted entity leaves an empty slot, so that ids are never reused.
    // Bitmaps, indexes and the files on disk name entities by this number, so nodes are never removed:
    // petgraph would move the last node into the gap and change its number.
    nodes: Nodes,
    /// The ids of all current entities.
    all: Sets,
    /// For each unit, its direct children and all its descendants.
    descendants: FxHashMap<EntityId, DescendantSets>,
    index: Index,
    platforms: Platforms,
    /// The trigram index; built on first use.
    text: OnceLock<TextIndex>,
    /// Whether the trigram index was ever used, at any revision.
    // Shared by all copies of the graph, so that the writer learns what readers of an older revision need.
    text_wanted: Arc<AtomicBool>,
    /// Records by sort order; each list is built on first use.
    sorted: SortedLists,
    mappings: Mappings,
    large_projects: LargeProjects,
    /// Mappings by sort order; each list is built on first use.
    mapping_lists: MappingLists,
    /// Whether a bulk change is in progress, at whose end the descendants of all units and the members of large projects
    /// are computed.
    in_bulk: bool,
    tokens: BTreeMap<TokenId, Arc<Token>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Graph");
        debug.field("revision", &self.revision.0);
        for kind in Kind::ALL {
            debug.field(kind.as_str(), &self.all[kind as usize].len());
        }
        debug.field("mappings", &self.mappings.len()).finish_non_exhaustive()
    }
}

fn node(id: EntityId) -> NodeIndex {
    NodeIndex::new(id.0 as usize)
}

fn entity_id(node: NodeIndex) -> EntityId {
    EntityId(u32::try_from(node.index()).expect("node indexes are 32 bits wide"))
}

impl Graph {
    /// The revision of this graph.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The same graph with the instance id of its directory and the lineage of its store.
    #[must_use]
    pub(crate) fn with_origin(self, instance_id: u32, lineage: Lineage) -> Self {
        Self { instance_id, lineage, ..self }
    }

    /// The number of current records of `kind`.
    pub(crate) fn count_of(&self, kind: Kind) -> u64 {
        self.all[kind as usize].len()
    }

    /// The number of current mappings.
    pub(crate) fn mapping_count(&self) -> u64 {
        self.mappings.len() as u64
    }

    /// Approximate size in bytes of a copy of this graph, without the records, which copies share. This is what a
    /// reader costs that keeps a replaced revision alive.
    #[cfg(feature = "server")]
    pub(crate) fn copy_bytes(&self) -> u64 {
        // Averages: per node, its slot and its entries in the indexes and bitmaps; per edge, its slot and its
        // entry in the mapping table.
        self.nodes.node_count() as u64 * 100 + self.nodes.edge_count() as u64 * 60
    }

    /// The id of the next new entity.
    pub(crate) fn next_entity(&self) -> EntityId {
        EntityId(u32::try_from(self.nodes.node_count()).expect("fewer than 2^32 entities were ever made"))
    }

    fn entity(&self, id: EntityId) -> Option<&Arc<Entity>> {
        self.nodes.node_weight(node(id)).and_then(Option::as_ref)
    }

    fn text(&self) -> &TextIndex {
        self.text.get_or_init(|| {
            // Relaxed: the flag is only a hint for the writer and guards no other memory.
            self.text_wanted.store(true, Ordering::Relaxed);
            let entity = |id| self.entity(id).map(|entity| &**entity);
            TextIndex::build(self.next_entity(), entity)
        })
    }

    /// Copies the lazily built indexes of an equal graph that this graph has not built yet.
    pub(crate) fn adopt_indexes(&mut self, equal: &Self) {
        if let (None, Some(text)) = (self.text.get(), equal.text.get()) {
            // The clone shares all blocks; a block is copied when one of the graphs changes it.
            self.text = text.clone().into();
        }
        self.sorted.adopt(&equal.sorted);
        self.mapping_lists.adopt(&equal.mapping_lists);
    }

    /// Builds every lazy index that readers have ever used, so that they need not build it after the next publish.
    pub(crate) fn build_used_indexes(&self) {
        if self.text_wanted.load(Ordering::Relaxed) {
            self.text();
        }
        self.build_used_lists();
        self.build_used_mapping_lists();
    }

    fn mapping(&self, id: &MappingId) -> Option<&Arc<Mapping>> {
        self.nodes.edge_weight(self.mapping_edge(id)?)?.mapping()
    }
}
