//! Messages of findings: one sentence each.
//!
//! Invariant: a message names at most [`NAMED_MAX`] records, however many the finding is about.

use crate::graph::View;
use crate::model::entity::EntityId;
use crate::model::level::Level;
use crate::model::repo_url::RepoUrl;
use crate::query::doctor::units::level;
use crate::query::doctor::{About, Finding, FindingCode};

/// Maximum number of records named in a message; the rest are counted.
const NAMED_MAX: usize = 5;

impl Finding {
    /// The finding as a sentence. `view` must be the one in which it was found.
    #[must_use]
    pub fn message(&self, view: &View) -> String {
        let count = self.about.len();
        let first = self.about.first().map_or_else(String::new, |about| label(view, *about));
        match self.code {
            FindingCode::SameNameInLevel => self.same_name(view),
            FindingCode::UnplacedPerson => format!("the person {first} is not placed in any unit"),
            FindingCode::UnplacedProject => format!("the project {first} is not placed in any unit"),
            FindingCode::EmptyTeam => format!("{} has no child units, people or projects", self.unit(view)),
            FindingCode::LevelSkip => self.level_skip(view),
            FindingCode::UnknownOwner => {
                let owner = self.owner(view);
                format!("the project {first} has the owner {owner:?}, who is not a person in this directory")
            }
            FindingCode::RepositoryClaimedTwice => {
                let url = self.url(view);
                format!("{count} projects claim the repository {url:?}: {}", self.labels(view))
            }
            FindingCode::PersonSpelledTwice => {
                format!("{count} people are probably the same person: {}", self.labels(view))
            }
            FindingCode::LookAlike => {
                format!("{count} names can hardly be told apart: {}", self.labels(view))
            }
            FindingCode::MappingToEnded => {
                format!("the mapping {first} refers to a deleted record")
            }
        }
    }

    fn entities(&self) -> impl ExactSizeIterator<Item = EntityId> + use<> {
        self.about.iter().filter_map(|about| about.entity()).collect::<Vec<_>>().into_iter()
    }

    /// The keys of the records concerned.
    fn labels(&self, view: &View) -> String {
        first_few(self.entities(), |id| label(view, About::Entity(id)))
    }

    fn same_name(&self, view: &View) -> String {
        let unit = self.entities().next().and_then(|id| view.entity(id)?.as_org_unit());
        let (of, name) = unit.map_or(("", ""), |unit| (unit.unit_type.as_str(), unit.name.as_str()));
        let units = first_few(self.entities(), |id| format!("{:?} {}", view.label(id), parents_of(view, id)));
        format!("{} units of level {of} have the name {name:?}: {units}", self.about.len())
    }

    /// The first unit with its type: `the team "Checkout"`.
    fn unit(&self, view: &View) -> String {
        let unit = self.entities().next().and_then(|id| view.entity(id)?.as_org_unit());
        unit.map_or_else(String::new, |unit| format!("the {} {:?}", unit.unit_type, unit.key.as_str()))
    }

    fn level_skip(&self, view: &View) -> String {
        let below = self.entities().next().and_then(|unit| level(view, unit));
        let above = first_few(self.entities().skip(1), |parent| {
            let above = level(view, parent);
            // Derived order of `Option<Level>`: both levels are `Some` here, since only such units are found.
            let skipped = Level::ALL.into_iter().filter(|level| above < Some(*level) && Some(*level) < below);
            let skipped: Vec<_> = skipped.map(Level::as_str).collect();
            let word = above.map_or("", Level::as_str);
            format!("the {word} {:?}, with no {} between", view.label(parent), skipped.join(" or "))
        });
        format!("{} is directly under {above}", self.unit(view))
    }

    fn owner(&self, view: &View) -> String {
        let project = self.entities().next().and_then(|id| view.entity(id)?.as_project());
        let owner = project.and_then(|project| project.owner.as_ref()?.email.as_ref());
        owner.map_or_else(String::new, |email| email.as_str().to_owned())
    }

    fn url(&self, view: &View) -> String {
        let repository = self.at.entity().and_then(|id| view.entity(id)?.as_repository());
        let url = repository.and_then(|repository| repository.url.as_ref());
        // The normalized url is what the projects have in common; each may spell it differently.
        url.map_or_else(String::new, RepoUrl::normalized)
    }
}

/// The key of a record, in quotes; of a mapping its id.
fn label(view: &View, about: About) -> String {
    match about {
        About::Entity(id) => format!("{:?}", view.label(id)),
        About::Mapping(id) => id.to_string(),
    }
}

/// The parents of a unit: `in "Bikes", "Lamps"`.
fn parents_of(view: &View, unit: EntityId) -> String {
    let parents = view.parents(unit);
    if parents.is_empty() {
        return "at the top level".to_owned();
    }
    format!("in {}", first_few(parents.into_iter(), |parent| format!("{:?}", view.label(parent))))
}

fn first_few(ids: impl ExactSizeIterator<Item = EntityId>, name: impl Fn(EntityId) -> String) -> String {
    let more = ids.len().saturating_sub(NAMED_MAX);
    let mut names: Vec<_> = ids.take(NAMED_MAX).map(name).collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
