//! Moves: pairs of a mapping that ended and one that was created, by which one change set moved a record from one unit
//! to another.
//!
//! Invariant: only what the page lists is looked up, so memory is bounded by the page.

use std::collections::HashSet;

use crate::error::StoreError;
use crate::model::entity::EntityId;
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::store::History;
use crate::timeline::audit::entry::{AuditAction, AuditChange, AuditEntry, AuditMove, AuditRecord};
use crate::timeline::audit::matching::ends;

/// A mapping that begins or ends in a log entry.
struct PlacementChange {
    set: usize,
    mapping: MappingId,
    mapping_type: MappingType,
    parent: EntityId,
    child: EntityId,
    is_end: bool,
}

/// Sets [`AuditChange::moved`] of the changes of mappings.
pub(super) fn find_moves(history: &History, entries: &mut [AuditEntry]) -> Result<(), StoreError> {
    for entry in entries {
        let changes = entry.sets.iter().flat_map(|set| &set.changes);
        let children: HashSet<EntityId> = changes.filter_map(placement).map(|(_, child, _)| child).collect();
        // A mapping that changed its ends in place tells its move alone.
        let placements =
            if children.is_empty() { Vec::new() } else { placements_of(history, entry, &children)? };
        for change in entry.sets.iter_mut().flat_map(|set| &mut set.changes) {
            change.moved = moved(change, &placements);
        }
    }
    Ok(())
}

/// What the whole entry creates and ends of mappings with one of `children`.
// The other half of a move may be missing on the page, and the page may not have all change sets.
fn placements_of(
    history: &History,
    entry: &AuditEntry,
    children: &HashSet<EntityId>,
) -> Result<Vec<PlacementChange>, StoreError> {
    let mut placements = Vec::new();
    let mut set = 0;
    history.entry(entry.revision, &mut |item| {
        if item.begins()?.is_some() {
            set += 1;
            return Ok(());
        }
        let Some(mapping) = ends(history, &item)? else { return Ok(()) };
        let is_end = item.outline()?.is_none();
        let (parent, child) = mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
        if children.contains(&child) && (is_end || mapping.stamps.created_at == entry.at) {
            let Mapping { id, mapping_type, .. } = mapping;
            placements.push(PlacementChange { set, mapping: id, mapping_type, parent, child, is_end });
        }
        Ok(())
    })?;
    Ok(placements)
}

/// The mapping that a change creates or ends, and its child. Members of projects are not moved.
fn placement(change: &AuditChange) -> Option<(MappingId, EntityId, bool)> {
    let Some(AuditRecord::Mapping(mapping)) = change.record() else { return None };
    let (_, child) = mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
    let is_placement =
        change.what != AuditAction::Updated && mapping.mapping_type != MappingType::ProjectPeople;
    is_placement.then_some((mapping.id, child, change.what == AuditAction::Ended))
}

fn moved(change: &AuditChange, placements: &[PlacementChange]) -> Option<AuditMove> {
    if let (Some(AuditRecord::Mapping(before)), Some(AuditRecord::Mapping(after))) =
        (&change.before, &change.after)
    {
        let ends = |mapping: &Mapping| mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
        let ((from, child), (to, still)) = (ends(before), ends(after));
        let is_placed = before.mapping_type != MappingType::ProjectPeople;
        return (is_placed && child == still && from != to).then_some(AuditMove { child, from, to });
    }
    let (id, _, is_end) = placement(change)?;
    let own = placements.iter().find(|placement| placement.mapping == id && placement.is_end == is_end)?;
    let of_own = |placement: &&PlacementChange| {
        (placement.set, placement.mapping_type, placement.child) == (own.set, own.mapping_type, own.child)
    };
    let mut ended = placements.iter().filter(of_own).filter(|placement| placement.is_end);
    let mut created = placements.iter().filter(of_own).filter(|placement| !placement.is_end);
    // With several of either there is no telling which was replaced by which.
    match (ended.next(), ended.next(), created.next(), created.next()) {
        (Some(from), None, Some(to), None) if from.parent != to.parent => {
            Some(AuditMove { child: own.child, from: from.parent, to: to.parent })
        }
        _ => None,
    }
}
