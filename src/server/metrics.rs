//! `/metrics`: what a server counts while it serves, as Prometheus reads it.
//!
//! What must stay true: a label takes only so many values, whatever clients send, and none of them is a secret or the key
//! of a record. Each server counts for itself.

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

/// Answers take from some ten microseconds to some seconds. In seconds.
const DURATIONS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    60.0,
];
/// The route of what is at none.
const NO_ROUTE: &str = "none";

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// What one server counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Durations<RequestLabels>,
    refusals: Family<RefusalLabels, Counter>,
    operations: Durations<OperationLabels>,
    operation_names: OperationNames,
    answers_hit: Counter,
    answers_missed: Counter,
    answers_bytes: Gauge,
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

/// One more of what a gauge counts, until this is dropped.
#[derive(Debug)]
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
    /// Those of a server of `directory`.
    pub(super) fn new(directory: Directory) -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(process::Process));
        let clade = all.sub_registry_with_prefix("clade");
        clade.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        clade.register_collector(Box::new(directory::DirectoryCollector(directory)));
        let mut metrics = Self {
            registry: Registry::default(),
            requests: durations(
                clade,
                "http_request_duration",
                "How long requests took until their answers began, by route",
            ),
            refusals: kept(clade, "http_refusals", "Requests that were answered with a problem, by its code"),
            operations: durations(
                clade,
                "graphql_duration",
                "How long GraphQL queries and mutations took, by the name of the operation; other for most names",
            ),
            operation_names: OperationNames::default(),
            answers_hit: kept(clade, "graphql_answers_hit", "Queries answered with what was kept"),
            answers_missed: kept(
                clade,
                "graphql_answers_missed",
                "Queries whose answer was looked for among those kept and not found",
            ),
            answers_bytes: Gauge::default(),
            connections: kept(clade, "http_connections", "Open connections"),
            sockets: kept(clade, "graphql_sockets", "Open GraphQL sockets"),
            subscriptions: kept(clade, "graphql_subscriptions", "Open GraphQL subscriptions"),
        };
        let bytes = metrics.answers_bytes.clone();
        clade.register_with_unit("graphql_answers_kept", "What kept answers take", Unit::Bytes, bytes);
        metrics.registry = all;
        metrics
    }

    /// A request was answered.
    pub(super) fn answered(
        &self,
        route: Option<&MatchedPath>,
        method: &Method,
        response: &Response,
        took: Duration,
    ) {
        let labels = RequestLabels {
            route: route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned(),
            method: method_name(method),
            status: status_class(response.status()),
        };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
        if let Some(ProblemCode(code)) = response.extensions().get() {
            self.refusals.get_or_create(&RefusalLabels { code }).inc();
        }
    }

    /// The operation that `name` and `kind` are counted under.
    pub(crate) fn operation(&self, name: Option<&str>, kind: &'static str) -> OperationLabel {
        OperationLabel { name: self.operation_names.counted(name), kind }
    }

    /// A GraphQL operation was carried out, or its answer was kept.
    pub(crate) fn carried_out(&self, operation: &OperationLabel, is_good: bool, took: Duration) {
        let labels = OperationLabels {
            operation: Arc::clone(&operation.name),
            kind: operation.kind,
            result: if is_good { "good" } else { "errors" },
        };
        self.operations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// An answer was looked for among those kept.
    pub(crate) fn looked_for_answer(&self, is_found: bool) {
        (if is_found { &self.answers_hit } else { &self.answers_missed }).inc();
    }

    /// What all kept answers take.
    pub(crate) fn answers_take(&self, bytes: u64) {
        self.answers_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Open connections.
    pub(super) fn connections(&self) -> &Gauge {
        &self.connections
    }

    /// All of it, as Prometheus reads it.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes all that is written");
        text
    }

    /// A socket, while it is open.
    pub(crate) fn socket(&self) -> GaugeGuard {
        GaugeGuard::one(&self.sockets)
    }

    /// A subscription, while it is open.
    pub(crate) fn subscription(&self) -> GaugeGuard {
        GaugeGuard::one(&self.subscriptions)
    }
}

/// A metric that is registered.
fn kept<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
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

/// Clients may send methods of their own.
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
