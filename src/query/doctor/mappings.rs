//! Check for mappings that refer to deleted records.

use crate::graph::View;
use crate::model::mapping::Mapping;
use crate::query::doctor::{About, Finding, FindingCode};

/// One finding per mapping, about the mapping and the end that still exists.
pub(super) fn to_ended(view: &View) -> Vec<Finding> {
    let finding = |mapping: &Mapping| {
        let at = About::Mapping(mapping.id);
        let ends = [mapping.from, mapping.to].into_iter().filter(|end| view.entity(*end).is_some());
        let about = [at].into_iter().chain(ends.map(About::Entity)).collect();
        Finding { code: FindingCode::MappingToEnded, about, at }
    };
    view.mappings_to_deleted().map(|mapping| finding(mapping)).collect()
}
