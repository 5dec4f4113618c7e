//! Texts over REST and GraphQL: one form of keys and names, search without marks, order, spellings of URLs, level names.

use serde_json::{Value, json};

use crate::support::{Server, strings};

fn people(server: &Server, names: &[(&str, &str)]) {
    for (email, name) in names {
        server.post("/people", &json!({"email": email, "displayName": name})).ok();
    }
}

#[test]
fn a_name_is_one_however_it_is_composed() {
    let server = Server::start();
    for (email, team) in [("a@corp", "Zürich"), ("b@corp", "Zu\u{308}rich"), ("c@corp", "ZÜRICH  ")] {
        server.post("/people", &json!({"email": email, "organization": "Corp", "team": team})).ok();
    }
    assert_eq!(server.keys("/units", "name"), ["Corp", "Zürich"]);
    assert_eq!(server.keys("/people?team=zu%CC%88rich", "email"), ["a@corp", "b@corp", "c@corp"]);
    let teams = server.get("/filters?of=people&facet=team").ok();
    assert_eq!(strings(&teams, "/team/*/value"), ["Zürich"], "{teams}");
    server
        .post("/units", &json!({"key": "zürich", "name": "Elsewhere", "type": "team"}))
        .problem(409, "duplicate");
    server.post("/project", &json!({"projectId": "Cart", "projectName": "Cart"})).ok();
    server.post("/project", &json!({"projectId": "CART", "projectName": "Cart"})).problem(409, "duplicate");
    assert_eq!(server.get("/project/cart").ok()["projectId"], "Cart");
    server.json("PATCH", "/project/cart", &json!({"projectId": "cart"})).ok();
    assert_eq!(server.get("/project/CART").ok()["projectId"], "cart");
}

#[test]
fn a_search_needs_no_marks_through_every_door() {
    let server = Server::start();
    people(
        &server,
        &[
            ("1@corp", "Åse Łódź"),
            ("2@corp", "Νίκος Οδός"),
            ("3@corp", "İstanbul Straße"),
            ("4@corp", "Zoe\u{308} Müller"),
        ],
    );
    for (text, email) in [
        ("ase", "1@corp"),
        ("LODZ", "1@corp"),
        ("åse", "1@corp"),
        ("ΝΙΚΟΣ", "2@corp"),
        ("νικος", "2@corp"),
        ("οδοσ", "2@corp"),
        ("ΟΔΟΣ", "2@corp"),
        ("istanbul", "3@corp"),
        ("STRASSE", "3@corp"),
        ("zoë", "4@corp"),
        ("Mu\u{308}ller", "4@corp"),
        ("muller", "4@corp"),
    ] {
        let encoded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        assert_eq!(server.keys(&format!("/people?q={encoded}"), "email"), [email], "{text}");
        let query = "query ($text: String!) {
            people(filter: {displayName: {contains: $text}}) { nodes { email } }
            search(text: $text, kinds: [PERSON]) { node { ... on Person { email } } }
        }";
        let data = server.data_with(query, &json!({ "text": text }));
        assert_eq!(data["people"]["nodes"], json!([{ "email": email }]), "{text}");
        assert_eq!(data["search"][0]["node"]["email"], email, "{text}");
    }
}

#[test]
fn names_sort_by_the_root_collation_on_every_page() {
    let server = Server::start();
    let sorted = ["_x", "1st", "Äpfel", "apple", "eclair", "Éclair", "Ofen", "Öl", "zoo", "Ωmega", "研究"];
    let mut names: Vec<_> =
        sorted.iter().enumerate().map(|(at, name)| (format!("{at}@corp"), *name)).collect();
    names.reverse();
    for (email, name) in &names {
        server.post("/people", &json!({"email": email, "displayName": name})).ok();
    }
    assert_eq!(server.keys("/people?sort=displayName", "displayName"), sorted);
    let mut found: Vec<String> = Vec::new();
    let mut after = Value::Null;
    loop {
        let query = "query ($after: String) {
            people(first: 2, after: $after, orderBy: {field: DISPLAY_NAME}) {
                nodes { displayName } pageInfo { endCursor hasNextPage }
            }
        }";
        let data = server.data_with(query, &json!({ "after": after }));
        found.extend(strings(&data, "/people/nodes/*/displayName"));
        after = data["people"]["pageInfo"]["endCursor"].clone();
        if data["people"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(found, sorted);
}

#[test]
fn a_repository_is_found_in_any_spelling_and_claimed_by_one() {
    let server = Server::start();
    let project = |id: &str, url: &str| json!({"projectId": id, "projectName": id, "assets": {"repositories": [{ "url": url }]}});
    server.post("/project", &project("web", "https://github.com/Acme/Web-App.git")).ok();
    let query = "query ($url: String!) { repository(url: $url) { project { projectId } } }";
    for url in [
        "https://github.com/acme/web-app",
        "git@github.com:ACME/Web-app.git",
        "ssh://git@ssh.github.com:443/Acme/Web-App.git",
        "https://www.github.com/Acme/Web-App/tree/main/src",
        "https://github.com/Acme/Web-App?tab=readme#usage",
    ] {
        let data = server.data_with(query, &json!({ "url": url }));
        assert_eq!(data["repository"]["project"]["projectId"], "web", "{url}");
    }
    server.post("/project", &project("second", "https://github.com/acme/WEB-APP")).ok();
    let error = server.error("{ repository(url: \"github.com/acme/web-app\") { name } }", "ambiguous");
    assert!(error["message"].as_str().unwrap().contains("2 projects: \"second\", \"web\""), "{error}");
    let both = "{ repositories(filter: {url: {eq: \"github.com/acme/web-app\"}}) { totalCount } }";
    assert_eq!(server.data(both)["repositories"]["totalCount"], 2);
}

#[test]
fn a_level_field_is_a_name_and_not_a_former_one() {
    let server = Server::start();
    server.post("/people", &json!({"email": "a@corp", "organization": "Corp", "team": "Alpha"})).ok();
    server.json("PATCH", "/units/Alpha", &json!({"name": "Omega"})).ok();
    let hire = json!({"email": "neo@corp", "organization": "Corp", "team": "Alpha"});
    let problem = server.post("/people", &hire).problem(422, "invalid");
    assert_eq!(problem["field"], "team");
    assert!(problem["detail"].as_str().unwrap().contains("the key of \"Omega\" (team)"), "{problem}");
    server.post("/units", &json!({"key": "alpha-2", "name": "Alpha", "type": "team", "parent": "Corp"})).ok();
    server.post("/people", &hire).ok();
    assert_eq!(server.keys("/units/alpha-2/people", "email"), ["neo@corp"]);
    assert_eq!(server.keys("/people?team=Alpha", "email"), ["neo@corp"]);
    assert_eq!(server.keys("/people?team=Omega", "email"), ["a@corp"]);
    // The key of a unit of another level makes no second unit of that name.
    server
        .post("/units", &json!({"key": "corp/bots", "name": "bots", "type": "group", "parent": "Corp"}))
        .ok();
    server.post("/people", &json!({"email": "b@corp", "team": "corp/bots"})).problem(422, "invalid");
    assert_eq!(server.keys("/units", "key"), ["Corp", "Alpha", "alpha-2", "corp/bots"]);
}

#[test]
fn units_without_keys_are_told_by_their_place() {
    let server = Server::start();
    let lines = r#"
{"kind":"orgUnit","name":"Corp","type":"organization"}
{"kind":"orgUnit","name":"Retail","type":"business","parent":"Corp"}
{"kind":"orgUnit","name":"Web","type":"business","parent":"Corp"}
{"kind":"orgUnit","name":"Platform","type":"team","parent":"Retail"}
{"kind":"orgUnit","name":"Platform","type":"team","parent":"Web"}
"#;
    for mode in ["", "?mode=upsert", "?mode=upsert"] {
        let answer = server.bulk(mode, lines).ok();
        assert_eq!(answer["created"], if mode.is_empty() { 5 } else { 0 }, "{answer}");
        let keys = ["Corp", "Retail", "Web", "Platform", "Corp/Web/Platform"];
        assert_eq!(server.keys("/units", "key"), keys);
    }
}

#[test]
fn a_made_key_is_never_too_long() {
    let server = Server::start();
    let long = |letter: &str| letter.repeat(140);
    for business in ["b", "c"] {
        let person = json!({"email": format!("{business}@corp"), "organization": long("o"),
            "business": long(business), "department": long("d"), "group": long("g"), "team": long("t")});
        server.post("/people", &person).ok();
    }
    let keys = server.keys("/units", "key");
    assert_eq!(keys.len(), 9);
    assert!(keys.iter().all(|key| key.chars().count() <= 512));
    assert!(keys.iter().any(|key| key.starts_with('…') && key.ends_with(&long("t"))), "{keys:?}");
}

#[test]
fn the_doctor_tells_of_names_that_look_alike() {
    let server = Server::start();
    for (key, name, parent) in [
        ("corp", "Corp", None),
        ("one", "Platform", Some("corp")),
        ("two", "Pl\u{430}tform", Some("corp")),
        ("elsewhere", "Pl\u{430}tform", Some("one")),
    ] {
        server.post("/units", &json!({"key": key, "name": name, "type": "group", "parent": parent})).ok();
    }
    people(&server, &[("ada@corp", "Ada"), ("\u{430}da@corp", "Ada"), ("eve@corp", "Eve")]);
    let found = server.get("/doctor?code=look-alike").ok();
    let keys = |at: usize| strings(&found["data"][at], "/records/*/key");
    assert_eq!(found["data"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(keys(0), ["one", "two"]);
    assert_eq!(keys(1), ["ada@corp", "\u{430}da@corp"]);
}
