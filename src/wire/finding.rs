//! The findings of the data-quality checks as JSON, for REST, GraphQL and the command line.

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

/// Maximum number of records that are listed of a finding.
// A finding can be about very many records, such as all units of one name.
const RECORDS_MAX: usize = 20;

/// The findings of the data-quality checks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Doctor)]
pub struct DoctorReport {
    /// The total number of findings.
    count: usize,
    /// The number of findings of each code that was checked, including 0.
    #[schema(value_type = HashMap<String, u64>)]
    counts: BTreeMap<&'static str, usize>,
    /// The findings of this page, sorted by code.
    data: Vec<FindingRecord>,
    /// The parameter `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cursor: Option<String>,
}

/// A finding of the data-quality checks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Finding)]
pub(crate) struct FindingRecord {
    /// The code of the check that found it.
    #[schema(example = "unplaced-person")]
    code: &'static str,
    /// The finding as a sentence.
    #[schema(example = "\"jd@opsera.io\" is in no unit")]
    message: String,
    /// The first 20 of the records that the finding is about.
    records: Vec<AboutRecord>,
    /// The number of records that the finding is about.
    record_count: usize,
}

/// A record that a finding is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FindingAbout)]
pub(crate) struct AboutRecord {
    /// The kind of the record: `orgUnit`, `person`, `project` or `mapping`.
    #[schema(example = "person")]
    kind: &'static str,
    /// The key of the record; for a mapping, its id.
    #[schema(example = "jd@opsera.io")]
    key: String,
    /// The name of the record; null if it has none.
    #[schema(required = true)]
    name: Option<String>,
    /// The global id of the record in GraphQL.
    id: String,
}

/// A record that a finding is about, with what GraphQL needs to resolve it.
#[derive(Debug)]
pub(crate) struct FoundRecord {
    /// Its kind; `None` for a mapping.
    pub(crate) kind: Option<Kind>,
    /// Its internal id; `None` for a mapping.
    pub(crate) entity: Option<EntityId>,
    /// Its key; for a mapping, its id.
    pub(crate) key: String,
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// Its global id in GraphQL.
    pub(crate) id: String,
}

/// The first records that a finding is about, at most 20.
pub(crate) fn records(view: &View, finding: &Finding) -> impl Iterator<Item = FoundRecord> {
    finding.about.iter().take(RECORDS_MAX).filter_map(|about| record(view, *about))
}

fn record(view: &View, about: About) -> Option<FoundRecord> {
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

/// The display name, or else the first and last name as far as they are set.
fn person_name(person: &Person) -> Option<String> {
    let parts = match &person.display_name {
        Some(name) => vec![name],
        None => [&person.first_name, &person.last_name].into_iter().flatten().collect(),
    };
    let parts: Vec<_> = parts.into_iter().map(Name::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

impl DoctorReport {
    /// The counts of all findings, and at most `examples_max` findings of each code.
    #[must_use]
    pub fn with_examples(view: &View, examples_max: usize) -> Self {
        let findings = doctor(view, &[]);
        let examples =
            FindingCode::ALL.into_iter().flat_map(|code| findings.of(code).iter().take(examples_max));
        Self::with(view, &findings, examples)
    }

    /// A page of at most `limit` findings, after a cursor or from the beginning.
    pub(crate) fn of(
        view: &View,
        findings: &Findings,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Self, Error> {
        let page = findings.page(view, after, limit)?;
        // A cursor on the last page would cost clients a request for an empty page.
        let last = page.findings.last().filter(|_| page.has_next);
        let cursor = last.map(|last| last.cursor(view));
        Ok(Self { cursor, ..Self::with(view, findings, page.findings.iter()) })
    }

    fn with<'f>(view: &View, findings: &'f Findings, listed: impl Iterator<Item = &'f Finding>) -> Self {
        Self {
            count: findings.all().len(),
            counts: findings.counts().map(|(code, count)| (code.as_str(), count)).collect(),
            data: listed.map(|finding| FindingRecord::of(view, finding)).collect(),
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
    fn from(found: FoundRecord) -> Self {
        let FoundRecord { kind, key, name, id, .. } = found;
        Self { kind: kind.map_or("mapping", word), key, name, id }
    }
}
