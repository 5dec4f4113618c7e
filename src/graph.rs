//! All records as one value: the petgraph graph, its bitmaps and indexes, and the [`View`] of it.
//!
//! Pure: no disk, no clock. Only `apply` alters a graph, and it cannot fail.

pub mod apply;
mod closure;
mod folded_texts;
mod index;
mod levels;
mod mappings;
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
use crate::graph::mappings::{Mappings, Nodes};
use crate::graph::platforms::Platforms;
use crate::graph::sorted::SortedLists;
use crate::graph::trigrams::TextIndex;
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::token::{Token, TokenId};

pub(crate) use folded_texts::{SEPARATOR, nth as nth_text, place as text_place};
pub(crate) use order::{RecordKey, Value};
pub(crate) use sorted::{Sorted, SortedPosition};
pub(crate) use trigrams::TextCandidates;
pub use view::node::{OrgUnitNode, PersonNode, ProjectNode};
pub use view::{Totals, View};

/// A bitmap of entity numbers for each [`Kind`].
type Sets = [RoaringBitmap; Kind::ALL.len()];

/// What an edge says. Edges lead from what holds to what is held.
#[derive(Debug, Clone)]
enum GraphEdge {
    /// A mapping.
    Mapping(Arc<Mapping>),
    /// From a project to a repository or service of its own.
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
    /// Tells revisions apart that have one number in two directories.
    instance_id: u32,
    /// The entity numbered `n` is node `n`. A node whose entity was ended stays as an empty slot, so that
    /// numbers are never given again.
    nodes: Nodes,
    /// Every entity that holds now.
    all: Sets,
    /// For each unit, what is directly beneath it and what is beneath it at any depth.
    beneath: FxHashMap<EntityId, DescendantSets>,
    index: Index,
    platforms: Platforms,
    /// Built when it is first asked for.
    text: OnceLock<TextIndex>,
    /// Whether that was ever asked for, at whatever revision.
    text_wanted: Arc<AtomicBool>,
    /// Each built when it is first asked for.
    sorted: SortedLists,
    mappings: Mappings,
    /// Whether what is beneath the units is computed at the end of the changes that are being made.
    in_bulk: bool,
    tokens: BTreeMap<TokenId, Arc<Token>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Graph");
        shown.field("revision", &self.revision.0);
        for kind in Kind::ALL {
            shown.field(kind.as_str(), &self.all[kind as usize].len());
        }
        shown.field("mappings", &self.mappings.len()).finish_non_exhaustive()
    }
}

fn node(id: EntityId) -> NodeIndex {
    NodeIndex::new(id.0 as usize)
}

fn entity_id(node: NodeIndex) -> EntityId {
    EntityId(u32::try_from(node.index()).expect("node indexes are 32 bits wide"))
}

impl Graph {
    /// The revision that this graph stands at.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The same graph and what becomes of it, as one instance_id of a directory.
    #[must_use]
    pub(crate) fn with_instance_id(self, instance_id: u32) -> Self {
        Self { instance_id, ..self }
    }

    /// How many records of `kind` there are.
    pub(crate) fn count_of(&self, kind: Kind) -> u64 {
        self.all[kind as usize].len()
    }

    /// How many mappings there are.
    pub(crate) fn mapping_count(&self) -> u64 {
        self.mappings.len() as u64
    }

    /// About how many bytes a copy of this graph takes, beside the records, which it shares: what a reader costs who holds
    /// a revision that was replaced.
    #[cfg(feature = "server")]
    pub(crate) fn copy_bytes(&self) -> u64 {
        // A node, and its place in each index and bitmap that it is in; an edge, and its place among the mappings.
        self.nodes.node_count() as u64 * 100 + self.nodes.edge_count() as u64 * 60
    }

    /// The number that the next new entity gets.
    pub(crate) fn next_entity(&self) -> EntityId {
        EntityId(u32::try_from(self.nodes.node_count()).expect("fewer than 2^32 entities were ever made"))
    }

    fn entity(&self, id: EntityId) -> Option<&Arc<Entity>> {
        self.nodes.node_weight(node(id)).and_then(Option::as_ref)
    }

    fn text(&self) -> &TextIndex {
        self.text.get_or_init(|| {
            self.text_wanted.store(true, Ordering::Relaxed);
            let entity = |id| self.entity(id).map(|entity| &**entity);
            TextIndex::build(self.next_entity(), entity)
        })
    }

    /// Takes over what an equal graph has built and this one has not.
    pub(crate) fn adopt_indexes(&mut self, equal: &Self) {
        if let (None, Some(text)) = (self.text.get(), equal.text.get()) {
            self.text = text.clone().into();
        }
        self.sorted.adopt(&equal.sorted);
    }

    /// Builds what readers ask for again and again because it was not ready when their graph was exchanged.
    pub(crate) fn build_wanted(&self) {
        if self.text_wanted.load(Ordering::Relaxed) {
            self.text();
        }
        self.build_wanted_lists();
    }

    fn mapping(&self, id: &MappingId) -> Option<&Arc<Mapping>> {
        self.nodes.edge_weight(self.mapping_edge(id)?)?.mapping()
    }
}
