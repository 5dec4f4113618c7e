//! GraphQL: the schema, and one way to carry a request out, whichever transport brought it.
//!
//! What must stay true: a request is counted against its limits before it is validated, and what is kept from one
//! request to the next changes no answer.

#![expect(clippy::unused_async, reason = "async-graphql takes no other resolvers")]

mod answer;
mod aside;
mod batch;
mod budget;
mod changes;
mod close;
mod connection;
mod cost;
mod counted;
mod descendants;
mod doctor;
mod document;
mod facet;
mod filter;
mod http;
mod input;
mod introspection;
mod kept;
mod lexical;
mod limits;
mod log;
mod mapping;
mod media;
mod mutation;
pub(super) mod node;
mod operation;
mod org_unit;
mod origin;
mod page;
mod payload;
mod persisted;
mod person;
mod project;
mod query;
mod repository;
mod scalars;
mod service;
mod settings;
mod sockets;
mod subscription;
mod token;
mod typename;
mod variables;
mod ws;

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use async_graphql::Value as ConstValue;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Name, Request, SDLExportOptions, Schema, SchemaBuilder, Variables};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use futures_util::{Stream, StreamExt};
use serde_json::{Map, Value};
use tokio::sync::SemaphorePermit;
use tracing::Instrument;

use crate::server::admission::{Admission, Asker};
use crate::server::graphql::aside::{Aside, Places};
use crate::server::graphql::budget::Budget;
use crate::server::graphql::document::Documents;
use crate::server::graphql::kept::{AnswerKey, Kept, KeptAnswers};
use crate::server::graphql::limits::{LARGE_FROM, NESTING_MAX, WATCHED_FROM};
use crate::server::graphql::mutation::Mutation;
use crate::server::graphql::query::Query;
use crate::server::graphql::sockets::Sockets;
use crate::server::graphql::subscription::Subscription;
use crate::server::metrics::Operation;
use crate::server::outstanding::Outstanding;
use crate::server::problem::{Problem, Result};
use crate::server::sent::Sent;
use crate::server::state::{AppState, Caller};

pub use crate::server::graphql::answer::Answer;
pub use crate::server::graphql::document::Wanted;
pub(crate) use crate::server::graphql::http::wants_page;
pub use crate::server::graphql::settings::Settings;

/// The schema that is served.
pub(crate) type Api = Schema<Query, Mutation, Subscription>;

/// What the transports share.
pub(crate) struct Endpoint {
    pub(crate) state: AppState,
    pub(crate) api: Api,
    documents: Documents,
    answers: KeptAnswers,
    places: Arc<Places>,
    /// The room for answers.
    outstanding: Outstanding,
}

/// The routes `/graphql` and `/graphql/ws`.
pub(super) fn router(state: AppState, admission: Arc<Admission>) -> Router {
    let endpoint = Arc::new(Endpoint::new(state, admission.outstanding.clone()));
    let sockets = Arc::new(Sockets::new(Arc::clone(&endpoint), admission));
    let over_http = Router::new().route("/graphql", any(http::endpoint)).with_state(endpoint);
    over_http.merge(Router::new().route("/graphql/ws", get(ws::endpoint)).with_state(sockets))
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
    pub document: Wanted,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The variables, an object.
    pub variables: Map<String, Value>,
}

/// Carries out a query or a mutation of `caller`'s.
pub async fn execute(state: &AppState, caller: Caller, asked: Asked) -> Answer {
    let endpoint = Endpoint::new(state.clone(), Outstanding::new());
    match endpoint.prepare(asked) {
        Ok(prepared) => match endpoint.carry_out(caller, prepared).await {
            Ok((answer, _)) => answer,
            Err(problem) => Answer::refusal(problem),
        },
        Err(problem) => Answer::refusal(problem),
    }
}

/// A request that was parsed and counted.
pub(crate) struct Prepared {
    pub(crate) kind: OperationType,
    /// What it is counted under.
    operation: Operation,
    /// Whether its answer may be given to whoever asks the same of the same revision.
    keepable: bool,
    /// In fields to answer, with page sizes.
    cost: u64,
    request: Request,
}

impl Prepared {
    /// Whether it takes so long that it must not hold up others.
    pub(crate) fn is_large(&self) -> bool {
        self.cost >= LARGE_FROM
    }

    /// The request, in the name of `caller`.
    fn into_request(self, caller: Caller, budget: &Arc<Budget>) -> Request {
        self.request.data(caller).data(Arc::clone(budget))
    }
}

/// What it takes to carry out a request: its budget, and its place where it takes long.
pub(crate) struct Begun<'e> {
    budget: Arc<Budget>,
    place: Option<SemaphorePermit<'e>>,
}

impl Begun<'_> {
    /// Refuses an answer that is not whole for want of room, where it may be asked for again: a change that was made is
    /// told, with what there was room for.
    fn has_all(&self, only_reads: bool) -> Result<()> {
        if only_reads { self.budget.had_room() } else { Ok(()) }
    }
}

/// Someone waits for an answer; where this goes before the answer is there, nobody does any more.
struct Waiting<'b>(Option<&'b Budget>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.0 {
            budget.forsake();
        }
    }
}

/// What is known of a request before its document is looked at.
enum Found {
    /// Its answer, from before.
    Answer(Sent),
    /// What it takes to be carried out, and what to keep the answer under if it may be kept.
    Request(Box<Prepared>, Option<AnswerKey>),
}

impl Endpoint {
    fn new(state: AppState, outstanding: Outstanding) -> Self {
        let settings = state.graphql();
        let mut schema = builder().data(state.clone());
        if !settings.introspection {
            schema = schema.disable_introspection();
        }
        if !(settings.suggestions && settings.introspection) {
            schema = schema.disable_suggestions();
        }
        Self {
            api: schema.finish(),
            documents: Documents::new(settings.introspection),
            places: Arc::new(Places::new()),
            outstanding,
            answers: KeptAnswers::new(state.answers_kept_bytes()),
            state,
        }
    }

    /// The answer that is kept from when the same was asked, or the request, parsed and counted.
    fn find(&self, caller: &Caller, asked: Asked, gzip: bool) -> Result<Found> {
        let (began, metrics) = (Instant::now(), self.state.metrics());
        let digest = asked.document.digest()?;
        let key = self.answers.key(caller, &digest, &asked, gzip);
        if let Some(Kept { sent, operation }) = key.and_then(|key| self.answers.get(key)) {
            metrics.looked_for_answer(true);
            metrics.carried_out(&operation, true, began.elapsed());
            return Ok(Found::Answer(sent));
        }
        let prepared = self.prepare_known(asked, digest)?;
        let key = key.filter(|_| prepared.keepable);
        if key.is_some() {
            metrics.looked_for_answer(false);
        }
        Ok(Found::Request(Box::new(prepared), key))
    }

    /// Parses a request and counts it against the limits.
    pub(crate) fn prepare(&self, asked: Asked) -> Result<Prepared> {
        let digest = asked.document.digest()?;
        self.prepare_known(asked, digest)
    }

    fn prepare_known(&self, asked: Asked, digest: [u8; 32]) -> Result<Prepared> {
        let document = self.documents.find(&asked.document, digest)?;
        let operation = operation(&document.parsed, asked.operation_name.as_deref());
        let kind = operation.as_ref().map_or(OperationType::Query, |operation| operation.ty);
        variables::check(kind, &asked.variables)?;
        let variables = Variables::from_json(Value::Object(asked.variables));
        let cost = document.cost(&variables)?;
        variables_are_given(operation?, &variables)?;
        let name = asked.operation_name.as_deref().or_else(|| only_name(&document.parsed));
        let operation = self.state.metrics().operation(name, kind_name(kind));
        // The text is parsed already, and async-graphql has no other use for it.
        let mut request = Request::new("").variables(variables);
        request.operation_name = asked.operation_name;
        request.set_parsed_query(document.parsed.clone());
        let keepable = kind == OperationType::Query && document.keepable;
        Ok(Prepared { kind, operation, keepable, cost, request })
    }

    /// Validates and executes. What was begun has its room until the answer is written.
    ///
    /// # Errors
    /// Too many others that take as long are being carried out for too long.
    pub(crate) async fn carry_out(&self, caller: Caller, prepared: Prepared) -> Result<(Answer, Begun<'_>)> {
        let begun = self.begin(&caller, prepared.cost).await?;
        let is_query = prepared.kind == OperationType::Query;
        let answer = self.carry_on(&begun, caller, prepared).await;
        begun.has_all(is_query)?;
        Ok((answer, begun))
    }

    /// Waits for a place, where what costs so much takes one.
    pub(crate) async fn begin(&self, caller: &Caller, cost: u64) -> Result<Begun<'_>> {
        let mut budget = self.budget(caller);
        let mut place = None;
        if cost >= LARGE_FROM {
            place = Some(self.places.one(&budget).await?);
            budget = budget.placed();
        }
        Ok(Begun { budget: Arc::new(budget), place })
    }

    /// Validates and executes one of perhaps several requests.
    pub(crate) async fn carry_on(&self, begun: &Begun<'_>, caller: Caller, prepared: Prepared) -> Answer {
        let (start, operation) = (Instant::now(), prepared.operation.clone());
        let span = operation.span();
        let answer = self.answer(begun, caller, prepared).instrument(span).await;
        self.state.metrics().carried_out(&operation, answer.errors.is_empty(), start.elapsed());
        answer
    }

    async fn answer(&self, begun: &Begun<'_>, caller: Caller, prepared: Prepared) -> Answer {
        let is_short = prepared.cost < WATCHED_FROM;
        let request = prepared.into_request(caller, &begun.budget);
        if is_short {
            return self.told(self.api.execute(request).await);
        }
        // In a task of its own, since whoever waits for it must hear when the client goes.
        let api = self.api.clone();
        let execution = async move { api.execute(request).await }.in_current_span();
        let execution = match begun.place {
            Some(_) => tokio::spawn(Aside::new(execution)),
            None => tokio::spawn(execution),
        };
        let mut waiting = Waiting(Some(&begun.budget));
        let executed = execution.await;
        waiting.0 = None;
        match executed {
            Ok(response) => self.told(response),
            Err(fault) if fault.is_panic() => std::panic::resume_unwind(fault.into_panic()),
            Err(_) => Answer::refusal(Problem::internal()),
        }
    }

    /// What comes of a subscription, answer by answer.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        caller: Caller,
        prepared: Prepared,
    ) -> impl Stream<Item = Answer> + 'static {
        let budget = self.budget(&caller);
        let request = prepared.into_request(caller, &Arc::new(budget));
        let (endpoint, open) = (Arc::clone(self), self.state.metrics().subscription());
        self.api.execute_stream(request).map(move |response| {
            let _until_it_ends = &open;
            endpoint.told(response)
        })
    }

    fn budget(&self, caller: &Caller) -> Budget {
        let (places, outstanding) = (Arc::clone(&self.places), self.outstanding.clone());
        Budget::new(self.state.graphql().answer_within, places, outstanding, Asker::known(caller))
    }

    fn told(&self, response: async_graphql::Response) -> Answer {
        Answer::of(response, self.state.graphql().introspection)
    }

    /// Keeps an answer without errors for whoever asks the same, if there is room for it.
    fn keep(&self, key: AnswerKey, answer: &Sent, operation: Operation) -> bool {
        let bytes = self.answers.keep(key, Kept { sent: answer.clone(), operation });
        bytes.inspect(|bytes| self.state.metrics().answers_take(*bytes)).is_some()
    }
}

fn operation<'d>(document: &'d ExecutableDocument, name: Option<&str>) -> Result<&'d OperationDefinition> {
    let refused = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "invalid-query", detail);
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

/// The name of the only operation, where it has one.
fn only_name(document: &ExecutableDocument) -> Option<&str> {
    document.operations.iter().next().and_then(|(name, _)| name).map(Name::as_str)
}

fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
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
            let status = StatusCode::BAD_REQUEST;
            return Err(Problem::new(status, "invalid-variables", detail).with("field", name.as_str()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::model::CreateProject;
    use std::task::{Context, Waker};

    fn endpoint(projects: usize) -> Endpoint {
        let directory = Directory::in_memory().unwrap();
        let project = |at| CreateProject::new(&format!("p{at}"), "P");
        directory.apply_all((0..projects).map(project)).unwrap();
        Endpoint::new(AppState::new(directory), Outstanding::new())
    }

    fn ask(endpoint: &Endpoint, document: &str) -> Prepared {
        let asked = Asked {
            document: Wanted::Text(document.to_owned()),
            operation_name: None,
            variables: Map::new(),
        };
        endpoint.prepare(asked).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn whoever_hangs_up_stops_what_takes_long() {
        let endpoint = endpoint(500);
        let page = "projects(first: 500) { edges { node { projectId projectName } } }";
        let all = (0..40).map(|at| format!("a{at}: {page}")).collect::<Vec<_>>().join(" ");
        for (document, is_large) in [(format!("{{ {all} }}"), true), (format!("{{ {page} }}"), false)] {
            let prepared = ask(&endpoint, &document);
            assert_eq!(prepared.is_large(), is_large);
            let begun = endpoint.begin(&Caller::local(&endpoint.state), prepared.cost).await.unwrap();
            let caller = Caller::local(&endpoint.state);
            // The only worker is kept from doing any of it.
            let (go_on, told) = std::sync::mpsc::channel::<()>();
            tokio::spawn(async move { told.recv().is_err() });
            let mut answer = Box::pin(endpoint.carry_on(&begun, caller, prepared));
            let first = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(first.is_pending(), "it is worked on elsewhere");
            drop(answer);
            assert!(begun.budget.is_over(), "the next part of it is not begun");
            drop(go_on);
        }
    }

    #[tokio::test]
    async fn what_is_short_is_done_at_once() {
        let endpoint = endpoint(1);
        let prepared = ask(&endpoint, "{ projects(first: 5) { edges { node { projectId } } } }");
        let caller = Caller::local(&endpoint.state);
        let mut answer = Box::pin(endpoint.carry_out(caller, prepared));
        assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
