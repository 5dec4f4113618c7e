//! Which changes of the log an audit request is about: those of a record, or of all records within a unit, and of the
//! mappings that have one of them at an end.
//!
//! Invariant: memory is bounded by the number of records, deleted ones included, whatever the log contains.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::error::{Error, StoreError};
use crate::graph::View;
use crate::model::change::{Change, RecordId};
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::reference::UnitRef;
use crate::model::text::fold;
use crate::model::token::TokenId;
use crate::store::{History, LoggedItem};
use crate::timeline::audit::departures::{Departures, ItemPosition};
use crate::timeline::audit::entry::{AuditKind, AuditRequest, RecordName};

/// Records, and with them the mappings that have one of them at an end.
enum RecordSet {
    Entities(RoaringBitmap, Departures),
    Mapping(MappingId),
    Token(TokenId),
}

/// The conditions of a request on the changed record: all must hold.
pub(super) struct Matching(Vec<RecordSet>);

impl Matching {
    /// # Errors
    /// The unit or record of the request is not found or ambiguous, or the store cannot be read.
    pub(super) fn of(history: &History, view: &View, request: &AuditRequest) -> Result<Self, Error> {
        let within = request.within.as_ref().map(|unit| within(history, view, unit)).transpose()?;
        let record = request.record.as_ref().map(|record| named(history, view, record)).transpose()?;
        Ok(Self(within.into_iter().chain(record).collect()))
    }

    /// Whether it excludes nothing.
    pub(super) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the changed record `id` of `item`, which is at `at` in the log, matches. A mapping also matches by the ends
    /// that it had before. Must be called from the newest entry down.
    pub(super) fn holds(
        &mut self,
        history: &History,
        item: &LoggedItem<'_>,
        id: &RecordId,
        at: ItemPosition,
    ) -> Result<bool, StoreError> {
        for set in &mut self.0 {
            let holds = match (set, id) {
                (RecordSet::Entities(entities, _), RecordId::Entity(id)) => entities.contains(id.0),
                (RecordSet::Entities(entities, departures), RecordId::Mapping(id)) => {
                    let has_end = |mapping: &Mapping| {
                        entities.contains(mapping.from.0) || entities.contains(mapping.to.0)
                    };
                    match ends(history, item)? {
                        Some(mapping) if has_end(&mapping) => true,
                        // An ended mapping had its last ends before too.
                        Some(_) if item.outline()?.is_some() => departures.has(history, *id, at, has_end)?,
                        _ => false,
                    }
                }
                (RecordSet::Mapping(mapping), RecordId::Mapping(id)) => mapping == id,
                (RecordSet::Token(token), RecordId::Token(id)) => token == id,
                _ => false,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The mapping that an item creates, updates or ends.
pub(super) fn ends(history: &History, item: &LoggedItem<'_>) -> Result<Option<Mapping>, StoreError> {
    Ok(match item.change()? {
        Some(Change::PutMapping(mapping)) => Some((*mapping).clone()),
        // Only its id and stamps are logged. It never changes again, so the stored one has its last ends.
        Some(Change::EndMapping { id, .. }) => history.mapping(id)?.map(|(mapping, _)| mapping),
        _ => None,
    })
}

fn of_entities(entities: RoaringBitmap) -> RecordSet {
    RecordSet::Entities(entities, Departures::default())
}

/// The records with this name, deleted ones included.
fn named(history: &History, view: &View, record: &RecordName) -> Result<RecordSet, Error> {
    match record {
        RecordName::Mapping(id) if history.mapping(*id)?.is_some() => Ok(RecordSet::Mapping(*id)),
        RecordName::Mapping(id) => Err(Error::not_found("mapping", id.to_string())),
        RecordName::Token(id) if view.token(id).is_some() => Ok(RecordSet::Token(id.clone())),
        RecordName::Token(id) => Err(Error::not_found("token", id.as_str())),
        RecordName::Entity(kind, key) => match with_key(history, key)?.remove(kind) {
            Some(found) => Ok(of_entities(found)),
            None => Err(Error::not_found(kind.as_str(), key)),
        },
        RecordName::Key(key) => with_only_key(history, view, key),
    }
}

/// All entities with this key, by kind.
// A scan of all entities ever stored: the indexes only have those that exist now, under their current keys.
fn with_key(history: &History, key: &str) -> Result<HashMap<Kind, RoaringBitmap>, StoreError> {
    let key = fold(key.trim());
    let mut found: HashMap<Kind, RoaringBitmap> = HashMap::new();
    history.each_entity(&mut |entity| {
        if fold(entity.label()) == key {
            found.entry(entity.kind()).or_default().insert(entity.id.0);
        }
    })?;
    Ok(found)
}

fn with_only_key(history: &History, view: &View, text: &str) -> Result<RecordSet, Error> {
    let mut found = with_key(history, text)?;
    if found.len() > 1 {
        // A kind of which only deleted records had the key gives way to one that has it now.
        let exists = |ids: &RoaringBitmap| ids.iter().any(|id| view.entity(EntityId(id)).is_some());
        if found.values().any(exists) {
            found.retain(|_, ids| exists(ids));
        }
    }
    let mut kinds: Vec<AuditKind> = found.keys().map(|kind| AuditKind::from(*kind)).collect();
    kinds.sort_unstable();
    if kinds.len() > 1 {
        let names: Vec<String> = kinds.iter().map(|kind| format!("{}:{text}", kind.as_str())).collect();
        let reason = format!("is the key of several records; name one of them: {}", names.join(", "));
        return Err(Error::invalid("record", text, reason));
    }
    if let Some((_, entities)) = found.into_iter().next() {
        return Ok(of_entities(entities));
    }
    if let Some(unit) = view.find_unit_of(&UnitRef::Text(text.to_owned()), None)? {
        return Ok(of_entities([unit.0].into_iter().collect()));
    }
    if let Ok(id) = MappingId::parse(text)
        && history.mapping(id)?.is_some()
    {
        return Ok(RecordSet::Mapping(id));
    }
    match TokenId::parse(text) {
        Ok(id) if view.token(&id).is_some() => Ok(RecordSet::Token(id)),
        _ => Err(Error::not_found("record", text)),
    }
}

/// A unit and all records below it, with those that were deleted there.
fn within(history: &History, view: &View, unit: &UnitRef) -> Result<RecordSet, Error> {
    let unit = view.find_unit(unit)?;
    let mut entities: RoaringBitmap = [unit.0].into_iter().collect();
    for kind in Kind::ALL {
        entities |= view.below(unit, kind);
    }
    let mut deleted = HashMap::new();
    let mut assets = Vec::new();
    history.each_entity(&mut |entity| {
        if let Some(at) = entity.stamps.valid_to {
            deleted.insert(entity.id, at);
            assets.extend(entity.owning_project().map(|project| (project, entity.id)));
        }
    })?;
    // A record was deleted where it was placed last: in the parents of the mappings that ended at the same time.
    let mut last_children: HashMap<EntityId, Vec<EntityId>> = HashMap::new();
    history.each_mapping(&mut |mapping| {
        let (parent, child) = mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
        let is_member = mapping.mapping_type == MappingType::ProjectPeople;
        if !is_member
            && mapping.stamps.valid_to.is_some()
            && mapping.stamps.valid_to == deleted.get(&child).copied()
        {
            last_children.entry(parent).or_default().push(child);
        }
    })?;
    for (project, asset) in assets {
        last_children.entry(project).or_default().push(asset);
    }
    let mut parents: Vec<EntityId> = entities.iter().map(EntityId).collect();
    while let Some(parent) = parents.pop() {
        for child in last_children.remove(&parent).unwrap_or_default() {
            if entities.insert(child.0) {
                parents.push(child);
            }
        }
    }
    Ok(of_entities(entities))
}
