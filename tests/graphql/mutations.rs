//! GraphQL mutations: each one with its result, its errors and their codes.

use clade::model::token::Role;
use serde_json::{Value, json};

use crate::support::{Server, strings};

#[test]
fn a_duplicate_parent_is_one_parent() {
    let server = Server::organisation();
    let made = server.data(
        r#"mutation { createOrgUnit(input: {name: "Lab", parents: ["Bikes", "Bikes", "Aurora/Bikes"]}) { orgUnit { parents { key } } } }"#,
    );
    assert_eq!(strings(&made, "/createOrgUnit/orgUnit/parents/*/key"), ["Bikes"]);
    let changed = server.data(
        r#"mutation { updateOrgUnit(input: {id: "Lab", parents: ["hr-1", "Bikes", "aurora", "Aurora"]}) { orgUnit { parents { key } } } }"#,
    );
    assert_eq!(strings(&changed, "/updateOrgUnit/orgUnit/parents/*/key"), ["Bikes", "aurora"]);
    assert_eq!(server.directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_unit_is_created_updated_moved_and_deleted() {
    let server = Server::organisation();
    let made = server.data(
        r#"mutation { createOrgUnit(input: {name: "R&D / Lab", type: "Application", externalId: "x-1", attributes: {floor: 3}, parents: ["Aurora/Digital", "Bikes"]})
            { orgUnit { id key name type level externalId attributes parents { name } } revision } }"#,
    );
    let unit = &made["createOrgUnit"]["orgUnit"];
    assert_eq!(
        (&unit["key"], &unit["type"], &unit["level"]),
        (&json!("R&D / Lab"), &json!("department"), &json!(3))
    );
    assert_eq!(unit["attributes"], json!({"floor": 3}));
    assert_eq!(strings(unit, "/parents/*/name"), ["Digital", "Bikes"]);
    assert_eq!(made["createOrgUnit"]["revision"], server.data("{ revision }")["revision"]);
    server.error(r#"mutation { createOrgUnit(input: {name: "R&D / Lab"}) { revision } }"#, "duplicate");
    server.error(r"mutation { createOrgUnit(input: {}) { revision } }", "missing-field");
    let merged = server.data(
        r#"mutation { createOrgUnit(input: {key: "R&D / Lab", name: "Lab", upsert: true}) { orgUnit { name type } } }"#,
    );
    assert_eq!(merged["createOrgUnit"]["orgUnit"], json!({"name": "Lab", "type": "department"}));

    let seen = server.data(r#"{ orgUnit(by: {key: "R&D / Lab"}) { version } }"#);
    let change = "mutation ($input: UpdateOrgUnitInput!) { updateOrgUnit(input: $input) { orgUnit { key name type externalId attributes parents { name } version } } }";
    let changed = server.data_with(
        change,
        &json!({"input": {"id": unit["id"], "key": "lab", "type": "tribe", "externalId": null, "attributes": {"floor": null, "seats": 9}, "parents": ["Frames"]}}),
    );
    let changed = &changed["updateOrgUnit"]["orgUnit"];
    assert_eq!(
        (&changed["key"], &changed["name"], &changed["type"]),
        (&json!("lab"), &json!("Lab"), &json!("tribe"))
    );
    assert_eq!((&changed["externalId"], &changed["attributes"]), (&Value::Null, &json!({"seats": 9})));
    assert_eq!(strings(changed, "/parents/*/name"), ["Frames"]);
    let stale = json!({"input": {"id": "lab", "name": "x", "ifRevision": seen["orgUnit"]["version"]}});
    server.error_with(change, &stale, "precondition-failed");
    for wrong in [json!("588"), json!("588.1A"), json!(-1), json!(true)] {
        let input = json!({"input": {"id": "lab", "name": "x", "ifRevision": wrong}});
        server.refusal_with(change, &input, "invalid-query");
    }
    let fresh = json!({"input": {"id": "lab", "name": "Labs", "ifRevision": changed["version"]}});
    assert_eq!(server.data_with(change, &fresh)["updateOrgUnit"]["orgUnit"]["name"], "Labs");
    server.error_with(change, &json!({"input": {"id": "nothing", "name": "x"}}), "not-found");

    let moved = server
        .data(r#"mutation { moveOrgUnit(id: "lab", to: "Carbon") { orgUnit { ancestors { name } } } }"#);
    assert_eq!(
        strings(&moved, "/moveOrgUnit/orgUnit/ancestors/*/name"),
        ["Aurora", "Bikes", "Frames", "Carbon"]
    );
    server.error(r#"mutation { deleteOrgUnit(input: {id: "Frames"}) { revision } }"#, "not-empty");
    let ended = server.data(
        r#"mutation { deleteOrgUnit(input: {id: "lab", children: END}) { deletedId lifted endedUnits endedPlacements } }"#,
    );
    let expected = json!({"deletedId": "lab", "lifted": 0, "endedUnits": 0, "endedPlacements": 0});
    assert_eq!(ended["deleteOrgUnit"], expected);
    assert_eq!(server.data(r#"{ orgUnit(by: {key: "lab"}) { id } }"#)["orgUnit"], Value::Null);
    server.error(r#"mutation { deleteOrgUnit(input: {id: "lab"}) { revision } }"#, "not-found");
}

#[test]
fn a_move_takes_everything_with_it() {
    let server = Server::organisation();
    let people = |unit: &str| {
        let data =
            server.data(&format!("{{ orgUnit(by: {{key: \"{unit}\"}}) {{ totals {{ people units }} }} }}"));
        data["orgUnit"]["totals"].clone()
    };
    assert_eq!(people("Digital"), json!({"people": 3, "units": 2}));
    let query = "mutation ($id: ID!, $to: ID!, $from: ID) { moveOrgUnit(id: $id, to: $to, from: $from) { orgUnit { parents { name } } } }";
    server.data_with(query, &json!({"id": "Frames", "to": "Digital"}));
    assert_eq!(people("Digital"), json!({"people": 4, "units": 6 - 1}));
    assert_eq!(people("Bikes"), json!({"people": 0, "units": 0}));
    // With two parents, which one it loses must be said.
    let error = server.error_with(query, &json!({"id": "Checkout", "to": "Bikes"}), "ambiguous");
    assert_eq!(
        error["message"],
        r#""Checkout" has 2 parents; set `from` to the one to remove: "Platform", "Frames""#
    );
    assert_eq!(error["extensions"]["candidates"], json!(["Platform", "Frames"]));
    let moved = server.data_with(query, &json!({"id": "Checkout", "to": "Bikes", "from": "Frames"}));
    assert_eq!(strings(&moved, "/moveOrgUnit/orgUnit/parents/*/name"), ["Platform", "Bikes"]);
    assert_eq!(people("Bikes"), json!({"people": 2, "units": 1}));
    assert_eq!(people("aurora"), json!({"people": 4, "units": 7}));
}

#[test]
fn a_cycle_is_named_with_its_whole_path() {
    let server = Server::organisation();
    let expected = json!(["aurora", "Bikes", "Frames", "Carbon", "aurora"]);
    for change in [
        r#"moveOrgUnit(id: "aurora", to: "Carbon") { revision }"#,
        r#"updateOrgUnit(input: {id: "aurora", parents: ["Carbon"]}) { revision }"#,
        r#"linkOrgUnits(input: {parent: "Carbon", child: "aurora"}) { revision }"#,
        r#"createMapping(input: {from: "Carbon", to: "aurora"}) { revision }"#,
    ] {
        let error = server.error(&format!("mutation {{ {change} }}"), "cycle");
        let path = error["extensions"]["path"].as_array().unwrap();
        assert_eq!(path.len(), 5, "{change}: {error}");
        assert_eq!(path.first(), path.last(), "{change}: {error}");
        for unit in expected.as_array().unwrap() {
            assert!(path.contains(unit), "{change}: {error}");
            assert!(error["message"].as_str().unwrap().contains(unit.as_str().unwrap()), "{change}: {error}");
        }
    }
    let within_one = r#"mutation { apply(changes: [
        {createOrgUnit: {key: "a"}}, {createOrgUnit: {key: "b", parents: ["a"]}}, {createOrgUnit: {key: "c", parents: ["b"]}},
        {linkOrgUnits: {parent: "c", child: "a"}}]) { revision } }"#;
    let error = server.error(within_one, "refused");
    let refused = &error["extensions"]["refused"][0];
    assert_eq!((&refused["index"], &refused["code"]), (&json!(3), &json!("cycle")));
    assert_eq!(refused["path"].as_array().unwrap().len(), 4, "{error}");
    assert!(error["message"].as_str().unwrap().contains("changes[3]"), "{error}");
    assert_eq!(server.data(r#"{ orgUnit(by: {key: "a"}) { id } }"#)["orgUnit"], Value::Null);
    server.error(r#"mutation { moveOrgUnit(id: "Bikes", to: "Bikes") { revision } }"#, "self-parent");
}

#[test]
fn a_person_is_created_updated_and_deleted() {
    let server = Server::organisation();
    let made = server.data(
        r#"mutation { createPerson(input: {email: "Új@aurora.example", firstName: "Új", attributes: {desk: "4"}, organization: "Aurora", business: "Digital", team: "Night"})
            { person { id email firstName attributes team { name key } business { name } units { ancestors { name } } } } }"#,
    );
    let person = &made["createPerson"]["person"];
    assert_eq!((&person["email"], &person["team"]["name"]), (&json!("Új@aurora.example"), &json!("Night")));
    assert_eq!(strings(person, "/units/*/ancestors/*/name"), ["Aurora", "Digital"]);
    server
        .error(r#"mutation { createPerson(input: {email: "új@AURORA.example"}) { revision } }"#, "duplicate");
    server.error(r#"mutation { createPerson(input: {email: "nobody"}) { revision } }"#, "invalid");
    server.error(
        r#"mutation { createPerson(input: {email: "a@b", units: ["Nothing"]}) { revision } }"#,
        "unknown-unit",
    );
    server
        .error(r#"mutation { createPerson(input: {email: "a@b", attributes: 5}) { revision } }"#, "invalid");

    let change = "mutation ($input: UpdatePersonInput!) { updatePerson(input: $input) { person { email firstName lastName attributes team { name } department { name } units { name } } } }";
    let changed = server.data_with(
        change,
        &json!({"input": {"id": "új@aurora.example", "firstName": null, "lastName": "Nagy", "attributes": null, "department": "Platform", "team": "Checkout"}}),
    );
    assert_eq!(
        changed["updatePerson"]["person"],
        json!({"email": "Új@aurora.example", "firstName": null, "lastName": "Nagy", "attributes": {}, "team": {"name": "Checkout"},
            "department": {"name": "Platform"}, "units": [{"name": "Checkout"}]})
    );
    let changed = server.data_with(
        change,
        &json!({"input": {"id": person["id"], "email": "uj@aurora.example", "units": ["Carbon", "Steel"]}}),
    );
    assert_eq!(changed["updatePerson"]["person"]["email"], "uj@aurora.example");
    assert_eq!(strings(&changed, "/updatePerson/person/units/*/name"), ["Carbon", "Steel"]);
    server.error_with(change, &json!({"input": {"id": "no@body", "firstName": "x"}}), "not-found");
    server.error_with(
        change,
        &json!({"input": {"id": "uj@aurora.example", "email": "BOB@aurora.example"}}),
        "duplicate",
    );

    server.data(r#"mutation { deletePerson(input: {id: "UJ@aurora.example"}) { deletedId } }"#);
    assert_eq!(server.data(r#"{ person(email: "uj@aurora.example") { id } }"#)["person"], Value::Null);
}

#[test]
fn a_project_is_created_updated_and_deleted() {
    let server = Server::organisation();
    let made = server.data(
        r#"mutation { createProject(input: {projectId: "p/1", projectName: "One", owner: {email: "bob@aurora.example"}, units: ["Steel", "Carbon"],
            repositories: [{url: "https://github.com/aurora/one", attributes: {ci: true}}, {name: "local"}], services: [{identifier: "one-api", dependencies: {db: "pg"}}]})
            { project { id projectId owner { person { firstName } } units { name } repositories { name platform attributes } services { name identifier dependencies } } } }"#,
    );
    let project = &made["createProject"]["project"];
    assert_eq!(project["owner"]["person"]["firstName"], "Bob");
    assert_eq!(strings(project, "/units/*/name"), ["Steel", "Carbon"]);
    assert_eq!(
        project["repositories"],
        json!([{"name": "one", "platform": "github.com", "attributes": {"ci": true}}, {"name": "local", "platform": null, "attributes": {}}])
    );
    assert_eq!(
        project["services"],
        json!([{"name": "one-api", "identifier": "one-api", "dependencies": {"db": "pg"}}])
    );
    server.error(
        r#"mutation { createProject(input: {projectId: "p/1", projectName: "x"}) { revision } }"#,
        "duplicate",
    );
    server.error(r#"mutation { createProject(input: {projectId: "p2", projectName: "x", repositories: [{}]}) { revision } }"#, "missing-field");
    server.error(
        r#"mutation { createProject(input: {projectId: "p2", projectName: ""}) { revision } }"#,
        "invalid",
    );

    let change = "mutation ($input: UpdateProjectInput!) { updateProject(input: $input) { project { projectId projectName owner { email firstName } units { name } repositories { name attributes } services { name } } } }";
    let changed = server.data_with(
        change,
        &json!({"input": {"id": "p/1", "projectName": "Two", "owner": {"firstName": "B"}, "repositories": [{"url": "git@github.com:aurora/one.git"}], "services": [], "team": null}}),
    );
    let changed = &changed["updateProject"]["project"];
    assert_eq!(changed["owner"], json!({"email": "bob@aurora.example", "firstName": "B"}));
    assert_eq!(changed["repositories"].as_array().unwrap().len(), 1);
    assert_eq!((&changed["projectName"], &changed["services"]), (&json!("Two"), &json!([])));
    let changed =
        server.data_with(change, &json!({"input": {"id": project["id"], "owner": null, "projectId": "p-1"}}));
    assert_eq!(changed["updateProject"]["project"]["owner"], Value::Null);
    server.data(r#"mutation { deleteProject(input: {id: "p-1"}) { deletedId } }"#);
    assert_eq!(
        server
            .data(r#"{ project(projectId: "p-1") { id } repository(url: "github.com/aurora/one") { id } }"#),
        json!({"project": null, "repository": null})
    );
}

#[test]
fn a_mapping_is_created_updated_and_deleted() {
    let server = Server::organisation();
    let create = "mutation ($input: CreateMappingInput!) { createMapping(input: $input) { mapping { id mappingId mappingType relationship source attributes validTo
        from { __typename ... on Project { projectId } ... on Person { email } } to { __typename ... on Person { email } ... on OrgUnit { key } } } } }";
    let made = server.data_with(create, &json!({"input": {"from": "cem@aurora.example", "to": "site", "mappingType": "PROJECT_PEOPLE", "source": "hr", "attributes": {"share": 0.5}}}));
    let mapping = &made["createMapping"]["mapping"];
    assert_eq!(mapping["from"], json!({"__typename": "Project", "projectId": "site"}));
    assert_eq!(mapping["to"], json!({"__typename": "Person", "email": "cem@aurora.example"}));
    assert_eq!(
        (&mapping["source"], &mapping["attributes"], &mapping["validTo"]),
        (&json!("hr"), &json!({"share": 0.5}), &Value::Null)
    );
    server.error_with(create, &json!({"input": {"from": "site", "to": "cem@aurora.example"}}), "duplicate");
    server.error_with(
        create,
        &json!({"input": {"from": "site", "to": "no@body.example", "mappingType": "PROJECT_PEOPLE"}}),
        "unknown-person",
    );
    server.error_with(
        create,
        &json!({"input": {"from": "nothing", "to": "cem@aurora.example", "mappingType": "PROJECT_PEOPLE"}}),
        "unknown-project",
    );
    server.error_with(
        create,
        &json!({"input": {"from": "site", "to": "Nothing", "mappingType": "PROJECT_ORG"}}),
        "unknown-unit",
    );
    server.error_with(
        create,
        &json!({"input": {"from": "site", "to": "Carbon", "mappingType": "PEOPLE_ORG"}}),
        "unknown-person",
    );

    let change = "mutation ($input: UpdateMappingInput!) { updateMapping(input: $input) { mapping { relationship source to { ... on Person { email } } } } }";
    let changed = server.data_with(change, &json!({"input": {"id": mapping["mappingId"], "relationship": "ONE_TO_ONE", "source": null, "to": "bob@aurora.example"}}));
    assert_eq!(
        changed["updateMapping"]["mapping"],
        json!({"relationship": "ONE_TO_ONE", "source": null, "to": {"email": "bob@aurora.example"}})
    );
    server.data_with(
        "mutation ($id: ID!) { deleteMapping(input: {id: $id}) { deletedId } }",
        &json!({"id": mapping["mappingId"]}),
    );
    server.error_with(change, &json!({"input": {"id": mapping["id"], "source": "x"}}), "not-found");
    assert_eq!(
        server.data(r#"{ project(projectId: "site") { members { totalCount } } }"#)["project"]["members"]["totalCount"],
        0
    );

    let linked = server.data(
        r#"mutation { linkOrgUnits(input: {parent: "Carbon", child: "Layup", childType: "squad"}) { mapping { mappingType relationship to { ... on OrgUnit { type parents { key } } } } } }"#,
    );
    let linked = &linked["linkOrgUnits"]["mapping"];
    assert_eq!(
        (&linked["mappingType"], &linked["relationship"]),
        (&json!("PARENT_CHILD"), &json!("ORG_HIERARCHY"))
    );
    assert_eq!(linked["to"], json!({"type": "squad", "parents": [{"key": "Carbon"}]}));
}

#[test]
fn an_ambiguous_name_is_refused_with_its_candidates() {
    let server = Server::organisation();
    server.data(r#"mutation { apply(changes: [{createOrgUnit: {key: "x1", name: "Twin"}}, {createOrgUnit: {key: "x2", name: "Twin"}}]) { revision } }"#);
    let error = server.error(
        r#"mutation { createPerson(input: {email: "a@b", units: ["Twin"]}) { revision } }"#,
        "ambiguous",
    );
    assert_eq!(error["extensions"]["candidates"], json!(["x1", "x2"]));
    server.error(r#"{ people(filter: {within: ["Twin"]}) { totalCount } }"#, "ambiguous");
}

#[test]
fn each_role_may_do_what_it_should() {
    let server = Server::organisation();
    let (read, write) = (server.token_with(Role::Read), server.token_with(Role::Write));
    let code = |token: &str, query: &str| {
        let answer = server.ask_as(token, query, &Value::Null).ok();
        answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
    };
    let change = r#"mutation { createOrgUnit(input: {key: "k", upsert: true}) { revision } }"#;
    let dry = r#"mutation { apply(dryRun: true, changes: [{createOrgUnit: {key: "k2"}}]) { revision } }"#;
    let token = "mutation { createToken(input: {role: READ}) { record { tokenId } } }";
    for (who, query, expected) in [
        (&read, "{ revision }", None),
        (&read, change, Some("forbidden")),
        (&read, dry, Some("forbidden")),
        (&read, "{ tokens { tokenId } }", Some("forbidden")),
        (&write, change, None),
        (&write, dry, None),
        (&write, token, Some("forbidden")),
        (&write, "{ tokens { tokenId } }", Some("forbidden")),
        (&server.token, token, None),
    ] {
        assert_eq!(code(who, query).as_deref(), expected, "{query}");
    }
}

#[test]
fn a_token_is_created_updated_and_revoked() {
    let server = Server::start();
    let made = server.data(
        r#"mutation { createToken(input: {role: WRITE, description: "sync", expiresAt: "2999-01-01T00:00:00Z"}) { token record { tokenId role description expiresAt revokedAt } } }"#,
    );
    let token = made["createToken"]["token"].as_str().unwrap().to_owned();
    let record = &made["createToken"]["record"];
    assert_eq!(
        (&record["role"], &record["expiresAt"]),
        (&json!("WRITE"), &json!("2999-01-01T00:00:00.000Z"))
    );
    assert!(token.starts_with(&format!("clade_{}_", record["tokenId"].as_str().unwrap())));
    let works = |token: &str| server.ask_as(token, "{ revision }", &Value::Null).status;
    assert_eq!(works(&token), 200);
    let listed = server.data("{ tokens { tokenId role description } }");
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(&token));

    let change = "mutation ($input: UpdateTokenInput!) { updateToken(input: $input) { record { role description expiresAt } } }";
    let changed = server.data_with(change, &json!({"input": {"tokenId": record["tokenId"], "role": "READ", "description": null, "expiresAt": null}}));
    assert_eq!(
        changed["updateToken"]["record"],
        json!({"role": "READ", "description": null, "expiresAt": null})
    );
    let forbidden =
        server.ask_as(&token, r#"mutation { createOrgUnit(input: {key: "a"}) { revision } }"#, &Value::Null);
    assert_eq!(forbidden.value()["errors"][0]["extensions"]["code"], "forbidden");
    server.data_with(
        change,
        &json!({"input": {"tokenId": record["tokenId"], "expiresAt": "2000-01-01T00:00:00Z"}}),
    );
    assert_eq!(works(&token), 401);
    server.data_with(change, &json!({"input": {"tokenId": record["tokenId"], "expiresAt": null}}));
    assert_eq!(works(&token), 200);
    let revoke = "mutation ($id: String!) { deleteToken(tokenId: $id) { record { revokedAt } } }";
    let revoked = server.data_with(revoke, &json!({"id": record["tokenId"]}));
    assert!(revoked["deleteToken"]["record"]["revokedAt"].is_string());
    assert_eq!(works(&token), 401);
    server.error_with(revoke, &json!({"id": "00000000"}), "not-found");
}

#[test]
fn a_conflict_error_gives_no_advice_of_another_interface() {
    let server = Server::organisation();
    let error =
        server.error(r#"mutation { createOrgUnit(input: {key: "Bikes"}) { revision } }"#, "duplicate");
    assert_eq!(error["message"], r#"the unit "Bikes" exists already"#);
}
