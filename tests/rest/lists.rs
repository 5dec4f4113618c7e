//! REST lists: filters, sorting, paging, output formats, streaming.

use serde_json::{Value, json};

use crate::support::Server;

/// `Corp > (Retail > Platform > Shop, Web > Platform)`: two departments of one name.
fn corp() -> Server {
    let server = Server::start();
    for (email, business, team) in
        [("ada@corp", "Retail", "Shop"), ("bob@corp", "Retail", ""), ("cy@corp", "Web", "")]
    {
        let person = json!({"email": email, "organization": "Corp", "business": business,
            "department": "Platform", "team": team, "lastName": email.split('@').next()});
        server.post("/people", &person).ok();
    }
    for (id, business, url) in [
        ("p1", "Retail", "https://github.com/Corp/one.git"),
        ("p2", "Web", "https://gitlab.example/Corp/two"),
    ] {
        let project = json!({"projectId": id, "projectName": format!("Project {id}"), "organization": "Corp",
            "business": business, "projectOwner": {"email": "ada@corp"},
            "assets": {"repositories": [{ "url": url }]}});
        server.post("/project", &project).ok();
    }
    server.post("/mapping", &json!({"attribute1": "p1", "attribute2": "bob@corp"})).ok();
    server
}

#[test]
fn levels_filter_any_of_one_and_all_of_several() {
    let server = corp();
    for (query, expected) in [
        ("", vec!["ada@corp", "bob@corp", "cy@corp"]),
        ("?business=Retail", vec!["ada@corp", "bob@corp"]),
        ("?business=Retail&business=Web", vec!["ada@corp", "bob@corp", "cy@corp"]),
        ("?department=Platform", vec!["ada@corp", "bob@corp", "cy@corp"]),
        ("?department=Platform&business=Web", vec!["cy@corp"]),
        ("?department=Corp/Retail/Platform", vec!["ada@corp", "bob@corp"]),
        ("?team=Shop&business=Web", vec![]),
        ("?business=", vec!["ada@corp", "bob@corp", "cy@corp"]),
        ("?q=AD", vec!["ada@corp"]),
        ("?project=p1", vec!["bob@corp"]),
        ("?organization=Corp&q=cy", vec!["cy@corp"]),
    ] {
        assert_eq!(server.keys(&format!("/people{query}"), "email"), expected, "{query}");
    }
    let unknown = server.get("/people?department=Nowhere").problem(422, "unknown-unit");
    assert_eq!(unknown["field"], "department");
    server.get("/people?business=Platform").problem(422, "unknown-unit");
}

#[test]
fn projects_and_mappings_have_filters_of_their_own() {
    let server = corp();
    for (path, field, expected) in [
        ("/projects?platform=github.com", "projectId", vec!["p1"]),
        ("/projects?owner=ADA@corp", "projectId", vec!["p1", "p2"]),
        ("/projects?member=bob@corp", "projectId", vec!["p1"]),
        ("/projects?q=corp/two", "projectId", vec!["p2"]),
        ("/mappings?mappingType=project-people", "attribute2", vec!["bob@corp"]),
        ("/mappings?mappingType=project-org&business=Web", "attribute1", vec!["p2"]),
        ("/mappings?attribute2=BOB@corp", "attribute1", vec!["p1"]),
        (
            "/mappings?mappingType=people-org&sort=-attribute1",
            "attribute1",
            vec!["cy@corp", "bob@corp", "ada@corp"],
        ),
        ("/units?type=department&business=Web", "name", vec!["Platform"]),
    ] {
        assert_eq!(server.keys(path, field), expected, "{path}");
    }
}

#[test]
fn pages_follow_one_another() {
    let server = corp();
    for path in ["/people?sort=-lastName&limit=2", "/mappings?limit=4", "/units/Corp/descendants?limit=3"] {
        let whole = server.get(&path.replace("limit=", "limit=1000")).ok();
        let (mut seen, mut next) = (Vec::new(), path.to_owned());
        loop {
            let answer = server.get(&next);
            let page = answer.ok();
            assert_eq!(page["count"], whole["count"]);
            seen.extend(page["data"].as_array().unwrap().clone());
            if page["cursor"].is_null() {
                assert_eq!(answer.header("link"), "");
                break;
            }
            let link = answer.header("link");
            let target = link.strip_prefix("</api/v2/data").unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            next = target.to_owned();
        }
        assert_eq!(Value::from(seen), whole["data"], "{path}");
    }
}

#[test]
fn a_page_can_be_sorted_and_narrowed() {
    let server = corp();
    assert_eq!(server.keys("/people?sort=-email", "email"), ["cy@corp", "bob@corp", "ada@corp"]);
    let narrowed = server.get("/people?fields=email,%20team&limit=1&sort=email").ok();
    assert_eq!(narrowed["data"], json!([{"email": "ada@corp", "team": "Shop"}]));
    assert_eq!(server.get("/people?fields=,").ok(), server.get("/people").ok(), "no field is named");
    for (query, code, word) in [
        ("?fields=email,salary", "invalid", "salary"),
        ("?sort=salary", "invalid", "lastName"),
        ("?limit=0", "invalid", "limit"),
        ("?limit=many", "invalid", "limit"),
        ("?format=xml", "invalid", "ndjson"),
        ("?departement=Platform", "unknown-parameter", "department"),
        ("?q=a&q=b", "invalid", "twice"),
        ("?q=%FF", "malformed", "UTF-8"),
    ] {
        let problem = server.get(&format!("/people{query}")).problem(400, code);
        assert!(problem["detail"].as_str().unwrap().contains(word), "{query}: {problem}");
    }
    server.get("/people/ada@corp?verbose=1").problem(400, "unknown-parameter");
    assert_eq!(server.get("/people?cursor=nonsense&limit=1").problem(422, "invalid")["field"], "cursor");
}

#[test]
fn lists_come_in_three_formats() {
    let server = corp();
    server.post("/people", &json!({"email": "eve@corp", "displayName": "=1+1, \"x\"", "note": [1]})).ok();
    let csv = server.get("/people?format=csv&q=eve&fields=email,displayName,attributes,revision");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let expected =
        "email,displayName,attributes,revision\r\neve@corp,\"'=1+1, \"\"x\"\"\",\"{\"\"note\"\":[1]}\",8\r\n";
    assert_eq!(csv.text(), expected);
    let owners =
        server.send("GET", "/projects?fields=projectId,projectOwner", &[("accept", "text/csv")], None);
    assert_eq!(
        owners.text().lines().nth(1),
        Some("p1,,,ada@corp"),
        "an object is a column for each of its members"
    );
    let ndjson = server.send("GET", "/people?fields=email", &[("accept", "application/x-ndjson")], None);
    assert_eq!(ndjson.text().lines().count(), 4);
    assert_eq!(ndjson.text().lines().next(), Some("{\"email\":\"ada@corp\"}"));
    server.send("GET", "/people", &[("accept", "image/png")], None).problem(406, "not-acceptable");
}

#[test]
fn a_long_list_is_streamed_whole() {
    let server = Server::start();
    let lines: Vec<_> =
        (0..2_000).map(|n| format!("{{\"kind\":\"person\",\"email\":\"p{n}@corp\"}}")).collect();
    server.bulk("", &lines.join("\n")).ok();
    let list = server.get("/people").ok();
    assert_eq!((list["count"].as_u64(), list["data"].as_array().unwrap().len()), (Some(2_000), 2_000));
    assert_eq!(server.get("/people?format=csv").text().lines().count(), 2_001);
    let zipped = server.send("GET", "/people", &[("accept-encoding", "gzip")], None);
    assert_eq!(zipped.ok(), list);
}

#[test]
fn ancestors_children_and_members_of_a_unit_are_listed() {
    let server = corp();
    let shop = "/units/Shop";
    for (path, field, expected) in [
        (format!("{shop}/ancestors"), "name", vec!["Corp", "Retail", "Platform"]),
        (format!("{shop}/ancestors?sort=-name"), "name", vec!["Retail", "Platform", "Corp"]),
        ("/units/Corp/children".to_owned(), "name", vec!["Retail", "Web"]),
        ("/units/Corp/descendants".to_owned(), "name", vec!["Retail", "Platform", "Shop", "Web", "Platform"]),
        ("/units/Corp/descendants?depth=1".to_owned(), "parentKey", vec!["Corp", "Corp"]),
        (
            "/units/Corp/descendants?depth=2&sort=-name&fields=name,parentKey".to_owned(),
            "name",
            vec!["Web", "Retail", "Platform", "Platform"],
        ),
        ("/units/Corp/descendants?type=team".to_owned(), "name", vec!["Shop"]),
        ("/units/Retail/people".to_owned(), "email", vec!["ada@corp", "bob@corp"]),
        ("/units/Retail/people?recursive=false".to_owned(), "email", vec![]),
        ("/units/Retail/people?team=Shop".to_owned(), "email", vec!["ada@corp"]),
        ("/units/Web/projects?recursive=false".to_owned(), "projectId", vec!["p2"]),
        ("/units/Corp/repositories".to_owned(), "projectId", vec!["p1", "p2"]),
    ] {
        assert_eq!(server.keys(&path, field), expected, "{path}");
    }
    let ambiguous = server.get("/units/Nowhere/children");
    ambiguous.problem(404, "not-found");
    server.get("/units/Nowhere").problem(404, "not-found");
}

#[test]
fn an_ambiguous_unit_name_is_refused_with_the_keys() {
    let server = Server::start();
    for parent in ["A", "B"] {
        server.post("/units", &json!({"name": parent})).ok();
        server.post("/units", &json!({"key": format!("{parent}-x"), "name": "X", "parent": parent})).ok();
    }
    let problem = server.get("/units/X/people").problem(409, "ambiguous");
    assert_eq!(problem["candidates"], json!(["A-x", "B-x"]));
}

#[test]
fn facets_count_rolled_up_and_ignore_their_own_filter() {
    let server = corp();
    let all = server.get("/filters").ok();
    assert_eq!(all["count"], 2);
    assert_eq!(all["organization"], json!([{"value": "Corp", "key": "Corp", "count": 2}]));
    assert_eq!(all["platform"].as_array().unwrap().len(), 2);
    assert_eq!(all["owner"], json!([{"value": "ada@corp", "count": 2}]));
    let chosen = server.get("/filters?of=people&business=Web").ok();
    assert_eq!(chosen["count"], 1);
    let businesses: Vec<_> =
        chosen["business"].as_array().unwrap().iter().map(|it| (&it["value"], &it["count"])).collect();
    assert_eq!(businesses, [(&json!("Retail"), &json!(2)), (&json!("Web"), &json!(1))]);
    assert_eq!(chosen["department"].as_array().unwrap().len(), 1);
    server.get("/filters?of=teams").problem(400, "invalid");
}
