//! The endpoint that both transports share: requests are found in the response cache, or prepared, and carried out.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Variables};
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tracing::Instrument;

use crate::directory::View;
use crate::server::admission::Admission;
use crate::server::admission::work::RequestWork;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::Caller;
use crate::server::cache::Digest;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::execution::cache::{AnswerKey, Cached, ResponseCache};
use crate::server::graphql::execution::document::{Documents, GraphqlRequest};
use crate::server::graphql::execution::limits::{LARGE_FROM, WATCHED_FROM};
use crate::server::graphql::execution::operation::{kind_name, only_name, operation, variables_are_given};
use crate::server::graphql::execution::response::GraphqlResponse;
use crate::server::graphql::execution::schedule::{Blocking, Turn, WaitPermit};
use crate::server::graphql::execution::variables;
use crate::server::graphql::schema::{Api, builder};
use crate::server::graphql::settings::GraphqlSettings;
use crate::server::metrics::{Metrics, OperationLabel};
use crate::server::response::compress::Sent;
use crate::server::response::problem::{Problem, Result};

/// What GraphQL shares with the rest of the server.
pub(in crate::server) struct GraphqlState {
    pub(in crate::server) authenticator: Arc<Authenticator>,
    pub(in crate::server) admission: Arc<Admission>,
    pub(in crate::server) metrics: Arc<Metrics>,
    pub(in crate::server) settings: Arc<GraphqlSettings>,
    /// The size of the response cache; there is none for 0.
    pub(in crate::server) cache_bytes: u64,
}

/// What the transports share.
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

/// A request that was parsed and counted.
pub(in crate::server) struct Prepared {
    pub(in crate::server) kind: OperationType,
    /// What it is counted under in the metrics.
    pub(in crate::server) operation: OperationLabel,
    /// Whether its answer may be given to whoever asks the same of the same revision.
    is_cacheable: bool,
    /// In fields to answer, with page sizes.
    pub(in crate::server) cost: u64,
    request: Request,
    /// What its answer is cached under if it may be, and the view that it is then made from. A request that waits for a
    /// slot or the writer holds no view meanwhile, and reads anew.
    cached_as: Option<(AnswerKey, View)>,
}

impl Prepared {
    /// Whether it takes so long that it must not hold up others.
    pub(in crate::server) fn is_large(&self) -> bool {
        self.cost >= LARGE_FROM
    }

    /// The request, in the name of `caller`.
    fn into_request(self, caller: Caller, budget: &Arc<Budget>) -> Request {
        let request = match (self.kind, self.cached_as) {
            (OperationType::Query, Some((_, view))) => self.request.data(view),
            (OperationType::Query, None) => self.request.data(caller.view()),
            // A change is shown as of just after it, and a subscription holds no view while it waits for the next.
            (OperationType::Mutation | OperationType::Subscription, _) => self.request,
        };
        request.data(caller).data(Arc::clone(budget))
    }
}

/// What came of a request.
pub(in crate::server) struct CarriedOut {
    pub(in crate::server) answer: GraphqlResponse,
    /// What the answer may be cached under.
    pub(in crate::server) key: Option<AnswerKey>,
    /// It has the memory of the answer until that is written.
    pub(in crate::server) budget: Arc<Budget>,
}

/// Abandons a request unless it is told that the answer is there.
struct Watched<'b>(Option<&'b Budget>);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.0 {
            budget.turn.abandon();
        }
    }
}

/// What is known of a request before its document is looked at.
pub(in crate::server) enum RequestLookup {
    /// Its answer, from the cache.
    Answer(Sent),
    /// What it takes to be carried out.
    Request(Box<Prepared>),
}

impl Endpoint {
    pub(in crate::server) fn new(shared: GraphqlState) -> Self {
        let GraphqlState { authenticator, admission, metrics, settings, cache_bytes } = shared;
        let mut schema = builder().data(Arc::clone(&authenticator));
        if !settings.introspection {
            schema = schema.disable_introspection();
        }
        if !(settings.suggestions && settings.introspection) {
            schema = schema.disable_suggestions();
        }
        Self {
            api: schema.finish(),
            documents: Documents::new(settings.introspection),
            cache: ResponseCache::new(cache_bytes),
            waiting: WaitPermit::default(),
            authenticator,
            admission,
            metrics,
            settings,
        }
    }

    /// The cached answer, or the request, parsed and counted.
    pub(in crate::server) fn find(
        &self,
        caller: &Caller,
        asked: GraphqlRequest,
        gzip: bool,
    ) -> Result<RequestLookup> {
        let began = Instant::now();
        let digest = asked.document.digest()?;
        let view = caller.view();
        let key = self.cache.key(caller, &view, &digest, &asked, gzip);
        if let Some(Cached { sent, operation }) = key.and_then(|key| self.cache.get(key)) {
            self.metrics.looked_for_answer(true);
            self.metrics.carried_out(&operation, true, began.elapsed());
            return Ok(RequestLookup::Answer(sent));
        }
        let mut prepared = self.prepare_known(asked, digest)?;
        prepared.cached_as = key.filter(|_| prepared.is_cacheable).map(|key| (key, view));
        if prepared.cached_as.is_some() {
            self.metrics.looked_for_answer(false);
        }
        Ok(RequestLookup::Request(Box::new(prepared)))
    }

    /// Parses a request and counts it against the limits.
    pub(in crate::server) fn prepare(&self, asked: GraphqlRequest) -> Result<Prepared> {
        let digest = asked.document.digest()?;
        self.prepare_known(asked, digest)
    }

    fn prepare_known(&self, asked: GraphqlRequest, digest: Digest) -> Result<Prepared> {
        let document = self.documents.find(&asked.document, digest)?;
        let operation = operation(&document.parsed, asked.operation_name.as_deref());
        let kind = operation.as_ref().map_or(OperationType::Query, |operation| operation.ty);
        variables::check(kind, &asked.variables)?;
        let variables = Variables::from_json(Value::Object(asked.variables));
        let cost = document.cost(&variables)?;
        variables_are_given(operation?, &variables)?;
        let name = asked.operation_name.as_deref().or_else(|| only_name(&document.parsed));
        let operation = self.metrics.operation(name, kind_name(kind));
        // The text is parsed already, and async-graphql has no other use for it.
        let mut request = Request::new("").variables(variables);
        request.operation_name = asked.operation_name;
        request.set_parsed_query(document.parsed.clone());
        let is_cacheable = kind == OperationType::Query && document.is_cacheable;
        Ok(Prepared { kind, operation, is_cacheable, cost, request, cached_as: None })
    }

    /// Carries out a query or a mutation, whatever it costs.
    pub(in crate::server) async fn execute(&self, caller: Caller, asked: GraphqlRequest) -> GraphqlResponse {
        let executed = async {
            let prepared = self.prepare(asked)?;
            Ok(self.carry_out(caller, prepared).await?.answer)
        };
        executed.await.unwrap_or_else(GraphqlResponse::refusal)
    }

    /// Validates and executes.
    ///
    /// # Errors
    /// Others that take as long are being carried out for too long, or there was too little memory for a query's answer: a
    /// change that was made is reported with what there was memory for.
    pub(in crate::server) async fn carry_out(
        &self,
        caller: Caller,
        mut prepared: Prepared,
    ) -> Result<CarriedOut> {
        let only_reads = prepared.kind == OperationType::Query;
        let budget = Arc::new(self.budget(&caller));
        // What changes something waits for the writer, and so takes a slot only once it reads much.
        if only_reads && prepared.is_large() && !budget.turn.try_slot() {
            prepared.cached_as = None;
            budget.turn.take_slot().await?;
        }
        let key = prepared.cached_as.as_ref().map(|(key, _)| *key);
        let answer = self.carry_on(&budget, caller, prepared).await;
        if only_reads {
            budget.had_memory()?;
        }
        Ok(CarriedOut { answer, key, budget })
    }

    /// Validates and executes one of perhaps several requests.
    pub(in crate::server) async fn carry_on(
        &self,
        budget: &Arc<Budget>,
        caller: Caller,
        prepared: Prepared,
    ) -> GraphqlResponse {
        let (start, operation) = (Instant::now(), prepared.operation.clone());
        let span = operation.span();
        let answer = self.answer(budget, caller, prepared).instrument(span).await;
        self.metrics.carried_out(&operation, answer.errors.is_empty(), start.elapsed());
        answer
    }

    async fn answer(&self, budget: &Arc<Budget>, caller: Caller, prepared: Prepared) -> GraphqlResponse {
        let is_short = prepared.cost < WATCHED_FROM;
        let request = prepared.into_request(caller, budget);
        if is_short {
            return self.shown(self.api.execute(request).await);
        }
        // In a task of its own, since whoever waits for it must hear when the client goes.
        let api = self.api.clone();
        let execution = async move { api.execute(request).await }.in_current_span();
        let execution = if budget.turn.has_slot() {
            tokio::spawn(Blocking::new(execution))
        } else {
            tokio::spawn(execution)
        };
        let mut watched = Watched(Some(budget));
        let executed = execution.await;
        watched.0 = None;
        match executed {
            Ok(response) => self.shown(response),
            Err(fault) if fault.is_panic() => std::panic::resume_unwind(fault.into_panic()),
            Err(_) => GraphqlResponse::refusal(Problem::internal()),
        }
    }

    /// What comes of a subscription, answer by answer.
    pub(in crate::server) fn subscribe(
        self: &Arc<Self>,
        caller: Caller,
        prepared: Prepared,
    ) -> impl Stream<Item = GraphqlResponse> + 'static {
        let budget = self.budget(&caller);
        let request = prepared.into_request(caller, &Arc::new(budget));
        let (endpoint, open) = (Arc::clone(self), self.metrics.subscription());
        self.api.execute_stream(request).map(move |response| {
            let _until_it_ends = &open;
            endpoint.shown(response)
        })
    }

    pub(in crate::server) fn budget(&self, caller: &Caller) -> Budget {
        let work = RequestWork::new(Arc::clone(&self.admission), caller.clone());
        Budget::new(Turn::new(work, self.settings.answer_within, self.waiting.clone()))
    }

    fn shown(&self, response: async_graphql::Response) -> GraphqlResponse {
        GraphqlResponse::of(response, self.settings.introspection)
    }

    /// Caches an answer without errors, if there is room for it.
    pub(in crate::server) fn keep(&self, key: AnswerKey, sent: &Sent, operation: OperationLabel) -> bool {
        let bytes = self.cache.keep(key, Cached { sent: sent.clone(), operation });
        bytes.inspect(|bytes| self.metrics.answers_take(*bytes)).is_some()
    }
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
            authenticator: Arc::new(Authenticator::new(directory.clone()).without_tokens()),
            admission: Arc::clone(RequestWork::local(directory.clone()).admission()),
            metrics: Arc::new(Metrics::new(directory)),
            settings: Arc::default(),
            cache_bytes: 0,
        })
    }

    fn caller(endpoint: &Endpoint) -> Caller {
        Caller::local(endpoint.authenticator.directory().clone())
    }

    fn ask(endpoint: &Endpoint, document: &str) -> Prepared {
        let asked = GraphqlRequest {
            document: DocumentSource::Text(document.to_owned()),
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
        let few = "{ projects(first: 300) { nodes { projectId projectName } } }".to_owned();
        for (document, is_large) in [(format!("{{ {all} }}"), true), (few, false)] {
            let prepared = ask(&endpoint, &document);
            assert_eq!(prepared.is_large(), is_large);
            let budget = Arc::new(endpoint.budget(&caller(&endpoint)));
            if is_large {
                budget.turn.take_slot().await.unwrap();
            }
            // The only worker is kept from doing any of it.
            let (go_on, told) = std::sync::mpsc::channel::<()>();
            tokio::spawn(async move { told.recv().is_err() });
            let mut answer = Box::pin(endpoint.carry_on(&budget, caller(&endpoint), prepared));
            let first = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(first.is_pending(), "it is worked on elsewhere");
            drop(answer);
            assert!(budget.turn.is_over(), "the next part of it is not begun");
            drop(go_on);
        }
    }

    #[tokio::test]
    async fn what_is_short_is_done_at_once() {
        let endpoint = endpoint(1);
        let prepared = ask(&endpoint, "{ projects(first: 5) { edges { node { projectId } } } }");
        let mut answer = Box::pin(endpoint.carry_out(caller(&endpoint), prepared));
        assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
