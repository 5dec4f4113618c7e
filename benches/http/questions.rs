//! The requests of the HTTP benchmark, prebuilt: typical dashboard queries, repeated (served from the response cache)
//! and different each time.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::load::answer;

/// The baseline of all ratios.
pub(crate) const HEALTHZ: &str = "`/healthz`";
/// The end of the names of requests to a server without a response cache.
pub(crate) const UNCACHED: &str = ", cache off";
/// The end of the names of requests beside a writer that creates a person fifty times a second.
pub(crate) const BESIDE_WRITES: &str = ", beside 50 writes a second";
/// Maximum number of different requests of each kind.
const DIFFERENT_MAX: usize = 50_000;
/// Maximum page size of the server.
const PAGE_MAX: usize = 1_000;

const BUSINESS: &str = "/api/v2/data/projects?business=b0";
const FILTERS: &str = "/api/v2/data/filters?business=b0&limit=20";
const MAPPINGS: &str = "/api/v2/data/mapping?limit=20";
const ORDERS: [&str; 4] = ["createdAt", "-updatedAt", "attribute1", "-attribute2"];
const PROJECT: &str = "query Project($id: String!) {
  project(projectId: $id) { projectId projectName team { name } owner { email } }
}";
const ANCESTORS: &str = "query Ancestors($id: String!) {
  project(projectId: $id) { team { name ancestors { key name type } } }
}";
const CHILDREN: &str = "query Children($types: [String!]) {
  orgUnit(by: { key: \"b0\" }) {
    name
    children(types: $types) { key name totals { units people projects repositories services } }
  }
}";
const HUNDRED: &str = "query Hundred($after: String) {
  projects(first: 100, after: $after) {
    nodes { projectId projectName externalId createdAt owner { email } revision }
  }
}";
const CURSORS: &str = "query ($first: Int!, $after: String) {
  projects(first: $first, after: $after) {
    edges { cursor node { projectId } }
    pageInfo { hasNextPage endCursor }
  }
}";

/// Every kind of request, `/healthz` first.
pub(crate) fn all(address: SocketAddr, token: &str) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
    };
    let ask = |query: &str, variables: &Value| post(token, query, variables);
    let projects = projects(address, token);
    let each =
        |query: &str| -> Vec<_> { projects.iter().map(|(id, _)| ask(query, &json!({ "id": id }))).collect() };
    let types = |n: usize| ask(CHILDREN, &json!({ "types": ["department", format!("type {n}")] }));
    let pages = |cursors: &[(String, String)]| -> Vec<_> {
        cursors.iter().map(|(_, cursor)| ask(HUNDRED, &json!({ "after": cursor }))).collect()
    };
    // Cursors of the last hundred projects lead to pages with fewer than 100 projects.
    let full = projects.len().saturating_sub(100).max(1);
    vec![
        (HEALTHZ, vec![get("/healthz")]),
        (
            "REST: project by id, another each time",
            projects.iter().map(|(id, _)| get(&format!("/api/v2/data/project/{id}"))).collect(),
        ),
        (
            "REST: ids of all projects of a business, NDJSON",
            vec![get(&format!("{BUSINESS}&fields=projectId&format=ndjson"))],
        ),
        (
            "REST: mappings, first page by each order",
            ORDERS.map(|order| get(&format!("{MAPPINGS}&sort={order}"))).to_vec(),
        ),
        ("REST: values of the filters of a business, again", vec![get(FILTERS)]),
        ("REST: values of the filters of a business, cache off", vec![get(FILTERS)]),
        ("REST: values of the filters of a business, again, beside 50 writes a second", vec![get(FILTERS)]),
        ("GraphQL: project by id, again", vec![each(PROJECT).swap_remove(0)]),
        ("GraphQL: project by id, cache off", each(PROJECT)),
        ("ancestors of a project's team, again", vec![each(ANCESTORS).swap_remove(0)]),
        ("ancestors of a project's team, cache off", each(ANCESTORS)),
        ("children of a business with totals, again", vec![types(0)]),
        ("children of a business with totals, cache off", (0..DIFFERENT_MAX).map(types).collect()),
        ("children of a business with totals, again, beside 50 writes a second", vec![types(0)]),
        ("100 projects × 6 fields, again", pages(&projects[..1])),
        ("100 projects × 6 fields, again, in gzip", vec![in_gzip(&pages(&projects[..1])[0])]),
        ("100 projects × 6 fields, cache off", pages(&projects[..full])),
    ]
}

fn post(token: &str, query: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/graphql-response+json, application/json;q=0.9\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The same request with the `Accept-Encoding` of a browser, which accepts gzip.
fn in_gzip(request: &[u8]) -> Vec<u8> {
    let request = std::str::from_utf8(request).unwrap();
    request.replacen("\r\n", "\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n", 1).into_bytes()
}

/// The ids of projects, each with the cursor of the page that follows it.
fn projects(address: SocketAddr, token: &str) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut buffer = vec![0; 1 << 20];
        let mut found = Vec::new();
        let mut after = Value::Null;
        loop {
            let request = post(token, CURSORS, &json!({ "first": PAGE_MAX, "after": after }));
            let (begins, ends) = answer(&mut stream, &request, &mut buffer).await;
            let body: Value = serde_json::from_slice(&buffer[begins..ends]).unwrap();
            let page = &body["data"]["projects"];
            let edges = page["edges"].as_array().unwrap_or_else(|| panic!("no projects in {body}"));
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            found.extend(edges.iter().map(|edge| (text(&edge["node"]["projectId"]), text(&edge["cursor"]))));
            if found.len() >= DIFFERENT_MAX || page["pageInfo"]["hasNextPage"] != true {
                return found;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    })
}
