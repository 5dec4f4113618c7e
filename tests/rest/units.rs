//! Org units over REST: hierarchy rules, references by key, external id, path or name, cycles, and error details.

use serde_json::{Value, json};

use crate::support::Server;

/// `Opsera > R&D > Core > Deep`.
fn opsera() -> Server {
    let server = Server::start();
    for (parent, child) in [("Opsera", "R&D"), ("R&D", "Core"), ("Core", "Deep")] {
        server.post("/org-hierarchy", &json!({"parent": parent, "child": child})).ok();
    }
    server
}

fn id_of(mapping: &Value) -> String {
    mapping["id"].as_str().expect("a mapping has an id").to_owned()
}

#[test]
fn a_duplicate_parent_is_one_parent() {
    let server = opsera();
    let twice = json!({"name": "Lab", "parents": ["R&D", "R&D", ["Opsera", "R&D"]]});
    server.post("/units", &twice).ok();
    server.bulk("", r#"{"kind":"orgUnit","name":"Den","parents":["Core","Opsera/R&D/Core"]}"#).ok();
    server.json("PATCH", "/units/Den", &json!({"parents": ["Lab", "Lab"]})).ok();
    server.json("PATCH", "/units/Den", &json!({"parents": []})).ok();
    server.json("PATCH", "/units/Lab", &json!({"parents": []})).ok();
    assert_eq!(server.get("/org-hierarchy").ok()["count"], 3, "nothing is left of either");
    let findings = server.directory.check().expect("it can be read").findings;
    assert_eq!(findings, Vec::<String>::new());
}

#[test]
fn a_cycle_is_refused_by_every_route_with_the_whole_path() {
    let server = opsera();
    let top = server.post("/org-hierarchy", &json!({"parent": "Holding", "child": "Opsera"})).ok();
    let top = format!("/mapping/{}", id_of(&top));
    let before = server.get("/org-hierarchy").ok();
    let whole = json!(["Deep", "Opsera", "R&D", "Core", "Deep"]);
    for (method, path, body, way) in [
        ("POST", "/org-hierarchy", json!({"parent": "Deep", "child": "Opsera"}), whole.clone()),
        ("POST", "/mapping", json!({"parent": "Deep", "child": "Opsera"}), whole.clone()),
        ("POST", "/mapping", json!({"attribute1": "Deep", "attribute2": "Opsera"}), whole.clone()),
        (
            "POST",
            "/mapping",
            json!({"attribute1": "Deep", "attribute2": "R&D", "mappingType": "parent-child"}),
            json!(["Deep", "R&D", "Core", "Deep"]),
        ),
        ("PUT", "/units/Opsera", json!({"name": "Opsera", "parents": ["Deep"]}), whole.clone()),
        ("PATCH", "/units/Opsera", json!({"parent": "Deep"}), whole.clone()),
        ("PATCH", "/units/Opsera", json!({"parents": ["Holding", ["R&D", "Deep"]]}), whole.clone()),
        ("PATCH", &top, json!({"attribute1": "Deep"}), whole.clone()),
        ("PUT", &top, json!({"parent": "Deep", "child": "Opsera"}), whole.clone()),
    ] {
        let problem = server.json(method, path, &body).problem(409, "cycle");
        assert_eq!(problem["path"], way, "{method} {path} {body}");
    }
    for (method, path, body) in [
        ("POST", "/org-hierarchy", json!({"parent": "Core", "child": "Core"})),
        ("POST", "/org-hierarchy", json!({"parent": "New", "child": "New"})),
        ("POST", "/units", json!({"name": "New", "parent": "New"})),
        ("PATCH", "/units/Core", json!({"parents": ["Core"]})),
        ("PUT", &top, json!({"parent": "Opsera", "child": "Opsera"})),
    ] {
        server.json(method, path, &body).problem(422, "self-parent");
    }
    assert_eq!(server.get("/org-hierarchy").ok(), before, "nothing was changed");
}

#[test]
fn a_unit_is_named_by_key_external_id_path_or_unique_name() {
    let server = Server::start();
    for unit in [
        json!({"key": "corp", "name": "Corp", "externalId": "hr:1"}),
        json!({"key": "a/b", "name": "A/B", "parent": "corp"}),
        json!({"key": "w1", "name": "Web", "parent": ["Corp", "A/B"]}),
        json!({"key": "w2", "name": "Web", "parent": "hr:1"}),
    ] {
        server.post("/units", &unit).ok();
    }
    for (named, key) in [
        ("corp", "corp"),
        ("hr%3A1", "corp"),
        ("Corp", "corp"),
        ("a%2Fb", "a/b"),
        ("A%2FB", "a/b"),
        ("a%2Fb%20", "a/b"),
    ] {
        assert_eq!(server.get(&format!("/units/{named}")).ok()["key"], key, "{named}");
    }
    let candidates = json!(["w1", "w2"]);
    for (method, path, body) in [
        ("GET", "/units/Web", Value::Null),
        ("GET", "/units/Web/descendants", Value::Null),
        ("GET", "/org-hierarchy?root=Web", Value::Null),
        ("GET", "/org-hierarchy?view=tree&root=Web", Value::Null),
        ("DELETE", "/units/Web", Value::Null),
        ("PATCH", "/units/Web", json!({"name": "W"})),
        ("POST", "/units", json!({"name": "Shop", "parent": "Web"})),
        ("POST", "/org-hierarchy", json!({"parent": "Web", "child": "Shop"})),
        (
            "POST",
            "/mapping",
            json!({"attribute1": "Web", "attribute2": "corp", "mappingType": "parent-child"}),
        ),
    ] {
        let answer = if body.is_null() {
            server.send(method, path, &[], None)
        } else {
            server.json(method, path, &body)
        };
        assert_eq!(answer.problem(409, "ambiguous")["candidates"], candidates, "{method} {path}");
    }
}

#[test]
fn keys_of_any_shape_go_through_every_path() {
    let server = Server::start();
    for (key, sent) in [
        ("R&D", "R%26D"),
        ("a/b/c", "a%2Fb%2Fc"),
        ("C++ & more", "C++%20%26%20more"),
        ("50% off", "50%25%20off"),
        ("研究開発", "%E7%A0%94%E7%A9%B6%E9%96%8B%E7%99%BA"),
        ("بحث", "%D8%A8%D8%AD%D8%AB"),
        ("🚀?#", "%F0%9F%9A%80%3F%23"),
        ("..", "%2E%2E"),
    ] {
        let made = server.post("/units", &json!({"key": key, "name": key})).ok();
        let path = format!("/units/{sent}");
        assert_eq!(server.get(&path).ok(), made, "{key}");
        let kid = json!({"parent": key, "child": format!("kid of {key}")});
        server.post("/org-hierarchy", &kid).ok();
        assert_eq!(server.keys(&format!("{path}/children"), "name"), [format!("kid of {key}")]);
        assert_eq!(
            server.keys(&format!("/org-hierarchy?root={}", sent.replace('+', "%2B")), "parent"),
            [key]
        );
        assert_eq!(server.json("PATCH", &path, &json!({"x": 1})).ok()["attributes"], json!({"x": 1}));
        server.delete(&format!("{path}?children=lift")).ok();
        server.get(&path).problem(404, "not-found");
    }
}

#[test]
fn unknown_fields_of_a_unit_are_kept_in_order() {
    let server = Server::start();
    let body =
        json!({"zebra": 1, "name": "Corp", "yak": {"x": [null, "\u{0}", 1.5]}, "type": "tribe", "ant": "é"});
    let made = server.post("/units", &body).ok();
    let names: Vec<_> = made["attributes"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["zebra", "yak", "ant"]);
    assert_eq!(made["attributes"]["yak"], body["yak"]);
    let patched = server.json("PATCH", "/units/Corp", &json!({"zebra": null, "yak": {"y": 2}})).ok();
    assert_eq!(patched["attributes"].to_string(), r#"{"yak":{"x":[null,"\u0000",1.5],"y":2},"ant":"é"}"#);
    let replaced = server.json("PUT", "/units/Corp", &json!({"attributes": {"only": true}})).ok();
    assert_eq!((&replaced["attributes"], &replaced["type"]), (&json!({"only": true}), &json!("tribe")));
}

#[test]
fn a_unit_moves_and_takes_its_subtree_along() {
    let server = opsera();
    server.post("/people", &json!({"email": "ada@corp"})).ok();
    server.post("/mapping", &json!({"attribute1": "ada@corp", "attribute2": "Deep"})).ok();
    server.post("/units", &json!({"name": "Labs", "type": "organization"})).ok();
    server.json("PATCH", "/units/Core", &json!({"parents": ["Labs", "R&D"]})).ok();
    for unit in ["Opsera", "Labs"] {
        assert_eq!(server.get(&format!("/units/{unit}")).ok()["totals"]["people"], 1, "{unit}");
    }
    server.json("PATCH", "/units/Core", &json!({"parent": "Labs"})).ok();
    assert_eq!(server.get("/units/Opsera").ok()["totals"]["people"], 0);
    assert_eq!(server.get("/people/ada@corp").ok()["organization"], "Labs");
    server.delete("/units/Labs").problem(409, "not-empty");
    let lifted = server.delete("/units/Labs?children=lift").ok();
    assert_eq!(lifted, json!({"lifted": 1, "endedUnits": 0, "endedPlacements": 0}));
    assert_eq!(server.get("/units/Core").ok()["parents"], json!([]));
    assert_eq!(server.keys("/units/Core/people", "email"), ["ada@corp"]);
}

#[test]
fn a_conflict_names_the_existing_record() {
    let server = opsera();
    let link = json!({"parent": "Opsera", "child": "R&D"});
    let made = server.get("/org-hierarchy?root=Opsera&depth=1").ok()["data"][0].clone();
    let problem = server.post("/org-hierarchy", &link).problem(409, "duplicate");
    assert_eq!((&problem["key"], &problem["id"]), (&json!("Opsera > R&D"), &made["id"]));
    assert_eq!(server.post("/units", &json!({"name": "Core"})).problem(409, "duplicate")["key"], "Core");
    let taken = server.json("PATCH", "/units/Deep", &json!({"key": "Core"}));
    assert_eq!(taken.problem(409, "duplicate")["key"], "Core");
    let renamed = server.json("PATCH", "/units/Deep", &json!({"key": "Deeper"})).ok();
    assert_eq!((&renamed["key"], &renamed["name"]), (&json!("Deeper"), &json!("Deep")));
    server.get("/units/Nowhere").problem(404, "not-found");
}

#[test]
fn both_editions_say_which_relationship_holds() {
    let server = Server::start();
    let link = json!({"parent": "A", "child": "B", "relationship": "one-to-many"});
    let made = server.post("/mapping", &link).ok();
    assert_eq!(made["relationship"], "one-to-many");
    let path = format!("/mapping/{}", id_of(&made));
    assert_eq!(server.delete(&path).status, 204);
    let again = server.post("/mapping", &made);
    // The answer holds dates of its own past, which are taken as they were given out.
    assert_eq!(again.ok()["relationship"], "one-to-many");
    let other = json!({"parent": "C", "child": "D", "mappingType": "people-org"});
    assert_eq!(server.post("/org-hierarchy", &other).problem(422, "invalid")["field"], "mappingType");
    let plain = server.post("/org-hierarchy", &json!({"parent": "C", "child": "D"})).ok();
    assert_eq!(plain["relationship"], "org-hierarchy");
}

#[test]
fn bad_units_are_refused_by_field() {
    let server = opsera();
    for (body, code, field) in [
        (json!({}), "missing-field", "name"),
        (json!({"name": 7}), "invalid", "name"),
        (json!({"name": "U", "type": []}), "invalid", "type"),
        (json!({"name": "U", "key": ""}), "invalid", "key"),
        (json!({"name": "U\u{0}"}), "invalid", "name"),
        (json!({"name": "x".repeat(600)}), "invalid", "name"),
        (json!({"name": "U", "parents": "Opsera"}), "invalid", "parents"),
        (json!({"name": "U", "parents": [7]}), "invalid", "parents"),
        (json!({"name": "U", "parent": "Nope"}), "unknown-unit", "parents"),
        (json!({"name": "U", "parent": "Core", "parents": []}), "invalid", "parent"),
        (json!({"name": "U", "validFrom": "2027-01-01"}), "dates-not-supported", "validFrom"),
    ] {
        assert_eq!(server.post("/units", &body).problem(422, code)["field"], field, "{body}");
    }
    assert_eq!(server.get("/units").ok()["count"], 4);
}

#[test]
fn parent_together_with_parents_is_refused() {
    let server = opsera();
    let both = json!({"name": "Lab", "parent": "Core", "parents": ["R&D"]});
    let problem = server.post("/units", &both).problem(422, "invalid");
    assert_eq!(problem["detail"], r#"parent "Core" cannot be combined with parents; send one of the two"#);
}

#[test]
fn a_hierarchy_has_a_maximum_depth() {
    let server = Server::start();
    let chain = |name: char, units: usize| -> String {
        let unit = |at: usize| {
            let parents: Vec<String> =
                at.checked_sub(1).map(|at| format!("{name}{at}")).into_iter().collect();
            let key = format!("{name}{at}");
            json!({ "kind": "orgUnit", "key": key, "name": key, "type": "team", "parents": parents })
                .to_string()
        };
        (0..units).map(unit).collect::<Vec<_>>().join("\n")
    };
    let too_deep = |problem: Value| {
        let first = if problem["code"] == "refused" { &problem["refused"][0] } else { &problem };
        assert_eq!(first["code"], "too-deep", "{problem}");
    };
    too_deep(server.bulk("", &chain('b', 2_100)).problem(422, "refused"));
    server.bulk("", &chain('a', 2_000)).ok();
    server.bulk("", &chain('c', 49)).ok();
    // 2,000 levels and 49 are one too many, wherever they meet; without the highest of the 49 they fit.
    let link = |parent: &str, child: &str| {
        server.post("/org-hierarchy", &json!({ "parent": parent, "child": child }))
    };
    too_deep(link("a1999", "c0").problem(422, "too-deep"));
    too_deep(link("c48", "a0").problem(422, "too-deep"));
    link("a1999", "c1").ok();
    too_deep(
        server
            .bulk("", &json!({ "kind": "orgUnit", "name": "one more", "parents": ["c48"] }).to_string())
            .problem(422, "refused"),
    );
    server.bulk("", &json!({ "kind": "orgUnit", "name": "beside", "parents": ["c47"] }).to_string()).ok();
}

#[test]
fn a_mapping_is_turned_around_above_thousands_of_units() {
    let server = Server::start();
    let unit = |key: &str, parents: &[&str]| {
        json!({ "kind": "orgUnit", "key": key, "name": key, "type": "team", "parents": parents }).to_string()
    };
    let mut lines = vec![unit("Corp", &[]), unit("X", &["Corp"])];
    lines.extend((0..2_100).map(|at| unit(&format!("u{at}"), &["Corp"])));
    server.bulk("", &lines.join("\n")).ok();
    let mapping = id_of(&server.get("/org-hierarchy?root=Corp&depth=1&limit=1").ok()["data"][0]);
    let turned = server
        .json("PATCH", &format!("/mapping/{mapping}"), &json!({ "attribute1": "X", "attribute2": "Corp" }))
        .ok();
    assert_eq!((&turned["attribute1"], &turned["attribute2"]), (&json!("X"), &json!("Corp")));
    assert_eq!(server.keys("/units/Corp/ancestors", "key"), ["X"]);
}

#[test]
fn the_caller_says_what_becomes_of_what_is_beneath_a_deleted_unit() {
    let start = || {
        let server = Server::start();
        let lines = [
            json!({"kind": "orgUnit", "name": "Corp", "type": "organization"}),
            json!({"kind": "orgUnit", "name": "Other", "type": "organization"}),
            json!({"kind": "orgUnit", "name": "Dep", "type": "department", "parents": ["Corp"]}),
            json!({"kind": "orgUnit", "name": "T1", "type": "team", "parents": ["Dep"]}),
            json!({"kind": "orgUnit", "name": "T2", "type": "team", "parents": ["Dep", "Other"]}),
            json!({"kind": "orgUnit", "name": "T3", "type": "team", "parents": ["T1", "T2"]}),
            json!({"kind": "orgUnit", "name": "T4", "type": "team", "parents": ["T1", "Dep"]}),
            json!({"kind": "person", "email": "a@corp.example", "team": "T1"}),
            json!({"kind": "person", "email": "b@corp.example", "department": "Dep"}),
            json!({"kind": "project", "projectId": "p", "projectName": "P", "team": "T1"}),
        ];
        server.bulk("", &lines.map(|line| line.to_string()).join("\n")).ok();
        server
    };
    let keys = |server: &Server| server.keys("/units", "key");

    let server = start();
    let before = keys(&server);
    for path in ["/units/Dep", "/units/Dep?children=refuse"] {
        let refused = server.delete(path).problem(409, "not-empty");
        assert_eq!(
            [&refused["units"], &refused["people"], &refused["projects"]],
            [&json!(3), &json!(1), &json!(0)]
        );
        assert!(refused["detail"].as_str().unwrap().contains("T1"), "{refused}");
    }
    server.delete("/units/Dep?children=all").problem(400, "invalid");
    assert_eq!(keys(&server), before);
    assert_eq!(server.delete("/units/T3").status, 204);

    let server = start();
    let lifted = server.delete("/units/Dep?children=lift").ok();
    assert_eq!(lifted, json!({"lifted": 4, "endedUnits": 0, "endedPlacements": 0}));
    assert_eq!(server.get("/units/T1").ok()["parents"], json!(["Corp"]));
    assert_eq!(server.get("/units/T2").ok()["parents"], json!(["Other", "Corp"]));
    assert_eq!(server.get("/people/b@corp.example").ok()["organization"], "Corp");
    assert_eq!(server.get("/people/a@corp.example").ok()["team"], "T1");

    let server = start();
    let ended = server.delete("/units/Dep?children=end").ok();
    // T2 is held by Other, and T3 by T2; T4 is held by what ends alone.
    assert_eq!(ended, json!({"lifted": 0, "endedUnits": 2, "endedPlacements": 3}));
    assert_eq!(keys(&server), ["Corp", "Other", "T2", "T3"]);
    assert_eq!(server.get("/people/a@corp.example").ok()["team"], Value::Null);
    assert_eq!(server.get("/units/T3").ok()["parents"], json!(["T2"]));
    assert_eq!(server.directory.check().unwrap().findings, Vec::<String>::new());
}
