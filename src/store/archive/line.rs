//! The line types of an archive, as JSON. Records have the same fields as in version 1 of the stored format.
//!
//! Invariant: names and fields of lines never change within a version of the archive format.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::change::Change;
use crate::model::entity::{Entity, EntityId};
use crate::model::mapping::MappingId;
use crate::model::token::{Actor, JwtSubject, TokenId};
use crate::store::record::{BodyV1, MappingV1, StampsV1, TokenV1, Unfit};

// Unknown fields are refused: ignoring one would recreate a store that differs from the archived one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum ArchiveLine<'a> {
    /// The first line: the version of the archive format, and the id of the store.
    Archive {
        version: u32,
        store: &'a str,
    },
    /// An entry of the log begins.
    Batch {
        revision: u64,
        id: &'a str,
        at: i64,
    },
    /// A change set begins, made by the process itself.
    // Braces, because serde writes a unit variant as a string, and each line must be an object.
    Local {},
    /// A change set begins, made with the token of this id.
    Token(&'a str),
    /// A change set begins, made by the JWT subject of this name.
    Subject(&'a str),
    PutEntity {
        id: u32,
        stamps: StampsV1,
        #[serde(borrow)]
        record: BodyV1<'a>,
    },
    EndEntity {
        id: u32,
        stamps: StampsV1,
    },
    PutMapping {
        id: &'a str,
        stamps: StampsV1,
        #[serde(borrow)]
        record: MappingV1<'a>,
    },
    EndMapping {
        id: &'a str,
        stamps: StampsV1,
    },
    PutToken {
        id: &'a str,
        #[serde(borrow)]
        record: TokenV1<'a>,
    },
    /// When a token was last used.
    Used {
        token: &'a str,
        at: i64,
    },
    /// The last line: the number of log entries, and BLAKE3 in hex over all lines before this one.
    End {
        revisions: u64,
        blake3: &'a str,
    },
}

/// A buffer for one UUID as text, reused for each, so that no line allocates one.
pub(super) struct IdText([u8; uuid::fmt::Hyphenated::LENGTH]);

impl IdText {
    pub(super) fn new() -> Self {
        Self([0; uuid::fmt::Hyphenated::LENGTH])
    }

    pub(super) fn of(&mut self, id: Uuid) -> &str {
        id.hyphenated().encode_lower(&mut self.0)
    }
}

/// Parses a UUID.
pub(super) fn id(text: &str) -> Result<Uuid, Unfit> {
    text.parse().map_err(|_| Unfit::Value(format!("{text:?} is not a UUID")))
}

impl<'a> ArchiveLine<'a> {
    pub(super) fn of_actor(actor: &'a Actor) -> Self {
        match actor {
            Actor::Local => Self::Local {},
            Actor::Token(id) => Self::Token(id.as_str()),
            Actor::Jwt(subject) => Self::Subject(subject.as_str()),
        }
    }

    /// The line of a change. The id of a mapping is written to `text`.
    pub(super) fn of_change(change: &'a Change, text: &'a mut IdText) -> Result<Self, Unfit> {
        Ok(match change {
            Change::PutEntity(entity) => Self::PutEntity {
                id: entity.id.0,
                stamps: StampsV1::of(&entity.stamps),
                record: BodyV1::of(&entity.body)?,
            },
            Change::EndEntity { id, stamps } => Self::EndEntity { id: id.0, stamps: StampsV1::of(stamps) },
            Change::PutMapping(mapping) => Self::PutMapping {
                id: text.of(mapping.id.0),
                stamps: StampsV1::of(&mapping.stamps),
                record: MappingV1::of(mapping)?,
            },
            Change::EndMapping { id, stamps } => {
                Self::EndMapping { id: text.of(id.0), stamps: StampsV1::of(stamps) }
            }
            Change::PutToken(token) => Self::PutToken { id: token.id.as_str(), record: TokenV1::of(token) },
        })
    }

    /// The actor of the change set that begins here; `None` for other lines.
    pub(super) fn actor(&self) -> Result<Option<Actor>, Unfit> {
        Ok(match self {
            Self::Local {} => Some(Actor::Local),
            Self::Token(id) => Some(Actor::Token(TokenId::parse(id)?)),
            Self::Subject(subject) => Some(Actor::Jwt(JwtSubject::parse(subject)?)),
            _ => None,
        })
    }

    /// The change; an error for other lines.
    pub(super) fn into_change(self) -> Result<Change, Unfit> {
        Ok(match self {
            Self::PutEntity { id, stamps, record } => Change::PutEntity(Arc::new(Entity {
                id: EntityId(id),
                stamps: Arc::new(stamps.into_stamps()),
                body: record.into_body()?,
            })),
            Self::EndEntity { id, stamps } => {
                Change::EndEntity { id: EntityId(id), stamps: stamps.into_stamps() }
            }
            Self::PutMapping { id: text, stamps, record } => {
                let stamps = Arc::new(stamps.into_stamps());
                Change::PutMapping(Arc::new(record.into_mapping(MappingId(id(text)?), stamps)?))
            }
            Self::EndMapping { id: text, stamps } => {
                Change::EndMapping { id: MappingId(id(text)?), stamps: stamps.into_stamps() }
            }
            Self::PutToken { id, record } => {
                Change::PutToken(Arc::new(record.into_token(TokenId::parse(id)?)?))
            }
            _ => return Err(Unfit::Value("a line of this kind is not allowed here".to_owned())),
        })
    }
}
