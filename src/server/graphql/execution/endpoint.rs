//! The GraphQL endpoint shared by both transports: looks requests up in the response cache, prepares and executes them.
//!
//! Invariant: a request that waits for a slot or for the writer retains no view, and one that waits for the writer
//! occupies no slot either.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Name, Request, Variables};
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tracing::Instrument;

use crate::directory::View;
use crate::server::admission::Admission;
use crate::server::admission::work::RequestWork;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::Caller;
use crate::server::cache::{Digest, Making};
use crate::server::graphql::execution::absent::without_absent;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::execution::document::{Documents, GraphqlRequest};
use crate::server::graphql::execution::limits::{LARGE_FROM, WATCHED_FROM};
use crate::server::graphql::execution::operation::{complete_variables, kind_name, only_name, operation};
use crate::server::graphql::execution::response::{GraphqlBody, GraphqlResponse};
use crate::server::graphql::execution::response_key;
use crate::server::graphql::execution::schedule::{Blocking, Turn, WaitPermit};
use crate::server::graphql::execution::validation::Disclosure;
use crate::server::graphql::execution::variables;
use crate::server::graphql::plan::Plan;
use crate::server::graphql::schema::{Api, builder};
use crate::server::graphql::settings::GraphqlSettings;
use crate::server::graphql::types::query::Query;
use crate::server::metrics::{Metrics, OperationLabel};
use crate::server::response::compress::Sent;
use crate::server::response::problem::{Problem, Result};
use crate::server::response_cache::{CacheLookup, Cached, ResponseCache, ResponseKey};

/// The server state that GraphQL uses.
pub(in crate::server) struct GraphqlState {
    pub(in crate::server) authenticator: Arc<Authenticator>,
    pub(in crate::server) admission: Arc<Admission>,
    pub(in crate::server) metrics: Arc<Metrics>,
    pub(in crate::server) settings: Arc<GraphqlSettings>,
    pub(in crate::server) cache: ResponseCache,
}

/// The state that both transports share.
pub(in crate::server) struct Endpoint {
    pub(in crate::server) authenticator: Arc<Authenticator>,
    pub(in crate::server) admission: Arc<Admission>,
    pub(in crate::server) metrics: Arc<Metrics>,
    pub(in crate::server) settings: Arc<GraphqlSettings>,
    api: Api,
    documents: Documents,
    cache: ResponseCache,
    waiting: WaitPermit,
}

/// A request that was parsed and is within its static limits.
pub(in crate::server) struct Prepared {
    pub(in crate::server) kind: OperationType,
    /// Its label in the metrics.
    pub(in crate::server) operation: OperationLabel,
    /// Whether its response may be cached.
    is_cacheable: bool,
    /// Estimated number of fields in the response, multiplied by page sizes.
    pub(in crate::server) cost: u64,
    document: Arc<ExecutableDocument>,
    operation_name: Option<String>,
    /// Including those that have their default.
    variables: Variables,
    /// Whether a plan may write the response.
    may_be_planned: bool,
    /// The cache key of its response, and the view in that key, from which the response must be made. `None` if the
    /// response is not cached.
    cached_as: Option<(ResponseKey, View)>,
}

impl Prepared {
    /// Whether it is heavy work, which needs a slot.
    pub(in crate::server) fn is_large(&self) -> bool {
        self.cost >= LARGE_FROM
    }

    /// The view that a query reads. `None` for other operations.
    fn view(&mut self, caller: &Caller) -> Option<View> {
        match self.kind {
            OperationType::Query => {
                Some(self.cached_as.take().map_or_else(|| caller.view(), |(_, view)| view))
            }
            // A mutation's payload reads the view of its own commit, and a view would keep an old graph in memory for
            // as long as a subscription waits.
            OperationType::Mutation | OperationType::Subscription => None,
        }
    }

    /// Converts it to async-graphql's request, with the context that resolvers read.
    fn into_request(self, caller: Caller, view: Option<View>, budget: &Arc<Budget>) -> Request {
        // The document is parsed already, and async-graphql has no other use for its text.
        let mut request = Request::new("").variables(self.variables).data(caller).data(Arc::clone(budget));
        request.operation_name = self.operation_name;
        // A deep copy, as async-graphql takes the document by value. Still far cheaper than parsing.
        request.set_parsed_query(ExecutableDocument::clone(&self.document));
        match view {
            Some(view) => request.data(view),
            None => request,
        }
    }
}

/// The result of an execution.
pub(in crate::server) struct Executed<'e> {
    pub(in crate::server) response: GraphqlBody,
    /// The cache key of the response, if it may be cached.
    pub(in crate::server) key: Option<ResponseKey>,
    /// What [`Endpoint::execute_prepared`] was given, if the response may be cached.
    pub(in crate::server) making: Option<Making<'e, Cached>>,
    /// Owns the memory permit of the response tree. To be dropped once that is serialized.
    pub(in crate::server) budget: Arc<Budget>,
}

/// Abandons the request's task on drop, unless it was disarmed with `None`.
// A client that disconnects drops the handler's future, which is the only sign of it; a spawned task would run on.
struct AbandonOnDrop<'b>(Option<&'b Budget>);

impl Drop for AbandonOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.0 {
            budget.turn.abandon();
        }
    }
}

/// The result of looking a request up in the response cache.
pub(in crate::server) enum RequestLookup<'e> {
    /// A hit: the response.
    Cached(Sent),
    /// A miss: the request to execute, with the right to make its response, for which equal requests wait.
    Request(Box<Prepared>, Option<Making<'e, Cached>>),
}

impl Endpoint {
    pub(in crate::server) fn new(shared: GraphqlState) -> Self {
        let GraphqlState { authenticator, admission, metrics, settings, cache } = shared;
        let mut schema = builder().data(Arc::clone(&authenticator));
        if !settings.introspection {
            schema = schema.disable_introspection();
        }
        // Suggestions name parts of the schema, so they are off wherever introspection is.
        let suggestions = settings.suggestions && settings.introspection;
        if !suggestions {
            schema = schema.disable_suggestions();
        }
        let disclosure = Disclosure { names: settings.introspection, suggestions };
        Self {
            api: schema.finish(),
            documents: Documents::new(disclosure),
            cache,
            waiting: WaitPermit::default(),
            authenticator,
            admission,
            metrics,
            settings,
        }
    }

    /// Looks up the cached response; on a miss, prepares the request. If an equal request is being executed, waits for its
    /// response.
    ///
    /// # Errors
    /// The request cannot be prepared, see [`Self::prepare`].
    pub(in crate::server) async fn find(
        &self,
        caller: &Caller,
        request: GraphqlRequest,
        gzip: bool,
    ) -> Result<RequestLookup<'_>> {
        let began = Instant::now();
        let digest = request.document.digest()?;
        // One view for the key and the execution: with two, a commit in between would cache a newer response under the
        // older revision.
        let view = caller.view();
        let key = response_key::key(&self.cache, caller, &view, &digest, &request, gzip);
        let hit = |cached: Cached| {
            self.metrics.count_cache_lookup(true);
            if let Some(operation) = &cached.operation {
                self.metrics.observe_operation(operation, true, began.elapsed());
            }
            Ok(RequestLookup::Cached(cached.sent))
        };
        if let Some(cached) = key.and_then(|key| self.cache.get(key)) {
            return hit(cached);
        }
        let mut prepared = self.prepare_digested(request, digest)?;
        let Some(key) = key.filter(|_| prepared.is_cacheable) else {
            return Ok(RequestLookup::Request(Box::new(prepared), None));
        };
        let mut making = None;
        let mut view = Some(view);
        // Equal requests wait for one of them, since many clients ask the same after each commit. Not short ones, which
        // take less time than to wait.
        if prepared.cost >= WATCHED_FROM {
            // Dropping the view frees an old graph while this waits. If the other request fails, this one is executed on
            // the newest revision, and its response is not cached.
            match self.cache.find(key, || view = None).await {
                CacheLookup::Hit(cached) => return hit(cached),
                CacheLookup::First(first) => making = Some(first),
                CacheLookup::Missing => {}
            }
        }
        prepared.cached_as = view.map(|view| (key, view));
        // Only what could have been a hit counts as a miss; mutations would distort the hit rate.
        self.metrics.count_cache_lookup(false);
        Ok(RequestLookup::Request(Box::new(prepared), making))
    }

    /// Parses a request and checks its static limits.
    ///
    /// # Errors
    /// The document is invalid or too complex, a variable is missing, or a persisted query is unknown.
    pub(in crate::server) fn prepare(&self, request: GraphqlRequest) -> Result<Prepared> {
        let digest = request.document.digest()?;
        self.prepare_digested(request, digest)
    }

    fn prepare_digested(&self, asked: GraphqlRequest, digest: Digest) -> Result<Prepared> {
        let document = self.documents.find(&asked.document, digest)?;
        let operation = operation(&document.parsed, asked.operation_name.as_deref());
        // An unknown operation is reported last, after the limits: being too complex is the graver error. Until then it
        // has the narrower limits of a query.
        let kind = operation.as_ref().map_or(OperationType::Query, |operation| operation.ty);
        variables::check(kind, &asked.variables)?;
        let mut variables = Variables::from_json(Value::Object(asked.variables));
        let cost = document.cost(&variables)?;
        let operation = operation?;
        let operations = document.valid_operations()?;
        complete_variables(operation, &mut variables)?;
        let operation_name = asked.operation_name;
        operations.check_variables(operation_name.as_deref(), &variables)?;
        let name = operation_name.as_deref().or_else(|| only_name(&document.parsed));
        let operation = self.metrics.operation(name, kind_name(kind));
        let is_present = |name: &Name| variables.contains_key(name);
        let without_absent = without_absent(&document.parsed, operation_name.as_deref(), is_present);
        let is_cacheable = kind == OperationType::Query && document.is_cacheable;
        let document = without_absent.map_or_else(|| Arc::clone(&document.parsed), Arc::new);
        Ok(Prepared {
            kind,
            operation,
            is_cacheable,
            cost,
            document,
            operation_name,
            variables,
            may_be_planned: true,
            cached_as: None,
        })
    }

    /// Prepares and executes a query or mutation. Every error becomes a response.
    pub(in crate::server) async fn execute(
        &self,
        caller: Caller,
        request: GraphqlRequest,
    ) -> GraphqlResponse {
        let executed = async {
            let mut prepared = self.prepare(request)?;
            // The caller wants the values, and not their JSON.
            prepared.may_be_planned = false;
            Ok(match self.execute_prepared(caller, prepared, None).await?.response {
                GraphqlBody::Resolved(response) => response,
                GraphqlBody::Written(_) => GraphqlResponse::refusal(Problem::internal()),
            })
        };
        executed.await.unwrap_or_else(GraphqlResponse::refusal)
    }

    /// Validates and executes a request with a budget of its own.
    ///
    /// # Errors
    /// No slot of heavy work became free in time, or memory was too short for a query's response. A mutation's response
    /// is always returned, with as much as there was memory for: a client that tried again would repeat the change.
    pub(in crate::server) async fn execute_prepared<'e>(
        &self,
        caller: Caller,
        mut prepared: Prepared,
        mut making: Option<Making<'e, Cached>>,
    ) -> Result<Executed<'e>> {
        let only_reads = prepared.kind == OperationType::Query;
        let budget = Arc::new(self.budget(&caller));
        // A mutation waits for the writer first, and takes a slot only when its payload reads much.
        if only_reads && prepared.is_large() && !budget.turn.try_slot() {
            // Dropping the view frees an old graph while this waits, and others do not wait for this request.
            let cached_as = prepared.cached_as.take().map(|(key, view)| (key, view.identity()));
            making = None;
            budget.turn.take_slot().await?;
            // With a newer revision the key is that of another response.
            let view = caller.view();
            let is_same = |(_, identity): &(_, String)| *identity == view.identity();
            prepared.cached_as = cached_as.filter(is_same).map(|(key, _)| (key, view));
        }
        let key = prepared.cached_as.as_ref().map(|(key, _)| *key);
        let response = self.execute_within(&budget, caller, prepared).await;
        if only_reads {
            budget.check_memory()?;
        }
        Ok(Executed { response, key, making, budget })
    }

    /// Validates and executes a request within a budget, which requests of a batch share.
    pub(in crate::server) async fn execute_within(
        &self,
        budget: &Arc<Budget>,
        caller: Caller,
        prepared: Prepared,
    ) -> GraphqlBody {
        let (start, operation) = (Instant::now(), prepared.operation.clone());
        budget.forget_weighed();
        let span = operation.span();
        let response = self.run(budget, caller, prepared).instrument(span).await;
        self.metrics.observe_operation(&operation, !response.has_errors(), start.elapsed());
        response
    }

    async fn run(&self, budget: &Arc<Budget>, caller: Caller, mut prepared: Prepared) -> GraphqlBody {
        let is_short = prepared.cost < WATCHED_FROM;
        let view = prepared.view(&caller);
        if let Some(view) = view.clone().filter(|_| prepared.may_be_planned) {
            let before = budget.charged();
            let planned = planned(&prepared, view, Arc::clone(budget));
            if let Ok(Some(json)) = watched(budget, is_short, planned).await {
                return GraphqlBody::Written(json);
            }
            // Also after an error, which async-graphql reports with its path and with the other fields.
            budget.reset_to(before);
        }
        let request = prepared.into_request(caller, view, budget);
        let api = self.api.clone();
        let executed = watched(budget, is_short, async move { api.execute(request).await }).await;
        GraphqlBody::Resolved(match executed {
            Ok(response) => self.to_response(response),
            Err(problem) => GraphqlResponse::refusal(problem),
        })
    }

    /// Executes a subscription: one response per event.
    pub(in crate::server) fn subscribe(
        self: &Arc<Self>,
        caller: Caller,
        prepared: Prepared,
    ) -> impl Stream<Item = GraphqlResponse> + 'static {
        let budget = self.budget(&caller);
        let request = prepared.into_request(caller, None, &Arc::new(budget));
        let (endpoint, open) = (Arc::clone(self), self.metrics.subscription());
        self.api.execute_stream(request).map(move |response| {
            // Captured, so that the gauge of open subscriptions falls when the stream is dropped.
            let _until_it_ends = &open;
            endpoint.to_response(response)
        })
    }

    pub(in crate::server) fn budget(&self, caller: &Caller) -> Budget {
        let work = RequestWork::new(Arc::clone(&self.admission), caller.clone());
        Budget::new(Turn::new(work, self.settings.timeout, self.waiting.clone()))
    }

    fn to_response(&self, response: async_graphql::Response) -> GraphqlResponse {
        GraphqlResponse::of(response, self.settings.introspection)
    }

    /// Caches a response without errors, and gives it to those who wait for it. Returns whether it fits.
    pub(in crate::server) fn insert(
        &self,
        key: ResponseKey,
        sent: &Sent,
        operation: OperationLabel,
        making: Option<Making<'_, Cached>>,
    ) -> bool {
        let response = Cached { sent: sent.clone(), headers: Arc::default(), operation: Some(operation) };
        if let Some(making) = making {
            making.made(response.clone());
        }
        let bytes = self.cache.insert(key, response);
        bytes.inspect(|bytes| self.metrics.set_cache_bytes(*bytes)).is_some()
    }
}

/// The response of a plan. `None` if async-graphql has to execute the query.
fn planned(
    prepared: &Prepared,
    view: View,
    budget: Arc<Budget>,
) -> impl Future<Output = Option<Vec<u8>>> + Send + use<> {
    let (document, variables) = (Arc::clone(&prepared.document), prepared.variables.clone());
    let name = prepared.operation_name.clone();
    async move {
        let operation = operation(&document, name.as_deref()).ok()?;
        Plan { document: &document, operation, variables: &variables, view: &view }.write::<Query>(&budget)
    }
}

/// The output of `work`. A short one runs inline, because spawning a task costs more than it can save by being cancelled.
///
/// # Errors
/// The runtime is shut down.
async fn watched<T: Send + 'static>(
    budget: &Arc<Budget>,
    is_short: bool,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    if is_short {
        return Ok(work.await);
    }
    // In a task of its own: resolvers block their thread, and this future must be free to be dropped when the client
    // disconnects, which abandons the task.
    let work = work.in_current_span();
    // With a slot, every poll is expected to be long and hands the worker's other tasks over beforehand. Without
    // one, resolvers do so themselves, after `PAUSE_EVERY`.
    let work = if budget.turn.has_slot() { tokio::spawn(Blocking::new(work)) } else { tokio::spawn(work) };
    let mut guard = AbandonOnDrop(Some(budget));
    let output = work.await;
    guard.0 = None;
    output.map_err(|fault| match fault.try_into_panic() {
        // A panic continues in the handler's task, where the server's panic handling sees it.
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Problem::internal(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::model::CreateProject;
    use crate::server::graphql::execution::document::DocumentSource;
    use serde_json::Map;
    use std::task::{Context, Waker};

    fn endpoint(projects: usize) -> Endpoint {
        let directory = Directory::in_memory().unwrap();
        let project = |at| CreateProject::new(&format!("p{at}"), "P");
        directory.apply((0..projects).map(project)).unwrap();
        Endpoint::new(GraphqlState {
            authenticator: Arc::new(Authenticator::new(directory.clone()).without_authentication()),
            admission: Arc::clone(RequestWork::local(directory.clone()).admission()),
            metrics: Arc::new(Metrics::new(directory)),
            settings: Arc::default(),
            cache: ResponseCache::new(0),
        })
    }

    fn caller(endpoint: &Endpoint) -> Caller {
        Caller::local(endpoint.authenticator.directory().clone())
    }

    fn prepare(endpoint: &Endpoint, document: &str) -> Prepared {
        let request = GraphqlRequest {
            document: DocumentSource::Text(document.to_owned()),
            operation_name: None,
            variables: Map::new(),
        };
        endpoint.prepare(request).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_disconnect_cancels_a_long_request() {
        let endpoint = endpoint(500);
        let page = "projects(first: 500) { edges { node { projectId projectName } } }";
        let all = (0..40).map(|at| format!("a{at}: {page}")).collect::<Vec<_>>().join(" ");
        let few = "{ projects(first: 300) { nodes { projectId projectName } } }".to_owned();
        for (document, is_large) in [(format!("{{ {all} }}"), true), (few, false)] {
            let prepared = prepare(&endpoint, &document);
            assert_eq!(prepared.is_large(), is_large);
            let budget = Arc::new(endpoint.budget(&caller(&endpoint)));
            if is_large {
                budget.turn.take_slot().await.unwrap();
            }
            // Blocks the only worker, so that the spawned request cannot begin.
            let (unblock, blocked) = std::sync::mpsc::channel::<()>();
            tokio::spawn(async move { blocked.recv().is_err() });
            let mut response = Box::pin(endpoint.execute_within(&budget, caller(&endpoint), prepared));
            let first = response.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(first.is_pending(), "it runs in another task");
            drop(response);
            assert!(budget.turn.is_over(), "the task is abandoned");
            drop(unblock);
        }
    }

    #[tokio::test]
    async fn a_short_request_runs_inline() {
        let endpoint = endpoint(1);
        let prepared = prepare(&endpoint, "{ projects(first: 5) { edges { node { projectId } } } }");
        let mut response = Box::pin(endpoint.execute_prepared(caller(&endpoint), prepared, None));
        assert!(response.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
