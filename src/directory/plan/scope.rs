//! Authorization of plans: a caller with a limited scope changes nothing outside it, and moves nothing out of it.
//!
//! Invariant: after the plan, every record that it changed is in the caller's scope or deleted.
//!
//! References are resolved in the scoped view, so a plan starts from accessible records. Left to check is that it does
//! not move a record out of the scope, or delete a record that has mappings outside it.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::change::Change;
use crate::model::entity::{Entity, EntityId};
use crate::model::mapping::{MappingId, MappingType};

const PLACE_INSIDE: &str = "place it in a unit within the token's scope";
const DELETE_VISIBLE: &str =
    "delete only its mappings within the token's scope, or use a token whose scope includes all of them";

impl Plan<'_> {
    /// Refuses a plan that changes a record outside the scope, or moves one out of it.
    pub(super) fn check_scope(&self) -> Result<(), Error> {
        if !self.scope.is_limited() {
            return Ok(());
        }
        let check = ScopeCheck::of(self);
        self.changes.iter().try_for_each(|change| match change {
            // An asset has no placement of its own; it is visible where its project is.
            Change::PutEntity(entity) => check.stays_visible(entity.owning_project().unwrap_or(entity.id)),
            Change::EndEntity { id, .. } => check.all_mappings_visible(*id),
            Change::PutMapping(mapping) => {
                // The former child too: a changed mapping may have been all that kept it in the scope.
                let former_child = self.view.mapping(&mapping.id).map(|before| before.parent_and_child().1);
                let mut ends = [Some(mapping.from), Some(mapping.to), former_child].into_iter().flatten();
                ends.try_for_each(|end| check.stays_visible(end))
            }
            Change::EndMapping { id, .. } => match self.view.mapping(id) {
                Some(mapping) => check.stays_visible(mapping.parent_and_child().1),
                None => Ok(()),
            },
            // Tokens are not placed in units. `plan/token.rs` checks which of them the caller may change.
            Change::PutToken(_) => Ok(()),
        })
    }
}

/// The placements that a plan removes and adds.
struct ScopeCheck<'r, 'p> {
    plan: &'r Plan<'p>,
    ended: FxHashSet<EntityId>,
    /// Mappings that are deleted or replaced.
    replaced: FxHashSet<MappingId>,
    /// The new parents of each record.
    new_parents: FxHashMap<EntityId, Vec<EntityId>>,
}

impl<'r, 'p> ScopeCheck<'r, 'p> {
    fn of(plan: &'r Plan<'p>) -> Self {
        let (mut ended, mut replaced) = (FxHashSet::default(), FxHashSet::default());
        let mut new_parents: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for change in &plan.changes {
            match change {
                Change::EndEntity { id, .. } => {
                    ended.insert(*id);
                }
                Change::EndMapping { id, .. } => {
                    replaced.insert(*id);
                }
                Change::PutMapping(mapping) => {
                    replaced.insert(mapping.id);
                    // Being a member of a visible project does not make a person visible; only units do.
                    if mapping.mapping_type != MappingType::ProjectPeople {
                        let (parent, child) = mapping.parent_and_child();
                        new_parents.entry(child).or_default().push(parent);
                    }
                }
                Change::PutEntity(_) | Change::PutToken(_) => {}
            }
        }
        Self { plan, ended, replaced, new_parents }
    }

    /// Refuses a plan after which a record that it does not delete is outside the scope.
    fn stays_visible(&self, id: EntityId) -> Result<(), Error> {
        if self.ended.contains(&id) || self.is_visible_after(id) {
            return Ok(());
        }
        let new = || {
            self.plan.changes.iter().find_map(|change| match change {
                Change::PutEntity(entity) if entity.id == id => Some(entity),
                _ => None,
            })
        };
        // Not the key of a new unit: a generated key contains the names of units above it, perhaps of hidden ones.
        let named = |entity: &Arc<Entity>| match entity.as_org_unit() {
            Some(unit) => unit.name.as_str().to_owned(),
            None => entity.label().to_owned(),
        };
        let known = self.plan.view.entity(id).map(|entity| entity.label().to_owned());
        let label = known.or_else(|| new().map(named)).unwrap_or_default();
        let what = format!("{label:?} would be outside the token's scope");
        Err(Error::OutOfScope { what, instead: PLACE_INSIDE })
    }

    /// Whether the record is one of the scope's units or below one, once the plan is applied.
    fn is_visible_after(&self, id: EntityId) -> bool {
        // Walks up the parents: the closures of the view do not include the changes of this plan.
        let mut seen = FxHashSet::default();
        let mut waiting = vec![id];
        while let Some(at) = waiting.pop() {
            if self.ended.contains(&at) || !seen.insert(at) {
                continue;
            }
            if self.plan.scope.units().contains(&at) {
                return true;
            }
            let remains = |parent: &EntityId| {
                let mapping = self.plan.view.mapping_between(*parent, at);
                mapping.is_some_and(|mapping| !self.replaced.contains(&mapping.id))
            };
            waiting.extend(self.plan.view.parents(at).into_iter().filter(remains));
            waiting.extend(self.new_parents.get(&at).into_iter().flatten());
        }
        false
    }

    /// Refuses to delete a record with mappings outside the scope, which would be deleted too.
    fn all_mappings_visible(&self, id: EntityId) -> Result<(), Error> {
        let Plan { view, everything, .. } = self.plan;
        // Comparing numbers is enough, because the mappings of the view are a subset.
        if everything.mappings_of(id).len() == view.mappings_of(id).len() {
            return Ok(());
        }
        let what = format!(
            "{:?} has mappings outside the token's scope, which would be deleted with it",
            view.label(id)
        );
        Err(Error::OutOfScope { what, instead: DELETE_VISIBLE })
    }
}
