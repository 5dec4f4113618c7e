//! The fuzz targets: import lines, unit paths, GraphQL filters and documents, REST parameters, tokens, stored records.
//!
//! Each function takes arbitrary bytes and panics if the result is wrong. Invariant: no input makes the server respond
//! with a 5xx status or the error code `internal`.

use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderValue, Request, Uri, header};
use clade::access::Secret;
use clade::exchange::{command_of_line, command_of_record, commands_of_lines, records_of_csv};
use clade::model::command::{IfExists, NewToken};
use clade::model::reference::UnitRef;
use clade::model::token::Role;
use clade::server::{AppState, Exposure, router};
use clade::{Command, Directory};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// A function that accepts arbitrary bytes.
type Target = fn(&[u8]);

/// All targets by name.
pub(crate) const ALL: [(&str, Target); 7] = [
    ("lines", lines),
    ("paths", paths),
    ("filters", filters),
    ("parameters", parameters),
    ("tokens", tokens),
    ("records", records),
    ("documents", documents),
];

const ORGANISATION: &str = r#"{"kind":"orgUnit","key":"corp","name":"Corp","type":"organization","externalId":"hr-1"}
{"kind":"orgUnit","name":"R&D","type":"business","parent":"corp"}
{"kind":"orgUnit","name":"a/b","type":"department","parent":"R&D"}
{"kind":"orgUnit","key":"one","name":"Team","type":"team","parent":"a/b"}
{"kind":"orgUnit","key":"two","name":"Team","type":"team","parent":"corp"}
{"kind":"person","email":"Ada@corp.example","firstName":"Ada","team":"Straße","externalId":"p-1"}
{"kind":"project","projectId":"shop","projectName":"Shop","projectOwner":{"email":"ada@corp.example"},"team":"Straße","assets":{"repositories":[{"url":"https://github.com/corp/shop.git"}],"services":[{"name":"API","identifier":"api"}]}}
{"kind":"mapping","attribute1":"shop","attribute2":"ada@corp.example"}
"#;

/// A small organization that no target changes, a router over it, and a read-only token.
struct World {
    directory: Directory,
    router: Router,
    token: String,
    runtime: Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let directory = Directory::in_memory().expect("a directory in memory opens");
    let commands = commands_of_lines(ORGANISATION.as_bytes()).unwrap_or_else(|no| panic!("{no:?}"));
    directory.apply(commands).expect("the organisation is one");
    let secret = Secret::generate();
    let token = NewToken {
        id: secret.id().clone(),
        hash: secret.hash(),
        role: Role::Read,
        description: None,
        units: None,
        expires_at: None,
    };
    directory.apply(Command::CreateToken(token)).expect("a token can be made");
    let state = AppState::new(directory.clone());
    World {
        router: router(state, &Exposure { requests_per_second: 0, ..Exposure::default() }),
        directory,
        token: secret.reveal().to_owned(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made"),
    }
});

/// One NDJSON line of an import, and a CSV file: parsed, and applied as a dry run.
pub(crate) fn lines(bytes: &[u8]) {
    let world = &*WORLD;
    if let Ok(command) = command_of_line(bytes, IfExists::Merge) {
        let _refused = world.directory.dry_run(vec![command]);
    }
    if let Ok(records) = records_of_csv(bytes) {
        for (_, record) in records.take(100) {
            let _refused = record.map(|record| command_of_record(record, IfExists::Refuse));
        }
    }
}

/// A reference to a unit: as text, and as a path of names separated by `/`. What it resolves to must exist.
pub(crate) fn paths(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let view = WORLD.directory.view();
    let names: Vec<String> = text.split('/').map(|name| name.trim().to_owned()).collect();
    let _none = view.find_unit(&UnitRef::Path(names));
    if let Ok(found) = view.find_unit(&UnitRef::Text(text.to_owned())) {
        assert!(view.entity(found).is_some(), "{text:?} resolves to a unit that does not exist");
    }
}

/// GraphQL filters, orders and cursors, as a JSON object of variables.
pub(crate) fn filters(bytes: &[u8]) {
    const QUERY: &str = "query ($people: PersonFilter, $projects: ProjectFilter, $units: OrgUnitFilter,
        $order: PersonOrder, $first: Int, $after: String) {
        people(filter: $people, orderBy: $order, first: $first, after: $after) { totalCount nodes { email } }
        projects(filter: $projects) { totalCount facets(by: [TEAM, PLATFORM], disjunctive: true) { by } }
        orgUnits(filter: $units) { totalCount nodes { key } }
    }";
    let Ok(Value::Object(variables)) = serde_json::from_slice(bytes) else { return };
    ask(QUERY, &variables);
}

/// A GraphQL document. If the first line is a JSON object, it is the variables.
pub(crate) fn documents(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (first, rest) = text.split_once('\n').unwrap_or_default();
    match serde_json::from_str(first) {
        Ok(Value::Object(variables)) => ask(rest, &variables),
        _ => ask(text, &serde_json::Map::new()),
    }
}

fn ask(text: &str, variables: &serde_json::Map<String, Value>) {
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "query": text, "variables": variables }).to_string();
    let answer = send(request, Body::from(body));
    let answer: Value = serde_json::from_slice(&answer).expect("a response is JSON");
    for error in answer["errors"].as_array().into_iter().flatten() {
        assert!(error["extensions"]["code"].is_string(), "an error without a code: {answer}");
        assert_ne!(error["extensions"]["code"], "internal", "{answer}");
    }
}

/// Query parameters of REST lists. The first byte selects the list.
pub(crate) fn parameters(bytes: &[u8]) {
    const LISTS: [&str; 9] = [
        "people",
        "projects",
        "mappings",
        "units",
        "filters",
        "org-hierarchy",
        "units/corp/descendants",
        "units/corp/projects",
        "units/corp/people",
    ];
    let Some((list, query)) = bytes.split_first() else { return };
    let list = LISTS[usize::from(*list) % LISTS.len()];
    let Ok(query) = std::str::from_utf8(query) else { return };
    // An invalid URI never reaches the router, so it is skipped.
    if let Ok(uri) = format!("/api/v2/data/{list}?{query}").parse::<Uri>() {
        send(Request::get(uri), Body::empty());
    }
}

/// Sends a request with a read-only token; returns the body of the response.
fn send(request: Builder, body: Body) -> Bytes {
    let world = &*WORLD;
    let request = request.header(header::AUTHORIZATION, &world.token).body(body);
    let request = request.expect("its parts are valid");
    world.runtime.block_on(async {
        let response = world.router.clone().oneshot(request).await.expect("a router never fails");
        assert!(!response.status().is_server_error(), "{}", response.status());
        to_bytes(response.into_body(), usize::MAX).await.expect("a response body ends")
    })
}

/// The `Authorization` header: parsing a token must round-trip, and no other text may authenticate.
pub(crate) fn tokens(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(secret) = Secret::parse(text) {
        assert_eq!(secret.reveal(), text);
    }
    // An invalid header value never reaches the router, so it is skipped.
    let Ok(header) = HeaderValue::from_str(text) else { return };
    let world = &*WORLD;
    let request = Request::get("/api/v2/data/units?limit=1").header(header::AUTHORIZATION, header);
    let request = request.body(Body::empty()).expect("its parts are valid");
    let answer = world.runtime.block_on(world.router.clone().oneshot(request));
    if answer.expect("a router never fails").status().is_success() {
        assert!(text.trim_end().ends_with(&world.token), "{text:?} authenticates");
    }
}

/// The encoding of stored records. The first byte selects the table.
pub(crate) fn records(bytes: &[u8]) {
    clade::store::read_record(bytes);
}
