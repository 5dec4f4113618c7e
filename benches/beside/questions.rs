//! The requests of the load benchmarks: the most expensive lists of REST, the most expensive documents of GraphQL,
//! and the point reads of the probes.

use crate::probe::Probe;
use crate::requests::{Question, Requests};

/// Pages of the maximum size with many fields.
const PAGE: &str = "{ n«n»: __typename projects(first: 1000) { totalCount nodes {
  projectId projectName externalId createdAt updatedAt revision owner { email }
  organization { name } business { name } department { name } group { name } team { name }
  repositories { name url platform } services { name identifier }
} } }";
/// Facets by every dimension.
const FACETS: &str = "{ n«n»: __typename projects(first: 1) { facets(by: [
  ORGANIZATION, BUSINESS, DEPARTMENT, GROUP, TEAM, PLATFORM, OWNER, MEMBER
]) { buckets { value count } } } }";
/// The first thousand units of the tree, as a flat list.
const DESCENDANTS: &str = "{ n«n»: __typename orgUnit(by: { key: \"corp\" }) { descendants {
  totalCount edges { depth parent { key } node { key name type totals { people projects } } }
} } }";
/// The tree itself, with totals at each unit.
const NESTED: &str = "{ n«n»: __typename roots { key totals { people projects }
  children { key totals { people projects } children { key totals { people projects }
  children { key totals { people projects } children { key totals { people projects } } } } } } }";
/// Filters by a substring of two letters, which many records contain.
const TWO_LETTERS: &str = "{ n«n»: __typename
  projects(first: 50, filter: { projectName: { contains: \"ar\" } }) { totalCount nodes { projectId } }
  people(first: 50, filter: { displayName: { contains: \"ar\" } }) { totalCount nodes { email } } }";
/// Searches for a single letter, two words, and a word with a typo.
const SEARCH: &str = "{ n«n»: __typename a: search(text: \"e\", first: 1000) { score matched }
  b: search(text: \"quartz lagoon\") { score matched } c: search(text: \"ravn harbr\") { score matched } }";

/// A document of sixty bytes whose result multiplies with every step.
pub(crate) const UP_AND_DOWN: &str = "{roots{children{parents{children{parents{children{key}}}}}}}";
/// Expensive documents for a flat organization: one root, child units, people.
const OF_PEOPLE: [&str; 5] = [
    "{ n«n»: __typename people(first: 1000) { nodes { email displayName externalId createdAt updatedAt
      organization { name } business { name } team { name } units { key parents { key } ancestors { key } } } } }",
    "{ n«n»: __typename roots { children { key totals { people } people(first: 100) { nodes { email } } } } }",
    "{ n«n»: __typename people(first: 1) { facets(by: [ORGANIZATION, BUSINESS, DEPARTMENT, GROUP, TEAM, PROJECT])
      { buckets { value count } } } }",
    "{ n«n»: __typename orgUnits(first: 1000) { nodes { key name parents { key totals { people } } } } }",
    UP_AND_DOWN,
];

/// The name of a load, and its requests.
pub(crate) type Load = (&'static str, Vec<Question>);

/// The loads under which the probes read; no load first.
pub(crate) fn loads() -> Vec<Load> {
    let list = |path: &str| vec![Question::Get(format!("/api/v2/data/{path}"))];
    let document = |text: &str| vec![Question::Document(text.to_owned())];
    vec![
        ("no load", Vec::new()),
        ("REST: all projects", list("projects")),
        ("REST: projects, `q=ab`", list("projects?q=ab")),
        ("REST: all projects, `sort=-projectName`", list("projects?sort=-projectName")),
        ("REST: `/filters`", list("filters")),
        ("REST: all mappings", list("mappings")),
        ("REST: `/doctor`", list("doctor")),
        ("REST: all ids of a business", list("projects?business=b0&fields=projectId")),
        ("GraphQL: facets by every dimension", document(FACETS)),
        ("GraphQL: 1000 projects × many fields", document(PAGE)),
        ("GraphQL: descendants", document(DESCENDANTS)),
        ("GraphQL: children nested, with totals", document(NESTED)),
        ("GraphQL: `contains` of two letters", document(TWO_LETTERS)),
        ("GraphQL: search", document(SEARCH)),
    ]
}

/// Expensive documents for a flat organization.
pub(crate) fn costly() -> Vec<Question> {
    OF_PEOPLE.iter().map(|text| Question::Document((*text).to_owned())).collect()
}

/// `GET /healthz`.
pub(crate) fn healthz() -> Probe {
    let requests = Requests::new("none", vec![Question::Get("/healthz".to_owned())]);
    Probe { requests, expected: "ok".to_owned() }
}

/// A person over REST, a different one each time.
pub(crate) fn person(token: &str, people: usize) -> Probe {
    let path = "/api/v2/data/people/person«n»@corp.example".to_owned();
    let requests = Requests { numbers: people, ..Requests::new(token, vec![Question::Get(path)]) };
    Probe { requests, expected: "\"email\":\"person«n»@corp.example\"".to_owned() }
}

/// A project over GraphQL, a different one each time.
pub(crate) fn project(token: &str, projects: usize) -> Probe {
    let document = "{ project(projectId: \"p«n»\") { projectId projectName team { name } owner { email } } }";
    let document = Question::Document(document.to_owned());
    let requests = Requests { numbers: projects, ..Requests::new(token, vec![document]) };
    Probe { requests, expected: "\"projectId\":\"p«n»\"".to_owned() }
}

/// A unit of a flat organization over REST, a different one each time.
pub(crate) fn unit(token: &str) -> Probe {
    let path = "/api/v2/data/units/u«n»".to_owned();
    let requests = Requests { numbers: 300, ..Requests::new(token, vec![Question::Get(path)]) };
    Probe { requests, expected: "\"key\":\"u«n»\"".to_owned() }
}
