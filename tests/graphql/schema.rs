//! The GraphQL schema: `schema.graphql` equals the served schema, everything in it has a description, and the names
//! and types that clients rely on exist.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::Server;

const SCHEMA: &str = r"{ __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
        name kind description specifiedByURL isOneOf
        fields(includeDeprecated: true) { name description type { ...T } args { name description defaultValue type { ...T } } }
        inputFields { name description defaultValue type { ...T } }
        enumValues(includeDeprecated: true) { name description }
        interfaces { name } possibleTypes { name }
    }
} }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

fn types(server: &Server) -> Vec<Value> {
    let schema = server.data(SCHEMA);
    let mut types = schema["__schema"]["types"].as_array().unwrap().clone();
    types.retain(|named| !text(&named["name"]).starts_with("__"));
    types
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_file_is_what_is_served() {
    let file = include_str!("../../schema.graphql");
    let server = Server::start();
    let shown = server.send_as("GET", "!/schema.graphql", &[], None).text();
    assert!(file.trim_end() == shown.trim_end(), "run `clade schema > schema.graphql` and read the diff");
    assert_eq!(shown, clade::server::app::schema_sdl());
}

#[test]
fn everything_is_described() {
    // The scalars of the language are the library's to describe.
    const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
    let server = Server::start();
    let mut silent = Vec::new();
    let mut looked_at = 0;
    let mut examine = |at: String, described: &Value| {
        looked_at += 1;
        let description = text(&described["description"]);
        if !description.ends_with(['.', '`']) || description.len() < 4 {
            silent.push(at);
        }
    };
    for named in types(&server) {
        let name = text(&named["name"]);
        if BUILT_IN.contains(&name) {
            continue;
        }
        examine(name.to_owned(), &named);
        for member in ["fields", "inputFields", "enumValues"] {
            for field in list(&named[member]) {
                examine(format!("{name}.{}", text(&field["name"])), field);
                for argument in list(&field["args"]) {
                    examine(
                        format!("{name}.{}({})", text(&field["name"]), text(&argument["name"])),
                        argument,
                    );
                }
            }
        }
    }
    assert!(silent.is_empty(), "these need a sentence: {silent:#?}");
    assert!(looked_at > 500, "only {looked_at} were looked at");
}

#[test]
fn scalars_say_where_they_are_specified() {
    let server = Server::start();
    for named in types(&server) {
        if ["DateTime", "JSON", "Revision"].contains(&text(&named["name"])) {
            assert!(text(&named["specifiedByURL"]).starts_with("https://"), "{named}");
        }
    }
    let sdl = clade::server::app::schema_sdl();
    assert_eq!(sdl.matches(" @specifiedBy(url: \"https://").count(), 3);
}

/// A type in the notation of the schema language.
fn written(of: &Value) -> String {
    match text(&of["kind"]) {
        "NON_NULL" => format!("{}!", written(&of["ofType"])),
        "LIST" => format!("[{}]", written(&of["ofType"])),
        _ => text(&of["name"]).to_owned(),
    }
}

/// Every field and argument with its type: `OrgUnit.children(types)` → `[String!]`.
fn written_types(server: &Server) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for named in types(server) {
        let name = text(&named["name"]);
        for field in list(&named["fields"]).iter().chain(list(&named["inputFields"])) {
            let at = format!("{name}.{}", text(&field["name"]));
            for argument in list(&field["args"]) {
                let of = match argument["defaultValue"].as_str() {
                    Some(default) => format!("{} = {default}", written(&argument["type"])),
                    None => written(&argument["type"]),
                };
                found.insert(format!("{at}({})", text(&argument["name"])), of);
            }
            found.insert(at, written(&field["type"]));
        }
        for value in list(&named["enumValues"]) {
            found.insert(format!("{name}.{}", text(&value["name"])), "value".to_owned());
        }
    }
    found
}

/// The names and types that clients rely on.
const PROMISED: &str = "
Query: node(id: ID!): Node | nodes(ids: [ID!]!): [Node]! | person(email: String!): Person
Query: project(projectId: String!): Project | repository(url: String!): Repository
Query: service(identifier: String!): Service | orgUnit(by: OrgUnitBy!): OrgUnit | roots: [OrgUnit!]!
Query: people(filter: PersonFilter, orderBy: PersonOrder, first: Int, after: String, last: Int, before: String): PersonConnection!
Query: projects(filter: ProjectFilter, orderBy: ProjectOrder, first: Int, after: String, last: Int, before: String): ProjectConnection!
Query: orgUnits(filter: OrgUnitFilter, orderBy: OrgUnitOrder, first: Int, after: String, last: Int, before: String): OrgUnitConnection!
Query: repositories(filter: RepositoryFilter, orderBy: RepositoryOrder, first: Int, after: String, last: Int, before: String): RepositoryConnection!
Query: mappings(filter: MappingFilter, first: Int, after: String, last: Int, before: String): MappingConnection!
Query: search(text: String!, kinds: [NodeKind!], within: ID, first: Int): [SearchHit!]! | revision: Revision!
OrgUnitBy: key: String | path: [String!] | externalId: String
OrgUnit: id: ID! | key: String! | name: String! | type: String! | level: Int | externalId: String
OrgUnit: parents: [OrgUnit!]! | ancestors: [OrgUnit!]! | children(types: [String!]): [OrgUnit!]!
OrgUnit: descendants(depth: Int, types: [String!], first: Int, after: String): OrgUnitDescendantConnection!
OrgUnit: people(recursive: Boolean! = true, filter: PersonFilter, orderBy: PersonOrder, first: Int, after: String, last: Int, before: String): PersonConnection!
OrgUnit: projects(recursive: Boolean! = true, filter: ProjectFilter, orderBy: ProjectOrder, first: Int, after: String, last: Int, before: String): ProjectConnection!
OrgUnit: repositories(recursive: Boolean! = true, filter: RepositoryFilter, orderBy: RepositoryOrder, first: Int, after: String, last: Int, before: String): RepositoryConnection!
OrgUnit: totals: Totals! | contains(id: ID!): Boolean! | createdAt: DateTime! | updatedAt: DateTime! | revision: Revision!
Project: id: ID! | projectId: String! | projectName: String! | externalId: String | attributes: JSON
Project: owner: ProjectOwner | units: [OrgUnit!]! | organization: OrgUnit | business: OrgUnit | department: OrgUnit
Project: group: OrgUnit | team: OrgUnit | repositories: [Repository!]! | services: [Service!]!
Project: members(filter: PersonFilter, orderBy: PersonOrder, first: Int, after: String, last: Int, before: String): PersonConnection!
Project: createdAt: DateTime! | updatedAt: DateTime! | revision: Revision!
ProjectOwner: firstName: String | lastName: String | email: String | person: Person
Person: id: ID! | email: String! | firstName: String | lastName: String | displayName: String | externalId: String
Person: units: [OrgUnit!]! | organization: OrgUnit | business: OrgUnit | department: OrgUnit | group: OrgUnit | team: OrgUnit
Person: projects(filter: ProjectFilter, orderBy: ProjectOrder, first: Int, after: String, last: Int, before: String): ProjectConnection!
Repository: id: ID! | name: String! | platform: String | url: String | project: Project!
Service: id: ID! | name: String! | identifier: String | dependencies: JSON | externalId: String | project: Project!
Mapping: id: ID! | from: Node! | to: Node! | mappingType: MappingType! | relationship: Relationship!
Mapping: validFrom: DateTime! | validTo: DateTime | source: String
ProjectConnection: nodes: [Project!]! | edges: [ProjectEdge!]! | pageInfo: PageInfo! | totalCount: Int!
ProjectConnection: facets(by: [ProjectFacet!]!, first: Int, disjunctive: Boolean! = false): [Facet!]!
PersonConnection: facets(by: [PersonFacet!]!, first: Int, disjunctive: Boolean! = false): [Facet!]!
Facet: by: FacetDimension! | buckets: [FacetBucket!]!
FacetBucket: value: String! | unit: OrgUnit | count: Int!
OrgUnitDescendantConnection: nodes: [OrgUnit!]! | edges: [OrgUnitDescendantEdge!]! | pageInfo: PageInfo! | totalCount: Int!
OrgUnitDescendantEdge: node: OrgUnit! | cursor: String! | depth: Int! | parent: OrgUnit!
PageInfo: hasNextPage: Boolean! | hasPreviousPage: Boolean! | startCursor: String | endCursor: String
ProjectFilter: and: [ProjectFilter!] | or: [ProjectFilter!] | not: ProjectFilter | within: [ID!]
ProjectFilter: projectId: StringFilter | projectName: StringFilter | externalId: StringFilter
ProjectFilter: member: StringFilter | owner: StringFilter | repository: RepositoryFilter | service: ServiceFilter
ProjectFacet: ORGANIZATION | BUSINESS | DEPARTMENT | GROUP | TEAM | PLATFORM | OWNER | MEMBER
PersonFacet: ORGANIZATION | BUSINESS | DEPARTMENT | GROUP | TEAM
StringFilter: eq: String | in: [String!] | contains: String | startsWith: String | isNull: Boolean
Mutation: createOrgUnit(input: CreateOrgUnitInput!): CreateOrgUnitPayload! | updateOrgUnit(input: UpdateOrgUnitInput!): UpdateOrgUnitPayload!
Mutation: createPerson(input: CreatePersonInput!): CreatePersonPayload! | updatePerson(input: UpdatePersonInput!): UpdatePersonPayload!
Mutation: createProject(input: CreateProjectInput!): CreateProjectPayload! | updateProject(input: UpdateProjectInput!): UpdateProjectPayload!
Mutation: createMapping(input: CreateMappingInput!): CreateMappingPayload! | updateMapping(input: UpdateMappingInput!): UpdateMappingPayload!
Mutation: createToken(input: CreateTokenInput!): CreateTokenPayload! | updateToken(input: UpdateTokenInput!): UpdateTokenPayload!
Mutation: deleteOrgUnit(input: DeleteOrgUnitInput!): DeleteOrgUnitPayload! | deletePerson(input: DeleteInput!): DeletePayload!
Mutation: deleteProject(input: DeleteInput!): DeletePayload! | deleteMapping(input: DeleteInput!): DeletePayload!
Mutation: moveOrgUnit(id: ID!, to: ID!, from: ID): MoveOrgUnitPayload!
Mutation: apply(changes: [ChangeInput!]!, dryRun: Boolean! = false): ApplyPayload!
CreatePersonPayload: person: Person!
CreateTokenPayload: token: String!
Subscription: revision: Revision!
";

#[test]
fn the_contract_of_names_and_types_is_kept() {
    let server = Server::start();
    let found = written_types(&server);
    let is = |at: String, of: &str| {
        assert_eq!(found.get(&at).map(String::as_str), Some(of), "{at}");
    };
    for line in PROMISED.lines().filter(|line| !line.is_empty()) {
        let (name, members) = line.split_once(": ").unwrap();
        for member in members.split(" | ") {
            if let Some((field, rest)) = member.split_once('(') {
                let (arguments, of) = rest.rsplit_once("): ").unwrap();
                is(format!("{name}.{field}"), of);
                for argument in arguments.split(", ") {
                    let (argument, of) = argument.split_once(": ").unwrap();
                    is(format!("{name}.{field}({argument})"), of);
                }
            } else if let Some((field, of)) = member.split_once(": ") {
                is(format!("{name}.{field}"), of);
            } else {
                is(format!("{name}.{member}"), "value");
            }
        }
    }
}

#[test]
fn every_record_is_a_node_and_every_choice_is_one_of() {
    let server = Server::start();
    let types = types(&server);
    let named = |name: &str| types.iter().find(|named| named["name"] == name).unwrap();
    let mut nodes: Vec<_> = list(&named("Node")["possibleTypes"]).iter().map(|t| text(&t["name"])).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["Mapping", "OrgUnit", "Person", "Project", "Repository", "Service"]);
    for choice in ["OrgUnitBy", "ChangeInput"] {
        assert_eq!(named(choice)["isOneOf"], true, "{choice}");
    }
    assert_eq!(named("ProjectFilter")["isOneOf"], false);
}
