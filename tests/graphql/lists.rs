//! GraphQL lists: cursors, filters, facets and search.

use serde_json::{Value, json};

use crate::support::{Server, strings};

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
        ("{lastName: {eq: \"ber\"}}", ""),
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
fn whole_lists_have_every_match_on_all_pages() {
    let server = Server::organisation();
    let all =
        server.data("{ projects(first: 9) { nodes { id projectId } } people(first: 9) { nodes { email } } }");
    let nodes = |list: &str, field: &str| -> Vec<Value> {
        all[list]["nodes"].as_array().unwrap().iter().map(|node| node[field].clone()).collect()
    };
    let lists = server.data("{ projects(first: 1) { ids keys } people(first: 0) { keys } }");
    assert_eq!(lists["projects"]["ids"], json!(nodes("projects", "id")));
    assert_eq!(lists["projects"]["keys"], json!(nodes("projects", "projectId")));
    assert_eq!(lists["people"]["keys"], json!(nodes("people", "email")));
    assert!(nodes("projects", "id").len() > 1);
}

#[test]
fn a_whole_list_has_no_limit_but_its_bytes() {
    let server = Server::start();
    let domain = "x".repeat(60);
    let person = |at| format!(r#"{{"kind":"person","email":"p{at}@{domain}.example"}}"#);
    let lines: Vec<String> = (0..3_000).map(person).collect();
    server.bulk("", &lines.join("\n")).ok();
    let keys = server.data("{ people(first: 0) { keys totalCount } }");
    assert_eq!(keys["people"]["keys"].as_array().unwrap().len(), 3_000);
    // 200 lists of 200 kB are more than 32 MiB.
    let many: Vec<String> = (0..200).map(|at| format!("a{at}: keys")).collect();
    server.refusal(&format!("{{ people(first: 0) {{ {} }} }}", many.join(" ")), "too-complex");
}
