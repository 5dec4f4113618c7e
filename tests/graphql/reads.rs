//! GraphQL queries: the hierarchy, lists with cursors, filters, facets, totals, search, node ids.

use crate::support::{Server, strings};
use serde_json::{Value, json};

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
    let of_eve = "query ($id: ID!) { mappings(filter: {node: $id}) { nodes { mappingType validTo
        from { ... on Project { projectId } ... on Person { email } } to { ... on Person { email } ... on OrgUnit { key } } } } }";
    let eve = server.data("{ person(email: \"eve@aurora.example\") { id } }")["person"]["id"].clone();
    let data = server.data_with(of_eve, &json!({ "id": eve }));
    assert_eq!(
        data["mappings"]["nodes"],
        json!([
            {"mappingType": "PEOPLE_ORG", "validTo": null, "from": {"email": "eve@aurora.example"}, "to": {"key": "Carbon"}},
            {"mappingType": "PEOPLE_ORG", "validTo": null, "from": {"email": "eve@aurora.example"}, "to": {"key": "Checkout"}},
            {"mappingType": "PROJECT_PEOPLE", "validTo": null, "from": {"projectId": "gearbox"}, "to": {"email": "eve@aurora.example"}},
            {"mappingType": "PROJECT_PEOPLE", "validTo": null, "from": {"projectId": "shop"}, "to": {"email": "eve@aurora.example"}},
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
fn cursors_walk_a_list_both_ways() {
    let server = Server::organisation();
    let all = strings(
        &server.data("{ people(orderBy: {field: EMAIL}) { nodes { email } } }"),
        "/people/nodes/*/email",
    );
    assert_eq!(all.len(), 5);
    for (order, direction) in
        [("EMAIL", "ASC"), ("EMAIL", "DESC"), ("CREATED_AT", "ASC"), ("LAST_NAME", "DESC")]
    {
        let order = format!("orderBy: {{field: {order}, direction: {direction}}}");
        let whole = strings(
            &server.data(&format!("{{ people({order}) {{ nodes {{ email }} }} }}")),
            "/people/nodes/*/email",
        );
        for (size, from, info, cursor) in [
            ("first", "after", "hasNextPage", "endCursor"),
            ("last", "before", "hasPreviousPage", "startCursor"),
        ] {
            let query = format!(
                "query ($at: String) {{ people({order}, {size}: 2, {from}: $at) {{ totalCount edges {{ cursor node {{ email }} }} pageInfo {{ {info} {cursor} }} }} }}"
            );
            let (mut at, mut seen) = (Value::Null, Vec::new());
            loop {
                let page = server.data_with(&query, &json!({ "at": at }))["people"].clone();
                assert_eq!(page["totalCount"], 5);
                let found = strings(&page, "/edges/*/node/email");
                if size == "first" {
                    seen.extend(found);
                } else {
                    seen.splice(0..0, found);
                }
                at = page["pageInfo"][cursor].clone();
                if page["pageInfo"][info] == false {
                    break;
                }
            }
            assert_eq!(seen, whole, "{order} {size}");
        }
    }
    server.error("{ people(after: \"nonsense\") { totalCount } }", "invalid");
    let cursor =
        server.data("{ people(first: 1) { pageInfo { endCursor } } }")["people"]["pageInfo"]["endCursor"]
            .clone();
    let other = "query ($at: String) { people(after: $at, orderBy: {field: EMAIL}) { totalCount } }";
    server.error_with(other, &json!({ "at": cursor }), "invalid");
    let empty = server.data("{ people(filter: {email: {eq: \"x@y\"}}) { totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }");
    assert_eq!(
        empty["people"],
        json!({"totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null}})
    );
}

#[test]
fn filters_of_people() {
    let server = Server::organisation();
    for (filter, expected) in [
        ("{}", "Ada bob cem eve zoe"),
        ("{email: {eq: \"ADA@aurora.example\"}}", "Ada"),
        ("{email: {in: [\"zoe@aurora.example\", \"bob@AURORA.example\"]}}", "bob zoe"),
        ("{email: {startsWith: \"E\"}}", "eve"),
        ("{email: {contains: \"O\", startsWith: \"b\"}}", "bob"),
        ("{displayName: {contains: \"ö\"}}", "cem"),
        ("{lastName: {isNull: true}}", "cem eve zoe"),
        ("{lastName: {isNull: false}}", "Ada bob"),
        ("{lastName: {eq: \"berg\"}}", ""),
        ("{externalId: {eq: \"p-1\"}}", "Ada"),
        ("{within: [\"Frames\"]}", "Ada bob eve"),
        ("{within: [\"Carbon\", \"Aurora/Digital\"]}", "Ada bob cem eve"),
        ("{within: []}", ""),
        ("{and: [{within: [\"Carbon\"]}, {within: [\"Checkout\"]}]}", "eve"),
        ("{or: [{within: [\"Carbon\"]}, {email: {startsWith: \"z\"}}]}", "Ada eve zoe"),
        ("{or: []}", ""),
        ("{not: {within: [\"aurora\"]}}", "zoe"),
        ("{within: [\"Carbon\"], not: {firstName: {eq: \"Ada\"}}}", "eve"),
        ("{project: {eq: \"gearbox\"}}", "Ada eve"),
        ("{project: {isNull: true}}", "cem zoe"),
    ] {
        let query = format!(
            "{{ people(filter: {filter}, orderBy: {{field: EMAIL}}) {{ totalCount nodes {{ email }} }} }}"
        );
        let data = server.data(&query);
        let found = strings(&data, "/people/nodes/*/email").join(" ").replace("@aurora.example", "");
        assert_eq!(found, expected, "{filter}");
        assert_eq!(data["people"]["totalCount"], expected.split_whitespace().count());
    }
    let error = server.error("{ people(filter: {within: [\"Nothing\"]}) { totalCount } }", "not-found");
    assert!(error["message"].as_str().unwrap().contains("Nothing"), "{error}");
}

#[test]
fn filters_of_projects_units_and_repositories() {
    let server = Server::organisation();
    for (list, filter, member, expected) in [
        ("projects", "{member: {eq: \"EVE@aurora.example\"}}", "projectId", "gearbox shop"),
        ("projects", "{member: {isNull: true}}", "projectId", "site loose"),
        ("projects", "{owner: {eq: \"Ada@Aurora.example\"}}", "projectId", "gearbox"),
        ("projects", "{owner: {isNull: true}, within: [\"aurora\"]}", "projectId", "site"),
        ("projects", "{repository: {platform: {eq: \"gitlab.example\"}}}", "projectId", "gearbox shop"),
        (
            "projects",
            "{repository: {platform: {eq: \"github.com\"}, name: {eq: \"gears\"}}}",
            "projectId",
            "",
        ),
        ("projects", "{repository: {url: {eq: \"git@github.com:aurora/gearbox\"}}}", "projectId", "gearbox"),
        ("projects", "{service: {identifier: {startsWith: \"checkout\"}}}", "projectId", "shop"),
        ("projects", "{projectName: {contains: \"end\"}}", "projectId", "loose"),
        ("projects", "{projectId: {in: [\"site\", \"shop\", \"none\"]}}", "projectId", "shop site"),
        ("orgUnits", "{type: {eq: \"TEAM\"}}", "name", "Carbon Checkout"),
        ("orgUnits", "{within: [\"Bikes\"]}", "name", "Frames Carbon Steel Checkout"),
        ("orgUnits", "{externalId: {isNull: false}}", "key", "aurora"),
        ("orgUnits", "{key: {in: [\"Steel\", \"steel\"]}}", "name", "Steel"),
        ("repositories", "{within: [\"Frames\"], platform: {contains: \"LAB\"}}", "name", "gears shop"),
        ("repositories", "{project: {eq: \"gearbox\"}}", "name", "gearbox gears"),
    ] {
        let data = server.data(&format!("{{ {list}(filter: {filter}) {{ nodes {{ {member} }} }} }}"));
        assert_eq!(
            strings(&data, &format!("/{list}/nodes/*/{member}")).join(" "),
            expected,
            "{list} {filter}"
        );
    }
}

/// `value count` of each bucket.
fn buckets(facet: &Value) -> Vec<String> {
    let buckets = facet["buckets"].as_array().unwrap();
    buckets
        .iter()
        .map(|bucket| format!("{} {}", bucket["value"].as_str().unwrap(), bucket["count"]))
        .collect()
}

#[test]
fn facets_count_what_the_filter_matches_rolled_up() {
    let server = Server::organisation();
    let data = server.data(
        "{ projects { facets(by: [ORGANIZATION, BUSINESS, DEPARTMENT, GROUP, TEAM, PLATFORM, OWNER, MEMBER]) { by buckets { value unit { key } count } } }
           people { facets(by: [BUSINESS, PROJECT]) { by buckets { value count } } }
           orgUnits { facets(by: [TYPE, BUSINESS]) { buckets { value count } } }
           repositories { facets(by: [PLATFORM, PROJECT], first: 1) { buckets { value count } } } }",
    );
    let of = |list: &str, at: usize| buckets(&data[list]["facets"][at]);
    assert_eq!(
        strings(&data, "/projects/facets/*/by"),
        ["ORGANIZATION", "BUSINESS", "DEPARTMENT", "GROUP", "TEAM", "PLATFORM", "OWNER", "MEMBER"]
    );
    assert_eq!(
        data["projects"]["facets"][0]["buckets"][0],
        json!({"value": "Aurora", "unit": {"key": "aurora"}, "count": 3})
    );
    assert_eq!(of("projects", 1), ["Bikes 2", "Digital 2"]);
    assert_eq!(of("projects", 2), ["Frames 2", "Platform 1"]);
    assert_eq!(of("projects", 3), [""; 0]);
    assert_eq!(of("projects", 4), ["Carbon 1", "Checkout 1"]);
    assert_eq!(of("projects", 5), ["gitlab.example 2", "github.com 1"]);
    assert_eq!(data["projects"]["facets"][5]["buckets"][0]["unit"], Value::Null);
    assert_eq!(of("projects", 6), ["ada@aurora.example 1", "out@side.example 1"]);
    assert_eq!(of("projects", 7)[0], "eve@aurora.example 2");
    assert_eq!(of("people", 0), ["Bikes 3", "Digital 3"]);
    assert_eq!(of("people", 1), ["gearbox 2", "shop 2"]);
    assert_eq!(of("orgUnits", 0), ["business 2", "department 2", "team 2", "organization 1", "squad 1"]);
    assert_eq!(of("orgUnits", 1), ["Bikes 4", "Digital 2"]);
    assert_eq!(of("repositories", 0), ["gitlab.example 2"]);
    assert_eq!(of("repositories", 1), ["gearbox 2"]);
}

#[test]
fn a_disjunctive_facet_does_not_narrow_itself() {
    let server = Server::organisation();
    let facets = |filter: &str, disjunctive: bool| {
        let query = format!(
            "{{ projects(filter: {filter}) {{ totalCount facets(by: [BUSINESS, TEAM, PLATFORM], disjunctive: {disjunctive}) {{ buckets {{ value count }} }} }} }}"
        );
        let data = server.data(&query);
        let all: Vec<_> = data["projects"]["facets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|facet| buckets(facet).join(", "))
            .collect();
        all.join(" | ")
    };
    let filter = "{within: [\"Carbon\"]}";
    assert_eq!(facets(filter, false), "Bikes 1 | Carbon 1 | github.com 1, gitlab.example 1");
    assert_eq!(facets(filter, true), "Bikes 1 | Carbon 1, Checkout 1 | github.com 1, gitlab.example 1");
    let both = "{and: [{within: [\"Digital\"]}, {repository: {platform: {eq: \"gitlab.example\"}}}]}";
    assert_eq!(facets(both, false), "Bikes 1, Digital 1 | Checkout 1 | gitlab.example 1");
    assert_eq!(facets(both, true), "Bikes 2, Digital 1 | Checkout 1 | gitlab.example 1");
}

#[test]
fn search_finds_the_best_first_among_kinds_and_beneath_units() {
    let server = Server::organisation();
    let found = |arguments: &str| {
        let query = format!(
            "{{ search({arguments}) {{ score matched node {{ __typename ... on OrgUnit {{ name }} ... on Person {{ email }} ... on Project {{ projectName }} ... on Repository {{ url }} ... on Service {{ identifier }} }} }} }}"
        );
        server.data(&query)["search"].clone()
    };
    let checkout = found("text: \"checkout\"");
    assert_eq!(checkout[0]["node"]["name"], "Checkout");
    assert_eq!((&checkout[0]["score"], &checkout[0]["matched"]), (&json!(1.0), &json!("Checkout")));
    assert_eq!(strings(&checkout, "/*/node/__typename"), ["OrgUnit", "Service"]);
    assert_eq!(
        strings(&found("text: \"checkout\", kinds: [SERVICE, PERSON]"), "/*/node/identifier"),
        ["checkout-api"]
    );
    assert_eq!(found("text: \"EVE@aurora\"")[0]["node"]["email"], "eve@aurora.example");
    assert_eq!(found("text: \"box gear\"")[0]["node"]["projectName"], "Gear Box");
    assert_eq!(
        found("text: \"git@github.com:aurora/gearbox.git\", kinds: [REPOSITORY]")[0]["node"]["url"],
        "https://github.com/aurora/gearbox.git"
    );
    assert_eq!(found("text: \"ÖRTLICH\""), json!([]));
    assert_eq!(found("text: \"cem ö\"")[0]["node"]["email"], "cem@aurora.example");
    assert_eq!(
        strings(&found("text: \"aurora.example\", within: \"Carbon\", kinds: [PERSON]"), "/*/node/email"),
        ["Ada@aurora.example", "eve@aurora.example"]
    );
    assert_eq!(found("text: \"aurora\", first: 1").as_array().unwrap().len(), 1);
    assert_eq!(found("text: \"aurora\", first: 0"), json!([]));
    assert_eq!(found("text: \"\""), json!([]));
    server.error("{ search(text: \"a\", within: \"Nothing\") { score } }", "not-found");
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
