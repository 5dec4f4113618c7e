//! Random writes by a scoped token.
//!
//! Invariant: nothing outside the scope changes, and no record leaves the scope.

use std::collections::{BTreeMap, BTreeSet};

use clade::EntityId;
use clade::model::token::{Scope, Token};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::organisation::{Organisation, email, key};
use super::router_client::{Question, Target};
use super::visible_part::Facts;

/// Attempted writes per token.
const TRIED: usize = 60;

/// The number of writes that succeeded.
pub(crate) fn try_many(
    seed: u64,
    organisation: &Organisation,
    secret: &str,
    units: &[EntityId],
    rng: &mut StdRng,
) -> usize {
    let target = Target::to(&organisation.directory);
    let mut done = 0;
    let mut before = Facts::of(&organisation.directory);
    for _ in 0..TRIED {
        let question = draw(rng, &before);
        let answer = target.ask(secret, &question);
        let told = || format!("\nseed {seed}, a token of {units:?}\n{question:?}\n{answer:?}");
        assert!(answer.status < 500, "{}", told());
        let after = Facts::of(&organisation.directory);
        let (visible_before, visible_after) = (before.visible(units), after.visible(units));
        for id in before.entities.keys().chain(after.entities.keys()) {
            let (was, is) = (before.entities.get(id), after.entities.get(id));
            if was != is {
                let was_seen = was.is_none() || visible_before.contains(id);
                assert!(was_seen && (is.is_none() || visible_after.contains(id)), "{id:?} changed{}", told());
            }
            assert!(
                !visible_before.contains(id) || is.is_none() || visible_after.contains(id),
                "{id:?} is lost{}",
                told()
            );
            assert!(
                was.is_none() || visible_before.contains(id) || !visible_after.contains(id),
                "{id:?} was taken in{}",
                told()
            );
        }
        let hidden = |facts: &Facts, visible: &BTreeSet<EntityId>| -> BTreeMap<_, _> {
            let is_hidden = |end: &EntityId| !visible.contains(end);
            let all = facts.mappings.iter();
            all.filter(|(_, it)| is_hidden(&it.from) || is_hidden(&it.to))
                .map(|(id, it)| (*id, it.clone()))
                .collect()
        };
        assert_eq!(hidden(&before, &visible_before), hidden(&after, &visible_after), "{}", told());
        let is_part = |token: &Token| match &token.scope {
            Scope::Everything => false,
            // Nothing is seen from a unit that has ended.
            Scope::Units(of) => {
                of.iter().all(|unit| visible_before.contains(unit) || !before.entities.contains_key(unit))
            }
        };
        for (id, token) in after.tokens.iter().filter(|(id, token)| before.tokens.get(*id) != Some(*token)) {
            let was_part = before.tokens.get(id).is_none_or(|token| is_part(token));
            assert!(was_part && is_part(token), "{token:?} sees more{}", told());
        }
        assert!(!question.path.ends_with("dryRun=true") || after.commits() == before.commits(), "{}", told());
        done += usize::from(answer.is_plain());
        before = after;
    }
    done
}

fn draw(rng: &mut StdRng, facts: &Facts) -> Question {
    let unit = |rng: &mut StdRng| key(rng.random_range(0..10));
    let person = |rng: &mut StdRng| email(rng.random_range(0..9));
    let project = |rng: &mut StdRng| format!("p{}", rng.random_range(0..7));
    let mapping = |rng: &mut StdRng| {
        let ids: Vec<_> = facts.mappings.keys().collect();
        ids.choose(rng).map_or_else(|| "none".to_owned(), ToString::to_string)
    };
    let write = |method, path: String, body: Value| Question {
        method,
        path: format!("/api/v2/data{path}"),
        content_type: Some("application/json"),
        body: body.to_string(),
    };
    match rng.random_range(0..26) {
        0 => write("POST", "/people".to_owned(), json!({"email": person(rng), "team": unit(rng)})),
        1 => write(
            "POST",
            "/people".to_owned(),
            json!({"email": person(rng), "business": "Retail", "team": "Web"}),
        ),
        2 => write(
            "PATCH",
            format!("/people/{}", person(rng)),
            json!({"firstName": "New", "email": person(rng)}),
        ),
        3 => write("PATCH", format!("/people/{}", person(rng)), json!({"department": "Web", "team": null})),
        4 => write("DELETE", format!("/people/{}", person(rng)), Value::Null),
        5 => write(
            "POST",
            "/project".to_owned(),
            json!({"projectId": project(rng), "projectName": "N", "group": "Ops"}),
        ),
        6 => write(
            "PATCH",
            format!("/project/{}", project(rng)),
            json!({"projectName": "New", "assets": {"repositories": [], "services": []}}),
        ),
        7 => write("DELETE", format!("/project/{}", project(rng)), Value::Null),
        8 => {
            write("POST", "/units".to_owned(), json!({"key": unit(rng), "name": "Web", "parent": unit(rng)}))
        }
        9 => write("PATCH", format!("/units/{}", unit(rng)), json!({"parents": [unit(rng)]})),
        10 => write("PATCH", format!("/units/{}", unit(rng)), json!({"parents": [], "name": "Loose"})),
        11 => {
            let children = ["refuse", "lift", "end"][rng.random_range(0..3)];
            write("DELETE", format!("/units/{}?children={children}", unit(rng)), Value::Null)
        }
        12 => write("POST", "/org-hierarchy".to_owned(), json!({"parent": unit(rng), "child": unit(rng)})),
        13 => write("POST", "/org-hierarchy".to_owned(), json!({"parent": "Platform", "child": "Brand new"})),
        14 => {
            write("POST", "/mapping".to_owned(), json!({"attribute1": project(rng), "attribute2": unit(rng)}))
        }
        15 => write(
            "POST",
            "/mapping".to_owned(),
            json!({"attribute1": project(rng), "attribute2": person(rng)}),
        ),
        16 => write("PATCH", format!("/mapping/{}", mapping(rng)), json!({"attribute2": unit(rng)})),
        17 => write("DELETE", format!("/mapping/{}", mapping(rng)), Value::Null),
        18..=20 => bulk(rng),
        21..=23 => token(rng, facts),
        _ => {
            let (id, to) = (unit(rng), unit(rng));
            Question::graphql(&format!(
                "mutation {{ moveOrgUnit(id: \"{id}\", to: \"{to}\") {{ revision }} apply(changes: [{{linkOrgUnits: {{parent: \"{to}\", child: \"Fresh\"}}}}, {{updateOrgUnit: {{id: \"{id}\", externalId: \"x\"}}}}]) {{ revision }} }}"
            ))
        }
    }
}

/// A bulk request of several lines, atomic, or as a dry run.
fn bulk(rng: &mut StdRng) -> Question {
    let mode = ["insert", "upsert"].choose(rng).unwrap();
    let dry_run = rng.random_bool(0.3);
    let mut lines = String::new();
    for _ in 0..rng.random_range(1..4) {
        let (unit, other) = (key(rng.random_range(0..10)), key(rng.random_range(0..10)));
        let (person, project) = (email(rng.random_range(0..9)), format!("p{}", rng.random_range(0..7)));
        let line = match rng.random_range(0..5) {
            0 => json!({"kind": "orgUnit", "key": unit, "name": "Bulk", "type": "team", "parents": [other]}),
            1 => json!({"kind": "person", "email": person, "team": unit}),
            2 => json!({"kind": "project", "projectId": project, "projectName": "Bulk", "department": other}),
            3 => {
                json!({"kind": "mapping", "mappingType": "project-org", "attribute1": project, "attribute2": unit})
            }
            _ => {
                json!({"kind": "mapping", "mappingType": "people-org", "attribute1": person, "attribute2": unit})
            }
        };
        lines += &line.to_string();
        lines.push('\n');
    }
    Question {
        method: "POST",
        path: format!("/api/v2/data/bulk?mode={mode}&dryRun={dry_run}"),
        content_type: Some("application/x-ndjson"),
        body: lines,
    }
}

/// Tokens created, updated, rotated and revoked, which admins may do within their scope.
fn token(rng: &mut StdRng, facts: &Facts) -> Question {
    let known: Vec<_> = facts.tokens.keys().collect();
    let id = known.choose(rng).map_or_else(|| "none".to_owned(), ToString::to_string);
    let units = match rng.random_range(0..4) {
        0 => String::new(),
        _ => format!(", units: [\"{}\", \"{}\"]", key(rng.random_range(0..10)), key(rng.random_range(0..10))),
    };
    Question::graphql(&match rng.random_range(0..4) {
        0 | 1 => format!("mutation {{ createToken(input: {{role: READ{units}}}) {{ __typename }} }}"),
        2 => format!(
            "mutation {{ updateToken(input: {{tokenId: \"{id}\", description: \"changed\"}}) {{ __typename }} }}"
        ),
        _ => format!("mutation {{ rotateToken(input: {{tokenId: \"{id}\"}}) {{ __typename }} }}"),
    })
}
