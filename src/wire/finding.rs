//! What the data-quality checks found, as REST, GraphQL and the command line show it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::entity::{Body, Entity, EntityId, Kind, Person};
use crate::model::key::Name;
use crate::query::doctor::{About, Finding, FindingCode, Findings, doctor};
use crate::wire::change::word;
use crate::wire::id::{entity_id, mapping_id};

/// How many of the records that a finding is about are shown.
const RECORDS_MAX: usize = 20;

/// What is worth a look about the data.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Doctor)]
pub struct DoctorAnswer {
    /// How many findings there are in all.
    count: usize,
    /// How many there are of each code that was looked for, also where that is none.
    #[schema(value_type = HashMap<String, u64>)]
    counts: BTreeMap<&'static str, usize>,
    /// The findings, by code.
    data: Vec<FindingRecord>,
    /// The `cursor` of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cursor: Option<String>,
}

/// One thing that is worth a look.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Finding)]
pub(crate) struct FindingRecord {
    /// What kind of thing was found.
    #[schema(example = "unplaced-person")]
    code: &'static str,
    /// What was found, in a sentence.
    #[schema(example = "\"jd@opsera.io\" is in no unit")]
    message: String,
    /// The records that it is about, the first 20.
    records: Vec<AboutRecord>,
    /// How many records it is about.
    record_count: usize,
}

/// A record that a finding is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FindingAbout)]
pub(crate) struct AboutRecord {
    /// `orgUnit`, `person`, `project` or `mapping`.
    #[schema(example = "person")]
    kind: &'static str,
    /// Its key; of a mapping, its id.
    #[schema(example = "jd@opsera.io")]
    key: String,
    /// What people call it, where it has a name.
    #[schema(required = true)]
    name: Option<String>,
    /// Its global id in GraphQL.
    id: String,
}

/// A record that a finding is about.
#[derive(Debug)]
pub(crate) struct FoundRecord {
    /// Its kind; none for a mapping.
    pub(crate) kind: Option<Kind>,
    /// Its number; none for a mapping.
    pub(crate) entity: Option<EntityId>,
    /// Its key; of a mapping, its id.
    pub(crate) key: String,
    /// What people call it, where it has a name.
    pub(crate) name: Option<String>,
    /// Its global id in GraphQL.
    pub(crate) id: String,
}

/// The first records that a finding is about.
pub(crate) fn records(view: &View, finding: &Finding) -> impl Iterator<Item = FoundRecord> {
    finding.about.iter().take(RECORDS_MAX).filter_map(|about| shown(view, *about))
}

fn shown(view: &View, about: About) -> Option<FoundRecord> {
    match about {
        About::Entity(id) => {
            let entity = view.entity(id)?;
            Some(FoundRecord {
                kind: Some(entity.kind()),
                entity: Some(id),
                key: entity.label().to_owned(),
                name: name(entity),
                id: entity_id(view, entity),
            })
        }
        About::Mapping(id) => Some(FoundRecord {
            kind: None,
            entity: None,
            key: id.to_string(),
            name: None,
            id: mapping_id(id),
        }),
    }
}

fn name(entity: &Entity) -> Option<String> {
    match &entity.body {
        Body::OrgUnit(unit) => Some(unit.name.to_string()),
        Body::Person(person) => person_name(person),
        Body::Project(project) => Some(project.name.to_string()),
        Body::Repository(repository) => Some(repository.name.to_string()),
        Body::Service(service) => Some(service.name.to_string()),
    }
}

/// The name to show, or else what there is of first and last name.
fn person_name(person: &Person) -> Option<String> {
    let parts = match &person.display_name {
        Some(name) => vec![name],
        None => [&person.first_name, &person.last_name].into_iter().flatten().collect(),
    };
    let parts: Vec<_> = parts.into_iter().map(Name::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

impl DoctorAnswer {
    /// The counts of everything that is found, and at most `most` findings of each code.
    #[must_use]
    pub fn with_examples(view: &View, most: usize) -> Self {
        let findings = doctor(view, &[]);
        let examples = FindingCode::ALL.into_iter().flat_map(|code| findings.of(code).iter().take(most));
        Self::with(view, &findings, examples)
    }

    /// At most `limit` of the findings, after a cursor or from the beginning.
    pub(crate) fn of(
        view: &View,
        findings: &Findings,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Self, Error> {
        let page = findings.page(view, after, limit)?;
        let last = page.findings.last().filter(|_| page.has_next);
        let cursor = last.map(|last| last.cursor(view));
        Ok(Self { cursor, ..Self::with(view, findings, page.findings.iter()) })
    }

    fn with<'f>(view: &View, findings: &'f Findings, shown: impl Iterator<Item = &'f Finding>) -> Self {
        Self {
            count: findings.all().len(),
            counts: findings.counts().map(|(code, count)| (code.as_str(), count)).collect(),
            data: shown.map(|finding| FindingRecord::of(view, finding)).collect(),
            cursor: None,
        }
    }
}

impl FindingRecord {
    fn of(view: &View, finding: &Finding) -> Self {
        Self {
            code: finding.code.as_str(),
            message: finding.message(view),
            records: records(view, finding).map(AboutRecord::from).collect(),
            record_count: finding.about.len(),
        }
    }
}

impl From<FoundRecord> for AboutRecord {
    fn from(shown: FoundRecord) -> Self {
        let FoundRecord { kind, key, name, id, .. } = shown;
        Self { kind: kind.map_or("mapping", word), key, name, id }
    }
}
