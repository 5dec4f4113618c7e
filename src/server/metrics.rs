//! Metrics of a server, as `/metrics` exports them in Prometheus's text format.
//!
//! Invariant: the number of values of each label is bounded, whatever clients send, and none of them is a secret or the
//! key of a record. Each server has metrics of its own.

mod directory;
mod operation;
mod process;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::directory::Directory;
use crate::server::response::problem::ProblemCode;

use self::operation::OperationNames;

pub(crate) use self::operation::OperationLabel;
pub(super) use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Upper bounds of the buckets of durations, in seconds.
// Responses take from some ten microseconds to some seconds.
const DURATIONS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    60.0,
];
/// The label of requests that match no route.
// Never their path: clients could send any number of different ones.
const NO_ROUTE: &str = "none";

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Durations<RequestLabels>,
    refusals: Family<RefusalLabels, Counter>,
    operations: Durations<OperationLabels>,
    operation_names: OperationNames,
    cache_hits: Counter,
    cache_misses: Counter,
    cache_bytes: Gauge,
    connections: Gauge,
    sockets: Gauge,
    subscriptions: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: Arc<str>,
    kind: &'static str,
    result: &'static str,
}

/// Adds one to a gauge until it is dropped.
#[derive(Debug)]
// On drop, so that a WebSocket that breaks or a task that is cancelled is counted down too.
pub(crate) struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn one(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Registers the metrics of a server of `directory`.
    pub(super) fn new(directory: Directory) -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(process::Process));
        let clade = all.sub_registry_with_prefix("clade");
        clade.register("build", "The running version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        clade.register_collector(Box::new(directory::DirectoryCollector(directory)));
        let mut metrics = Self {
            // Replaced below: `all` is still borrowed by its part with the prefix.
            registry: Registry::default(),
            requests: durations(
                clade,
                "http_request_duration",
                "Time from the request to the begin of the response, by route",
            ),
            refusals: registered(clade, "http_refusals", "Responses that are problems, by error code"),
            operations: durations(
                clade,
                "graphql_duration",
                "Duration of GraphQL queries and mutations, by operation name; other for most names",
            ),
            operation_names: OperationNames::default(),
            cache_hits: registered(
                clade,
                "graphql_response_cache_hits",
                "Queries answered from the response cache",
            ),
            cache_misses: registered(
                clade,
                "graphql_response_cache_misses",
                "Queries not found in the response cache",
            ),
            cache_bytes: Gauge::default(),
            connections: registered(clade, "http_connections", "Open connections"),
            sockets: registered(clade, "graphql_sockets", "Open GraphQL WebSockets"),
            subscriptions: registered(clade, "graphql_subscriptions", "Open GraphQL subscriptions"),
        };
        let bytes = metrics.cache_bytes.clone();
        clade.register_with_unit("graphql_response_cache", "Size of the response cache", Unit::Bytes, bytes);
        metrics.registry = all;
        metrics
    }

    /// Counts a response, and the time until it began.
    pub(super) fn answered(
        &self,
        route: Option<&MatchedPath>,
        method: &Method,
        response: &Response,
        took: Duration,
    ) {
        let labels = RequestLabels {
            route: route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned(),
            // The class alone: routes, methods and statuses multiply, and the exact reason is in the refusals' codes.
            method: method_name(method),
            status: status_class(response.status()),
        };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
        if let Some(ProblemCode(code)) = response.extensions().get() {
            self.refusals.get_or_create(&RefusalLabels { code }).inc();
        }
    }

    /// The label of a GraphQL operation of this name and kind (`query`, `mutation`).
    pub(crate) fn operation(&self, name: Option<&str>, kind: &'static str) -> OperationLabel {
        OperationLabel { name: self.operation_names.label(name), kind }
    }

    /// Counts a GraphQL operation that was carried out or answered from the cache.
    pub(crate) fn observe_operation(&self, operation: &OperationLabel, is_good: bool, took: Duration) {
        let labels = OperationLabels {
            operation: Arc::clone(&operation.name),
            kind: operation.kind,
            result: if is_good { "good" } else { "errors" },
        };
        self.operations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a lookup in the response cache.
    pub(crate) fn count_cache_lookup(&self, is_found: bool) {
        // Counters and not a ratio: Prometheus computes the ratio over any period.
        (if is_found { &self.cache_hits } else { &self.cache_misses }).inc();
    }

    /// Sets the size of the response cache.
    pub(crate) fn set_cache_bytes(&self, bytes: u64) {
        self.cache_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The gauge of open connections.
    pub(super) fn connections(&self) -> &Gauge {
        &self.connections
    }

    /// All metrics in Prometheus's text format.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }

    /// Counts an open WebSocket until the guard is dropped.
    pub(crate) fn socket(&self) -> GaugeGuard {
        GaugeGuard::one(&self.sockets)
    }

    /// Counts an open subscription until the guard is dropped.
    pub(crate) fn subscription(&self) -> GaugeGuard {
        GaugeGuard::one(&self.subscriptions)
    }
}

/// Creates a metric and registers it.
fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    // Clones share their values: one is for the exporter, the other to count with.
    registry.register(name, help, metric.clone());
    metric
}

fn durations<L>(registry: &mut Registry, name: &str, help: &str) -> Durations<L>
where
    L: Clone + std::hash::Hash + Eq + EncodeLabelSet + std::fmt::Debug + Send + Sync + 'static,
    Durations<L>: EncodeMetric + TypedMetric,
{
    let family = Durations::new_with_constructor(|| Histogram::new(DURATIONS.iter().copied()));
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

/// The label of a method. Unknown methods share one, since clients may invent any number of them.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("other", |at| NAMES[at])
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
