//! What is worth a look about the data, for everyone who reads: within what the token sees.

use std::collections::BTreeMap;

use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::query::doctor::{Finding, FindingCode, Findings, cost, doctor};
use crate::server::audit::word;
use crate::server::finding::{self, Shown};
use crate::server::limits::{FINDINGS_DEFAULT, FINDINGS_MAX};
use crate::server::request::params::{Param, Shape, refused_as};
use crate::server::response::problem::Result;
use crate::server::rest::docs::{Examined, Refused};
use crate::server::rest::list::{JsonPage, ListRequest};
use crate::server::rest::parameters::parameters;

/// The parameters of the doctor.
pub(super) const DOCTOR: &[Param] = &[
    Param {
        name: "code",
        shape: Shape::Words(&FindingCode::WORDS),
        about: "Only findings of this code. Given several times: any of them.",
    },
    Param {
        name: "limit",
        shape: Shape::Whole(1, FINDINGS_MAX),
        about: "At most so many findings; 100 when not given. All are counted.",
    },
    Param {
        name: "cursor",
        shape: Shape::Text,
        about: "Only the findings after this point: the cursor of the answer before, with the same codes.",
    },
];

parameters!(DoctorParams = DOCTOR);

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
    cursor: Option<String>,
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

/// Looks the data over: names that come twice, people and projects in no unit, unknown owners, and the like.
///
/// No finding is damage: each is for someone who knows the organisation to judge. A token that is limited to units hears
/// of what it sees alone.
#[utoipa::path(
    get, path = "/api/v2/data/doctor", tag = "doctor", operation_id = "doctor",
    params(DoctorParams),
    responses((status = 200, description = "What is worth a look.", body = DoctorAnswer), Examined, Refused)
)]
pub(super) async fn show(request: ListRequest) -> Result<Response> {
    let list = request.just(&[DOCTOR])?;
    let codes: Vec<_> = list.known.all("code").filter_map(FindingCode::named).collect();
    let limit = list.known.whole("limit").unwrap_or(FINDINGS_DEFAULT);
    let after = list.known.one("cursor").map(str::to_owned);
    list.json(
        |list| Ok((cost(list.view(), &codes), codes)),
        move |view, codes| {
            let answer = DoctorAnswer::of(view, &doctor(view, &codes), after.as_deref(), limit);
            let answer = answer.map_err(|no| refused_as("cursor", no))?;
            Ok(JsonPage::of(&answer, answer.cursor.clone()))
        },
    )
    .await
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
    fn of(view: &View, findings: &Findings, after: Option<&str>, limit: usize) -> Result<Self, Error> {
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
            records: finding::records(view, finding).map(AboutRecord::from).collect(),
            record_count: finding.about.len(),
        }
    }
}

impl From<Shown> for AboutRecord {
    fn from(shown: Shown) -> Self {
        let Shown { kind, key, name, id, .. } = shown;
        Self { kind: kind.map_or("mapping", word), key, name, id }
    }
}
