//! GraphQL change sets: `apply` is atomic, and several mutations in one request run one after another.

use serde_json::{Value, json};

use crate::support::{Server, strings};

#[test]
fn a_change_set_is_atomic() {
    let server = Server::organisation();
    let before = server.data("{ revision }")["revision"].clone();
    let apply = "mutation ($changes: [ChangeInput!]!, $dry: Boolean!) { apply(changes: $changes, dryRun: $dry) { dryRun revision results { effect node { __typename ... on OrgUnit { key totals { people } } ... on Person { email team { name } } } } } }";
    let changes = json!([
        {"createOrgUnit": {"key": "New", "type": "team", "parents": ["Steel"]}},
        {"createPerson": {"email": "new@aurora.example", "units": ["New"]}},
        {"updatePerson": {"id": "new@aurora.example", "firstName": "New"}},
        {"moveOrgUnit": {"id": "New", "to": "Digital"}},
        {"createPerson": {"email": "new@aurora.example", "upsert": true}},
        {"deletePerson": {"id": "zoe@aurora.example"}},
    ]);
    let dry = server.data_with(apply, &json!({"changes": changes, "dry": true}))["apply"].clone();
    assert_eq!((&dry["dryRun"], &dry["revision"]), (&json!(true), &before));
    assert_eq!(
        strings(&dry, "/results/*/effect"),
        ["CREATED", "CREATED", "UPDATED", "UPDATED", "UNCHANGED", "DELETED"]
    );
    assert_eq!(
        dry["results"][1]["node"],
        json!({"__typename": "Person", "email": "new@aurora.example", "team": {"name": "New"}})
    );
    assert_eq!(dry["results"][5]["node"], Value::Null);
    let unchanged = server.data(r#"{ revision person(email: "new@aurora.example") { id } zoe: person(email: "zoe@aurora.example") { email } }"#);
    assert_eq!(
        unchanged,
        json!({"revision": before, "person": null, "zoe": {"email": "zoe@aurora.example"}})
    );

    let done = server.data_with(apply, &json!({"changes": changes, "dry": false}))["apply"].clone();
    assert_eq!(done["results"], dry["results"]);
    assert_eq!((&done["dryRun"], &done["revision"]), (&json!(false), &json!(before.as_u64().unwrap() + 1)));
    assert_eq!(
        server.data(r#"{ orgUnit(by: {key: "New"}) { totals { people } } }"#)["orgUnit"]["totals"]["people"],
        1
    );

    let broken = json!([{"createOrgUnit": {"key": "Late"}}, {"createMapping": {"from": "site", "to": "no@body.example", "mappingType": "PROJECT_PEOPLE"}}]);
    for dry in [true, false] {
        let error = server.error_with(apply, &json!({"changes": broken, "dry": dry}), "refused");
        assert_eq!(error["extensions"]["refused"][0]["index"], 1);
        assert_eq!(error["extensions"]["refused"][0]["code"], "unknown-person");
        assert_eq!(
            (&error["extensions"]["total"], &error["extensions"]["refusedCount"]),
            (&json!(2), &json!(1))
        );
        // A single change, and a change set that is refused before it reaches the directory, give the same error.
        let single = server.error_with(apply, &json!({"changes": [broken[1]], "dry": dry}), "refused");
        assert_eq!(single["extensions"]["refused"][0]["code"], "unknown-person");
        let ill = json!([{"createPerson": {"email": "a@b"}}, {"createPerson": {"email": "x"}}, {"createPerson": {"email": ""}}]);
        let ill = server.error_with(apply, &json!({"changes": ill, "dry": dry}), "refused");
        assert_eq!(strings(&ill, "/extensions/refused/*/index"), ["1", "2"]);
        assert_eq!(strings(&ill, "/extensions/refused/*/code"), ["invalid", "invalid"]);
    }
    assert_eq!(server.data(r#"{ orgUnit(by: {key: "Late"}) { id } }"#)["orgUnit"], Value::Null);
    server.refusal_with(apply, &json!({"changes": [{}], "dry": false}), "invalid-query");
    server.refusal_with(
        apply,
        &json!({"changes": [{"deletePerson": {"id": "a"}, "deleteProject": {"id": "a"}}], "dry": false}),
        "invalid-query",
    );
    let many: Vec<_> = (0..10_001).map(|n| json!({"deletePerson": {"id": format!("{n}@b")}})).collect();
    let short = "mutation ($changes: [ChangeInput!]!) { apply(changes: $changes) { revision } }";
    assert_eq!(
        server.error_with(short, &json!({ "changes": many }), "malformed")["extensions"]["limit"],
        10_000
    );
    assert_eq!(server.data_with(short, &json!({"changes": []}))["apply"]["revision"], done["revision"]);
}

#[test]
fn a_change_set_counts_what_it_did_to_other_records() {
    let server = Server::start();
    let apply = "mutation ($changes: [ChangeInput!]!, $dry: Boolean, $new: Boolean) { apply(changes: $changes, dryRun: $dry, newUnits: $new) { results { effect } summary { units { created moved } people { created } mappings { created } made madeCount secondParents secondParentsCount } } }";
    let changes = json!([{"createPerson": {"email": "ann@corp.example", "team": "Nope"}}]);
    let of = |dry: bool| json!({"changes": changes, "dry": dry});
    let dry = server.data_with(apply, &of(true));
    let done = server.data_with(apply, &of(false));
    assert_eq!(dry, done);
    assert_eq!(
        done["apply"]["summary"],
        json!({"units": {"created": 1, "moved": 0}, "people": {"created": 1}, "mappings": {"created": 1},
            "made": ["unit Nope (team, no parent)"], "madeCount": 1, "secondParents": [], "secondParentsCount": 0})
    );
    let other =
        json!({"changes": [{"createPerson": {"email": "bob@corp.example", "team": "Nop"}}], "new": false});
    let error = server.error_with(apply, &other, "refused");
    assert_eq!(error["extensions"]["refused"][0]["code"], "unknown-unit");
}

#[test]
fn several_mutations_run_one_after_the_other_and_each_stands_alone() {
    let server = Server::start();
    let answer = server.ask(
        r#"mutation { a: createOrgUnit(input: {key: "a"}) { orgUnit { key } } b: createOrgUnit(input: {key: "a"}) { orgUnit { key } } }"#,
        &Value::Null,
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.value()["errors"][0]["path"], json!(["b"]));
    assert_eq!(server.data("{ orgUnits { totalCount } }")["orgUnits"]["totalCount"], 1);
}

/// The global ids of a unit, a person, a project and a mapping between them, which are created, read and deleted.
fn ids_of_what_was_there(server: &Server) -> Value {
    let made = server.data(
        r#"mutation {
            unit: createOrgUnit(input: {key: "lab"}) { orgUnit { id } }
            person: createPerson(input: {email: "new@aurora.example"}) { person { id } }
            project: createProject(input: {projectId: "probe", projectName: "Probe"}) { project { id } }
        }"#,
    );
    let ids = json!({
        "unit": made["unit"]["orgUnit"]["id"],
        "person": made["person"]["person"]["id"],
        "project": made["project"]["project"]["id"],
    });
    server.data_with(
        "mutation ($unit: ID!, $person: ID!, $project: ID!) {
            deleteOrgUnit(input: {id: $unit}) { revision }
            deletePerson(input: {id: $person}) { revision }
            deleteProject(input: {id: $project}) { revision }
        }",
        &ids,
    );
    ids
}

#[test]
fn a_mutation_names_by_global_id_what_the_one_before_it_made() {
    let server = Server::organisation();
    let ids = ids_of_what_was_there(&server);
    let made = server.data_with(
        r#"mutation ($unit: ID!, $person: ID!, $project: ID!) {
            createOrgUnit(input: {key: "lab"}) { revision }
            createPerson(input: {email: "new@aurora.example", units: [$unit]}) { revision }
            createProject(input: {projectId: "probe", projectName: "Probe"}) { revision }
            createMapping(input: {from: $project, to: $person}) { mapping { mappingType } }
            updateOrgUnit(input: {id: $unit, name: "The Lab"}) { orgUnit { totals { people } } }
        }"#,
        &ids,
    );
    assert_eq!(made["createMapping"]["mapping"]["mappingType"], "PROJECT_PEOPLE");
    assert_eq!(made["updateOrgUnit"]["orgUnit"]["totals"]["people"], 1);
}

#[test]
fn a_change_of_a_set_names_by_global_id_what_an_earlier_one_made() {
    let server = Server::organisation();
    let ids = ids_of_what_was_there(&server);
    let (unit, person, project) = (&ids["unit"], &ids["person"], &ids["project"]);
    let changes = json!({"changes": [
        {"createOrgUnit": {"key": "lab"}},
        {"moveOrgUnit": {"id": unit, "to": "Carbon"}},
        {"createPerson": {"email": "new@aurora.example", "units": [unit]}},
        {"createProject": {"projectId": "probe", "projectName": "Probe", "units": [unit]}},
        {"createMapping": {"from": project, "to": person}},
        {"updateProject": {"id": project, "projectName": "Probes"}},
        {"updatePerson": {"id": person, "firstName": "Noa"}},
        {"linkOrgUnits": {"parent": unit, "child": "Bench"}},
    ]});
    for dry_run in [true, false] {
        let apply = format!(
            "mutation ($changes: [ChangeInput!]!) {{ apply(changes: $changes, dryRun: {dry_run}) {{ results {{ effect }} }} }}"
        );
        let done = server.data_with(&apply, &changes);
        assert_eq!(done["apply"]["results"].as_array().map(Vec::len), Some(8));
    }
    let lab = server.data(r#"{ orgUnit(by: {key: "lab"}) { totals { units people projects } } }"#);
    assert_eq!(lab["orgUnit"]["totals"], json!({"units": 1, "people": 1, "projects": 1}));
    let wrong = json!({"changes": [{"createMapping": {"from": unit, "to": person, "mappingType": "PROJECT_PEOPLE"}}]});
    let apply = "mutation ($changes: [ChangeInput!]!) { apply(changes: $changes) { revision } }";
    let error = server.error_with(apply, &wrong, "refused");
    assert_eq!(error["extensions"]["refused"][0]["code"], "wrong-end", "{error}");
}

#[test]
fn reads_before_a_dry_run_release_the_permits_that_it_needs() {
    let server = Server::start();
    let person =
        |at| format!("{}\n", json!({"kind": "person", "email": format!("p{at}@x.example"), "team": "Lab"}));
    server.bulk("", &(0..500).map(person).collect::<String>()).ok();
    let told = server.data(
        r#"mutation {
            read: updateOrgUnit(input: {id: "Lab", name: "The Lab"}) { orgUnit { people(first: 500) { nodes { email firstName lastName } } } }
            tried: apply(dryRun: true, changes: [{createOrgUnit: {key: "k"}}]) { results { effect } }
        }"#,
    );
    assert_eq!(told.pointer("/read/orgUnit/people/nodes").unwrap().as_array().unwrap().len(), 500);
    assert_eq!(strings(&told, "/tried/results/*/effect"), ["CREATED"]);
}
