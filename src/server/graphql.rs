//! GraphQL: the schema, and one way to carry a request out, whichever transport brought it.
//!
//! What must stay true: a request is counted against its limits before it is validated, and every error says its
//! stable code.

#![expect(clippy::unused_async, reason = "async-graphql takes no other resolvers")]

mod budget;
mod changes;
mod connection;
mod cost;
mod descendants;
mod facet;
mod filter;
mod http;
mod input;
mod limits;
mod mapping;
mod media;
mod mutation;
mod nesting;
mod node;
mod org_unit;
mod page;
mod payload;
mod person;
mod project;
mod query;
mod repository;
mod scalars;
mod service;
mod subscription;
mod token;
mod typename;
mod ws;

use std::sync::LazyLock;

use async_graphql::Value as ConstValue;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Request, Response, SDLExportOptions, Schema, SchemaBuilder, ServerError, Variables};
use axum::Router;
use axum::routing::{any, get};
use serde_json::{Map, Value, json};

use crate::server::graphql::limits::{BRACKETS_MAX, DOCUMENT_MAX, NESTING_MAX, over};
use crate::server::graphql::mutation::Mutation;
use crate::server::graphql::query::Query;
use crate::server::graphql::subscription::Subscription;
use crate::server::problem::{Problem, Result};
use crate::server::state::{AppState, Caller};

/// More errors than this are counted, not told.
const ERRORS_MAX: usize = 20;

/// The schema that is served.
pub(crate) type Api = Schema<Query, Mutation, Subscription>;

/// What the transports share.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) state: AppState,
    pub(crate) api: Api,
}

/// The routes `/graphql` and `/graphql/ws`.
pub fn router(state: AppState) -> Router {
    let endpoint = Endpoint { api: builder().data(state.clone()).finish(), state };
    Router::new()
        .route("/graphql", any(http::endpoint))
        .route("/graphql/ws", get(ws::endpoint))
        .with_state(endpoint)
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // The limits of our own are told better; this one, on by default, must not be narrower.
    let nesting = usize::try_from(NESTING_MAX).unwrap_or(usize::MAX);
    Schema::build(Query, Mutation, Subscription).limit_recursive_depth(nesting)
}

/// The schema as text, as it is kept in `schema.graphql`.
#[must_use]
pub fn schema_sdl() -> &'static str {
    static SDL: LazyLock<String> =
        LazyLock::new(|| builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by()));
    &SDL
}

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The document.
    pub query: String,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The variables, an object.
    pub variables: Map<String, Value>,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The body, with `data`, `errors` or both.
    pub body: Value,
    /// Whether the request was refused before anything was carried out: there is no `data` then.
    pub refused: bool,
}

/// Carries out a query or a mutation of `caller`'s.
pub async fn execute(state: &AppState, caller: Caller, asked: Asked) -> Answer {
    let endpoint = Endpoint { api: builder().data(state.clone()).finish(), state: state.clone() };
    match prepare(asked) {
        Ok(prepared) => endpoint.carry_out(caller, prepared).await,
        Err(problem) => Answer::refusal(problem),
    }
}

/// A request that was parsed and counted.
pub(crate) struct Prepared {
    pub(crate) kind: OperationType,
    request: Request,
}

impl Prepared {
    /// The request, in the name of `caller`.
    pub(crate) fn into_request(self, caller: Caller) -> Request {
        self.request.data(caller).data(budget::Listed::default())
    }
}

/// Parses a request and counts it against the limits.
pub(crate) fn prepare(asked: Asked) -> Result<Prepared> {
    if asked.query.len() > DOCUMENT_MAX {
        return Err(over("bytes", asked.query.len() as u64, DOCUMENT_MAX as u64));
    }
    let brackets = nesting::nesting(&asked.query);
    if brackets > BRACKETS_MAX {
        return Err(over("levels of brackets", brackets as u64, BRACKETS_MAX as u64));
    }
    let mut document = parse_query(&asked.query).map_err(|refusal| syntax_error(&refusal))?;
    typename::expose(&mut document)?;
    let variables = Variables::from_json(Value::Object(asked.variables));
    limits::check(&document, &variables)?;
    let operation = operation(&document, asked.operation_name.as_deref())?;
    variables_are_given(operation, &variables)?;
    let kind = operation.ty;
    let mut request = Request::new(asked.query).variables(variables);
    request.operation_name = asked.operation_name;
    request.set_parsed_query(document);
    Ok(Prepared { kind, request })
}

fn syntax_error(refusal: &async_graphql::parser::Error) -> Problem {
    let text = refusal.to_string();
    // The parser draws the place, with the whole line; what it expected there comes last.
    let expected = text.rsplit_once("= ").map_or(text.as_str(), |(_, expected)| expected);
    let expected = expected.replace('_', " ");
    let at = refusal.positions().next();
    let detail = match at {
        Some(at) => format!("line {}, column {}: {expected}", at.line, at.column),
        None => expected,
    };
    let problem = Problem::new(axum::http::StatusCode::BAD_REQUEST, "syntax-error", detail);
    match at {
        Some(at) => problem.with("line", at.line).with("column", at.column),
        None => problem,
    }
}

fn operation<'d>(document: &'d ExecutableDocument, name: Option<&str>) -> Result<&'d OperationDefinition> {
    let refused = |detail: String| Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid-query", detail);
    match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Ok(&only.node),
        (DocumentOperations::Single(_), Some(name)) => {
            Err(refused(format!("the document has no operation {name:?}; leave operationName out")))
        }
        (DocumentOperations::Multiple(all), Some(name)) => match all.get(name) {
            Some(operation) => Ok(&operation.node),
            None => Err(refused(format!("the document has no operation {name:?}"))),
        },
        (DocumentOperations::Multiple(all), None) => {
            let mut operations = all.values();
            match (operations.next(), operations.next()) {
                (Some(only), None) => Ok(&only.node),
                _ => {
                    Err(refused("the document has several operations; name one in operationName".to_owned()))
                }
            }
        }
    }
}

/// Refuses a request that leaves out a variable which must be given.
fn variables_are_given(operation: &OperationDefinition, variables: &Variables) -> Result<()> {
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        let missing = match variables.get(name) {
            None => definition.node.default_value.is_none(),
            Some(value) => *value == ConstValue::Null,
        };
        if missing && !definition.node.var_type.node.nullable {
            let detail =
                format!("the variable ${name} must be given; its type is {}", definition.node.var_type.node);
            let status = axum::http::StatusCode::BAD_REQUEST;
            return Err(Problem::new(status, "invalid-variables", detail).with("field", name.as_str()));
        }
    }
    Ok(())
}

impl Endpoint {
    /// Validates and executes.
    pub(crate) async fn carry_out(&self, caller: Caller, prepared: Prepared) -> Answer {
        Answer::of(self.api.execute(prepared.into_request(caller)).await)
    }
}

impl Answer {
    /// The answer to a request that could not be prepared.
    #[must_use]
    pub fn refusal(problem: Problem) -> Self {
        // Of what is no request at all, they would be places in something else than the document.
        let in_document = problem.code != "malformed";
        let place = ["line", "column"].map(|name| problem.facts.get(name).cloned().filter(|_| in_document));
        let error = async_graphql::Error::from(problem).into_server_error(async_graphql::Pos::default());
        let mut error = serde_json::to_value(&error).unwrap_or_default();
        if let Some(error) = error.as_object_mut() {
            error.remove("locations");
            if let [Some(line), Some(column)] = place {
                error.insert("locations".to_owned(), json!([{ "line": line, "column": column }]));
            }
        }
        Self { body: json!({ "errors": [error] }), refused: true }
    }

    /// The answer as async-graphql gives it, with a code for every error.
    pub(crate) fn of(response: Response) -> Self {
        let refused = !response.errors.is_empty()
            && response.data == ConstValue::Null
            && response.errors.iter().all(|error| error.path.is_empty());
        let mut body = Map::new();
        // Errors first, so that whoever reads a long answer sees them.
        if !response.errors.is_empty() {
            body.insert("errors".to_owned(), errors(response.errors, refused));
        }
        if !refused {
            let data = match response.data {
                // All fields were skipped.
                ConstValue::Null if body.is_empty() => json!({}),
                data => data.into_json().unwrap_or_default(),
            };
            body.insert("data".to_owned(), data);
        }
        Self { body: Value::Object(body), refused }
    }
}

/// The errors of an answer, bounded, each with its code.
pub(crate) fn errors(mut errors: Vec<ServerError>, refused: bool) -> Value {
    let more = errors.len().saturating_sub(ERRORS_MAX);
    errors.truncate(ERRORS_MAX);
    let mut told: Vec<Value> = errors.into_iter().map(|error| coded(error, refused)).collect();
    if more > 0 {
        told.push(json!({
            "message": format!("and {more} more errors"),
            "extensions": { "code": "invalid-query", "classification": "ValidationError" },
        }));
    }
    Value::Array(told)
}

fn coded(mut error: ServerError, refused: bool) -> Value {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        if refused || error.source.is_none() {
            extensions.set("code", "invalid-query");
            extensions.set("classification", "ValidationError");
        } else {
            extensions.set("code", "internal");
        }
    }
    serde_json::to_value(&error).unwrap_or_default()
}
