//! Tokens: roles, unit scopes, creation, rotation, expiry and revocation.

use clade::model::Command;
use clade::model::token::{Actor, Author, Role, TokenId};
use serde_json::{Value, json};

use crate::support::{Server, strings};

/// One record of each kind on which tokens are tested. `eve` is in `Carbon` and in `Checkout`.
fn narrow(units: &[&str]) -> (Server, String) {
    let server = Server::organisation();
    let token = server.token_within(Role::Write, units);
    (server, token)
}

impl Server {
    fn sent_as(&self, token: &str, method: &str, path: &str, body: &Value) -> crate::support::Answer {
        let headers = [("authorization", token), ("content-type", "application/json")];
        let body = body.to_string();
        let body = (method != "GET" && method != "DELETE").then_some(body.as_bytes());
        self.send_as(method, path, &headers, body)
    }

    fn data_as(&self, token: &str, query: &str) -> Value {
        let answer = self.ask_as(token, query, &Value::Null).ok();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }
}

#[test]
fn no_response_contains_text_from_outside_the_scope() {
    let server = Server::organisation();
    let graphql = "{ roots { key parents { key } ancestors { key } descendants { nodes { key } } totals { people projects } }
        people { nodes { email units { key } organization { key } business { key } projects { nodes { projectId } } } }
        projects { nodes { projectId owner { email person { email } } members { nodes { email } } units { key } } facets(by: [ORGANIZATION, BUSINESS, TEAM, MEMBER, OWNER]) { buckets { value count } } }
        repositories { nodes { url project { projectId } } } mappings { nodes { from { id } to { id } } }
        search(text: \"a\") { matched } orgUnits { nodes { key } facets(by: [TYPE]) { buckets { value count } } } }";
    for (units, unseen) in [
        (
            &["Carbon"][..],
            &[
                "Aurora", "Bikes", "Frames", "Checkout", "Digital", "shop", "site", "bob@", "cem@", "zoe@",
                "loose",
            ][..],
        ),
        (
            &["Checkout"],
            &["Aurora", "Frames", "Platform", "Carbon", "Steel", "gearbox", "Ada@", "cem@", "loose"],
        ),
        (&["Steel"], &["Aurora", "Carbon", "gearbox", "shop", "ada@", "eve@", "loose"]),
        (&["Digital", "Carbon"], &["Aurora", "Bikes", "Frames", "Steel", "zoe@", "loose"]),
    ] {
        let token = server.token_within(Role::Read, units);
        let mut answers = vec![server.ask_as(&token, graphql, &Value::Null)];
        for path in [
            "/people",
            "/projects",
            "/mappings",
            "/org-hierarchy",
            "/org-hierarchy?view=tree",
            "/units",
            "/filters",
            "/people?format=csv",
            "/projects?format=ndjson",
            "/units?sort=name&q=a",
            "/people/zoe@aurora.example",
            "/project/loose",
        ] {
            answers.push(server.sent_as(&token, "GET", path, &Value::Null));
        }
        for answer in answers {
            let text = answer.text();
            // What was asked for is said back.
            let asked = [
                "there is no person \\\"zoe@aurora.example\\\"",
                "there is no project \\\"loose\\\"",
                "\"reference\":\"zoe@aurora.example\"",
                "\"reference\":\"loose\"",
            ];
            let text = asked.iter().fold(text, |text, asked| text.replace(asked, ""));
            for word in unseen {
                assert!(!text.contains(word), "{units:?} is told of {word}: {text}");
            }
        }
    }
}

#[test]
fn hidden_and_missing_records_give_the_same_not_found() {
    let (server, token) = narrow(&["Carbon"]);
    for (hidden, absent) in [
        ("/people/bob@aurora.example", "/people/nob@aurora.example"),
        ("/project/shop", "/project/shup"),
        ("/units/Checkout", "/units/Chickout"),
        ("/units/Frames/people", "/units/Fromes/people"),
        ("/projects?team=Checkout", "/projects?team=Chickout"),
    ] {
        let name = |path: &str| {
            path.rsplit(['/', '=']).find(|part| *part != "people").unwrap_or_default().to_owned()
        };
        let read = |path: &str| {
            let answer = server.sent_as(&token, "GET", path, &Value::Null);
            (answer.status, answer.text().replace(&name(path), "NAME"))
        };
        assert_eq!(read(hidden), read(absent), "{hidden}");
    }
}

#[test]
fn a_scoped_writer_writes_inside_its_scope_only() {
    let (server, token) = narrow(&["Frames"]);
    let write = |method: &str, path: &str, body: Value| server.sent_as(&token, method, path, &body);
    let before = server.get("/mappings?limit=1").ok()["count"].clone();

    // Within reach.
    write("POST", "/people", json!({"email": "new@aurora.example", "team": "Carbon"})).ok();
    write("POST", "/units", json!({"name": "Titanium", "type": "team", "parent": "Frames"})).ok();
    write("PATCH", "/people/new@aurora.example", json!({"team": "Titanium"})).ok();
    assert_eq!(write("DELETE", "/people/new@aurora.example", Value::Null).status, 204);
    assert_eq!(write("DELETE", "/units/Titanium", Value::Null).status, 204);

    // What is not in sight is not there.
    write("PATCH", "/people/cem@aurora.example", json!({"firstName": "X"})).problem(404, "not-found");
    write("DELETE", "/project/site", Value::Null).problem(404, "not-found");
    write(
        "POST",
        "/mapping",
        json!({"attribute1": "gearbox", "attribute2": "cem@aurora.example", "mappingType": "project-people"}),
    )
    .problem(422, "unknown-person");
    write(
        "POST",
        "/mapping",
        json!({"attribute1": "gearbox", "attribute2": "Digital", "mappingType": "project-org"}),
    )
    .problem(422, "unknown-unit");
    write("PATCH", "/units/Carbon", json!({"parent": "Digital"})).problem(422, "unknown-unit");

    // What would be out of sight afterwards.
    for (method, path, body) in [
        ("POST", "/people", json!({"email": "new@aurora.example"})),
        (
            "POST",
            "/people",
            json!({"email": "new@aurora.example", "organization": "Aurora", "team": "Elsewhere"}),
        ),
        ("POST", "/units", json!({"name": "Island"})),
        ("PATCH", "/units/Carbon", json!({"parents": []})),
        ("POST", "/org-hierarchy", json!({"parent": "Nowhere", "child": "Nothing"})),
    ] {
        write(method, path, body).problem(403, "out-of-scope");
    }
    // Checkout is beneath Platform too, so these would end what the token does not see.
    for path in ["/units/Checkout", "/units/Frames"] {
        let path = if path.starts_with("/units") { format!("{path}?children=end") } else { path.to_owned() };
        write("DELETE", &path, Value::Null).problem(403, "out-of-scope");
    }
    // Keys are taken once, in sight or not.
    write("POST", "/people", json!({"email": "CEM@aurora.example", "team": "Carbon"}))
        .problem(409, "duplicate");
    write("POST", "/units", json!({"key": "Digital", "name": "D", "parent": "Frames"}))
        .problem(409, "duplicate");
    let lines = r#"{"kind":"person","email":"cem@aurora.example","team":"Carbon"}"#;
    let headers = [("authorization", token.as_str()), ("content-type", "application/x-ndjson")];
    let bulk = server.send_as("POST", "/bulk?mode=upsert", &headers, Some(lines.as_bytes()));
    assert_eq!(bulk.problem(422, "refused")["refused"][0]["code"], "duplicate");

    assert_eq!(server.get("/mappings?limit=1").ok()["count"], before, "nothing else was changed");
    assert_eq!(server.directory.check().expect("it can be read").findings, Vec::<String>::new());
}

#[test]
fn a_token_whose_units_are_gone_sees_nothing() {
    let (server, token) = narrow(&["Steel"]);
    assert_eq!(server.data_as(&token, "{ roots { key } }"), json!({"roots": [{"key": "Steel"}]}));
    server.delete("/units/Steel?children=end").ok();
    assert_eq!(
        server.data_as(&token, "{ roots { key } people { totalCount } }"),
        json!({"roots": [], "people": {"totalCount": 0}})
    );
    server.post("/units", &json!({"name": "Steel", "parent": "Frames"})).ok();
    assert_eq!(
        server.data_as(&token, "{ roots { key } }"),
        json!({"roots": []}),
        "another unit of the same name is not it"
    );
}

#[test]
fn a_scoped_admin_grants_no_more_than_it_has() {
    let server = Server::organisation();
    let admin = server.token_within(Role::Admin, &["Frames"]);
    let made = server.data_as(&admin, "mutation { createToken(input: {role: READ, units: [\"Carbon\"], description: \"ci\"}) { token record { units { key } } } }");
    assert_eq!(strings(&made, "/createToken/record/units/*/key"), ["Carbon"]);
    let error = |query: &str| {
        server.ask_as(&admin, query, &Value::Null).value()["errors"][0]["extensions"]["code"].clone()
    };
    assert_eq!(error("mutation { createToken(input: {role: READ}) { token } }"), "out-of-scope");
    assert_eq!(
        error("mutation { createToken(input: {role: READ, units: [\"Digital\"]}) { token } }"),
        "unknown-unit"
    );
    assert_eq!(error("mutation { createToken(input: {role: READ, units: []}) { token } }"), "invalid");

    let known = server.data_as(&admin, "{ tokens { role description units { key } } }");
    assert_eq!(strings(&known, "/tokens/*/role"), ["ADMIN", "READ"], "itself, and the one it made");
    let everyone = strings(&server.data("{ tokens { tokenId units { key } } }"), "/tokens/*/tokenId");
    assert_eq!(everyone.len(), 3);
    assert_eq!(
        error(&format!("mutation {{ deleteToken(tokenId: \"{}\") {{ revision }} }}", everyone[0])),
        "not-found"
    );
    server.sent_as(&admin, "GET", "/backup", &Value::Null).problem(403, "forbidden");
    server.sent_as(&admin, "POST", "/check", &json!({})).problem(403, "forbidden");
}

#[test]
fn a_rotated_token_is_valid_during_its_grace_period() {
    let server = Server::organisation();
    let id = |token: &str| token["clade_".len()..][..8].to_owned();
    let rotate = |token: &str, seconds: u32| {
        let made = server.data(&format!(
            "mutation {{ rotateToken(input: {{tokenId: \"{}\", overlapSeconds: {seconds}}}) {{ token record {{ role expiresAt units {{ key }} }} }} }}",
            id(token)
        ));
        let record = json!({"role": "WRITE", "expiresAt": null, "units": [{"key": "Carbon"}]});
        assert_eq!(made["rotateToken"]["record"], record);
        made["rotateToken"]["token"].as_str().expect("a secret is a text").to_owned()
    };
    let status = |token: &str| server.sent_as(token, "GET", "/units", &Value::Null).status;
    let old = server.token_within(Role::Write, &["Carbon"]);
    let new = rotate(&old, 3_600);
    assert_eq!((status(&old), status(&new)), (200, 200));
    let newer = rotate(&new, 0);
    assert_eq!((status(&old), status(&new), status(&newer)), (200, 401, 200));
    server.error(
        &format!("mutation {{ rotateToken(input: {{tokenId: \"{}\"}}) {{ token }} }}", id(&new)),
        "invalid",
    );
}

#[test]
fn a_token_has_the_time_of_its_last_use() {
    let server = Server::organisation();
    let token = server.token_with(Role::Read);
    let used = || {
        let known = server.data("{ tokens { role lastUsedAt } }");
        let known = known["tokens"].as_array().expect("a list").clone();
        known.into_iter().find(|it| it["role"] == "READ").expect("it is known")["lastUsedAt"].clone()
    };
    assert_eq!(used(), Value::Null);
    server.sent_as(&token, "GET", "/units", &Value::Null).ok();
    assert!(used().is_string(), "also where the same was asked a moment ago");
}

#[test]
fn a_revoked_token_gets_no_cached_response_and_changes_nothing() {
    let server = Server::organisation();
    let token = server.token_with(Role::Write);
    let query = "{ people { totalCount } }";
    assert_eq!(server.data_as(&token, query), server.data(query));
    let id = &token["clade_".len()..][..8];
    server.data(&format!("mutation {{ deleteToken(tokenId: \"{id}\") {{ revision }} }}"));
    assert_eq!(server.ask_as(&token, query, &Value::Null).status, 401);
    server.sent_as(&token, "POST", "/people", &json!({"email": "x@y"})).problem(401, "unauthorized");
}

#[test]
fn a_token_that_lost_its_role_can_no_longer_write() {
    let server = Server::organisation();
    let token = server.token_with(Role::Admin);
    let id = TokenId::parse(&token["clade_".len()..][..8]).expect("it is one");
    let author = Author { actor: Actor::Token(id.clone()), ..Author::local() };
    server.data(&format!(
        "mutation {{ updateToken(input: {{tokenId: \"{id}\", role: WRITE}}) {{ revision }} }}"
    ));
    // GraphqlRequest for before, and its turn comes after.
    let command = Command::RevokeToken(id);
    let refused = server.directory.dry_run_as(&author, vec![command.clone()]).unwrap_err();
    assert_eq!(refused.code(), "unauthorized");
    let as_it_is = Author { role: Role::Write, ..author };
    assert!(
        server.directory.dry_run_as(&as_it_is, vec![command]).is_ok(),
        "the role is judged by whoever lets it in"
    );
}

#[test]
fn a_token_with_a_deleted_unit_is_visible_to_admins_that_may_revoke_it() {
    let server = Server::organisation();
    let admin = server.token_within(Role::Admin, &["Frames"]);
    server.post("/units", &json!({"name": "Passing", "parent": "Frames"})).ok();
    let made = server.token_within(Role::Write, &["Carbon", "Passing"]);
    assert_eq!(server.delete("/units/Passing").status, 204);
    let id = &made["clade_".len()..][..8];
    let known = strings(&server.data_as(&admin, "{ tokens { tokenId } }"), "/tokens/*/tokenId");
    assert!(known.contains(&id.to_owned()), "{known:?}");
    server.data_as(&admin, &format!("mutation {{ deleteToken(tokenId: \"{id}\") {{ revision }} }}"));
    assert_eq!(server.ask_as(&made, "{ revision }", &Value::Null).status, 401);
}

#[test]
fn a_unit_below_a_hidden_parent_is_not_adopted_as_unplaced() {
    let (server, token) = narrow(&["Bikes", "Platform"]);
    let other = server.token_within(Role::Read, &["Bikes"]);
    let seen = || server.data_as(&other, "{ roots { totals { units people } } }");
    let before = seen();
    let placed = json!({"email": "new@aurora.example", "business": "Bikes", "department": "Platform"});
    server.sent_as(&token, "POST", "/people", &placed).ok();
    assert_eq!(
        seen()["roots"][0]["totals"]["people"].as_u64(),
        before["roots"][0]["totals"]["people"].as_u64().map(|n| n + 1)
    );
    assert_eq!(server.get("/units/Platform").ok()["parents"], json!(["Digital"]), "it stays where it was");
    let moved = "mutation { moveOrgUnit(id: \"Platform\", to: \"Bikes\") { revision } }";
    let answer = server.ask_as(&token, moved, &Value::Null).value();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "out-of-scope");
}
