//! The two APIs: how each is asked for a request of the model, and what its response means.

use serde_json::{Value, json};

use crate::model::{Answer, Record, Request, Unit};
use crate::record::SettledBy;

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Rest,
    GraphQl,
}

/// An HTTP request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

/// An HTTP response: its status, the `ETag`, and the body as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
}

impl Response {
    /// The lineage of the store, from the `ETag` or the version of a single record.
    pub(crate) fn lineage(&self) -> Option<String> {
        let body = self.body.to_string();
        let version = body.split_once("\"version\":\"").and_then(|(_, rest)| rest.split_once('.'));
        let (_, rest) = version.or_else(|| self.etag.as_deref()?.split_once('.'))?;
        Some(rest.chars().take_while(char::is_ascii_hexdigit).collect())
    }
}

/// The meaning of a response.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) answer: Answer,
    pub(crate) is_done: bool,
    pub(crate) directory: Option<u64>,
    pub(crate) settled_by: SettledBy,
}

impl Heard {
    pub(crate) fn known(answer: Answer) -> Self {
        Self { answer, is_done: false, directory: None, settled_by: SettledBy::Answer }
    }

    pub(crate) fn unknown(settled_by: SettledBy) -> Self {
        Self { settled_by, ..Self::known(Answer::Unknown) }
    }
}

pub(crate) fn email(island: usize, person: usize) -> String {
    format!("p{person}@island{island}.example")
}

pub(crate) fn unit_key(island: usize, unit: Unit) -> String {
    match unit {
        Unit::Root => format!("i{island}"),
        Unit::Department(department) => format!("i{island}-d{department}"),
        Unit::Team(team) => format!("i{island}-t{team}"),
    }
}

impl Door {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::GraphQl => "graphql",
        }
    }

    pub(crate) fn call(self, island: usize, request: &Request, lineage: &str) -> Call {
        match self {
            Self::Rest => rest(island, request, lineage),
            Self::GraphQl => graphql(island, request, lineage),
        }
    }

    /// The meaning of a response. `None` if nothing was changed or read, because the server could not.
    pub(crate) fn heard(self, request: &Request, response: &Response) -> Option<Heard> {
        let (refusal, heard) = match self {
            Self::Rest if response.status < 300 => (None, rest_heard(request, response)),
            Self::Rest => (Some((&response.body["code"], &response.body["detail"])), None),
            Self::GraphQl => match response.body["errors"].get(0) {
                Some(error) => (Some((&error["extensions"]["code"], &error["message"])), None),
                None => (None, graphql_heard(request, &response.body["data"])),
            },
        };
        let Some((code, detail)) = refusal else {
            return Some(heard.unwrap_or_else(|| Heard::known(Answer::Odd(response.body.to_string()))));
        };
        let detail = detail.as_str().unwrap_or_default();
        Some(match code.as_str().unwrap_or_default() {
            // Deleted by another change of the same commit.
            "not-found" if detail.starts_with("the change was made") => {
                Heard { is_done: true, ..Heard::known(Answer::Person(None)) }
            }
            "not-found" if request.is_write() => Heard::known(Answer::Absent),
            "not-found" => Heard::known(Answer::Person(None)),
            "duplicate" => Heard::known(Answer::Exists),
            "precondition-failed" => Heard::known(Answer::Mismatch),
            "outcome-unknown" => Heard::unknown(SettledBy::Disk),
            "timeout" => Heard::unknown(SettledBy::Restart),
            "busy" | "rate-limited" | "closed" | "not-ready" => return None,
            _ if detail.contains("nothing was changed") => return None,
            _ => Heard::known(Answer::Odd(response.body.to_string())),
        })
    }
}

/// Where a person is to be placed, in the five levels of REST: the team is looked up anywhere below the organization.
fn levels(island: usize, team: Option<usize>) -> Value {
    let organization = team.map(|_| unit_key(island, Unit::Root));
    let team = team.map(|team| unit_key(island, Unit::Team(team)));
    json!({ "organization": organization, "business": null, "department": null, "group": null, "team": team })
}

fn rest(island: usize, request: &Request, lineage: &str) -> Call {
    let person_path = |person: usize| format!("/api/v2/data/people/{}", email(island, person));
    let unit_path = |unit: Unit| format!("/api/v2/data/units/{}", unit_key(island, unit));
    let name = |name: u64| format!("n{name}");
    let (method, path, body, condition) = match request {
        Request::Create { person, name: new, team } => {
            let mut body = json!({ "email": email(island, *person), "displayName": name(*new) });
            if team.is_some() {
                merge(&mut body, levels(island, *team));
            }
            ("POST", "/api/v2/data/people".to_owned(), Some(body), None)
        }
        Request::Patch { person, name: new, team, if_revision } => {
            let mut body = json!({});
            if let Some(new) = new {
                body["displayName"] = json!(name(*new));
            }
            if let Some(team) = team {
                merge(&mut body, levels(island, team.0));
            }
            ("PATCH", person_path(*person), Some(body), *if_revision)
        }
        Request::Delete { person, if_revision } => ("DELETE", person_path(*person), None, *if_revision),
        Request::Move { team, to } => {
            let body = json!({ "parents": [unit_key(island, Unit::Department(*to))] });
            ("PATCH", unit_path(Unit::Team(*team)), Some(body), None)
        }
        Request::Read { person } => ("GET", person_path(*person), None, None),
        Request::Totals(unit) => ("GET", unit_path(*unit), None, None),
        Request::List(unit) => ("GET", format!("{}/people", unit_path(*unit)), None, None),
    };
    let mut headers = Vec::new();
    if body.is_some() {
        let is_patch = method == "PATCH";
        let media = if is_patch { "application/merge-patch+json" } else { "application/json" };
        headers.push(("content-type", media.to_owned()));
    }
    // Only the end of a tag counts for a change: the revision of the record, and the lineage of the store.
    headers.extend(condition.map(|revision| ("if-match", format!("\"r0-all-0-{revision}.{lineage}\""))));
    Call { method, path, headers, body: body.map(|body| body.to_string()) }
}

fn merge(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}

fn number(name: &Value, prefix: &str) -> Option<u64> {
    name.as_str()?.rsplit('-').next()?.strip_prefix(prefix)?.parse().ok()
}

fn place(value: &Value, prefix: &str) -> Option<usize> {
    number(value, prefix)?.try_into().ok()
}

fn rest_record(record: &Value) -> Option<Record> {
    Some(Record {
        name: number(&record["displayName"], "n")?,
        team: place(&record["team"], "t"),
        department: place(&record["department"], "d"),
        revision: record["revision"].as_u64()?,
        updated_at: record["updatedAt"].as_str()?.to_owned(),
    })
}

fn person_of(record: &Value) -> Option<usize> {
    let (name, _) = record["email"].as_str()?.split_once('@')?;
    name.strip_prefix('p')?.parse().ok()
}

fn listed(records: &Value, record: fn(&Value) -> Option<Record>) -> Option<Answer> {
    let each = records.as_array()?.iter().map(|item| Some((person_of(item)?, record(item)?)));
    let mut people: Vec<(usize, Record)> = each.collect::<Option<_>>()?;
    people.sort_by_key(|(person, _)| *person);
    Some(Answer::List(people))
}

fn rest_heard(request: &Request, response: &Response) -> Option<Heard> {
    let body = &response.body;
    let answer = match request {
        Request::Create { .. } | Request::Patch { .. } | Request::Read { .. } => {
            Answer::Person(Some(rest_record(body)?))
        }
        Request::Delete { .. } | Request::Move { .. } => Answer::Done,
        Request::Totals(_) => {
            let totals = &body["totals"];
            Answer::Totals { people: totals["people"].as_u64()?, units: totals["units"].as_u64()? }
        }
        Request::List(_) => {
            let listed = listed(&body["data"], rest_record)?;
            let count = body["data"].as_array()?.len();
            if body["count"] != count {
                return None;
            }
            listed
        }
    };
    let directory = response.etag.as_deref().and_then(|tag| {
        let (revision, _) = tag.trim_start_matches("W/").strip_prefix("\"r")?.split_once('-')?;
        revision.parse().ok()
    });
    Some(Heard { is_done: request.is_write(), directory, ..Heard::known(answer) })
}

const RECORD: &str = "email displayName revision version updatedAt team { key } department { key }";

fn graphql(island: usize, request: &Request, lineage: &str) -> Call {
    let version = |revision: &Option<u64>| revision.map(|revision| format!("{revision}.{lineage}"));
    let name = |name: u64| format!("n{name}");
    let placed = |input: &mut Value, team: Option<usize>| {
        let units: Vec<_> = team.map(|team| unit_key(island, Unit::Team(team))).into_iter().collect();
        input["units"] = json!(units);
    };
    let (document, variables) = match request {
        Request::Create { person, name: new, team } => {
            let mut input = json!({ "email": email(island, *person), "displayName": name(*new) });
            placed(&mut input, *team);
            let document = format!(
                "mutation($input: CreatePersonInput!) {{ of: createPerson(input: $input) {{ revision person {{ {RECORD} }} }} }}"
            );
            (document, json!({ "input": input }))
        }
        Request::Patch { person, name: new, team, if_revision } => {
            let mut input = json!({ "id": email(island, *person), "ifRevision": version(if_revision) });
            if let Some(new) = new {
                input["displayName"] = json!(name(*new));
            }
            if let Some(team) = team {
                placed(&mut input, team.0);
            }
            let document = format!(
                "mutation($input: UpdatePersonInput!) {{ of: updatePerson(input: $input) {{ revision person {{ {RECORD} }} }} }}"
            );
            (document, json!({ "input": input }))
        }
        Request::Delete { person, if_revision } => {
            let input = json!({ "id": email(island, *person), "ifRevision": version(if_revision) });
            let document = "mutation($input: DeleteInput!) { of: deletePerson(input: $input) { revision } }";
            (document.to_owned(), json!({ "input": input }))
        }
        Request::Move { team, to } => {
            let document = "mutation($id: ID!, $to: ID!) { of: moveOrgUnit(id: $id, to: $to) { revision } }";
            let to = unit_key(island, Unit::Department(*to));
            (document.to_owned(), json!({ "id": unit_key(island, Unit::Team(*team)), "to": to }))
        }
        Request::Read { person } => {
            let document =
                format!("query($email: String!) {{ person(email: $email) {{ {RECORD} }} revision }}");
            (document, json!({ "email": email(island, *person) }))
        }
        Request::Totals(unit) => {
            let document =
                "query($key: String!) { orgUnit(by: { key: $key }) { totals { people units } } revision }";
            (document.to_owned(), json!({ "key": unit_key(island, *unit) }))
        }
        Request::List(unit) => {
            let document = format!(
                "query($unit: ID!) {{ people(filter: {{ within: [$unit] }}) {{ totalCount nodes {{ {RECORD} }} }} revision }}"
            );
            (document, json!({ "unit": unit_key(island, *unit) }))
        }
    };
    let body = json!({ "query": document, "variables": variables }).to_string();
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/graphql-response+json".to_owned()),
    ];
    Call { method: "POST", path: "/graphql".to_owned(), headers, body: Some(body) }
}

fn graphql_record(record: &Value) -> Option<Record> {
    Some(Record {
        name: number(&record["displayName"], "n")?,
        team: place(&record["team"]["key"], "t"),
        department: place(&record["department"]["key"], "d"),
        revision: record["revision"].as_u64()?,
        updated_at: record["updatedAt"].as_str()?.to_owned(),
    })
}

fn graphql_heard(request: &Request, data: &Value) -> Option<Heard> {
    let payload = if request.is_write() { &data["of"] } else { data };
    let answer = match request {
        Request::Create { .. } | Request::Patch { .. } => {
            Answer::Person(Some(graphql_record(&payload["person"])?))
        }
        Request::Read { .. } if data.get("person")?.is_null() => Answer::Person(None),
        Request::Read { .. } => Answer::Person(Some(graphql_record(&data["person"])?)),
        Request::Delete { .. } | Request::Move { .. } => Answer::Done,
        Request::Totals(_) => {
            let totals = &data["orgUnit"]["totals"];
            Answer::Totals { people: totals["people"].as_u64()?, units: totals["units"].as_u64()? }
        }
        Request::List(_) => {
            let listed = listed(&data["people"]["nodes"], graphql_record)?;
            if data["people"]["totalCount"] != data["people"]["nodes"].as_array()?.len() {
                return None;
            }
            listed
        }
    };
    let directory = Some(payload["revision"].as_u64()?);
    Some(Heard { is_done: request.is_write(), directory, ..Heard::known(answer) })
}
