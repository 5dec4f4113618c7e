//! One small organization with an example and a near miss of each finding, read through REST, GraphQL and the command
//! line.

use clade::model::token::Role;
use serde_json::{Value, json};

use crate::support::{Folder, Server, strings};

/// ```text
/// corp > retail > shops > web-3 (group), guild > web-2 (team), idle (squad)
///               > web (team): ada, ada+lists, shop, site
/// ```
const ORGANISATION: &str = r#"
{"kind":"orgUnit","key":"corp","name":"Corp","type":"organization"}
{"kind":"orgUnit","key":"retail","name":"Retail","type":"business","parent":"corp"}
{"kind":"orgUnit","key":"shops","name":"Shops","type":"department","parent":"retail"}
{"kind":"orgUnit","key":"web","name":"Web","type":"team","parent":"retail"}
{"kind":"orgUnit","key":"guild","name":"Web","type":"guild","parent":"shops"}
{"kind":"orgUnit","key":"web-2","name":"WEB","type":"team","parent":"guild"}
{"kind":"orgUnit","key":"web-3","name":"Web","type":"group","parent":"shops"}
{"kind":"orgUnit","key":"idle","name":"Idle","type":"squad","parent":"shops"}
{"kind":"person","email":"Ada@corp.example","firstName":"Ada","lastName":"Berg"}
{"kind":"person","email":"ada+lists@corp.example"}
{"kind":"person","email":"a.nn@corp.example","externalId":"hr-1"}
{"kind":"person","email":"ann@corp.example","externalId":"hr-1"}
{"kind":"person","email":"b.ob@corp.example","firstName":"Bob","lastName":"One"}
{"kind":"person","email":"bob@corp.example","firstName":"Bob","lastName":"Two"}
{"kind":"person","email":"ada@other.example","firstName":"Ada","lastName":"Berg"}
{"kind":"person","email":"zoe@corp.example"}
{"kind":"mapping","attribute1":"ada@corp.example","attribute2":"web"}
{"kind":"mapping","attribute1":"ada+lists@corp.example","attribute2":"web"}
{"kind":"mapping","attribute1":"a.nn@corp.example","attribute2":"web-2"}
{"kind":"mapping","attribute1":"ann@corp.example","attribute2":"shops"}
{"kind":"mapping","attribute1":"b.ob@corp.example","attribute2":"web-3"}
{"kind":"mapping","attribute1":"bob@corp.example","attribute2":"web-3"}
{"kind":"mapping","attribute1":"ada@other.example","attribute2":"web"}
{"kind":"project","projectId":"shop","projectName":"Shop","projectOwner":{"email":"ADA@corp.example"},"assets":{"repositories":[{"url":"https://GitHub.com/corp/shop.git"},{"url":"https://github.com/corp/own"}]}}
{"kind":"project","projectId":"site","projectName":"Site","projectOwner":{"email":"out@side.example"},"assets":{"repositories":[{"url":"git@github.com:corp/shop"}]}}
{"kind":"project","projectId":"loose","projectName":"Loose"}
{"kind":"mapping","attribute1":"shop","attribute2":"web"}
{"kind":"mapping","attribute1":"site","attribute2":"web"}
"#;

const FINDINGS: [(&str, &str); 9] = [
    (
        "same-name-in-level",
        r#"2 units of level team have the name "Web": "web" in "retail", "web-2" in "guild""#,
    ),
    ("unplaced-person", r#"the person "zoe@corp.example" is not placed in any unit"#),
    ("unplaced-project", r#"the project "loose" is not placed in any unit"#),
    ("empty-team", r#"the squad "idle" has no child units, people or projects"#),
    (
        "level-skip",
        r#"the team "web" is directly under the business "retail", with no department or group between"#,
    ),
    (
        "unknown-owner",
        r#"the project "site" has the owner "out@side.example", who is not a person in this directory"#,
    ),
    ("repository-claimed-twice", r#"2 projects claim the repository "github.com/corp/shop": "shop", "site""#),
    (
        "person-spelled-twice",
        r#"2 people are probably the same person: "Ada@corp.example", "ada+lists@corp.example""#,
    ),
    (
        "person-spelled-twice",
        r#"2 people are probably the same person: "a.nn@corp.example", "ann@corp.example""#,
    ),
];

fn server() -> Server {
    let server = Server::start();
    server.bulk("", ORGANISATION).ok();
    server
}

/// The code and the message of each finding, as REST and the command line return them.
fn told(answer: &Value) -> Vec<(String, String)> {
    strings(answer, "/data/*/code").into_iter().zip(strings(answer, "/data/*/message")).collect()
}

fn expected() -> Vec<(String, String)> {
    FINDINGS.iter().map(|(code, message)| ((*code).to_owned(), (*message).to_owned())).collect()
}

#[test]
fn rest_returns_each_finding_with_its_records() {
    let server = server();
    let answer = server.get("/doctor").ok();
    assert_eq!(told(&answer), expected());
    assert_eq!(answer["count"], 9);
    assert_eq!(answer["counts"]["person-spelled-twice"], 2);
    assert_eq!(answer["counts"]["mapping-to-ended"], 0);
    let ada = &answer["data"][7]["records"][0];
    assert_eq!(
        (&ada["kind"], &ada["key"], &ada["name"]),
        (&json!("person"), &json!("Ada@corp.example"), &json!("Ada Berg"))
    );
    let query = "query ($id: ID!) { node(id: $id) { ... on Person { email } } }";
    let node = server.data_with(query, &json!({ "id": ada["id"] }));
    assert_eq!(node["node"]["email"], "Ada@corp.example");
    assert_eq!(strings(&answer, "/data/4/records/*/key"), ["web", "retail"]);
}

#[test]
fn rest_accepts_codes_pages_and_etags() {
    let server = server();
    let some = server.get("/doctor?code=unplaced-person&code=unplaced-project&code=").ok();
    assert_eq!(told(&some), expected()[1..3]);
    assert_eq!(some["counts"], json!({"unplaced-person": 1, "unplaced-project": 1}));
    let first = server.get("/doctor?limit=8").ok();
    let rest = server.get(&format!("/doctor?limit=8&cursor={}", first["cursor"].as_str().unwrap())).ok();
    assert_eq!([told(&first), told(&rest)].concat(), expected());
    assert!(rest.get("cursor").is_none());
    let tag = server.get("/doctor").header("etag");
    assert_eq!(server.send("GET", "/doctor", &[("if-none-match", &tag)], None).status, 304);
    server.get("/doctor?cursor=rubbish").problem(422, "invalid");
    for refused in ["code=none", "limit=0", "limit=1001", "limit=x", "first=1"] {
        assert_eq!(server.get(&format!("/doctor?{refused}")).status, 400, "{refused}");
    }
}

#[test]
fn graphql_returns_the_same() {
    let server = server();
    let query = r"{ doctor {
        totalCount counts { code count } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { code message recordCount records { kind key name nodeId node { id } } } }
    } }";
    let answer = &server.data(query)["doctor"];
    let codes =
        strings(answer, "/edges/*/node/code").into_iter().map(|code| code.to_lowercase().replace('_', "-"));
    let told: Vec<_> = codes.zip(strings(answer, "/edges/*/node/message")).collect();
    assert_eq!(told, expected());
    assert_eq!((&answer["totalCount"], answer["counts"].as_array().unwrap().len()), (&json!(9), 10));
    assert_eq!(
        strings(answer, "/edges/0/node/records/*/nodeId"),
        strings(answer, "/edges/0/node/records/*/node/id")
    );
    let rest = server.get("/doctor").ok();
    assert_eq!(strings(answer, "/edges/6/node/records/*/nodeId"), strings(&rest, "/data/6/records/*/id"));
    let page = "query ($after: String) { doctor(codes: [UNPLACED_PERSON, PERSON_SPELLED_TWICE], first: 2, after: $after) { totalCount nodes { code } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let first = &server.data(page)["doctor"];
    assert_eq!(strings(first, "/nodes/*/code"), ["UNPLACED_PERSON", "PERSON_SPELLED_TWICE"]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let rest = &server.data_with(page, &json!({ "after": first["pageInfo"]["endCursor"] }))["doctor"];
    assert_eq!((&rest["totalCount"], rest["nodes"].as_array().unwrap().len()), (&json!(3), 1));
    assert_eq!(
        (&rest["pageInfo"]["hasNextPage"], &rest["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    server.error("{ doctor(first: 1001) { totalCount } }", "invalid");
    server.error("{ doctor(after: \"rubbish\") { totalCount } }", "invalid");
}

#[test]
fn a_scoped_reader_gets_findings_in_its_scope_only() {
    let server = server();
    let token = server.token_within(Role::Read, &["web"]);
    let headers = [("authorization", token.as_str())];
    let answer = server.send_as("GET", "/doctor", &headers, None).ok();
    let codes = strings(&answer, "/data/*/code");
    assert_eq!(codes, ["unknown-owner", "repository-claimed-twice", "person-spelled-twice"]);
    let token = server.token_within(Role::Read, &["shops"]);
    let answer = server.send_as("GET", "/doctor", &[("authorization", token.as_str())], None).ok();
    assert_eq!(strings(&answer, "/data/*/code"), ["empty-team", "person-spelled-twice"]);
    assert_eq!(server.send_as("GET", "/doctor", &[], None).status, 401);
}

#[test]
fn check_shows_examples_or_all_and_ends_well() {
    let folder = Folder::new();
    let people: String = (0..5)
        .map(|at| format!("{{\"kind\":\"person\",\"email\":\"new{at}@corp.example\"}}\n"))
        .collect::<Vec<_>>()
        .concat();
    folder.write("corp.ndjson", format!("{ORGANISATION}{people}"));
    folder.clade(&["import", "corp.ndjson", "--data", "corp.redb"]).ok();
    let said = folder.clade(&["check", "--data", "corp.redb"]).ok();
    assert!(said.contains("the store is intact\nthe data-quality checks have 14 findings"), "{said}");
    assert!(
        said.contains("  unplaced-person: 6\n") && said.contains("    and 3 more: use --all to list them\n"),
        "{said}"
    );
    let all = folder.clade(&["check", "--all", "--data", "corp.redb"]).ok();
    let json = folder.clade(&["check", "--json", "--data", "corp.redb"]).json();
    assert_eq!(json["findings"], json!([]));
    assert_eq!(json["doctor"]["count"], 14);
    let messages = strings(&json["doctor"], "/data/*/message");
    assert!(messages.len() == 14 && messages.iter().all(|message| all.contains(message)), "{all}");
    assert!(!all.contains("--all"), "{all}");

    let running = folder.serve(&["--data", "corp.redb"]);
    let (url, token) = (running.url(), running.token().unwrap());
    let asked = |args: &[&str]| {
        let args = [&["check", "--server", &url], args].concat();
        folder.clade_with(&[("CLADE_TOKEN", &token)], &args)
    };
    let without_first_line = |said: &str| said.split_once('\n').unwrap().1.to_owned();
    assert_eq!(without_first_line(&asked(&[]).ok()), without_first_line(&said));
    assert_eq!(without_first_line(&asked(&["--all"]).ok()), without_first_line(&all));
    assert_eq!(asked(&["--json"]).json()["doctor"], json["doctor"]);
}
