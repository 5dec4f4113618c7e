//! Check for look-alikes: units beside each other, and people, whose names or emails differ and can hardly be told apart
//! by eye (Unicode UTS 39), as a Latin `a` and a Cyrillic one.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use unicode_security::skeleton;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::text::fold;
use crate::query::doctor::{Finding, FindingCode, records};

/// What one sees of a text, and the texts that look so.
#[derive(Default)]
struct Looks {
    spellings: BTreeSet<String>,
    records: Vec<EntityId>,
}

pub(super) fn look_alikes(view: &View) -> Vec<Finding> {
    // Units by each parent: only those beside each other are taken for one another.
    let mut seen: FxHashMap<(Kind, Option<EntityId>, String), Looks> = FxHashMap::default();
    let mut see = |kind: Kind, beside: Option<EntityId>, text: &str, id: EntityId| {
        let folded = fold(text);
        let looks = seen.entry((kind, beside, skeleton(&folded).collect())).or_default();
        looks.spellings.insert(folded.into_owned());
        looks.records.push(id);
    };
    for entity in records(view, Kind::OrgUnit) {
        let Some(unit) = entity.as_org_unit() else { continue };
        let parents = view.parents(entity.id);
        let beside = parents.iter().copied().map(Some).chain(parents.is_empty().then_some(None));
        for parent in beside {
            see(Kind::OrgUnit, parent, unit.name.as_str(), entity.id);
        }
    }
    for entity in records(view, Kind::Person) {
        see(Kind::Person, None, entity.label(), entity.id);
    }
    // Two units beside each other below several parents are one finding.
    let groups: BTreeSet<Vec<EntityId>> =
        seen.into_values().filter(|looks| looks.spellings.len() > 1).map(|looks| looks.records).collect();
    groups.into_iter().map(|records| Finding::of(FindingCode::LookAlike, records)).collect()
}
