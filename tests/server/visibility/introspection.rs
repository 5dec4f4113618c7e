//! Reads the GraphQL schema by introspection, so that queries cover new fields automatically.

use std::collections::{BTreeMap, BTreeSet};

use clade::server::app::{DocumentSource, GraphqlRequest, execute};
use serde_json::Value;

const INTROSPECTION: &str = "{ __schema { queryType { name } types { kind name isOneOf
    fields(includeDeprecated: true) { name args { name type { ...type } } type { ...type } }
    inputFields { name type { ...type } } enumValues(includeDeprecated: true) { name } possibleTypes { name } } } }
    fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name } } } } } }";

/// All types by name.
pub(crate) struct Schema {
    pub(crate) types: BTreeMap<String, Type>,
}

#[derive(Debug, Default)]
pub(crate) struct Type {
    pub(crate) kind: String,
    pub(crate) is_one_of: bool,
    pub(crate) fields: Vec<Field>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) values: Vec<String>,
    pub(crate) possible: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) args: Vec<Input>,
    pub(crate) of: String,
}

#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) of: Of,
}

/// The input type of a value.
#[derive(Debug)]
pub(crate) enum Of {
    Needed(Box<Of>),
    List(Box<Of>),
    Named(String),
}

impl Schema {
    pub(crate) fn read() -> Self {
        let document = DocumentSource::Text(INTROSPECTION.to_owned());
        let asked = GraphqlRequest { document, operation_name: None, variables: serde_json::Map::new() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(execute(super::empty(), asked));
        let answer = serde_json::to_value(&answer).unwrap();
        let types = answer["data"]["__schema"]["types"].as_array().unwrap_or_else(|| panic!("{answer}"));
        Self { types: types.iter().map(|it| (text(&it["name"]), Type::read(it))).collect() }
    }

    pub(crate) fn of(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("no type {name}"))
    }

    /// All fields that are reachable from `Query`, each with its parent type.
    pub(crate) fn fields(&self) -> BTreeSet<(String, String)> {
        let mut fields = BTreeSet::new();
        let mut open = vec!["Query".to_owned()];
        let mut known = BTreeSet::new();
        while let Some(name) = open.pop() {
            let of = self.of(&name);
            if name.starts_with("__") || !known.insert(name.clone()) {
                continue;
            }
            open.extend(of.possible.iter().cloned());
            open.extend(of.fields.iter().map(|field| field.of.clone()));
            if of.kind == "OBJECT" {
                fields.extend(of.fields.iter().map(|field| (name.clone(), field.name.clone())));
            }
        }
        fields
    }
}

impl Type {
    fn read(it: &Value) -> Self {
        let all = |name: &str| it[name].as_array().cloned().unwrap_or_default();
        let names = |name: &str| all(name).iter().map(|it| text(&it["name"])).collect();
        Self {
            kind: text(&it["kind"]),
            is_one_of: it["isOneOf"] == true,
            fields: all("fields").iter().map(Field::read).collect(),
            inputs: all("inputFields").iter().map(Input::read).collect(),
            values: names("enumValues"),
            possible: names("possibleTypes"),
        }
    }

    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.kind.as_str(), "SCALAR" | "ENUM")
    }
}

impl Field {
    fn read(it: &Value) -> Self {
        let args = it["args"].as_array().unwrap().iter().map(Input::read).collect();
        Self { name: text(&it["name"]), args, of: Of::read(&it["type"]).name().to_owned() }
    }
}

impl Input {
    fn read(it: &Value) -> Self {
        Self { name: text(&it["name"]), of: Of::read(&it["type"]) }
    }
}

impl Of {
    fn read(it: &Value) -> Self {
        match it["kind"].as_str().unwrap() {
            "NON_NULL" => Self::Needed(Box::new(Self::read(&it["ofType"]))),
            "LIST" => Self::List(Box::new(Self::read(&it["ofType"]))),
            _ => Self::Named(text(&it["name"])),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Needed(of) | Self::List(of) => of.name(),
            Self::Named(name) => name,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
