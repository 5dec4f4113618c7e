//! Random arguments of queries: references to visible, hidden and missing records, in every notation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clade::model::entity::Body;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::router_client::{Question, Target};
use super::visible_part::Facts;

/// References as text, each with what it refers to.
pub(crate) struct Pool {
    texts: Vec<(&'static str, String)>,
    cursors: Vec<String>,
}

impl Pool {
    pub(crate) fn of(facts: &Facts, whole: &Target, admin: &str) -> Self {
        let mut texts: Vec<(&str, String)> = [
            "nothing",
            "",
            "a",
            "corp",
            "repo",
            "Platform/Web",
            "u0/u1",
            "team",
            "Retail/R&D",
            "7",
            "2026-01-01",
        ]
        .map(|text| ("", text.to_owned()))
        .to_vec();
        let mut add = |kind: &'static str, key: &str, others: &[Option<&str>]| {
            texts.push((kind, key.to_owned()));
            texts.push(("", URL_SAFE_NO_PAD.encode(format!("{kind}:{key}"))));
            texts.extend(others.iter().flatten().map(|text| (kind, (*text).to_owned())));
        };
        for entity in facts.entities.values() {
            match &entity.body {
                Body::OrgUnit(unit) => {
                    let external = unit.external_id.as_ref().map(clade::model::ExternalId::as_str);
                    add("OrgUnit", unit.key.as_str(), &[Some(unit.name.as_str()), external]);
                }
                Body::Person(person) => {
                    let last = person.last_name.as_ref().map(clade::model::Name::as_str);
                    add("Person", person.email.as_str(), &[last]);
                }
                Body::Project(project) => {
                    add("Project", project.project_id.as_str(), &[Some(project.name.as_str())]);
                }
                Body::Repository(repository) => {
                    let url = repository.url.as_ref().map(|url| url.as_str().to_owned());
                    let project = facts.entities[&repository.project].label();
                    let id = format!(
                        "{project}\n{}",
                        repository.url.as_ref().map(clade::model::RepoUrl::normalized).unwrap_or_default()
                    );
                    add("Repository", &id, &[url.as_deref(), Some("github.com")]);
                }
                Body::Service(service) => {
                    let identifier = service.identifier.as_ref().map(clade::model::ServiceIdentifier::as_str);
                    add("Service", service.name.as_str(), &[identifier]);
                }
            }
        }
        for mapping in facts.mappings.keys() {
            add("Mapping", &mapping.to_string(), &[]);
        }
        Self { texts, cursors: cursors(whole, admin) }
    }

    /// A reference for a field, argument or parameter of this name, mostly of the matching kind.
    pub(crate) fn text(&self, rng: &mut StdRng, name: &str) -> String {
        let kind = match name {
            "key" | "path" | "within" | "externalId" | "organization" | "business" | "department"
            | "group" | "team" => "OrgUnit",
            "email" | "member" | "owner" => "Person",
            "projectId" | "projectName" => "Project",
            "url" | "platform" => "Repository",
            "identifier" => "Service",
            "id" => "Mapping",
            _ => "",
        };
        let of_kind: Vec<_> = self.texts.iter().filter(|(it, _)| *it == kind).collect();
        let (_, text) = match of_kind.choose(rng) {
            Some(fitting) if rng.random_bool(0.7) => *fitting,
            _ => self.texts.choose(rng).unwrap(),
        };
        text.clone()
    }

    /// A cursor that an unscoped token received.
    pub(crate) fn cursor(&self, rng: &mut StdRng) -> String {
        self.cursors.choose(rng).cloned().unwrap_or_default()
    }
}

fn cursors(whole: &Target, admin: &str) -> Vec<String> {
    let query = "{ people(first: 5) { edges { cursor } } projects(first: 5) { edges { cursor } }
        orgUnits(first: 9) { edges { cursor } } mappings(first: 9) { edges { cursor } } repositories(first: 5) { edges { cursor } }
        doctor(first: 9) { edges { cursor } } }";
    let answer = whole.ask(admin, &Question::graphql(query));
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let lists = answer["data"].as_object().unwrap_or_else(|| panic!("{answer}")).values();
    let edges = lists.flat_map(|list| list["edges"].as_array().cloned().unwrap_or_default());
    edges.map(|edge| edge["cursor"].as_str().unwrap().to_owned()).collect()
}

impl Question {
    pub(crate) fn graphql(query: &str) -> Self {
        Self {
            method: "POST",
            path: "/graphql".to_owned(),
            content_type: Some("application/json"),
            body: json!({ "query": query }).to_string(),
        }
    }
}
