//! Checks of units: duplicate names, empty units and skipped levels.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::graph::{Totals, View};
use crate::model::entity::{EntityId, Kind};
use crate::model::level::Level;
use crate::model::text::fold;
use crate::query::doctor::{Finding, FindingCode, records};

pub(super) fn same_name_in_level(view: &View) -> Vec<Finding> {
    let mut named: FxHashMap<(Level, Cow<'_, str>), Vec<EntityId>> = FxHashMap::default();
    for entity in records(view, Kind::OrgUnit) {
        if let Some(unit) = entity.as_org_unit()
            && let Some(level) = unit.unit_type.level()
        {
            named.entry((level, fold(unit.name.as_str()))).or_default().push(entity.id);
        }
    }
    let several = named.into_values().filter(|units| units.len() > 1);
    several.map(|units| Finding::of(FindingCode::SameNameInLevel, units)).collect()
}

pub(super) fn empty(view: &View) -> Vec<Finding> {
    let units = view.all(Kind::OrgUnit).iter().map(EntityId);
    let empty = units.filter(|unit| view.totals(*unit) == Totals::default());
    empty.map(|unit| Finding::of(FindingCode::EmptyTeam, vec![unit])).collect()
}

pub(super) fn level_skips(view: &View) -> Vec<Finding> {
    let mut found = Vec::new();
    for unit in view.all(Kind::OrgUnit).iter().map(EntityId) {
        let Some(level) = level(view, unit) else { continue };
        // Each parent is checked by itself: with several, one edge may skip a level and another not.
        let mut skipping: Vec<_> = view.parents(unit);
        skipping.retain(|parent| is_skip(self::level(view, *parent), level));
        if !skipping.is_empty() {
            skipping.insert(0, unit);
            found.push(Finding::of(FindingCode::LevelSkip, skipping));
        }
    }
    found
}

fn is_skip(above: Option<Level>, level: Level) -> bool {
    above.is_some_and(|above| level.number() > above.number() + 1)
}

/// The level of a unit; `None` if its type is not a level.
pub(super) fn level(view: &View, unit: EntityId) -> Option<Level> {
    view.entity(unit)?.as_org_unit()?.unit_type.level()
}
