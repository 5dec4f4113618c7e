//! What an entry of the log is made of.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::{Change, ChangeSet, RecordId};
use crate::model::entity::{EntityId, Revision};
use crate::model::mapping::MappingId;
use crate::model::token::{Actor, JwtSubject, TokenId};
use crate::store::failure::damaged;
use crate::store::record::{self, Unfit};

/// What an entry is made of. Records are as in the tables, so each is made into bytes once.
#[derive(Serialize, Deserialize)]
pub(super) enum Fact<'a> {
    /// A change set begins, asked for by the process itself.
    Local,
    /// A change set begins, asked for by the holder of a token.
    Token(&'a str),
    PutEntity(u32, #[serde(borrow)] Raw<'a>),
    EndEntity(u32, #[serde(borrow)] Raw<'a>),
    PutMapping([u8; 16], #[serde(borrow)] Raw<'a>),
    EndMapping([u8; 16], #[serde(borrow)] Raw<'a>),
    PutToken(&'a str, #[serde(borrow)] Raw<'a>),
    /// A change set begins, asked for by whom an identity provider vouches for.
    Subject(&'a str),
}

/// Bytes that are written as bytes; serde would take them one by one.
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

/// A fact as it stands in an entry.
pub struct Logged<'f> {
    revision: Revision,
    fact: Fact<'f>,
}

impl<'f> Logged<'f> {
    pub(super) fn new(revision: Revision, fact: Fact<'f>) -> Self {
        Self { revision, fact }
    }

    /// Who asked for the change set that begins here, where one does.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn begins(&self) -> Result<Option<Actor>, StoreError> {
        self.actor().map_err(unreadable(self.revision))
    }

    fn actor(&self) -> Result<Option<Actor>, Unfit> {
        Ok(match self.fact {
            Fact::Local => Some(Actor::Local),
            Fact::Token(id) => Some(Actor::Token(TokenId::parse(id)?)),
            Fact::Subject(subject) => Some(Actor::Jwt(JwtSubject::parse(subject)?)),
            _ => None,
        })
    }

    /// Which record this is a change of; none where a change set begins.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn about(&self) -> Result<Option<RecordId>, StoreError> {
        Ok(match self.fact {
            Fact::PutEntity(id, _) | Fact::EndEntity(id, _) => Some(RecordId::Entity(EntityId(id))),
            Fact::PutMapping(id, _) | Fact::EndMapping(id, _) => {
                Some(RecordId::Mapping(MappingId(Uuid::from_bytes(id))))
            }
            Fact::PutToken(id, _) => {
                let id = TokenId::parse(id).map_err(Unfit::from).map_err(unreadable(self.revision))?;
                Some(RecordId::Token(id))
            }
            _ => None,
        })
    }

    /// How many bytes its record has in the log.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match &self.fact {
            Fact::PutEntity(_, Raw(bytes))
            | Fact::EndEntity(_, Raw(bytes))
            | Fact::PutMapping(_, Raw(bytes))
            | Fact::EndMapping(_, Raw(bytes))
            | Fact::PutToken(_, Raw(bytes)) => bytes.len(),
            _ => 0,
        }
    }

    /// The change; none where a change set begins.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn change(&self) -> Result<Option<Change>, StoreError> {
        self.read().map_err(unreadable(self.revision))
    }

    fn read(&self) -> Result<Option<Change>, Unfit> {
        Ok(Some(match self.fact {
            Fact::PutEntity(id, Raw(bytes)) => {
                Change::PutEntity(Arc::new(record::entity(EntityId(id), bytes)?))
            }
            Fact::EndEntity(id, Raw(bytes)) => {
                Change::EndEntity { id: EntityId(id), stamps: record::stamps(bytes)? }
            }
            Fact::PutMapping(id, Raw(bytes)) => {
                Change::PutMapping(Arc::new(record::mapping(MappingId(Uuid::from_bytes(id)), bytes)?))
            }
            Fact::EndMapping(id, Raw(bytes)) => {
                Change::EndMapping { id: MappingId(Uuid::from_bytes(id)), stamps: record::stamps(bytes)? }
            }
            Fact::PutToken(id, Raw(bytes)) => {
                Change::PutToken(Arc::new(record::token(TokenId::parse(id)?, bytes)?))
            }
            _ => return Ok(None),
        }))
    }
}

/// Adds a fact to the change set that it belongs to.
pub(super) fn add(fact: &Logged<'_>, sets: &mut Vec<ChangeSet>) -> Result<(), Unfit> {
    match (fact.actor()?, fact.read()?) {
        (Some(actor), _) => sets.push(ChangeSet { actor, changes: Vec::new() }),
        (None, Some(change)) => sets.last_mut().ok_or(Unfit::Shape)?.changes.push(change),
        (None, None) => return Err(Unfit::Shape),
    }
    Ok(())
}

/// A fact, or the header of an entry, that cannot be read.
pub(super) fn unreadable(revision: Revision) -> impl Fn(Unfit) -> StoreError {
    move |why| broken(revision, &format!("cannot be read: {why}"))
}

/// An entry of the log that is damaged.
pub(super) fn broken(revision: Revision, what: &str) -> StoreError {
    damaged(format!("the change log is damaged: the entry of revision {revision} {what}; restore a backup"))
}
