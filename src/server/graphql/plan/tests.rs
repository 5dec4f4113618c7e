//! Plans against async-graphql: both give the same bytes for random documents, variables, organizations and scopes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{
    BaseType, DocumentOperations, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{parse_query, parse_schema};
use async_graphql::{Positioned, Request, Variables};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use crate::directory::{Directory, View};
use crate::model::attributes::AttributesPatch;
use crate::model::command::{Command, ProjectRef, Update};
use crate::model::key::{Name, ProjectId, ServiceIdentifier};
use crate::model::patch::Patch;
use crate::model::project::{ProjectFields, ServiceFields};
use crate::model::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject};
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::execution::response::GraphqlResponse;
use crate::server::graphql::execution::schedule::{Turn, WaitPermit};
use crate::server::graphql::plan::Plan;
use crate::server::graphql::schema::{Api, builder, schema_sdl};
use crate::server::graphql::types::query::Query;
use crate::wire::id::entity_id;

/// Documents of each organization.
const DOCUMENTS: usize = 400;
const ORGANIZATIONS: u64 = 8;

/// The fields of planned types that only async-graphql resolves.
const UNPLANNED: [(&str, &str); 9] = [
    ("Query", "nodes"),
    ("Query", "search"),
    ("Query", "doctor"),
    ("Query", "tokens"),
    ("Query", "log"),
    ("Query", "mappings"),
    ("Query", "lookup"),
    ("Query", "viewer"),
    ("OrgUnit", "contains"),
];

#[test]
fn plans_give_the_bytes_of_async_graphql() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let api = builder().finish();
    let types = Types::read();
    let (mut planned, mut with_nulls, mut refused, mut unplanned) = (0, 0, 0, 0);
    for seed in 0..ORGANIZATIONS {
        let mut random = StdRng::seed_from_u64(seed);
        let organization = Organization::random(&mut random);
        for _ in 0..DOCUMENTS {
            let view = organization.random_view(&mut random);
            let asked = Document::random(&types, &organization, &mut random);
            let expected = runtime.block_on(resolved(&api, &organization.directory, &view, &asked));
            let written = runtime.block_on(async { written(&organization.directory, &view, &asked) });
            match written {
                Some(json) => {
                    let json = String::from_utf8(json).unwrap();
                    assert_eq!(json, expected.text, "{}\n{:#}", asked.text, Value::Object(asked.variables));
                    planned += 1;
                    with_nulls += usize::from(json.contains("null"));
                }
                None if expected.has_errors => refused += 1,
                // A wrong argument of a field that no record leads to.
                None => unplanned += 1,
            }
        }
    }
    let counts = format!(
        "{planned} planned, {with_nulls} of them with nulls, {refused} refused, {unplanned} unplanned"
    );
    assert!(planned > 1_000 && with_nulls > 200 && refused > 100 && unplanned < 100, "{counts}");
}

struct Expected {
    text: String,
    has_errors: bool,
}

fn budget(directory: &Directory) -> Arc<Budget> {
    let work = RequestWork::local(directory.clone());
    Arc::new(Budget::new(Turn::new(work, Duration::from_secs(30), WaitPermit::default())))
}

async fn resolved(api: &Api, directory: &Directory, view: &View, asked: &Document) -> Expected {
    let variables = Variables::from_json(Value::Object(asked.variables.clone()));
    let request = Request::new(asked.text.clone()).variables(variables);
    let request = request.data(view.clone()).data(Caller::local(directory.clone())).data(budget(directory));
    let response = GraphqlResponse::of(api.execute(request).await, true);
    assert!(!response.is_refused(), "{:?}\n{}\n{:?}", response.errors, asked.text, asked.variables);
    let has_errors = !response.errors.is_empty();
    Expected { text: String::from_utf8(response.to_bytes()).unwrap(), has_errors }
}

fn written(directory: &Directory, view: &View, asked: &Document) -> Option<Vec<u8>> {
    let document = parse_query(&asked.text).unwrap();
    let operation = match &document.operations {
        DocumentOperations::Single(only) => &only.node,
        DocumentOperations::Multiple(all) => &all.values().next().unwrap().node,
    };
    let variables = Variables::from_json(Value::Object(asked.variables.clone()));
    Plan { document: &document, operation, variables: &variables, view }.write::<Query>(&budget(directory))
}

struct Organization {
    directory: Directory,
    /// Texts by the name of an argument that takes them.
    texts: BTreeMap<&'static str, Vec<String>>,
}

impl Organization {
    fn random(random: &mut StdRng) -> Self {
        let directory = Directory::in_memory().unwrap();
        let odd = ["plain", "say \"x\"", "back\\slash", "é \u{1F600}", "a/b"];
        let levels = ["organization", "business", "department", "group", "team", "squad"];
        let mut keys: Vec<String> = Vec::new();
        for at in 0..random.random_range(2..14) {
            let key = format!("u{at}");
            let name = format!("{} {at}", odd.choose(random).unwrap());
            let mut unit = CreateOrgUnit::new(&name, levels.choose(random).unwrap()).key(&key);
            for parent in some(&keys, 0..3, random) {
                unit = unit.under(parent);
            }
            if random.random_bool(0.3) {
                unit = unit.external_id(&format!("x-{at}"));
            }
            if random.random_bool(0.3) {
                unit = unit.attribute("a", json!([1, 2.5, null, {"é": "\u{1}"}]));
            }
            directory.apply(unit).unwrap();
            keys.push(key);
        }
        let emails: Vec<String> =
            (0..random.random_range(1..20)).map(|at| format!("P{at}@corp.example")).collect();
        for email in &emails {
            let mut person = CreatePerson::new(email).first_name(odd.choose(random).unwrap());
            if random.random_bool(0.5) {
                person = person.last_name("Last");
            }
            if random.random_bool(0.8) {
                person = person.in_units(some(&keys, 1..3, random));
            }
            directory.apply(person).unwrap();
        }
        let projects: Vec<String> = (0..random.random_range(1..20)).map(|at| format!("p{at}")).collect();
        for (at, id) in projects.iter().enumerate() {
            let mut project = CreateProject::new(id, odd.choose(random).unwrap());
            if random.random_bool(0.5) {
                project = project.repository(&format!("https://github.com/corp/r{at}.git"));
            }
            if random.random_bool(0.5) {
                project = project.owner(emails.choose(random).unwrap());
            }
            if random.random_bool(0.8) {
                project = project.in_units(some(&keys, 1..3, random));
            }
            directory.apply(project).unwrap();
            if random.random_bool(0.5) {
                directory.apply(with_service(id, at)).unwrap();
            }
            for email in some(&emails, 0..4, random) {
                directory.apply(CreateMapping::member(id, email)).unwrap();
            }
        }
        let view = directory.view();
        let ids = crate::model::entity::Kind::ALL.into_iter().flat_map(|kind| view.all(kind).iter());
        let ids = ids.map(|id| entity_id(&view, view.entity(crate::model::entity::EntityId(id)).unwrap()));
        let texts = BTreeMap::from([
            ("id", ids.collect()),
            ("within", keys.clone()),
            ("key", keys),
            ("email", emails),
            ("projectId", projects),
            ("url", (0..5).map(|at| format!("git@github.com:corp/r{at}")).collect()),
            ("identifier", (0..5).map(|at| format!("svc {at}")).collect()),
            ("types", ["team", "group", "squad"].map(str::to_owned).to_vec()),
        ]);
        Self { directory, texts }
    }

    fn random_view(&self, random: &mut StdRng) -> View {
        let view = self.directory.view();
        if random.random_bool(0.5) {
            return view;
        }
        let keys = some(&self.texts["key"], 0..3, random);
        let units: Vec<_> = keys.iter().map(|key| view.org_unit(*key).unwrap().id()).collect();
        view.within(&units)
    }
}

/// As many of the texts as one of `counts`.
fn some<'a>(texts: &'a [String], counts: Range<usize>, random: &mut StdRng) -> Vec<&'a str> {
    let count = random.random_range(counts);
    texts.choose_multiple(random, count).map(String::as_str).collect()
}

/// Gives a project a service.
fn with_service(project: &str, at: usize) -> Command {
    let service = ServiceFields {
        name: Name::parse("Service").unwrap(),
        identifier: Some(ServiceIdentifier::parse(&format!("svc {at}")).unwrap()),
        dependencies: at.is_multiple_of(2).then(|| json!(["a", {"b": 1}])),
        external_id: None,
        attributes: AttributesPatch::default(),
    };
    let fields = ProjectFields { services: Patch::Set(vec![service]), ..ProjectFields::default() };
    let target = ProjectRef::ProjectId(ProjectId::parse(project).unwrap());
    Command::UpdateProject(Update { target, fields, if_revision: None })
}

/// The types of the schema by name.
struct Types(BTreeMap<String, TypeDefinition>);

impl Types {
    fn read() -> Self {
        let schema = parse_schema(schema_sdl()).unwrap();
        let named = schema.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(named) => Some((named.node.name.node.to_string(), named.node)),
            _ => None,
        });
        Self(named.collect())
    }

    /// The fields of an object type or interface.
    fn fields(&self, name: &str) -> &[Positioned<FieldDefinition>] {
        match self.0.get(name).map(|it| &it.kind) {
            Some(TypeKind::Object(object)) => &object.fields,
            Some(TypeKind::Interface(interface)) => &interface.fields,
            _ => &[],
        }
    }
}

/// A random document with its variables.
struct Document {
    text: String,
    variables: Map<String, Value>,
}

struct Writing<'t> {
    types: &'t Types,
    organization: &'t Organization,
    random: &'t mut StdRng,
    /// The definitions of variables, and the texts of fragments.
    definitions: Vec<String>,
    fragments: Vec<String>,
    variables: Map<String, Value>,
    aliases: usize,
}

impl Document {
    fn random(types: &Types, organization: &Organization, random: &mut StdRng) -> Self {
        let (definitions, fragments, variables) = (Vec::new(), Vec::new(), Map::new());
        let mut writing =
            Writing { types, organization, random, definitions, fragments, variables, aliases: 0 };
        let selections = writing.selections("Query", 5);
        let definitions = match writing.definitions.as_slice() {
            [] => String::new(),
            some => format!("({})", some.join(", ")),
        };
        let text = format!("query Q{definitions} {selections} {}", writing.fragments.join(" "));
        Self { text, variables: writing.variables }
    }
}

/// The name of a type without lists and non-nulls.
fn base(kind: &Type) -> &str {
    match &kind.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => base(inner),
    }
}

impl Writing<'_> {
    /// A selection set on a type, at least one of whose fields is never skipped.
    fn selections(&mut self, name: &str, depth: usize) -> String {
        let fields = self.types.fields(name);
        let is_leaf = |field: &FieldDefinition| self.types.fields(base(&field.ty.node)).is_empty();
        let some: Vec<&FieldDefinition> = fields
            .iter()
            .map(|field| &field.node)
            .filter(|field| !UNPLANNED.contains(&(name, field.name.node.as_str())))
            .filter(|field| depth > 0 || is_leaf(field))
            .collect();
        let count = self.random.random_range(1..5);
        let some: Vec<_> = some.choose_multiple(self.random, count).copied().collect();
        let mut text = String::from("{ ");
        if some.is_empty() || self.random.random_bool(0.1) {
            text.push_str("__typename ");
        }
        for (index, field) in some.into_iter().enumerate() {
            // The first one is always there.
            let may_be_skipped = index > 0;
            let selection = self.field(field, depth, may_be_skipped);
            // Once more, beside the fragment: both are merged.
            let again = if self.random.random_bool(0.15) { selection.clone() } else { String::new() };
            let form = self.random.random_range(0..8);
            let directive = if may_be_skipped && form < 3 { self.directive() } else { String::new() };
            match form {
                0 => _ = write!(text, "... {directive} {{ {selection} }} {again} "),
                1 => _ = write!(text, "... on {name} {directive} {{ {selection} }} {again} "),
                2 => {
                    let fragment = format!("F{}", self.fragments.len());
                    self.fragments.push(format!("fragment {fragment} on {name} {{ {selection} }}"));
                    _ = write!(text, "...{fragment} {directive} {again} ");
                }
                _ => _ = write!(text, "{again} {selection} "),
            }
        }
        text.push('}');
        text
    }

    fn directive(&mut self) -> String {
        if self.random.random_bool(0.85) {
            return String::new();
        }
        let name = ["skip", "include"].choose(self.random).unwrap();
        let condition = self.random.random_bool(0.5);
        let condition = self.maybe_variable("Boolean!", json!(condition), condition.to_string());
        format!("@{name}(if: {condition})")
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize, may_be_skipped: bool) -> String {
        let mut text = String::new();
        if self.random.random_bool(0.4) {
            self.aliases += 1;
            _ = write!(text, "a{}: ", self.aliases);
        }
        text.push_str(&field.name.node);
        let mut arguments = Vec::new();
        let pages = [["first", "last"], ["last", "first"]].choose(self.random).unwrap();
        for argument in &field.arguments {
            let argument = &argument.node;
            let is_other_page = argument.name.node == pages[1] && self.random.random_bool(0.95);
            // Nearly all of these are refused.
            let is_cursor = matches!(argument.name.node.as_str(), "after" | "before");
            let is_left_out = is_other_page || is_cursor && self.random.random_bool(0.95);
            let is_needed = !argument.ty.node.nullable && argument.default_value.is_none();
            if is_needed || !is_left_out && self.random.random_bool(0.3) {
                arguments.push(format!("{}: {}", argument.name.node, self.argument(argument)));
            }
        }
        if !arguments.is_empty() {
            _ = write!(text, "({})", arguments.join(", "));
        }
        if may_be_skipped {
            _ = write!(text, " {}", self.directive());
        }
        let object = base(&field.ty.node);
        if !self.types.fields(object).is_empty() {
            let selections = match object {
                "Node" => self.node(depth),
                _ => self.selections(object, depth.saturating_sub(1)),
            };
            _ = write!(text, " {selections}");
        }
        text
    }

    /// A selection set on the interface `Node`.
    fn node(&mut self, depth: usize) -> String {
        let mut text = String::from("{ id __typename ");
        for name in ["OrgUnit", "Person", "Project", "Repository", "Service"] {
            if self.random.random_bool(0.6) {
                let selections = self.selections(name, depth.saturating_sub(1));
                _ = write!(text, "... on {name} {selections} ");
            }
        }
        text.push('}');
        text
    }

    fn argument(&mut self, argument: &InputValueDefinition) -> String {
        let value = self.value(&argument.name.node, &argument.ty.node, 3);
        // Null and the type's own nullability are both tried.
        let value =
            if argument.ty.node.nullable && argument.default_value.is_none() && self.random.random_bool(0.05)
            {
                Value::Null
            } else {
                value
            };
        let literal = self.literal(&value, &argument.ty.node);
        self.maybe_variable(&argument.ty.node.to_string(), value, literal)
    }

    fn maybe_variable(&mut self, kind: &str, value: Value, literal: String) -> String {
        if self.random.random_bool(0.6) {
            return literal;
        }
        let name = format!("v{}", self.variables.len());
        self.definitions.push(format!("${name}: {kind}"));
        self.variables.insert(name.clone(), value);
        format!("${name}")
    }

    fn value(&mut self, name: &str, kind: &Type, depth: usize) -> Value {
        match &kind.base {
            BaseType::List(inner) => {
                let count = self.random.random_range(0..3);
                (0..count).map(|_| self.value(name, inner, depth)).collect()
            }
            BaseType::Named(named) => {
                match (named.as_str(), &self.types.0.get(named.as_str()).map(|it| &it.kind)) {
                    ("Int", _) => {
                        let odd = self.random.random_bool(0.02);
                        let sizes: &[i32] = if odd { &[1_001, -1] } else { &[0, 1, 2, 3, 10, 1_000] };
                        json!(sizes.choose(self.random).unwrap())
                    }
                    ("Boolean", _) => json!(self.random.random_bool(0.5)),
                    (_, Some(TypeKind::Enum(values))) => {
                        json!(values.values.choose(self.random).unwrap().node.value.node.as_str())
                    }
                    (_, Some(TypeKind::InputObject(object))) => {
                        let fields: Vec<_> = object.fields.iter().map(|field| field.node.clone()).collect();
                        let is_one = self.types.0[named.as_str()]
                            .directives
                            .iter()
                            .any(|it| it.node.name.node == "oneOf");
                        let needed = |field: &&InputValueDefinition| !field.ty.node.nullable;
                        let count = if is_one { 1 } else { self.random.random_range(0..3) };
                        let mut some: Vec<_> = fields.iter().filter(needed).cloned().collect();
                        if depth > 0 {
                            some.extend(fields.choose_multiple(self.random, count).cloned());
                        }
                        some.into_iter()
                            .map(|field| {
                                let value =
                                    self.value(&field.name.node, &field.ty.node, depth.saturating_sub(1));
                                (field.name.node.to_string(), value)
                            })
                            .collect()
                    }
                    _ => {
                        let odd =
                            ["", "a", "ab", "corp", "plain", "say \"x\"", "no such\\thing", "\u{1F600}"];
                        let known = self
                            .organization
                            .texts
                            .get(name)
                            .or_else(|| self.organization.texts.get("email"));
                        match known.filter(|_| self.random.random_bool(0.8)) {
                            Some(known) => json!(known.choose(self.random).unwrap()),
                            None => json!(odd.choose(self.random).unwrap()),
                        }
                    }
                }
            }
        }
    }

    /// A value as it is written in a document.
    fn literal(&self, value: &Value, kind: &Type) -> String {
        match (value, &kind.base) {
            (Value::Array(items), BaseType::List(inner)) => {
                let items: Vec<_> = items.iter().map(|item| self.literal(item, inner)).collect();
                format!("[{}]", items.join(", "))
            }
            (Value::Object(members), BaseType::Named(named)) => {
                let TypeKind::InputObject(object) = &self.types.0[named.as_str()].kind else {
                    unreachable!()
                };
                let member = |(name, value): (&String, &Value)| {
                    let field = object.fields.iter().find(|field| field.node.name.node == *name).unwrap();
                    format!("{name}: {}", self.literal(value, &field.node.ty.node))
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            (Value::String(text), BaseType::Named(named))
                if self
                    .types
                    .0
                    .get(named.as_str())
                    .is_some_and(|it| matches!(it.kind, TypeKind::Enum(_))) =>
            {
                text.clone()
            }
            _ => value.to_string(),
        }
    }
}
