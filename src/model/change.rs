//! Changes, change sets and batches: the entries of the change log, from which graph and tables are built.
//!
//! Invariant: applying the same changes in the same order to the same graph gives the same graph. A change therefore
//! holds everything that it needs: ids, times and whole records.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::entity::{Entity, EntityId, Revision, Stamps};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Token, TokenId};

/// One change to one record.
///
/// ```
/// use clade::model::{Change, Revision};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let batch = directory.log(Revision(1))?.next().expect("one batch was committed")?;
/// let Change::PutEntity(person) = &batch.sets[0].changes[0] else { unreachable!("a person was created") };
/// assert_eq!(person.label(), "ada@corp.example");
/// # Ok::<(), clade::Error>(())
/// ```
// Whole records rather than differences: replay and audit need no earlier entry to know what a record was. The `Arc`s
// are shared with the graph, so a change costs no copy of the record.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Creates or replaces an entity.
    PutEntity(Arc<Entity>),
    /// Deletes an entity. Changes before it in the same set delete its mappings and assets.
    // The stamps are included because replay must not read a clock.
    EndEntity {
        /// The entity.
        id: EntityId,
        /// Its stamps from now on, with `valid_to` set.
        stamps: Stamps,
    },
    /// Creates or replaces a mapping.
    PutMapping(Arc<Mapping>),
    /// Deletes a mapping.
    EndMapping {
        /// The mapping.
        id: MappingId,
        /// Its stamps from now on, with `valid_to` set.
        stamps: Stamps,
    },
    /// Creates or replaces a token. Revoking is a replacement with `revoked_at` set.
    PutToken(Arc<Token>),
}

/// The id of a record of any kind.
///
/// ```
/// use clade::model::{Change, RecordId, Revision};
///
/// let directory = clade::Directory::in_memory()?;
/// let view = directory.apply(clade::CreatePerson::new("ada@corp.example"))?.view;
/// let batch = directory.log(Revision(1))?.next().expect("one batch was committed")?;
/// let Change::PutEntity(entity) = &batch.sets[0].changes[0] else { unreachable!("a person was created") };
/// assert_eq!(RecordId::Entity(entity.id), RecordId::Entity(view.person("ada@corp.example")?.id()));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordId {
    /// An entity.
    Entity(EntityId),
    /// A mapping.
    Mapping(MappingId),
    /// A token.
    Token(TokenId),
}

/// The changes of one call: all of them are committed, or none.
///
/// ```
/// use clade::model::{Actor, Revision};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(["ada@corp.example", "eve@corp.example"].map(clade::CreatePerson::new))?;
/// let batch = directory.log(Revision(1))?.next().expect("one batch was committed")?;
/// assert_eq!((&batch.sets[0].actor, batch.sets[0].changes.len()), (&Actor::Local, 2));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    /// The caller.
    pub actor: Actor,
    /// The changes, in the order in which they must be applied.
    pub changes: Vec<Change>,
}

/// The BLAKE3 hash of a batch in the log, computed over the batch and the hash before it. All zero before the first
/// batch.
///
/// ```
/// use clade::model::BatchHash;
///
/// assert_eq!(BatchHash::default(), BatchHash([0; 32]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchHash(pub [u8; 32]);

/// One entry of the change log: the change sets that were committed together, in one transaction.
///
/// ```
/// use clade::model::Revision;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let batches = directory.log(Revision(1))?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!((batches.len(), batches[0].revision, batches[0].sets.len()), (1, Revision(1), 1));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The revision after it.
    pub revision: Revision,
    /// Its unique id, a `UUIDv7`.
    pub id: Uuid,
    /// When it was committed.
    pub at: Timestamp,
    /// The change sets, in the order in which they were applied.
    pub sets: Vec<ChangeSet>,
}
