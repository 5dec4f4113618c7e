//! Log items: the changes and change set headers that an entry of the change log consists of.
//!
//! Invariant: the order of the variants of [`LogItem`] never changes, because postcard stores a variant as its index.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::{Change, ChangeSet, RecordId};
use crate::model::entity::{EntityId, Kind, Revision};
use crate::model::mapping::MappingId;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, JwtSubject, TokenId};
use crate::store::failure::damaged;
use crate::store::record::{self, Unfit};

/// A change, or the header of a change set. Records have the same bytes as in the tables.
// Sharing the bytes means that each record is serialized once per commit. A new variant must go to the end.
#[derive(Serialize, Deserialize)]
pub(super) enum LogItem<'a> {
    /// A change set begins, made by the process itself.
    Local,
    /// A change set begins, made with the token of this id.
    Token(&'a str),
    PutEntity(u32, #[serde(borrow)] Raw<'a>),
    EndEntity(u32, #[serde(borrow)] Raw<'a>),
    PutMapping([u8; 16], #[serde(borrow)] Raw<'a>),
    EndMapping([u8; 16], #[serde(borrow)] Raw<'a>),
    PutToken(&'a str, #[serde(borrow)] Raw<'a>),
    /// A change set begins, made by the JWT subject of this name.
    Subject(&'a str),
}

/// A byte string.
// serde serializes `&[u8]` as a sequence, element by element; this writes the slice at once, with the same result.
pub(super) struct Raw<'a>(pub &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(Raw)
    }
}

/// A item read from the log.
// Decoded on request: the audit trail looks for earlier states of a few records, and skips all others by id.
pub struct LoggedItem<'f> {
    revision: Revision,
    item: LogItem<'f>,
}

impl<'f> LoggedItem<'f> {
    pub(super) fn new(revision: Revision, item: LogItem<'f>) -> Self {
        Self { revision, item }
    }

    /// The actor of the change set that begins here; `None` for a change.
    ///
    /// # Errors
    /// If it cannot be decoded.
    pub fn begins(&self) -> Result<Option<Actor>, StoreError> {
        self.actor().map_err(unreadable(self.revision))
    }

    fn actor(&self) -> Result<Option<Actor>, Unfit> {
        Ok(match self.item {
            LogItem::Local => Some(Actor::Local),
            LogItem::Token(id) => Some(Actor::Token(TokenId::parse(id)?)),
            LogItem::Subject(subject) => Some(Actor::Jwt(JwtSubject::parse(subject)?)),
            _ => None,
        })
    }

    /// The id of the changed record; `None` where a change set begins. Does not decode the record.
    ///
    /// # Errors
    /// If the id is invalid.
    pub fn about(&self) -> Result<Option<RecordId>, StoreError> {
        Ok(match self.item {
            LogItem::PutEntity(id, _) | LogItem::EndEntity(id, _) => Some(RecordId::Entity(EntityId(id))),
            LogItem::PutMapping(id, _) | LogItem::EndMapping(id, _) => {
                Some(RecordId::Mapping(MappingId(Uuid::from_bytes(id))))
            }
            LogItem::PutToken(id, _) => {
                let id = TokenId::parse(id).map_err(Unfit::from).map_err(unreadable(self.revision))?;
                Some(RecordId::Token(id))
            }
            _ => None,
        })
    }

    /// The size of the record in the log, in bytes; 0 where a change set begins.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match &self.item {
            LogItem::PutEntity(_, Raw(bytes))
            | LogItem::EndEntity(_, Raw(bytes))
            | LogItem::PutMapping(_, Raw(bytes))
            | LogItem::EndMapping(_, Raw(bytes))
            | LogItem::PutToken(_, Raw(bytes)) => bytes.len(),
            _ => 0,
        }
    }

    /// Of a created or updated entity or mapping, its kind (`None` for a mapping) and creation time, without decoding its
    /// fields. `None` for everything else.
    ///
    /// # Errors
    /// If the record cannot be decoded.
    pub fn outline(&self) -> Result<Option<(Option<Kind>, Timestamp)>, StoreError> {
        let read = || -> Result<_, Unfit> {
            Ok(match self.item {
                LogItem::PutEntity(_, Raw(bytes)) => {
                    let (kind, created_at) = record::entity_outline(bytes)?;
                    Some((Some(kind), created_at))
                }
                LogItem::PutMapping(_, Raw(bytes)) => Some((None, record::split_stamps(bytes)?.0.created_at)),
                _ => None,
            })
        };
        read().map_err(unreadable(self.revision))
    }

    /// The decoded change; `None` where a change set begins.
    ///
    /// # Errors
    /// If the record cannot be decoded.
    pub fn change(&self) -> Result<Option<Change>, StoreError> {
        self.read().map_err(unreadable(self.revision))
    }

    fn read(&self) -> Result<Option<Change>, Unfit> {
        Ok(Some(match self.item {
            LogItem::PutEntity(id, Raw(bytes)) => {
                Change::PutEntity(Arc::new(record::entity(EntityId(id), bytes)?))
            }
            LogItem::EndEntity(id, Raw(bytes)) => {
                Change::EndEntity { id: EntityId(id), stamps: record::stamps(bytes)? }
            }
            LogItem::PutMapping(id, Raw(bytes)) => {
                Change::PutMapping(Arc::new(record::mapping(MappingId(Uuid::from_bytes(id)), bytes)?))
            }
            LogItem::EndMapping(id, Raw(bytes)) => {
                Change::EndMapping { id: MappingId(Uuid::from_bytes(id)), stamps: record::stamps(bytes)? }
            }
            LogItem::PutToken(id, Raw(bytes)) => {
                Change::PutToken(Arc::new(record::token(TokenId::parse(id)?, bytes)?))
            }
            _ => return Ok(None),
        }))
    }
}

/// Appends an item to the last change set, or begins a new one.
pub(super) fn add(item: &LoggedItem<'_>, sets: &mut Vec<ChangeSet>) -> Result<(), Unfit> {
    match (item.actor()?, item.read()?) {
        (Some(actor), _) => sets.push(ChangeSet { actor, changes: Vec::new() }),
        // A change before any change set has no actor: such an entry was not written by Clade.
        (None, Some(change)) => sets.last_mut().ok_or(Unfit::Shape)?.changes.push(change),
        (None, None) => return Err(Unfit::Shape),
    }
    Ok(())
}

/// An error maker for an item, or the header of an entry, that cannot be decoded.
pub(super) fn unreadable(revision: Revision) -> impl Fn(Unfit) -> StoreError {
    move |why| broken(revision, &format!("cannot be read: {why}"))
}

/// The error for a damaged log entry; `what` completes "the entry of revision 3 …".
pub(super) fn broken(revision: Revision, what: &str) -> StoreError {
    damaged(format!("the change log is damaged: the entry of revision {revision} {what}; restore a backup"))
}
