//! REST facets (`/filters`): options of a dashboard's drop-downs, and how counts depend on the selection.

use clade::model::token::Role;
use serde_json::{Value, json};

use crate::support::Server;

/// `Corp > (Retail > Shop, Web > Shop)`, a `Matrix` team below both, and some projects.
fn corp() -> Server {
    let server = Server::start();
    for (id, business, department, platform) in [
        ("p1", "Retail", "Shop", "github.com"),
        ("p2", "Retail", "Shop", "gitlab.example"),
        ("p3", "Web", "Shop", "github.com"),
        ("p4", "Web", "", ""),
    ] {
        let repositories = if platform.is_empty() {
            json!([])
        } else {
            json!([{"name": id, "platform": platform}, {"name": "more", "platform": platform}])
        };
        let project = json!({"projectId": id, "projectName": id, "organization": "Corp", "business": business,
            "department": department, "assets": {"repositories": repositories}});
        server.post("/project", &project).ok();
    }
    let matrix = json!({"name": "Matrix", "type": "team", "parents": ["Corp/Retail/Shop", "Corp/Web/Shop"]});
    server.post("/units", &matrix).ok();
    server.post("/mapping", &json!({"attribute1": "p4", "attribute2": "Matrix"})).ok();
    for email in ["ada@corp", "bob@corp"] {
        server.post("/people", &json!({"email": email, "team": "Solo"})).ok();
        server.post("/mapping", &json!({"attribute1": "p1", "attribute2": email})).ok();
    }
    server
}

fn facet(answer: &Value, name: &str) -> Vec<(String, u64)> {
    let buckets = answer[name].as_array().unwrap_or_else(|| panic!("{name} is in {answer}"));
    let read = |bucket: &Value| {
        let shown =
            bucket.get("key").unwrap_or(&bucket["value"]).as_str().expect("a bucket has a value").to_owned();
        (shown, bucket["count"].as_u64().expect("a bucket counts"))
    };
    buckets.iter().map(read).collect()
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
}

#[test]
fn a_record_counts_once_for_every_unit_above_it() {
    let server = corp();
    let all = server.get("/filters").ok();
    assert_eq!(all["count"], 4);
    for (name, expected) in [
        ("organization", &[("Corp", 4)][..]),
        ("business", &[("Retail", 3), ("Web", 2)]),
        ("department", &[("Shop", 3), ("Corp/Web/Shop", 2)]),
        ("group", &[]),
        ("team", &[("Matrix", 1)]),
        ("platform", &[("github.com", 2), ("gitlab.example", 1)]),
        ("member", &[("ada@corp", 1), ("bob@corp", 1)]),
        ("owner", &[]),
    ] {
        assert_eq!(facet(&all, name), pairs(expected), "{name}");
    }
    assert!(all.get("project").is_none(), "that is a facet of people");
    let people = server.get("/filters?of=people").ok();
    assert_eq!((&people["count"], facet(&people, "project")), (&json!(2), pairs(&[("p1", 2)])));
    assert_eq!(facet(&people, "team"), pairs(&[("Solo", 2)]));
    assert!(people.get("platform").is_none(), "that is a facet of projects");
}

#[test]
fn a_selection_narrows_other_facets_but_not_its_own() {
    let server = corp();
    let chosen = server.get("/filters?business=Web&platform=github.com").ok();
    assert_eq!(chosen["count"], 1);
    assert_eq!(facet(&chosen, "business"), pairs(&[("Retail", 1), ("Web", 1)]));
    assert_eq!(facet(&chosen, "platform"), pairs(&[("github.com", 1)]));
    assert_eq!(facet(&chosen, "department"), pairs(&[("Corp/Web/Shop", 1)]));
    assert_eq!(facet(&server.get("/filters?limit=1").ok(), "business"), pairs(&[("Retail", 3)]));
    assert_eq!(server.get("/filters?q=P4").ok()["count"], 1);
}

#[test]
fn a_facet_is_read_page_by_page() {
    let server = corp();
    let whole = facet(&server.get("/filters").ok(), "department");
    let first = server.get("/filters?facet=department&limit=1").ok();
    assert_eq!(facet(&first, "department"), whole[..1]);
    assert!(first.get("business").is_none() && first.get("platform").is_none(), "only one is asked for");
    let cursor = first["more"]["department"].as_str().unwrap();
    let second = server.get(&format!("/filters?facet=department&limit=1&cursor={cursor}")).ok();
    assert_eq!(facet(&second, "department"), whole[1..]);
    assert!(second.get("more").is_none(), "{second}");
    // Of several facets, each has a cursor of its own.
    let both = server.get("/filters?facet=member&facet=business&limit=1").ok();
    assert_eq!(
        (facet(&both, "member"), facet(&both, "business")),
        (pairs(&[("ada@corp", 1)]), pairs(&[("Retail", 3)]))
    );
    let cursor = both["more"]["member"].as_str().unwrap();
    let rest = server.get(&format!("/filters?facet=member&cursor={cursor}")).ok();
    assert_eq!(facet(&rest, "member"), pairs(&[("bob@corp", 1)]));
}

#[test]
fn every_count_is_that_of_the_list_it_leads_to() {
    let server = corp();
    let all = server.get("/filters").ok();
    for name in ["organization", "business", "department", "team", "platform", "member"] {
        for (value, count) in facet(&all, name) {
            let list = server.get(&format!("/projects?{name}={}&limit=1", value.replace('/', "%2F"))).ok();
            // Both departments are called "Shop", and one of them has that for a key: a name asks for both.
            let expected = if value == "Shop" { 4 } else { count };
            assert_eq!(list["count"], expected, "{name} {value}");
        }
    }
}

#[test]
fn an_unknown_filter_is_refused() {
    let server = corp();
    for (query, status, code, field) in [
        ("of=teams", 400, "invalid", "of"),
        ("limit=0", 400, "invalid", "limit"),
        ("limit=100001", 400, "invalid", "limit"),
        ("facet=colour", 400, "invalid", "facet"),
        ("of=people&facet=platform", 422, "invalid", "facet"),
        ("facet=team&facet=group&cursor=x", 422, "invalid", "cursor"),
        ("cursor=x", 422, "invalid", "cursor"),
        ("facet=team&cursor=x", 422, "invalid", "cursor"),
        ("format=csv", 400, "unknown-parameter", "format"),
        ("of=people&platform=github.com", 422, "invalid", "platform"),
        ("business=Nowhere", 422, "unknown-unit", "business"),
        ("department=Retail", 422, "unknown-unit", "department"),
    ] {
        let problem = server.get(&format!("/filters?{query}")).problem(status, code);
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[test]
fn an_expensive_response_is_made_once_per_revision_and_scope() {
    let server = Server::start();
    let unit = |key: &str| json!({ "kind": "orgUnit", "key": key, "name": key, "type": "team" }).to_string();
    let person = |at: usize| {
        let unit = if at.is_multiple_of(3) { "B" } else { "A" };
        json!({ "kind": "person", "email": format!("p{at}@corp.example"), "team": unit }).to_string()
    };
    let lines = [unit("A"), unit("B")].into_iter().chain((0..4_000).map(person));
    server.bulk("", &lines.collect::<Vec<_>>().join("\n")).ok();
    let all = format!("Bearer {}", server.token);
    let narrow = format!("Bearer {}", server.token_within(Role::Read, &["A"]));
    let ask = |token: &str, path: &str| {
        let answer = server.send_as("GET", path, &[("authorization", token)], None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        (answer.header("cache-status"), answer.text())
    };
    for path in ["/filters?of=people", "/people?q=p1&limit=500", "/people?sort=-email&limit=900&format=csv"] {
        let (missed, first) = ask(&all, path);
        assert_eq!(missed, "clade; fwd=miss; stored", "{path}");
        let (hit, again) = ask(&all, path);
        assert!(hit == "clade; hit" && again == first, "{path} {hit}");
        let (missed, other) = ask(&narrow, path);
        assert_eq!(missed, "clade; fwd=miss; stored", "{path}");
        assert!(first != other, "{path}");
        // The headers of a hit are those of the response that was computed.
        let [one, two] = [0, 1].map(|_| server.get(path));
        let media_types: Vec<_> = two.headers.get_all("content-type").iter().collect();
        assert!(media_types.len() == 1 && media_types[0] != "application/octet-stream", "{media_types:?}");
        for name in ["etag", "link", "content-type"] {
            assert_eq!(one.header(name), two.header(name), "{path} {name}");
        }
        assert!(!two.header("etag").is_empty());
        server.post("/people", &json!({ "email": format!("zp1{}@corp.example", path.len()) })).ok();
        let (missed, newer) = ask(&all, path);
        assert_eq!(missed, "clade; fwd=miss; stored", "{path}");
        assert!(first != newer, "{path}");
    }
}
