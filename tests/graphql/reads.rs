//! GraphQL reads of single records: the hierarchy with its totals, every field of each record, mappings and node ids.

use serde_json::{Value, json};

use crate::support::{Server, strings};

#[test]
fn the_hierarchy_from_every_side() {
    let server = Server::organisation();
    let data = server.data(
        r#"{
        roots { key name type level externalId }
        frames: orgUnit(by: {key: "Frames"}) {
            parents { name } ancestors { name } children { name type level } teams: children(types: ["TEAM"]) { name }
        }
        checkout: orgUnit(by: {path: ["Aurora", "Digital", "Platform", "Checkout"]}) {
            parents { name } ancestors { name } children { name }
        }
        byId: orgUnit(by: {externalId: "hr-1"}) { key }
        none: orgUnit(by: {key: "Nothing"}) { key }
    }"#,
    );
    assert_eq!(
        data["roots"],
        json!([{"key": "aurora", "name": "Aurora", "type": "organization", "level": 1, "externalId": "hr-1"}])
    );
    assert_eq!(strings(&data, "/frames/parents/*/name"), ["Bikes"]);
    assert_eq!(strings(&data, "/frames/ancestors/*/name"), ["Aurora", "Bikes"]);
    assert_eq!(
        data["frames"]["children"],
        json!([{"name": "Carbon", "type": "team", "level": 5}, {"name": "Checkout", "type": "team", "level": 5},
            {"name": "Steel", "type": "squad", "level": null}])
    );
    assert_eq!(strings(&data, "/frames/teams/*/name"), ["Carbon", "Checkout"]);
    assert_eq!(strings(&data, "/checkout/parents/*/name"), ["Platform", "Frames"]);
    assert_eq!(strings(&data, "/checkout/ancestors/*/name")[0], "Aurora");
    assert_eq!(strings(&data, "/checkout/ancestors/*/name").len(), 5);
    assert_eq!(data["checkout"]["children"], json!([]));
    assert_eq!(data["byId"]["key"], "aurora");
    assert_eq!(data["none"], Value::Null);
}

#[test]
fn descendants_are_a_whole_tree_in_one_flat_list() {
    let server = Server::organisation();
    let all = "{ orgUnit(by: {key: \"aurora\"}) { descendants { totalCount edges { depth node { name } parent { name } } nodes { name } } } }";
    let data = server.data(all);
    let tree: Vec<_> = data["orgUnit"]["descendants"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            format!("{} {} < {}", edge["depth"], edge["node"]["name"], edge["parent"]["name"])
                .replace('"', "")
        })
        .collect();
    // `Checkout` is listed once, at its least depth; both ways are equally long here.
    assert_eq!(tree.len(), 7);
    for line in [
        "1 Bikes < Aurora",
        "2 Frames < Bikes",
        "3 Carbon < Frames",
        "3 Steel < Frames",
        "1 Digital < Aurora",
        "2 Platform < Digital",
    ] {
        assert!(tree.contains(&line.to_owned()), "{line} in {tree:?}");
    }
    assert_eq!(tree.iter().filter(|line| line.starts_with("3 Checkout < ")).count(), 1);
    assert_eq!(data["orgUnit"]["descendants"]["totalCount"], 7);
    assert_eq!(
        strings(&data, "/orgUnit/descendants/nodes/*/name"),
        strings(&data, "/orgUnit/descendants/edges/*/node/name")
    );

    let named = |arguments: &str| {
        let query = format!(
            "{{ orgUnit(by: {{key: \"aurora\"}}) {{ descendants({arguments}) {{ nodes {{ name }} }} }} }}"
        );
        strings(&server.data(&query), "/orgUnit/descendants/nodes/*/name")
    };
    assert_eq!(named("depth: 1"), ["Bikes", "Digital"]);
    assert_eq!(named("depth: 0"), [""; 0]);
    assert_eq!(named("types: [\"squad\", \"Department\"]"), ["Frames", "Steel", "Platform"]);
    assert_eq!(named("types: [\"Application\"]"), ["Frames", "Platform"]);

    let (mut after, mut seen) = (Value::Null, Vec::new());
    loop {
        let query = "query ($after: String) { orgUnit(by: {key: \"aurora\"}) { descendants(first: 2, after: $after) { totalCount nodes { name } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";
        let page = server.data_with(query, &json!({ "after": after }))["orgUnit"]["descendants"].clone();
        assert_eq!(
            (&page["totalCount"], &page["pageInfo"]["hasPreviousPage"]),
            (&json!(7), &json!(!seen.is_empty()))
        );
        assert_eq!(page["pageInfo"]["startCursor"], page["edges"][0]["cursor"]);
        seen.extend(strings(&page, "/nodes/*/name"));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, strings(&data, "/orgUnit/descendants/nodes/*/name"));
    server
        .error("{ orgUnit(by: {key: \"aurora\"}) { descendants(after: \"x\") { totalCount } } }", "invalid");
}

#[test]
fn totals_count_each_once_and_lists_agree_with_them() {
    let server = Server::organisation();
    let data = server.data(
        "{ orgUnits { nodes { name totals { units people projects repositories services }
            people { totalCount } projects { totalCount } repositories { totalCount }
            direct: people(recursive: false) { nodes { email } } placed: projects(recursive: false) { nodes { projectId } }
            repos: repositories(recursive: false) { totalCount } } } }",
    );
    let of = |name: &str| {
        let units = data["orgUnits"]["nodes"].as_array().unwrap();
        units.iter().find(|unit| unit["name"] == name).unwrap()
    };
    let totals = |units: u64, people: u64, projects: u64, repositories: u64, services: u64| json!({"units": units, "people": people, "projects": projects, "repositories": repositories, "services": services});
    assert_eq!(of("Aurora")["totals"], totals(7, 4, 3, 3, 1));
    assert_eq!(of("Frames")["totals"], totals(3, 3, 2, 3, 1));
    assert_eq!(of("Digital")["totals"], totals(2, 3, 2, 1, 1));
    assert_eq!(of("Checkout")["totals"], totals(0, 2, 1, 1, 1));
    assert_eq!(of("Steel")["totals"], totals(0, 0, 0, 0, 0));
    for unit in data["orgUnits"]["nodes"].as_array().unwrap() {
        for kind in ["people", "projects", "repositories"] {
            assert_eq!(unit[kind]["totalCount"], unit["totals"][kind], "{unit}");
        }
    }
    assert_eq!(strings(of("Digital"), "/direct/nodes/*/email"), ["cem@aurora.example"]);
    assert_eq!(strings(of("Digital"), "/placed/nodes/*/projectId"), ["site"]);
    assert_eq!(of("Frames")["repos"]["totalCount"], 0);
    assert_eq!(of("Carbon")["repos"]["totalCount"], 2);
}

#[test]
fn contains_is_strictly_below() {
    let server = Server::organisation();
    let ids = server.data("{ person(email: \"bob@aurora.example\") { id } repository(url: \"gitlab.example/aurora/shop\") { id } mappings(first: 1) { nodes { id } } }");
    for (unit, lower, expected) in [
        ("aurora", "Checkout", true),
        ("Frames", "Digital/Platform/Checkout", true),
        ("Checkout", "aurora", false),
        ("Carbon", "Carbon", false),
        ("Frames", ids["person"]["id"].as_str().unwrap(), true),
        ("Carbon", ids["person"]["id"].as_str().unwrap(), false),
        ("Digital", ids["repository"]["id"].as_str().unwrap(), true),
        ("aurora", ids["mappings"]["nodes"][0]["id"].as_str().unwrap(), false),
    ] {
        let query = "query ($unit: String!, $id: ID!) { orgUnit(by: {key: $unit}) { contains(id: $id) } }";
        let data = server.data_with(query, &json!({"unit": unit, "id": lower}));
        assert_eq!(data["orgUnit"]["contains"], expected, "{lower} in {unit}");
    }
    server.error("{ roots { contains(id: \"Nothing\") } }", "not-found");
}

#[test]
fn levels_are_the_nearest_unit_of_each_type() {
    let server = Server::organisation();
    let levels = "organization { name } business { name } department { name } group { name } team { name } units { name }";
    let data = server.data(&format!(
        "{{ bob: person(email: \"BOB@aurora.example\") {{ {levels} }} cem: person(email: \"cem@aurora.example\") {{ {levels} }}
           zoe: person(email: \"zoe@aurora.example\") {{ {levels} }} gearbox: project(projectId: \"gearbox\") {{ {levels} }} }}"
    ));
    let named = |who: &str| {
        ["organization", "business", "department", "group", "team"]
            .map(|level| data[who][level]["name"].as_str().unwrap_or("-"))
    };
    assert_eq!(named("bob"), ["Aurora", "Digital", "Platform", "-", "Checkout"]);
    assert_eq!(named("cem"), ["Aurora", "Digital", "-", "-", "-"]);
    assert_eq!(named("zoe"), ["-"; 5]);
    assert_eq!(named("gearbox"), ["Aurora", "Bikes", "Frames", "-", "Carbon"]);
    assert_eq!(data["zoe"]["units"], json!([]));
}

#[test]
fn records_show_all_they_have() {
    let server = Server::organisation();
    let data = server.data(
        r#"{
        ada: person(email: "ADA@aurora.example") { email firstName lastName displayName externalId attributes projects { nodes { projectId } } }
        gearbox: project(projectId: "gearbox") {
            projectName owner { firstName lastName email person { firstName } } members { totalCount nodes { email } }
            repositories { name platform url project { projectId } } services { name } attributes
        }
        shop: project(projectId: "shop") { owner { email person { email } } attributes services { name identifier dependencies project { projectId } } }
        site: project(projectId: "site") { owner { email } }
        remote: repository(url: "git@gitlab.example:aurora/shop.git") { name project { projectName team { name } } }
        api: service(identifier: "checkout-api") { name externalId attributes project { projectId } }
        nobody: person(email: "no@body.example") { id } nothing: project(projectId: "nothing") { id }
        nowhere: repository(url: "https://no.where/x") { id } none: service(identifier: "none") { id }
    }"#,
    );
    assert_eq!(
        data["ada"],
        json!({"email": "Ada@aurora.example", "firstName": "Ada", "lastName": "Berg", "displayName": null, "externalId": "p-1",
            "attributes": {}, "projects": {"nodes": [{"projectId": "gearbox"}]}})
    );
    assert_eq!(
        data["gearbox"]["owner"],
        json!({"firstName": "Ada", "lastName": null, "email": "ada@aurora.example", "person": {"firstName": "Ada"}})
    );
    assert_eq!(
        strings(&data, "/gearbox/members/nodes/*/email"),
        ["Ada@aurora.example", "eve@aurora.example"]
    );
    assert_eq!(
        data["gearbox"]["repositories"][0],
        json!({"name": "gearbox", "platform": "github.com", "url": "https://github.com/aurora/gearbox.git", "project": {"projectId": "gearbox"}})
    );
    assert_eq!(data["shop"]["owner"], json!({"email": "out@side.example", "person": null}));
    assert_eq!(data["shop"]["attributes"], json!({"colour": "red"}));
    assert_eq!(data["shop"]["services"][0]["dependencies"], json!(["db"]));
    assert_eq!(data["site"]["owner"], Value::Null);
    assert_eq!(data["remote"]["project"], json!({"projectName": "Shop", "team": {"name": "Checkout"}}));
    assert_eq!(data["api"]["project"]["projectId"], "shop");
    for absent in ["nobody", "nothing", "nowhere", "none"] {
        assert_eq!(data[absent], Value::Null, "{absent}");
    }
}

#[test]
fn every_node_is_found_again_by_its_id() {
    let server = Server::organisation();
    let data = server.data(
        "{ orgUnits { nodes { id __typename } } people { nodes { id __typename } } projects { nodes { id __typename services { id __typename } } }
           repositories { nodes { id __typename } } mappings { nodes { id __typename } } }",
    );
    let mut nodes: Vec<(String, String)> = Vec::new();
    for list in ["orgUnits", "people", "projects", "repositories", "mappings"] {
        let of = |member: &str| strings(&data, &format!("/{list}/nodes/*/{member}"));
        nodes.extend(of("id").into_iter().zip(of("__typename")));
    }
    nodes.extend(
        strings(&data, "/projects/nodes/*/services/*/id").into_iter().map(|id| (id, "Service".to_owned())),
    );
    assert_eq!(nodes.len(), 8 + 5 + 4 + 3 + 20 + 1);
    let ids: Vec<_> = nodes.iter().map(|(id, _)| id).collect();
    let found = server
        .data_with("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", &json!({ "ids": ids }));
    for ((id, name), node) in nodes.iter().zip(found["nodes"].as_array().unwrap()) {
        assert_eq!(node, &json!({"__typename": name, "id": id}));
    }
    let unknown =
        server.data("{ node(id: \"x\") { id } nodes(ids: [\"T3JnVW5pdDp4\", \"\", \"Checkout\"]) { id } }");
    assert_eq!(unknown, json!({"node": null, "nodes": [null, null, null]}));
    // Any node of an organisation can be asked for by kind.
    let query = "query ($id: ID!) { node(id: $id) { ... on Person { email } ... on OrgUnit { key } } }";
    let person = server.data("{ person(email: \"eve@aurora.example\") { id } }")["person"]["id"].clone();
    assert_eq!(server.data_with(query, &json!({ "id": person }))["node"]["email"], "eve@aurora.example");
}

#[test]
fn mappings_show_both_ends() {
    let server = Server::organisation();
    let count = |filter: &str| {
        let data = server.data(&format!("{{ mappings(filter: {filter}) {{ totalCount }} }}"));
        data["mappings"]["totalCount"].as_u64().unwrap()
    };
    for (filter, expected) in [
        ("{}", 20),
        ("{mappingType: [PARENT_CHILD]}", 8),
        ("{relationship: [ORG_HIERARCHY]}", 8),
        ("{mappingType: [PEOPLE_ORG, PROJECT_ORG]}", 8),
        ("{node: \"Frames\"}", 4),
        ("{node: \"Aurora/Bikes/Frames\", mappingType: [PROJECT_PEOPLE]}", 0),
        ("{mappingType: []}", 0),
        ("{source: \"hr\"}", 0),
    ] {
        assert_eq!(count(filter), expected, "{filter}");
    }
    server.error("{ mappings(filter: {node: \"Nothing\"}) { totalCount } }", "not-found");
    let of_eve = "query ($id: ID!) { mappings(filter: {node: $id}) { nodes { mappingType validTo attribute1 attribute2
        from { ... on Project { projectId } ... on Person { email } } to { ... on Person { email } ... on OrgUnit { key } } } } }";
    let eve = server.data("{ person(email: \"eve@aurora.example\") { id } }")["person"]["id"].clone();
    let data = server.data_with(of_eve, &json!({ "id": eve }));
    assert_eq!(
        data["mappings"]["nodes"],
        json!([
            {"mappingType": "PEOPLE_ORG", "validTo": null, "attribute1": "eve@aurora.example", "attribute2": "Carbon", "from": {"email": "eve@aurora.example"}, "to": {"key": "Carbon"}},
            {"mappingType": "PEOPLE_ORG", "validTo": null, "attribute1": "eve@aurora.example", "attribute2": "Checkout", "from": {"email": "eve@aurora.example"}, "to": {"key": "Checkout"}},
            {"mappingType": "PROJECT_PEOPLE", "validTo": null, "attribute1": "gearbox", "attribute2": "eve@aurora.example", "from": {"projectId": "gearbox"}, "to": {"email": "eve@aurora.example"}},
            {"mappingType": "PROJECT_PEOPLE", "validTo": null, "attribute1": "shop", "attribute2": "eve@aurora.example", "from": {"projectId": "shop"}, "to": {"email": "eve@aurora.example"}},
        ])
    );
    let (mut after, mut seen) = (Value::Null, 0);
    loop {
        let query = "query ($after: String) { mappings(first: 7, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
        let page = server.data_with(query, &json!({ "after": after }))["mappings"].clone();
        assert_eq!(page["pageInfo"]["hasPreviousPage"], seen > 0);
        seen += page["edges"].as_array().unwrap().len();
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, 20);
}

#[test]
fn one_request_reads_one_revision() {
    let server = Server::organisation();
    let data = server.data("{ revision roots { revision createdAt updatedAt } again: revision }");
    assert_eq!(data["revision"], data["again"]);
    assert!(data["roots"][0]["revision"].as_u64() <= data["revision"].as_u64());
    let created = data["roots"][0]["createdAt"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.len() == "2026-11-24T08:30:00.000Z".len(), "{created}");
}

#[test]
fn a_path_may_be_one_text_and_a_name_with_a_slash_comes_first() {
    let server = Server::organisation();
    for name in ["R&D", "A/B"] {
        server.post("/units", &json!({"name": name, "parent": "Bikes"})).ok();
    }
    for (path, key) in [
        (json!("Aurora/Bikes/R&D"), json!("R&D")),
        (json!("Aurora / Bikes"), json!("Bikes")),
        (json!(["Bikes", "A/B"]), json!("A/B")),
        (json!("A/B"), json!("A/B")),
        (json!(["Bikes/R&D"]), json!("R&D")),
        (json!("Aurora/Digital/R&D"), Value::Null),
        (json!(["Aurora/Bikes", "R&D"]), Value::Null),
    ] {
        let asked = "query ($path: [String!]!) { orgUnit(by: {path: $path}) { key } }";
        let found = server.data_with(asked, &json!({"path": path}));
        assert_eq!(found["orgUnit"]["key"], key, "{path}");
    }
    let literal = server.data(r#"{ orgUnit(by: {path: "Aurora/Bikes/R&D"}) { key } }"#);
    assert_eq!(literal["orgUnit"]["key"], "R&D");
}
