//! Invalid REST requests: status, stable error code and message of each.

use serde_json::json;

use crate::support::Server;

/// A body with the expected status, error code and words of the detail.
type Case = (&'static str, u16, &'static str, &'static [&'static str]);

const PEOPLE: &[Case] = &[
    ("", 400, "malformed", &["empty"]),
    ("{", 400, "malformed", &["line 1", "column"]),
    ("{\"email\": \"a@b\",}", 400, "malformed", &["line 1"]),
    ("{\"email\": \"a@b\", \"email\": \"c@d\"}", 400, "malformed", &["email", "twice"]),
    ("{\"email\": \"\\ud800\"}", 400, "malformed", &["line 1"]),
    ("[]", 422, "invalid", &["object", "array"]),
    ("null", 422, "invalid", &["object"]),
    ("{}", 422, "missing-field", &["email", "required"]),
    ("{\"email\": null}", 422, "missing-field", &["email"]),
    ("{\"email\": 7}", 422, "invalid", &["email", "string", "number"]),
    ("{\"email\": \"ada\"}", 422, "invalid", &["email", "ada", "name@domain"]),
    ("{\"email\": \"a@b\", \"firstName\": {}}", 422, "invalid", &["firstName", "object"]),
    ("{\"email\": \"a@b\", \"lastName\": \"a\\u0000b\"}", 422, "invalid", &["lastName", "control"]),
    ("{\"email\": \"a@b\", \"team\": []}", 422, "invalid", &["team", "array"]),
    ("{\"email\": \"a@b\", \"attributes\": 7}", 422, "invalid", &["attributes", "object"]),
    (
        "{\"email\": \"a@b\", \"validFrom\": \"2026-01-01\"}",
        422,
        "dates-not-supported",
        &["validFrom", "2026"],
    ),
    ("{\"email\": \"a@b\", \"validTo\": \"2030-01-01\"}", 422, "dates-not-supported", &["validTo"]),
];

const PROJECTS: &[Case] = &[
    ("{\"projectName\": \"P\"}", 422, "missing-field", &["projectId"]),
    ("{\"projectId\": \"p\"}", 422, "missing-field", &["projectName"]),
    ("{\"projectId\": \" \", \"projectName\": \"P\"}", 422, "invalid", &["projectId", "empty"]),
    (
        "{\"projectId\": \"p\", \"projectName\": \"P\", \"projectOwner\": \"me\"}",
        422,
        "invalid",
        &["projectOwner"],
    ),
    (
        "{\"projectId\": \"p\", \"projectName\": \"P\", \"projectOwner\": {\"email\": \"me\"}}",
        422,
        "invalid",
        &["projectOwner.email", "me"],
    ),
    ("{\"projectId\": \"p\", \"projectName\": \"P\", \"assets\": \"x\"}", 422, "invalid", &["assets"]),
    (
        "{\"projectId\": \"p\", \"projectName\": \"P\", \"assets\": {\"repositories\": [{}]}}",
        422,
        "invalid",
        &["assets.repositories", "url"],
    ),
];

const MAPPINGS: &[Case] = &[
    ("{}", 422, "missing-field", &["attribute1"]),
    ("{\"attribute1\": \"p1\"}", 422, "missing-field", &["attribute2"]),
    ("{\"parent\": \"A\"}", 422, "missing-field", &["child"]),
    (
        "{\"parent\": \"A\", \"child\": \"B\", \"attribute1\": \"C\"}",
        422,
        "invalid",
        &["attribute1", "parent"],
    ),
    (
        "{\"attribute1\": \"p1\", \"attribute2\": \"no@one\", \"mappingType\": \"project-people\"}",
        422,
        "unknown-person",
        &["no@one"],
    ),
    (
        "{\"attribute1\": \"p9\", \"attribute2\": \"a@b\", \"mappingType\": \"project-people\"}",
        422,
        "unknown-project",
        &["p9"],
    ),
    (
        "{\"attribute1\": \"p1\", \"attribute2\": \"a@b\", \"mappingType\": \"friends\"}",
        422,
        "invalid",
        &["mappingType", "friends", "people-org"],
    ),
    (
        "{\"attribute1\": \"p1\", \"attribute2\": \"a@b\", \"relationship\": \"some\"}",
        422,
        "invalid",
        &["relationship", "one-to-one"],
    ),
    ("{\"parent\": \"A\", \"child\": \"A\"}", 422, "self-parent", &["A"]),
];

fn server() -> Server {
    let server = Server::start();
    server.post("/project", &json!({"projectId": "p1", "projectName": "One"})).ok();
    server.post("/people", &json!({"email": "x@y"})).ok();
    server
}

#[test]
fn every_bad_body_gets_its_status_and_code() {
    let server = server();
    for (path, cases) in [("/people", PEOPLE), ("/project", PROJECTS), ("/mapping", MAPPINGS)] {
        for (body, status, code, words) in cases {
            let headers = [("content-type", "application/json")];
            let problem = server.send("POST", path, &headers, Some(body.as_bytes())).problem(*status, code);
            let detail = problem["detail"].as_str().unwrap();
            for word in *words {
                assert!(detail.contains(word), "{path} {body}: {word:?} is not in {detail:?}");
            }
        }
    }
    assert_eq!(server.get("/people").ok()["count"], 1, "nothing was made");
}

#[test]
fn a_body_must_be_utf_8_and_of_the_right_type_and_size() {
    let server = server();
    let send = |method, content_type: &str, body: &[u8]| {
        server.send(
            method,
            if method == "POST" { "/people" } else { "/people/x@y" },
            &[("content-type", content_type)],
            Some(body),
        )
    };
    send("POST", "application/json", b"{\"email\": \"\xff\"}").problem(400, "malformed");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        "application/json; charset=latin1",
    ] {
        send("POST", content_type, b"{}").problem(415, "unsupported-media-type");
    }
    send("POST", "application/json; charset=UTF-8", b"{\"email\":\"u@v\"}").ok();
    send("PATCH", "application/merge-patch+json", b"{\"firstName\":\"X\"}").ok();
    send("PATCH", "application/json-patch+json", b"[]").problem(415, "unsupported-media-type");
    send("PUT", "application/merge-patch+json", b"{}").problem(415, "unsupported-media-type");
    let large = format!("{{\"email\":\"a@b\",\"note\":\"{}\"}}", "x".repeat(1 << 20));
    let problem = send("POST", "application/json", large.as_bytes()).problem(413, "too-large");
    assert_eq!(problem["limit"], 1 << 20);
    let many = format!("{{\"email\":\"a@b\",\"note\":[{}0]}}", "0,".repeat(300_000));
    let problem = send("POST", "application/json", many.as_bytes()).problem(400, "malformed");
    assert!(problem["detail"].as_str().unwrap().contains("250000 values"), "{problem}");
    let deep = format!("{{\"email\":\"a@b\",\"note\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    send("POST", "application/json", deep.as_bytes()).problem(400, "malformed");
}

#[test]
fn a_refused_change_leaves_the_record_as_it_was() {
    let server = server();
    let before = server.get("/project/p1").ok();
    for body in
        [json!({"projectName": null}), json!({"projectName": 7}), json!({"assets": []  , "projectOwner": 1})]
    {
        assert_eq!(server.json("PATCH", "/project/p1", &body).status, 422, "{body}");
    }
    server.json("PUT", "/project/p1", &json!({})).problem(422, "missing-field");
    server.json("PUT", "/project/p9", &json!({"projectName": "Nine"})).problem(404, "not-found");
    assert_eq!(server.get("/project/p1").ok(), before);
}

#[test]
fn an_invalid_key_is_not_found_and_the_message_shows_a_valid_one() {
    let server = server();
    for (path, word) in [("/people/ada", "name@domain"), ("/mapping/7", "UUID")] {
        let problem = server.get(path).problem(404, "not-found");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
}

#[test]
fn the_id_of_a_mapping_cannot_be_changed() {
    let server = server();
    let made = server.post("/org-hierarchy", &json!({"parent": "A", "child": "B"})).ok();
    let path = format!("/mapping/{}", made["id"].as_str().unwrap());
    let other = json!({"id": "019ab3c5-2f7e-7c11-9d1c-0a4be3a1f3aa"});
    let problem = server.json("PATCH", &path, &other).problem(422, "invalid");
    assert_eq!(problem["field"], "id");
}

#[test]
fn a_number_that_would_be_rounded_is_refused_with_its_field() {
    let server = Server::start();
    for (number, is_kept) in [
        ("18446744073709551615", true),
        ("-9223372036854775808", true),
        ("18446744073709551616", false),
        ("-9223372036854775809", false),
        ("123456789012345678901234567890", false),
        ("0.1", true),
    ] {
        let body = format!(r#"{{"name":"U{number}","cost":{{"centre":[{number}]}}}}"#);
        let headers = [("content-type", "application/json")];
        let answer = server.send("POST", "/units", &headers, Some(body.as_bytes()));
        if is_kept {
            assert!(answer.text().contains(number), "{}", answer.text());
        } else {
            let problem = answer.problem(422, "invalid");
            assert_eq!(problem["field"], "attributes");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("cost: centre: ") && detail.contains("send it as a string"), "{detail}");
        }
        let asked = format!(
            r#"mutation {{ createOrgUnit(input: {{key: "G{number}", attributes: {{n: {number}}}}}) {{ revision }} }}"#
        );
        if is_kept {
            server.data(&asked);
        } else {
            server.error(&asked, "invalid");
        }
    }
}
