//! What became true: the facts that graph, tables and log are made of.
//!
//! A change holds everything needed to make it so again. Applying the same changes in the same order
//! to the same graph gives the same graph.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::entity::{Entity, EntityId, Revision, Stamps};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Token, TokenId};

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// This entity exists, as given here.
    PutEntity(Arc<Entity>),
    /// This entity no longer holds. Its mappings and assets were ended before it.
    EndEntity {
        /// Which.
        id: EntityId,
        /// Its stamps from now on, with `valid_to` set.
        stamps: Stamps,
    },
    /// This mapping exists, as given here.
    PutMapping(Arc<Mapping>),
    /// This mapping no longer holds.
    EndMapping {
        /// Which.
        id: MappingId,
        /// Its stamps from now on, with `valid_to` set.
        stamps: Stamps,
    },
    /// This token exists, as given here; a revoked one says so itself.
    PutToken(Arc<Token>),
}

/// Which record a change is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordId {
    /// An entity.
    Entity(EntityId),
    /// A mapping.
    Mapping(MappingId),
    /// A token.
    Token(TokenId),
}

/// The changes that one caller asked for; all of them or none.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    /// Who asked.
    pub actor: Actor,
    /// The facts, in order.
    pub changes: Vec<Change>,
}

/// The hash of a batch as it stands in the log, over the hash of the batch before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchHash(pub [u8; 32]);

/// One entry of the log: the change sets that were committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The revision that it made.
    pub revision: Revision,
    /// A `UUIDv7` of its own.
    pub id: Uuid,
    /// When it was committed.
    pub at: Timestamp,
    /// The change sets, in the order in which they were applied.
    pub sets: Vec<ChangeSet>,
}
