//! Checks of projects: owners who are not in the directory, and repositories that several projects have.

use rustc_hash::FxHashMap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::query::doctor::{About, Finding, FindingCode, records};

pub(super) fn unknown_owners(view: &View) -> Vec<Finding> {
    let has_unknown = |email: &_| view.person_by_email(email).is_none();
    let unknown = records(view, Kind::Project).filter(|entity| {
        let owner = entity.as_project().and_then(|project| project.owner.as_ref());
        owner.and_then(|owner| owner.email.as_ref()).is_some_and(has_unknown)
    });
    unknown.map(|entity| Finding::of(FindingCode::UnknownOwner, vec![entity.id])).collect()
}

/// One finding per url, about the projects; its position is that of the first of their repositories.
pub(super) fn claimed_twice(view: &View) -> Vec<Finding> {
    let mut claims: FxHashMap<String, Vec<(EntityId, EntityId)>> = FxHashMap::default();
    for entity in records(view, Kind::Repository) {
        if let Some(repository) = entity.as_repository()
            && let Some(url) = &repository.url
        {
            claims.entry(url.normalized()).or_default().push((entity.id, repository.project));
        }
    }
    claims.into_values().filter_map(claimed_by_several).collect()
}

fn claimed_by_several(claims: Vec<(EntityId, EntityId)>) -> Option<Finding> {
    let (first, _) = *claims.first()?;
    let mut projects: Vec<_> = claims.into_iter().map(|(_, project)| project).collect();
    projects.sort_unstable();
    // One project may list a repository twice, which is no finding.
    projects.dedup();
    let finding = Finding::of(FindingCode::RepositoryClaimedTwice, projects);
    (finding.about.len() > 1).then_some(Finding { at: About::Entity(first), ..finding })
}
