//! How far a plan reaches: whoever sees a part of the directory changes nothing beyond it, and puts nothing there.
//!
//! Names are looked up in sight alone, so a plan begins within reach. What it may still do is to leave something out
//! of sight, or to end a record that something out of sight is mapped to.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::change::Change;
use crate::model::entity::{Entity, EntityId};
use crate::model::mapping::{MappingId, MappingType};

const PLACE_IT: &str = "place it in a unit that the token sees";
const END_THEM: &str = "end those that the token sees, or ask for a token that sees them all";

impl Plan<'_> {
    /// Refuses a plan that changes or leaves anything out of sight.
    pub(super) fn stays_in_reach(&self) -> Result<(), Error> {
        if !self.scope.is_limited() {
            return Ok(());
        }
        let reach = Reach::of(self);
        self.changes.iter().try_for_each(|change| match change {
            Change::PutEntity(entity) => reach.keeps(entity.owning_project().unwrap_or(entity.id)),
            Change::EndEntity { id, .. } => reach.takes_whole(*id),
            Change::PutMapping(mapping) => {
                let left = self.view.mapping(&mapping.id).map(|before| before.parent_and_child().1);
                let mut ends = [Some(mapping.from), Some(mapping.to), left].into_iter().flatten();
                ends.try_for_each(|end| reach.keeps(end))
            }
            Change::EndMapping { id, .. } => match self.view.mapping(id) {
                Some(mapping) => reach.keeps(mapping.parent_and_child().1),
                None => Ok(()),
            },
            // Tokens have no place. Which of them may be changed, their own commands say.
            Change::PutToken(_) => Ok(()),
        })
    }
}

/// What a plan does to where things are.
struct Reach<'r, 'p> {
    plan: &'r Plan<'p>,
    ended: FxHashSet<EntityId>,
    /// Mappings that end, or that others take the place of.
    replaced: FxHashSet<MappingId>,
    /// The units that the plan places something in.
    holders: FxHashMap<EntityId, Vec<EntityId>>,
}

impl<'r, 'p> Reach<'r, 'p> {
    fn of(plan: &'r Plan<'p>) -> Self {
        let (mut ended, mut replaced) = (FxHashSet::default(), FxHashSet::default());
        let mut holders: FxHashMap<_, Vec<_>> = FxHashMap::default();
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
                    if mapping.mapping_type != MappingType::ProjectPeople {
                        let (holder, held) = mapping.parent_and_child();
                        holders.entry(held).or_default().push(holder);
                    }
                }
                Change::PutEntity(_) | Change::PutToken(_) => {}
            }
        }
        Self { plan, ended, replaced, holders }
    }

    /// Refuses to leave a record out of sight, but for one that ends.
    fn keeps(&self, id: EntityId) -> Result<(), Error> {
        if self.ended.contains(&id) || self.is_seen_after(id) {
            return Ok(());
        }
        let made = || {
            self.plan.changes.iter().find_map(|change| match change {
                Change::PutEntity(entity) if entity.id == id => Some(entity),
                _ => None,
            })
        };
        // The key of a unit that would be made could tell of others.
        let named = |entity: &Arc<Entity>| match entity.as_org_unit() {
            Some(unit) => unit.name.as_str().to_owned(),
            None => entity.label().to_owned(),
        };
        let known = self.plan.view.entity(id).map(|entity| entity.label().to_owned());
        let label = known.or_else(|| made().map(named)).unwrap_or_default();
        let what = format!("{label:?} would be where the token does not see it");
        Err(Error::OutOfScope { what, instead: PLACE_IT })
    }

    /// Whether the record is one of the units that limit the scope or beneath one, once the plan is carried out.
    fn is_seen_after(&self, id: EntityId) -> bool {
        let mut seen = FxHashSet::default();
        let mut waiting = vec![id];
        while let Some(at) = waiting.pop() {
            if self.ended.contains(&at) || !seen.insert(at) {
                continue;
            }
            if self.plan.scope.units().contains(&at) {
                return true;
            }
            let left = |holder: &EntityId| {
                let mapping = self.plan.view.mapping_between(*holder, at);
                mapping.is_some_and(|mapping| !self.replaced.contains(&mapping.id))
            };
            waiting.extend(self.plan.view.parents(at).into_iter().filter(left));
            waiting.extend(self.holders.get(&at).into_iter().flatten());
        }
        false
    }

    /// Refuses to end a record with mappings out of sight, which would end too.
    fn takes_whole(&self, id: EntityId) -> Result<(), Error> {
        let Plan { view, everything, .. } = self.plan;
        if everything.mappings_of(id).len() == view.mappings_of(id).len() {
            return Ok(());
        }
        let what = format!("{:?} has mappings that would end with it", view.label(id));
        Err(Error::OutOfScope { what, instead: END_THEM })
    }
}
