//! The published REST API in both editions: routes, payloads, response headers, the OpenAPI document.

use clade::model::token::Role;
use serde_json::{Value, json};

use crate::support::Server;

fn project() -> Value {
    json!({
        "projectId": "2322345", "projectName": "Phase 2",
        "projectOwner": {"firstName": "John", "lastName": "Doe", "email": "jd@opsera.io"},
        "externalId": "25ce97e1-549b-4f31-bd01-80490847f8a6",
        "organization": "Opsera", "business": "Engineering", "department": "Platform", "group": "Phase 2",
        "team": "AOD",
        "assets": [
            {"repositories": [{"name": "web-portal", "platform": "github.com",
                "url": "https://github.com/Opsera/web-portal.git"}]},
            {"services": [{"name": "ha-proxy", "identifier": "haprox01", "dependencies": {},
                "externalId": "b558c4d4-1eba-45e8-92bb-b255df6abd87"}]}
        ]
    })
}

fn without_stamps(mut record: Value) -> Value {
    for name in ["createdAt", "updatedAt", "validFrom", "validTo", "revision", "id"] {
        record.as_object_mut().expect("a record is an object").remove(name);
    }
    record
}

#[test]
fn a_person_is_created_read_updated_and_deleted() {
    let server = Server::start();
    let made = server
        .post(
            "/people",
            &json!({"email": "Ada@Corp.example", "firstName": "Ada", "team": "Core", "floor": 2}),
        )
        .ok();
    let expected = json!({"email": "Ada@Corp.example", "firstName": "Ada", "lastName": null,
        "displayName": null, "externalId": null, "organization": null, "business": null,
        "department": null, "group": null, "team": "Core", "attributes": {"floor": 2}});
    assert_eq!(without_stamps(made.clone()), expected);
    assert_eq!(made["validFrom"], made["createdAt"]);
    assert_eq!(made["validTo"], Value::Null);
    assert_eq!(server.get("/people/ada@corp.example").ok(), made);

    server.post("/people", &json!({"email": "ADA@corp.example"})).problem(409, "duplicate");

    let patched =
        server.json("PATCH", "/people/ada@corp.example", &json!({"lastName": "L", "floor": null})).ok();
    assert_eq!((&patched["firstName"], &patched["lastName"]), (&json!("Ada"), &json!("L")));
    assert_eq!(patched["attributes"], json!({}));

    let replaced = server.json("PUT", "/people/ada@corp.example", &json!({"displayName": "A"})).ok();
    assert_eq!((&replaced["firstName"], &replaced["displayName"]), (&Value::Null, &json!("A")));
    assert_eq!(replaced["team"], "Core");

    assert_eq!(server.delete("/people/ada@corp.example").status, 204);
    server.get("/people/ada@corp.example").problem(404, "not-found");
    server.delete("/people/ada@corp.example").problem(404, "not-found");
}

#[test]
fn a_project_is_answered_as_the_published_page_shows_it() {
    let server = Server::start();
    let made = without_stamps(server.post("/project", &project()).ok());
    let mut expected = project();
    expected["assets"] = json!({
        "repositories": [expected["assets"][0]["repositories"][0]],
        "services": [expected["assets"][1]["services"][0]]
    });
    expected["attributes"] = json!({});
    assert_eq!(made, expected);
    for path in ["/projects", "/project"] {
        let list = server.get(path).ok();
        assert_eq!(list["count"], 1);
        assert_eq!(without_stamps(list["data"][0].clone()), expected);
    }
    assert_eq!(without_stamps(server.get("/project/2322345").ok()), expected);
}

#[test]
fn the_body_of_a_get_can_be_put_back() {
    let server = Server::start();
    server.post("/project", &project()).ok();
    server.post("/people", &json!({"email": "a@b", "business": "Engineering"})).ok();
    server.post("/org-hierarchy", &json!({"parent": "X", "child": "Y"})).ok();
    let id = server.get("/org-hierarchy?root=X").ok()["data"][0]["id"].as_str().unwrap().to_owned();
    for path in ["/project/2322345", "/people/a@b", "/units/Y", &format!("/mapping/{id}")] {
        let before = server.get(path).ok();
        let after = server.json("PUT", path, &before).ok();
        assert_eq!(without_stamps(after), without_stamps(before), "{path}");
    }
}

#[test]
fn a_mapping_is_made_in_either_edition() {
    let server = Server::start();
    server.post("/project", &project()).ok();
    server.post("/people", &json!({"email": "jd@opsera.io"})).ok();
    let member = json!({"attribute1": "2322345", "attribute2": "jd@opsera.io", "mappingType": "project-member",
        "relationship": "many-to-many", "source": "hr"});
    let a = server.post("/mapping", &member).ok();
    assert_eq!(a["mappingType"], "project-people");
    assert_eq!((&a["attribute1"], &a["attribute2"]), (&json!("2322345"), &json!("jd@opsera.io")));
    let id = a["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/mapping/{id}")).ok(), a);
    assert_eq!(server.post("/mapping", &member).problem(409, "duplicate")["id"], id);

    let link = json!({"parent": "Opsera", "parentType": "root", "child": "R&D", "childType": "Department"});
    let b = server.post("/mapping", &link).ok();
    let expected = json!({"attribute1": "Opsera", "attribute2": "R&D", "mappingType": "parent-child",
        "relationship": "org-hierarchy", "parent": "Opsera", "parentType": "organization", "child": "R&D",
        "childType": "department", "source": null, "attributes": {}});
    assert_eq!(without_stamps(b), expected);
    for path in ["/mappings?mappingType=project-member", "/mapping?q=JD@"] {
        assert_eq!(server.keys(path, "id"), [id], "{path}");
    }
    assert_eq!(
        server.json("PATCH", &format!("/mapping/{id}"), &json!({"source": null})).ok()["source"],
        Value::Null
    );
    assert_eq!(server.delete(&format!("/mapping/{id}")).status, 204);
    server.get(&format!("/mapping/{id}")).problem(404, "not-found");
}

#[test]
fn the_hierarchy_is_linked_listed_and_nested() {
    let server = Server::start();
    let made = server.post(
        "/org-hierarchy",
        &json!({"parent": "Opsera", "parentType": "root", "child": "R&D", "childType": "Department"}),
    );
    assert_eq!(made.ok()["relationship"], "org-hierarchy");
    server.post("/org-hierarchy", &json!({"parent": "R&D", "child": "Core", "childType": "team"})).ok();
    assert_eq!(server.keys("/org-hierarchy", "child"), ["R&D", "Core"]);
    assert_eq!(server.keys("/org-hierarchy?depth=1", "child"), ["R&D"]);
    assert_eq!(server.keys("/org-hierarchy?root=R%26D", "child"), ["Core"]);
    let tree = server.get("/org-hierarchy?view=tree").ok();
    let core = json!({"key": "Core", "name": "Core", "type": "team", "children": []});
    let research = json!({"key": "R&D", "name": "R&D", "type": "department", "children": [core]});
    let opsera = json!({"key": "Opsera", "name": "Opsera", "type": "organization", "children": [research]});
    assert_eq!(tree, json!({"count": 3, "data": [opsera]}));
    let cut = server.get("/org-hierarchy?view=tree&root=Opsera&depth=1").ok();
    assert_eq!((&cut["count"], &cut["data"][0]["children"][0]["children"]), (&json!(2), &json!([])));

    let cycle = server.post("/org-hierarchy", &json!({"parent": "Core", "child": "Opsera"}));
    assert_eq!(cycle.problem(409, "cycle")["path"].as_array().unwrap().len(), 4);
}

#[test]
fn a_unit_is_created_read_updated_and_deleted() {
    let server = Server::start();
    server.post("/units", &json!({"name": "Corp", "type": "organization"})).ok();
    let made =
        server.post("/units", &json!({"key": "a/b", "name": "Web", "type": "Tribe", "parent": "Corp"})).ok();
    assert_eq!((&made["type"], &made["level"]), (&json!("tribe"), &Value::Null));
    assert_eq!(made["parents"], json!(["Corp"]));
    assert_eq!(server.get("/units/a%2Fb").ok(), made);
    assert_eq!(server.get("/units/Corp%2FWeb").ok(), made, "by path");
    assert_eq!(server.get("/units/Web").ok(), made, "by name");
    assert_eq!(server.get("/units/Corp").ok()["totals"]["units"], 1);
    let moved = server.json("PATCH", "/units/a%2Fb", &json!({"parents": [], "name": "Web 2"})).ok();
    assert_eq!((&moved["parents"], &moved["name"]), (&json!([]), &json!("Web 2")));
    assert_eq!(server.delete("/units/a%2Fb").status, 204);
    server.get("/units/a%2Fb").problem(404, "not-found");
}

#[test]
fn keys_in_paths_are_decoded_once() {
    let server = Server::start();
    for (key, sent) in [
        ("R&D", "R&D"),
        ("a/b", "a%2Fb"),
        ("+", "+"),
        ("two words", "two%20words"),
        ("研究", "%E7%A0%94%E7%A9%B6"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("?#", "%3F%23"),
    ] {
        server.post("/project", &json!({"projectId": key, "projectName": "P"})).ok();
        assert_eq!(server.get(&format!("/project/{sent}")).ok()["projectId"], key, "{sent}");
    }
    server.get("/project/%FF").problem(400, "malformed");
}

#[test]
fn a_token_is_accepted_in_both_forms_and_required() {
    let server = Server::start();
    let with = |value: &str| server.send_as("GET", "/units", &[("authorization", value)], None).status;
    let token = server.token.clone();
    for given in [token.clone(), format!("Bearer {token}"), format!("bEaReR  {token}")] {
        assert_eq!(with(&given), 200, "{given}");
    }
    let mut bodies = Vec::new();
    for (method, path, headers) in [
        ("GET", "/units", &[][..]),
        ("GET", "/units", &[("authorization", "Bearer x")][..]),
        ("GET", "/units", &[("authorization", token.as_str()), ("authorization", token.as_str())][..]),
        ("GET", "!/api/nothing", &[]),
        ("DELETE", "/bulk", &[]),
        ("POST", "/people", &[("content-type", "text/plain")]),
        ("GET", "/units?nothing=1", &[]),
        ("POST", "!/graphql", &[]),
        ("GET", "/project/%FF", &[]),
    ] {
        let answer = server.send_as(method, path, headers, None);
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[test]
fn a_reader_may_not_write() {
    let server = Server::start();
    let token = server.token_with(Role::Read);
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let answer = server.send_as("POST", "/people", &headers, Some(br#"{"email":"a@b"}"#));
    answer.problem(403, "forbidden");
    assert_eq!(server.send_as("GET", "/people", &headers, None).status, 200);
}

#[test]
fn conditions_are_held_against_revisions() {
    let server = Server::start();
    server.post("/people", &json!({"email": "a@b"})).ok();
    let first = server.get("/people/a@b").header("etag");
    assert_eq!(server.send("GET", "/people/a@b", &[("if-none-match", &first)], None).status, 304);
    let list = server.get("/people").header("etag");
    assert_eq!(server.send("GET", "/people", &[("if-none-match", &list)], None).status, 304);
    let csv = [("if-none-match", list.as_str()), ("accept", "text/csv")];
    assert_eq!(server.send("GET", "/people", &csv, None).status, 200);

    server.post("/people", &json!({"email": "c@d"})).ok();
    assert_eq!(server.send("GET", "/people", &[("if-none-match", &list)], None).status, 200);
    let change = |tag: &str, name: &str| {
        let headers = [("if-match", tag), ("content-type", "application/merge-patch+json")];
        let body = json!({ "firstName": name }).to_string();
        server.send("PATCH", "/people/a@b", &headers, Some(body.as_bytes()))
    };
    change(&first, "Ada").ok();
    change(&first, "Bob").problem(412, "precondition-failed");
    change("*", "Cy").ok();
    change("\"nonsense\"", "Di").problem(412, "precondition-failed");
    let stale = server.send("DELETE", "/people/a@b", &[("if-match", &first)], None);
    stale.problem(412, "precondition-failed");
    server.send("DELETE", "/people/no@one", &[("if-match", "*")], None).problem(404, "not-found");
}

#[test]
fn every_response_has_the_common_headers() {
    let server = Server::start();
    let answer = server.send("GET", "/people", &[("x-request-id", "mine")], None);
    assert_eq!(answer.header("x-request-id"), "mine");
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("vary").to_lowercase(), "authorization, accept");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!server.get("!/nothing").header("x-request-id").is_empty());
    let head = server.send("HEAD", "/people", &[], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn unknown_paths_are_404_and_wrong_methods_405() {
    let server = Server::start();
    server.get("/nothing").problem(404, "not-found");
    server.get("!/nothing").problem(404, "not-found");
    for (method, path, allow) in [
        ("DELETE", "/people", "GET,HEAD,POST"),
        ("POST", "/people/a@b", "DELETE,GET,HEAD,PATCH,PUT"),
        ("PUT", "/bulk", "GET,HEAD,POST"),
        ("GET", "/check", "POST"),
        ("POST", "/backup", "GET,HEAD"),
        ("POST", "/filters", "GET,HEAD"),
        ("POST", "!/healthz", "GET,HEAD"),
    ] {
        let answer = server.send(method, path, &[("content-type", "text/plain")], None);
        answer.problem(405, "method-not-allowed");
        let given = answer.header("allow");
        let mut methods: Vec<_> = given.split(',').map(str::trim).collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allow, "{method} {path}");
    }
}

#[test]
fn pages_and_probes_are_open_and_load_nothing_from_elsewhere() {
    let server = Server::start();
    let open = |path: &str| server.send_as("GET", path, &[], None);
    assert_eq!(open("!/healthz").ok()["status"], "ok");
    assert_eq!(open("!/readyz").ok()["status"], "ready");
    for path in ["!/", "!/errors", "!/page.css", "!/docs/", "!/docs/swagger-initializer.js"] {
        let page = open(path);
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!page.text().contains("https://"), "{path}: {}", page.text());
    }
    assert_eq!(open("!/docs").status, 308);
    assert_eq!(open("!/favicon.ico").header("content-type"), "image/svg+xml");
    for path in ["!/openapi.json", "!/schema.graphql", "!/errors", "!/docs/swagger-ui.css"] {
        for encoding in ["gzip", "identity"] {
            let ask = |tag: &str| {
                let headers = [("accept-encoding", encoding), ("if-none-match", tag)];
                server.send_as("GET", path, &headers, None)
            };
            let first = ask("\"x\"");
            let tag = first.header("etag");
            assert_eq!((first.status, tag.ends_with("-gzip\"")), (200, encoding == "gzip"), "{path} {tag}");
            let again = ask(&tag);
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        }
    }
    assert!(
        open("!/docs/").header("content-security-policy").contains("style-src-attr 'unsafe-hashes' 'sha256-")
    );
}

#[test]
fn a_wrong_path_is_a_page_to_a_browser_and_a_problem_to_others() {
    let server = Server::start();
    let get = |path: &str, accept: &str| server.send_as("GET", path, &[("accept", accept)], None);
    for path in ["!/nope", "!/docs/nope"] {
        let page = get(path, "text/html,application/xhtml+xml,*/*;q=0.8");
        assert_eq!((page.status, page.header("content-type").as_str()), (404, "text/html; charset=utf-8"));
        assert!(page.text().contains("<h1>Not found</h1>"), "{}", page.text());
        let problem = get(path, "*/*").problem(404, "not-found");
        assert_eq!(problem["type"], "/errors#not-found");
    }
    let codes = get("!/errors", "text/html").text();
    let documented = std::fs::read_to_string("docs/error-codes.md").unwrap();
    let first_cells = documented.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    for code in first_cells.flat_map(|cell| cell.split('`').step_by(2)) {
        assert!(codes.contains(&format!("<code id=\"{code}\">{code}</code>")), "{code}: {codes}");
    }
}

#[test]
fn the_openapi_document_says_what_every_operation_can_give() {
    let server = Server::start();
    let document = server.send_as("GET", "!/openapi.json", &[], None).ok();
    assert_eq!(document["info"]["license"]["name"], "Apache-2.0");
    assert!(document["info"]["contact"]["url"].is_string() && document["servers"][0]["url"].is_string());
    assert_eq!(document["security"], json!([{"bearer": []}, {"token": []}]));
    let tags: Vec<Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let said = operation["responses"].as_object().unwrap();
            let is_admins = operation["tags"] == json!(["operations"]);
            let mut expected = vec!["400", "401", "500", "503"];
            if is_admins {
                expected.push("403");
                expected.extend((!path.ends_with("/log")).then_some("507"));
            } else if method != "get" {
                expected.extend(["403", "409", "422", "507"]);
            }
            if operation["requestBody"].is_object() {
                expected.extend(["408", "413", "415"]);
            }
            if ["put", "patch", "delete"].contains(&method.as_str()) {
                expected.extend(["404", "412"]);
            }
            let conditions = if said.contains_key("304") { "If-None-Match" } else { "If-Match" };
            let has_condition = operation["parameters"]
                .as_array()
                .is_some_and(|all| all.iter().any(|param| param["name"] == conditions));
            assert_eq!(
                has_condition,
                said.contains_key("304") || said.contains_key("412"),
                "{method} {path}"
            );
            if has_condition && method != "delete" {
                assert!(said["200"]["headers"]["ETag"].is_object(), "{method} {path}");
            }
            assert!(tags.contains(&operation["tags"][0]), "{method} {path}");
            for status in expected {
                let problem = &said[status]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{method} {path} {status}");
            }
            assert!(
                ["summary", "description", "operationId"].iter().all(|name| operation[name].is_string()),
                "{method} {path}"
            );
        }
    }
    assert_eq!(operations, 41);
    let person = &document["components"]["schemas"]["PersonFields"];
    assert!(person["properties"]["team"].is_object() && person["required"].is_null(), "{person}");
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is referred to and not there");
    }
}
