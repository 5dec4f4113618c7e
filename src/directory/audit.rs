//! Who changed what, when, before and after: the log, read from its end.
//!
//! What must stay true: however large the log and its entries are, only so much of them is held at once as a page may
//! show; and what a record was is looked for no further back than it must be.

mod before;
mod page;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{Error, StoreError};
use crate::model::change::RecordId;
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::key::{Name, fold};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Token, TokenId};
use crate::store::History;

use self::before::find_before;
use self::page::Page;

/// What to look at, from the newest entry down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRequest {
    /// Only entries before this revision; all when none.
    pub before: Option<Revision>,
    /// At most so many entries.
    pub entries: usize,
    /// Of each change set, at most so many changes.
    pub changes: usize,
    /// Only changes of this record.
    pub record: Option<RecordName>,
}

/// A record by its kind and key. Several that followed each other may have had the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordName {
    /// The entities of this kind whose key is this, or was when they ended, without case; of a repository or service,
    /// its name.
    Entity(Kind, String),
    /// A mapping.
    Mapping(MappingId),
    /// A token.
    Token(TokenId),
}

/// What was done, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The entries. There may be fewer than were asked for, even while there are more, where they are large.
    pub entries: Vec<AuditEntry>,
    /// Where to go on: entries before this one may follow. None where there are none.
    pub next: Option<Revision>,
    /// The key of every entity that a record here names by its number; the last one that it had.
    pub keys: HashMap<EntityId, String>,
}

/// What was committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The revision that it made.
    pub revision: Revision,
    /// A `UUIDv7` of its own.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What each caller changed, in order.
    pub sets: Vec<AuditSet>,
}

/// What one caller changed at once.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSet {
    /// Who.
    pub actor: Actor,
    /// How many changes there were in all.
    pub count: u64,
    /// The first of them.
    pub changes: Vec<AuditChange>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditChange {
    /// What happened.
    pub what: What,
    /// What the record was; none of one that was created.
    pub before: Option<Record>,
    /// What it became; none of one that ended.
    pub after: Option<Record>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// It came to be.
    Created,
    /// It changed.
    Updated,
    /// It was deleted, ended or revoked.
    Ended,
}

impl What {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Ended => "ended",
        }
    }
}

/// A record as it was at some time.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// An entity.
    Entity(Arc<Entity>),
    /// A mapping.
    Mapping(Arc<Mapping>),
    /// A token.
    Token(Arc<Token>),
}

impl AuditChange {
    /// The record: as it became, or was where it ended.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl AuditSet {
    /// What the token was made for that the changes were made with, where it is known.
    #[must_use]
    pub fn description<'v>(&self, view: &'v crate::graph::View) -> Option<&'v Name> {
        match &self.actor {
            Actor::Token(id) => view.token(id)?.description.as_ref(),
            Actor::Local | Actor::Subject(_) => None,
        }
    }
}

/// Reads one page.
pub(super) fn read(history: &History, asked: &AuditRequest) -> Result<Audit, Error> {
    let only = asked.record.as_ref().map(|record| named(history, record)).transpose()?;
    let mut page = Page::new(history, asked.changes, only);
    let newest = history.revision();
    let mut at = asked.before.map_or(newest, |before| newest.min(Revision(before.0.saturating_sub(1))));
    while at > Revision(0) && page.takes_more(asked.entries) {
        page.take(at)?;
        at = Revision(at.0 - 1);
    }
    let (mut entries, wanted) = page.finish();
    find_before(history, &mut entries, wanted)?;
    let keys = keys(history, &entries)?;
    Ok(Audit { entries, next: (at > Revision(0)).then_some(at.next()), keys })
}

/// The records that are called so, ended ones too.
fn named(history: &History, record: &RecordName) -> Result<HashSet<RecordId>, StoreError> {
    match record {
        RecordName::Mapping(id) => Ok(HashSet::from([RecordId::Mapping(*id)])),
        RecordName::Token(id) => Ok(HashSet::from([RecordId::Token(id.clone())])),
        RecordName::Entity(kind, key) => {
            let key = fold(key.trim());
            let mut found = HashSet::new();
            history.each_entity(&mut |entity| {
                if entity.kind() == *kind && fold(entity.label()) == key {
                    found.insert(RecordId::Entity(entity.id));
                }
            })?;
            Ok(found)
        }
    }
}

/// The last key of every entity that a record names by its number.
fn keys(history: &History, entries: &[AuditEntry]) -> Result<HashMap<EntityId, String>, StoreError> {
    let mut keys = HashMap::new();
    let changes = entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes);
    for record in changes.flat_map(|change| [&change.before, &change.after]).flatten() {
        for id in record.names() {
            if !keys.contains_key(&id)
                && let Some((entity, _)) = history.entity(id)?
            {
                keys.insert(id, entity.label().to_owned());
            }
        }
    }
    Ok(keys)
}

impl Record {
    /// The entities that it names.
    fn names(&self) -> Vec<EntityId> {
        match self {
            Self::Entity(entity) => entity.owning_project().into_iter().collect(),
            Self::Mapping(mapping) => vec![mapping.from, mapping.to],
            Self::Token(token) => token.scope.units().to_vec(),
        }
    }
}
