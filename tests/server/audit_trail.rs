//! The audit trail over REST, GraphQL and the command line: actor, time, values before and after, paging, and who may
//! read it.

use clade::model::token::Role;
use serde_json::{Value, json};

use crate::support::{Folder, Server};

/// `what kind key` of every change, the newest first, each with its actor.
fn told(log: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut told = Vec::new();
    for set in list(&log["data"]).iter().flat_map(|entry| list(&entry["changeSets"])) {
        for change in list(&set["changes"]) {
            let text = |name: &str| change[name].as_str().unwrap().to_owned();
            let actor = set["actor"].as_str().unwrap();
            told.push(format!("{actor} {} {} {}", text("what"), text("kind"), text("key")));
        }
    }
    told
}

/// The id in a token.
fn id(secret: &str) -> &str {
    secret.split('_').nth(1).unwrap()
}

fn change(log: &Value, at: usize) -> &Value {
    &log["data"][at]["changeSets"][0]["changes"][0]
}

#[test]
fn a_record_is_followed_from_creation_to_deletion() {
    let server = Server::start();
    let [one, two] = [server.token_with(Role::Write), server.token_with(Role::Write)];
    server.post("/people", &json!({"email": "Ada@corp.example", "firstName": "Ada", "site": "Kiel"})).ok();
    let json = ("content-type", "application/json");
    let patch = br#"{"firstName": "Augusta", "site": null}"#;
    let as_one = [("authorization", one.as_str()), json];
    assert_eq!(server.send_as("PATCH", "/people/ada@corp.example", &as_one, Some(patch)).status, 200);
    let as_two = [("authorization", two.as_str())];
    assert_eq!(server.send_as("DELETE", "/people/ada@corp.example", &as_two, None).status, 204);

    let log = server.get("/log").ok();
    let admin = id(&server.token);
    assert_eq!(
        told(&log)[..3],
        [
            format!("token:{} ended person Ada@corp.example", id(&two)),
            format!("token:{} updated person Ada@corp.example", id(&one)),
            format!("token:{admin} created person Ada@corp.example"),
        ]
    );
    let made = json!({
        "email": "Ada@corp.example", "firstName": "Ada", "lastName": null, "displayName": null, "externalId": null,
        "attributes": {"site": "Kiel"},
    });
    let changed = json!({
        "email": "Ada@corp.example", "firstName": "Augusta", "lastName": null, "displayName": null,
        "externalId": null, "attributes": {},
    });
    assert_eq!((&change(&log, 2)["before"], &change(&log, 2)["after"]), (&Value::Null, &made));
    assert_eq!((&change(&log, 1)["before"], &change(&log, 1)["after"]), (&made, &changed));
    assert_eq!((&change(&log, 0)["before"], &change(&log, 0)["after"]), (&changed, &Value::Null));

    let revisions: Vec<_> =
        log["data"].as_array().unwrap().iter().map(|entry| entry["revision"].as_u64().unwrap()).collect();
    assert_eq!(revisions, [6, 5, 4, 3, 2, 1], "the newest first, and all of them");
    assert_eq!(log.get("next"), None);
    let moment = log["data"][0]["at"].as_str().unwrap();
    assert!(clade::model::Timestamp::parse(moment).is_some(), "{moment}");
}

#[test]
fn token_entries_have_neither_secret_nor_hash() {
    let server = Server::organisation();
    let made = server.data(
        r#"mutation { createToken(input: {role: WRITE, description: "nightly sync", units: ["Platform"]}) { token } }"#,
    );
    let secret = made["createToken"]["token"].as_str().unwrap().to_owned();
    let as_it = [("authorization", secret.as_str()), ("content-type", "application/json")];
    let patch = br#"{"firstName": "Bo"}"#;
    assert_eq!(server.send_as("PATCH", "/people/bob@aurora.example", &as_it, Some(patch)).status, 200);
    let revoke = format!(r#"mutation {{ deleteToken(tokenId: "{}") {{ record {{ role }} }} }}"#, id(&secret));
    server.data(&revoke);

    let answer = server.get("/log?limit=3");
    let log = answer.ok();
    let (admin, own) = (id(&server.token), id(&secret));
    assert_eq!(
        told(&log),
        [
            format!("token:{admin} ended token {own}"),
            format!("token:{own} updated person bob@aurora.example"),
            format!("token:{admin} created token {own}"),
        ]
    );
    assert_eq!(log["data"][1]["changeSets"][0]["description"], "nightly sync");
    let token = json!({
        "tokenId": own, "role": "WRITE", "description": "nightly sync", "units": ["Platform"], "expiresAt": null,
        "revokedAt": null,
    });
    assert_eq!((&change(&log, 2)["after"], &change(&log, 0)["before"]), (&token, &token));

    let parsed = clade::access::Secret::parse(&secret).unwrap();
    let hash = parsed.hash().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let random = &secret[secret.len() - 40..];
    for text in [
        answer.text(),
        server
            .ask("{ log { entries { changeSets { actor changes { before after } } } } }", &Value::Null)
            .text(),
    ] {
        let lower = text.to_lowercase();
        assert!(!text.contains(random) && !lower.contains(&hash) && !lower.contains("hash"), "{text}");
    }
}

#[test]
fn mappings_name_their_ends_by_key_even_if_deleted() {
    let server = Server::organisation();
    let placed = json!({"attribute1": "zoe@aurora.example", "attribute2": "Steel", "source": "hr"});
    let mapping = server.post("/mapping", &placed).ok();
    let mapping = mapping["id"].as_str().unwrap();
    assert_eq!(server.delete("/people/zoe@aurora.example").status, 204);
    let log = server.get("/log?limit=2").ok();
    let fields = json!({
        "id": mapping, "attribute1": "zoe@aurora.example", "attribute2": "Steel", "mappingType": "people-org",
        "relationship": "many-to-many", "source": "hr", "attributes": {},
    });
    let created = change(&log, 1);
    assert_eq!((&created["kind"], &created["key"]), (&json!("mapping"), &json!(mapping)));
    assert_eq!((&created["before"], &created["after"]), (&Value::Null, &fields));
    let ended = log["data"][0]["changeSets"][0]["changes"].as_array().unwrap();
    assert_eq!(ended.len(), 2, "{ended:?}");
    let of_mapping = ended.iter().find(|change| change["kind"] == "mapping").unwrap();
    assert_eq!((&of_mapping["what"], &of_mapping["before"]), (&json!("ended"), &fields));
}

#[test]
fn changes_in_quick_succession_are_separate_entries() {
    let server = Server::start();
    server.post("/people", &json!({"email": "ada@corp.example", "n": 0})).ok();
    for n in 1..60 {
        server.json("PATCH", "/people/ada@corp.example", &json!({"n": n})).ok();
    }
    // Created and changed twice by one change set, and by one command after the other.
    let lines = r#"{"kind":"person","email":"bob@corp.example","n":0}
{"kind":"person","email":"bob@corp.example","n":1}
{"kind":"person","email":"bob@corp.example","n":2}
"#;
    server.bulk("?mode=upsert", lines).ok();

    let log = server.get("/log?limit=100").ok();
    let n = |value: &Value| value["attributes"]["n"].as_i64();
    let bob = log["data"][0]["changeSets"][0]["changes"].as_array().unwrap();
    let of_bob: Vec<_> = bob
        .iter()
        .map(|change| (change["what"].as_str().unwrap(), n(&change["before"]), n(&change["after"])))
        .collect();
    let expected = [("created", None, Some(0)), ("updated", Some(0), Some(1)), ("updated", Some(1), Some(2))];
    assert_eq!(of_bob, expected);
    for (at, after) in (0..60).rev().enumerate() {
        let change = change(&log, at + 1);
        let what = if after == 0 { "created" } else { "updated" };
        assert_eq!((change["what"].as_str().unwrap(), n(&change["after"])), (what, Some(after)), "{change}");
        assert_eq!(n(&change["before"]), (after > 0).then(|| after - 1), "{change}");
    }
}

#[test]
fn a_large_change_set_is_counted_and_shown_in_part() {
    let server = Server::start();
    let lines = (0..300)
        .map(|n| format!("{{\"kind\":\"person\",\"email\":\"p{n}@corp.example\"}}\n"))
        .collect::<Vec<_>>()
        .concat();
    server.bulk("", &lines).ok();
    let upserted = (0..300)
        .map(|n| format!("{{\"kind\":\"person\",\"email\":\"p{n}@corp.example\",\"n\":{n}}}\n"))
        .collect::<Vec<_>>()
        .concat();
    server.bulk("?mode=upsert", &upserted).ok();
    for (query, shown) in [("", 100), ("&changes=7", 7), ("&changes=1000", 300)] {
        let log = server.get(&format!("/log?limit=2{query}")).ok();
        for at in [0, 1] {
            let set = &log["data"][at]["changeSets"][0];
            assert_eq!(set["count"], 300);
            let changes = set["changes"].as_array().unwrap();
            assert_eq!(changes.len(), shown);
            let what = ["updated", "created"][at];
            assert!(
                changes
                    .iter()
                    .all(|change| change["what"] == what && change["before"].is_null() == (at == 1))
            );
        }
    }
    // Of one that is not shown, what it was is found all the same.
    server.json("PATCH", "/people/p299@corp.example", &json!({"n": 7})).ok();
    let log = server.get("/log?limit=1").ok();
    assert_eq!(change(&log, 0)["before"]["attributes"], json!({"n": 299}));
}

#[test]
fn pages_follow_each_other() {
    let server = Server::organisation();
    let all = told(&server.get("/log?limit=100").ok());
    for n in 0..5 {
        server.post("/people", &json!({"email": format!("new{n}@corp.example")})).ok();
    }
    let mut found = Vec::new();
    let mut before = String::new();
    loop {
        let log = server.get(&format!("/log?limit=2{before}")).ok();
        assert!(log["data"].as_array().unwrap().len() <= 2);
        found.extend(told(&log));
        let Some(next) = log.get("next") else { break };
        before = format!("&before={next}");
    }
    assert_eq!((found.len(), &found[5..]), (all.len() + 5, &all[..]));
    assert_eq!(server.get("/log?before=0").ok(), json!({"data": []}));
    assert_eq!(server.get("/log?before=1").ok(), json!({"data": []}));
    for refused in ["limit=0", "limit=101", "changes=1001", "changes=x", "before=-1", "after=7"] {
        assert_eq!(server.get(&format!("/log?{refused}")).status, 400, "{refused}");
    }
    server.get("/log?record=ada").problem(404, "not-found");
    server.get("/log?within=nowhere").problem(404, "not-found");
    let mapping = "record=mapping:01890a5d-ac96-774b-bcce-b302099a8057";
    for unknown in ["record=person:ada", "record=token:aaaaaaaa", mapping, "by=token:aaaaaaaa"] {
        server.get(&format!("/log?{unknown}")).problem(404, "not-found");
    }
    for refused in ["record=person:", "since=soon", "until=7d", "by=nobody", "by=token:7"] {
        server.get(&format!("/log?{refused}")).problem(422, "invalid");
    }
}

#[test]
fn one_key_is_followed_through_all_its_records() {
    let server = Server::organisation();
    server.json("PATCH", "/people/ada@aurora.example", &json!({"lastName": "Bergström"})).ok();
    assert_eq!(server.delete("/people/ada@aurora.example").status, 204);
    server.post("/people", &json!({"email": "ADA@aurora.example"})).ok();
    let log = server.get("/log?record=person:ada@aurora.example").ok();
    let mut whats: Vec<_> =
        told(&log).iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    whats.retain(|what| !what.contains(" mapping "));
    let expected = [
        "created person ADA@aurora.example",
        "ended person Ada@aurora.example",
        "updated person Ada@aurora.example",
        "created person Ada@aurora.example",
    ];
    assert_eq!(whats, expected);
    assert_eq!(log["data"][2]["changeSets"][0]["changes"][0]["before"]["lastName"], "Berg");
    let first = &log["data"][3]["changeSets"][0];
    assert_eq!(first["count"], first["changes"].as_array().unwrap().len(), "{first}");
    assert_eq!(first["omitted"], 0, "what else its change set did is not of this record");
    for (record, changes) in [("repository:gearbox", 1), ("service:Checkout%20API", 1), ("Checkout%20API", 1)]
    {
        assert_eq!(told(&server.get(&format!("/log?record={record}")).ok()).len(), changes, "{record}");
    }
    let several = server.get("/log?record=gearbox");
    let several = several.problem(422, "invalid")["detail"].as_str().unwrap().to_owned();
    assert!(several.contains("project:gearbox, repository:gearbox"), "{several}");
    let service = server.get("/log?record=service:Checkout%20API").ok();
    let service = &change(&service, 0)["after"];
    assert_eq!((&service["projectId"], &service["dependencies"]), (&json!("shop"), &json!(["db"])));
}

#[test]
fn only_unscoped_admins_may_read_it() {
    let server = Server::organisation();
    let question = json!({"query": "{ log { next entries { id } } }"});
    let refused = [
        server.token_with(Role::Read),
        server.token_with(Role::Write),
        server.token_within(Role::Admin, &["aurora"]),
    ];
    for token in refused {
        let headers = [("authorization", token.as_str())];
        server.send_as("GET", "/log", &headers, None).problem(403, "forbidden");
        let answer = server.ask_as(&token, question["query"].as_str().unwrap(), &Value::Null);
        let errors = &answer.value()["errors"];
        assert_eq!(errors[0]["extensions"]["code"], "forbidden", "{errors}");
        assert!(!answer.text().contains("entries\":[{"), "{}", answer.text());
    }
    server.send_as("GET", "/log", &[], None).problem(401, "unauthorized");
}

#[test]
fn graphql_returns_the_same() {
    let server = Server::organisation();
    server.json("PATCH", "/project/shop", &json!({"projectName": "Web Shop"})).ok();
    let rest = server.get("/log?limit=2").ok();
    let query = "query ($before: Revision) { log(before: $before, first: 2) {
        next entries { revision id at changeSets { actor description count omitted summary { kind what count } changes { kind key what message before after } } } } }";
    let graphql = server.data(query)["log"].clone();
    assert_eq!(graphql["next"], rest.get("next").cloned().unwrap_or_default());
    for (one, other) in graphql["entries"].as_array().unwrap().iter().zip(rest["data"].as_array().unwrap()) {
        assert_eq!(
            ["revision", "id", "at"].map(|name| &one[name]),
            ["revision", "id", "at"].map(|name| &other[name])
        );
        let (one, other) = (&one["changeSets"][0], &other["changeSets"][0]);
        for same in ["actor", "count", "omitted"] {
            assert_eq!(one[same], other[same], "{same}");
        }
        assert_eq!(one["summary"][0]["count"], other["summary"][0]["count"]);
        let (ones, others) = (one["changes"].as_array().unwrap(), other["changes"].as_array().unwrap());
        assert_eq!(ones.len(), others.len());
        for (one, other) in ones.iter().zip(others) {
            assert_eq!(
                ["key", "message", "before", "after"].map(|name| &one[name]),
                ["key", "message", "before", "after"].map(|name| &other[name])
            );
            assert_eq!(one["what"], other["what"].as_str().unwrap().to_uppercase());
        }
    }
    let newest = graphql["entries"][0]["revision"].clone();
    assert_eq!(graphql["entries"][0]["changeSets"][0]["changes"][0]["kind"], "PROJECT");
    let older = server.data_with(query, &json!({ "before": newest }))["log"].clone();
    assert_eq!(older["entries"][0], graphql["entries"][1]);
    server.error("{ log(first: 101) { next } }", "invalid");
    server.error("{ log(changes: 0) { next } }", "invalid");
    server.error(r#"{ log(record: "ada") { next } }"#, "not-found");
}

#[test]
fn the_command_line_shows_it_on_a_store_and_from_a_server() {
    let folder = Folder::new();
    folder.write(
        "corp.ndjson",
        "{\"kind\":\"orgUnit\",\"key\":\"Corp\",\"name\":\"Corp\",\"type\":\"organization\"}\n{\"kind\":\"person\",\"email\":\"ada@corp.example\"}\n",
    );
    let store = ["--data", "corp.redb"];
    folder.clade(&["import", "corp.ndjson", "--data", "corp.redb"]).ok();
    folder
        .write("ada.ndjson", "{\"kind\":\"person\",\"email\":\"ada@corp.example\",\"firstName\":\"Ada\"}\n");
    folder.clade(&["import", "ada.ndjson", "--mode", "upsert", "--data", "corp.redb"]).ok();
    let log = |args: &[&str]| folder.clade(&[&["log"], args, &store].concat());
    let lines = log(&["-v"]).ok();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("2  ")
            && lines[0].ends_with("  local  updated person ada@corp.example  firstName: null → \"Ada\""),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("1  ") && lines[1].contains("  local  created orgUnit Corp  key: \"Corp\""),
        "{lines:?}"
    );
    assert!(lines[2].contains("created person ada@corp.example"), "{lines:?}");
    let short = log(&[]).ok();
    let short: Vec<&str> = short.lines().collect();
    assert!(
        short.len() == 2 && short[0].ends_with("  updated person ada@corp.example: firstName"),
        "{short:?}"
    );
    assert!(short[1].ends_with("  created orgUnit Corp; created person ada@corp.example"), "{short:?}");
    let one = log(&["--verbose", "--limit", "1", "--from", "1", "--changes", "1"]).ok();
    let one: Vec<&str> = one.lines().collect();
    assert!(one.len() == 2 && one[1].ends_with("and 1 more change"), "{one:?}");
    let one = log(&["--from", "1", "--changes", "1"]).ok();
    assert!(one.ends_with("  created 1 unit, 1 person\n"), "{one}");
    for record in ["person:ada@corp.example", "Ada@corp.example"] {
        let ada = log(&["--record", record, "--json"]).json();
        assert_eq!(
            told(&ada),
            ["local updated person ada@corp.example", "local created person ada@corp.example"]
        );
    }
    assert_eq!(log(&["--since", "1h", "--by", "local"]).ok().lines().count(), 2);
    assert_eq!(log(&["--until", "1h"]).ok(), "");
    assert!(log(&["--record", "person:"]).refusal(2).contains("KIND:KEY"));
    assert!(log(&["--record", "eve"]).refusal(1).contains("eve"));
    assert!(log(&["--since", "soon"]).refusal(2).contains("7d"));
    assert!(log(&["--limit", "0"]).refusal(2).contains("1..=100"));

    let server = Server::organisation();
    let url = format!("http://{}", server.address);
    let asked = ["log", "-v", "--record", "orgUnit:Steel", "--server", &url];
    let lines = folder.clade_with(&[("CLADE_TOKEN", &server.token)], &asked).ok();
    let admin = id(&server.token);
    assert!(
        lines.contains(&format!(
            "token:{admin}  created orgUnit Steel  key: \"Steel\", name: \"Steel\", type: \"squad\""
        )),
        "{lines}"
    );
    let reader = server.token_with(Role::Read);
    let refused = folder.clade_with(&[("CLADE_TOKEN", &reader)], &asked).refusal(1);
    assert!(refused.contains("admin"), "{refused}");
}

/// The messages of all changes on a page.
fn messages(log: &Value) -> Vec<String> {
    let sets =
        log["data"].as_array().unwrap().iter().flat_map(|entry| entry["changeSets"].as_array().unwrap());
    let changes = sets.flat_map(|set| set["changes"].as_array().unwrap());
    changes.map(|change| change["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_record_s_history_has_its_mappings_in_words() {
    let server = Server::start();
    let lines = [
        json!({"kind": "orgUnit", "key": "corp", "name": "Corp", "type": "organization"}),
        json!({"kind": "orgUnit", "key": "old", "name": "Old Home", "type": "group", "parents": ["corp"]}),
        json!({"kind": "orgUnit", "key": "new", "name": "New Home", "type": "group", "parents": ["corp"]}),
        json!({"kind": "orgUnit", "key": "team", "name": "Team", "type": "team", "parents": ["old"]}),
        json!({"kind": "person", "email": "ada@corp.example", "team": "Team"}),
    ];
    server.bulk("", &lines.map(|line| format!("{line}\n")).concat()).ok();
    server.data(r#"mutation { moveOrgUnit(id: "team", to: "new") { orgUnit { key } } }"#);
    assert_eq!(server.delete("/people/ada@corp.example").status, 204);

    let moved = "Team moved from Old Home to New Home";
    for (record, newest) in [("team", "ada@corp.example removed from Team"), ("old", moved), ("new", moved)] {
        assert_eq!(messages(&server.get(&format!("/log?record={record}")).ok())[0], newest, "{record}");
    }
    let team = messages(&server.get("/log?record=team").ok());
    assert_eq!(team[1..3], [moved, moved], "the end of one mapping and the begin of the other");
    assert!(team.contains(&"Team added to Old Home".to_owned()), "{team:?}");
    assert!(!team.iter().any(|message| message == "created orgUnit old"), "{team:?}");

    // Within a unit: what is below it, and what was deleted there.
    let within = messages(&server.get("/log?within=new").ok());
    assert!(within.contains(&"ended person ada@corp.example".to_owned()), "{within:?}");
    assert!(within.contains(&moved.to_owned()), "{within:?}");
    assert!(!within.contains(&"created orgUnit old".to_owned()), "{within:?}");
    let query = "query ($within: String) { log(within: $within) {
        entries { changeSets { changes { message } omitted summary { kind what count } } } } }";
    let graphql = server.data_with(query, &json!({"within": "new"}))["log"]["entries"].clone();
    let deleted = &graphql[0]["changeSets"][0];
    let ended = |kind| json!({"kind": kind, "what": "ENDED", "count": 1});
    assert_eq!(deleted["summary"], json!([ended("PERSON"), ended("MAPPING")]), "{deleted}");
}

#[test]
fn the_log_is_filtered_by_actor_and_time() {
    let server = Server::start();
    let writer = server.token_with(Role::Write);
    let headers = [("authorization", writer.as_str()), ("content-type", "application/json")];
    server.send_as("POST", "/people", &headers, Some(br#"{"email": "eve@corp.example"}"#)).ok();
    server.post("/people", &json!({"email": "ada@corp.example"})).ok();
    let by = |actor: &str| told(&server.get(&format!("/log?by={actor}")).ok());
    let expected = [format!("token:{} created person eve@corp.example", id(&writer))];
    assert_eq!(by(id(&writer)), expected);
    assert_eq!(by(&format!("token:{}", id(&writer))), expected);
    assert_eq!(by("jwt:nobody"), [""; 0]);
    let all = server.get("/log").ok();
    let at = |entry: usize| all["data"][entry]["at"].as_str().unwrap();
    let count = |query: String| server.get(&format!("/log?{query}")).ok()["data"].as_array().unwrap().len();
    let since = count(format!("since={}", at(0)));
    assert_eq!(since + count(format!("until={}", at(0))), all["data"].as_array().unwrap().len());
    assert!(since >= 1);
    assert_eq!(count("since=2000-01-01&until=2001-01-01".to_owned()), 0);
}
