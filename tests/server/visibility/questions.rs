//! Generator of random queries: one for each field of `Query` with all fields below it, and requests to paths of the
//! OpenAPI document with some of their parameters.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clade::server::rest::openapi;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use serde_json::Value;

use super::arguments::Pool;
use super::introspection::{Field, Input, Of, Schema};
use super::router_client::Question;

/// Approximate number of fields of a document.
const FIELDS_MAX: usize = 600;

/// A query for each field of `Query`. Records the selected fields in `asked`.
pub(crate) fn graphql(
    schema: &Schema,
    pool: &Pool,
    rng: &mut StdRng,
    asked: &mut BTreeSet<(String, String)>,
) -> Vec<Question> {
    let ask = |field: &Field| {
        let mut document = Document { schema, pool, rng, asked, text: "{ ".to_owned(), fields: 0 };
        document.field("Query", field, 1);
        document.text.push('}');
        Question::graphql(&document.text)
    };
    // What `viewer` says of a token's limits is about the token, not about records.
    schema.of("Query").fields.iter().filter(|field| field.name != "viewer").map(ask).collect()
}

struct Document<'d> {
    schema: &'d Schema,
    pool: &'d Pool,
    rng: &'d mut StdRng,
    asked: &'d mut BTreeSet<(String, String)>,
    text: String,
    fields: usize,
}

impl Document<'_> {
    /// A field with all fields below it, to this depth of records.
    fn field(&mut self, on: &str, field: &Field, hops: usize) {
        self.fields += 1;
        self.asked.insert((on.to_owned(), field.name.clone()));
        self.text.push_str(&field.name);
        let written = argument_texts(self.schema, self.pool, self.rng, &field.args);
        if !written.is_empty() {
            write!(self.text, "({})", written.join(", ")).unwrap();
        }
        self.text.push(' ');
        if !self.schema.of(&field.of).is_leaf() {
            self.text.push_str("{ __typename ");
            self.selection(&field.of, hops);
            self.text.push_str("} ");
        }
    }

    fn selection(&mut self, name: &str, hops: usize) {
        let of = self.schema.of(name);
        if of.kind != "OBJECT" {
            // Two types' fields of one name may be of different types, so just one of them is asked.
            let possible = of.possible.choose(self.rng).unwrap();
            write!(self.text, "... on {possible} {{ ").unwrap();
            self.selection(possible, hops);
            self.text.push_str("} ");
            return;
        }
        for field in &of.fields {
            let to = self.schema.of(&field.of);
            let is_record = to.kind != "OBJECT" || to.fields.iter().any(|field| field.name == "id");
            let hops = if is_record && !to.is_leaf() {
                let further = hops > 0 || (self.fields < FIELDS_MAX / 2 && self.rng.random_bool(0.05));
                if !further || self.fields > FIELDS_MAX {
                    continue;
                }
                hops.saturating_sub(1)
            } else {
                hops
            };
            // Counted for every record of a page, these soon cost more than one document may.
            let is_costly = ["facets", "descendants", "facet"].contains(&field.name.as_str());
            if !(is_costly && hops == 0) || self.rng.random_bool(0.03) {
                self.field(name, field, hops);
            }
        }
    }
}

/// The required arguments and some of the optional ones.
fn argument_texts(schema: &Schema, pool: &Pool, rng: &mut StdRng, args: &[Input]) -> Vec<String> {
    let from_end = rng.random_bool(0.3);
    let mut written = Vec::new();
    for argument in args {
        let is_given = match argument.name.as_str() {
            // Lists of lists without a size are refused as too large.
            "first" => !from_end || !args.iter().any(|it| it.name == "last"),
            "last" => from_end,
            "after" | "before" => rng.random_bool(0.15),
            _ => matches!(argument.of, Of::Needed(_)) || rng.random_bool(0.4),
        };
        if is_given {
            let value = match argument.name.as_str() {
                "first" | "last" => rng.random_range(0..3).to_string(),
                "after" | "before" => format!("{:?}", pool.cursor(rng)),
                name => value(schema, pool, rng, name, &argument.of, 2),
            };
            written.push(format!("{}: {value}", argument.name));
        }
    }
    written
}

/// A random value, nested at most this deep.
fn value(schema: &Schema, pool: &Pool, rng: &mut StdRng, about: &str, of: &Of, depth: usize) -> String {
    match of {
        Of::Needed(of) => value(schema, pool, rng, about, of, depth),
        Of::List(of) => {
            let items: Vec<_> =
                (0..rng.random_range(1..3)).map(|_| value(schema, pool, rng, about, of, depth)).collect();
            format!("[{}]", items.join(", "))
        }
        Of::Named(name) => named_value(schema, pool, rng, about, name, depth),
    }
}

fn named_value(
    schema: &Schema,
    pool: &Pool,
    rng: &mut StdRng,
    about: &str,
    name: &str,
    depth: usize,
) -> String {
    let of = schema.of(name);
    match of.kind.as_str() {
        "ENUM" => of.values.choose(rng).unwrap().clone(),
        "INPUT_OBJECT" => {
            let nests = |input: &&Input| {
                let of = schema.of(input.of.name());
                of.kind == "INPUT_OBJECT" && !of.is_one_of
            };
            let can = |input: &&Input| depth > 0 || !nests(input);
            let most = if of.is_one_of { 1 } else { 2 };
            let mut chosen = of.inputs.iter().filter(can).choose_multiple(rng, most);
            chosen
                .extend(of.inputs.iter().filter(|input| matches!(input.of, Of::Needed(_)) && !of.is_one_of));
            chosen.sort_by_key(|input| &input.name);
            chosen.dedup_by_key(|input| &input.name);
            let members: Vec<_> = chosen
                .into_iter()
                .map(|input| {
                    format!(
                        "{}: {}",
                        input.name,
                        value(
                            schema,
                            pool,
                            rng,
                            inner(about, &input.name),
                            &input.of,
                            depth.saturating_sub(1)
                        )
                    )
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        _ => match name {
            "Int" | "Revision" => rng.random_range(0..5).to_string(),
            "Boolean" => rng.random_bool(0.5).to_string(),
            "DateTime" => "\"2026-01-01T00:00:00.000Z\"".to_owned(),
            _ => Value::String(pool.text(rng, about)).to_string(),
        },
    }
}

/// Random REST requests.
pub(crate) fn rest(pool: &Pool, rng: &mut StdRng, count: usize) -> Vec<Question> {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths: Vec<_> =
        document["paths"].as_object().unwrap().iter().filter(|(_, item)| item["get"].is_object()).collect();
    (0..count)
        .map(|_| {
            let (path, item) = paths.choose(rng).unwrap();
            let mut path = (*path).clone();
            let mut query = Vec::new();
            for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let schema = resolved(&document, &parameter["schema"]);
                match parameter["in"].as_str().unwrap() {
                    "path" => path = path.replace(&format!("{{{name}}}"), &encoded(&pool.text(rng, name))),
                    "query" if rng.random_bool(0.08) => {
                        query.push(format!(
                            "{name}={}",
                            encoded(&parameter_value(&document, name, schema, pool, rng))
                        ));
                    }
                    _ => {}
                }
            }
            let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
            Question {
                method: "GET",
                path: format!("{path}{query}"),
                content_type: None,
                body: String::new(),
            }
        })
        .collect()
}

fn parameter_value(document: &Value, name: &str, schema: &Value, pool: &Pool, rng: &mut StdRng) -> String {
    let values = schema["enum"].as_array();
    if let Some(value) = values.and_then(|values| values.choose(rng)) {
        return value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    }
    match schema["type"].as_str() {
        Some("integer") => rng.random_range(0..4).to_string(),
        Some("boolean") => rng.random_bool(0.5).to_string(),
        Some("array") => parameter_value(document, name, resolved(document, &schema["items"]), pool, rng),
        _ => pool.text(rng, name),
    }
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap_or(schema),
        None => schema,
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// What a value inside an input is about: the tests of a text are about what the input is.
fn inner<'n>(about: &'n str, name: &'n str) -> &'n str {
    if ["eq", "in", "contains", "startsWith"].contains(&name) { about } else { name }
}
