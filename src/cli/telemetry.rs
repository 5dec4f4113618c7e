//! What `clade serve` tells while it runs: logs on standard error, and traces to a collector that speaks OTLP.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use opentelemetry::{KeyValue, trace};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Deserialize;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::cli::{Failure, Result};

/// What is logged where no setting says.
const LOG: &str = "warn";
/// Where a collector takes traces over HTTP.
const TRACES_PATH: &str = "/v1/traces";
/// How long a collector may take for what it is sent.
const SENT_WITHIN: Duration = Duration::from_secs(10);

/// Every setting of it.
#[derive(Debug, Clone, Args)]
pub(super) struct Telemetry {
    /// What to log: error, warn, info, debug, trace, or by part [default: warn]
    #[arg(long, env = "CLADE_LOG", value_name = "LEVEL")]
    pub(super) log: Option<String>,
    /// How to log [default: human]
    #[arg(long, env = "CLADE_LOG_FORMAT", value_enum)]
    pub(super) log_format: Option<LogFormat>,
    /// The collector of traces
    #[arg(
        long,
        env = "CLADE_OTLP_ENDPOINT",
        value_name = "URL",
        help = "Send traces to an OpenTelemetry collector, such as http://127.0.0.1:4318 [default: none]"
    )]
    pub(super) otlp_endpoint: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// For people
    #[default]
    Human,
    /// A JSON object a line
    Json,
}

/// Traces that are being sent, if any. What has not gone out yet does when this ends.
#[must_use]
pub(super) struct Traces(Option<SdkTracerProvider>);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(failure) = provider.shutdown()
        {
            tracing::warn!(error = %failure, "the last traces could not be sent");
        }
    }
}

impl Telemetry {
    /// These, and the others where these do not say.
    pub(super) fn or(self, others: Self) -> Self {
        Self {
            log: self.log.or(others.log),
            log_format: self.log_format.or(others.log_format),
            otlp_endpoint: self.otlp_endpoint.or(others.otlp_endpoint),
        }
    }

    /// Begins to tell.
    pub(super) fn start(&self) -> Result<Traces> {
        let filter = filter(self.log.as_deref().unwrap_or(LOG))?;
        let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let log = match self.log_format.unwrap_or_default() {
            LogFormat::Human => log.with_ansi(io::stderr().is_terminal()).boxed(),
            LogFormat::Json => log.json().boxed(),
        };
        // An empty text is none, so that a flag can say so too.
        let endpoint = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
        let provider = endpoint.map(provider).transpose()?;
        let traces = provider.as_ref().map(|provider| layer(provider).with_filter(filter_fn(is_traced)));
        tracing_subscriber::registry().with(log.with_filter(filter)).with(traces).init();
        Ok(Traces(provider))
    }
}

/// What is logged: a level for all, or levels by part. One word is a level: a filter would take any other for the name of
/// a part, and log nothing else.
fn filter(text: &str) -> Result<EnvFilter> {
    let refused = |why: &dyn Display| {
        Failure::Usage(format!(
            "--log {text:?} is no level and no filter: {why}; it must be off, error, warn, info, debug or trace, or \
             levels by part, such as warn,clade=debug"
        ))
    };
    if text.chars().all(char::is_alphanumeric) {
        let level: LevelFilter = text.parse().map_err(|why| refused(&why))?;
        return Ok(EnvFilter::default().add_directive(level.into()));
    }
    EnvFilter::try_new(text).map_err(|why| refused(&why))
}

/// All spans of our own, and what is told in them.
fn is_traced(what: &Metadata<'_>) -> bool {
    what.target().starts_with("clade") && (what.is_span() || *what.level() <= Level::INFO)
}

fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let tracer: opentelemetry_sdk::trace::SdkTracer = trace::TracerProvider::tracer(provider, "clade");
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
}

/// What gathers spans and sends them, many at once, from a thread of its own.
fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let base = endpoint.trim_end_matches('/');
    let url = if base.ends_with(TRACES_PATH) { base.to_owned() } else { format!("{base}{TRACES_PATH}") };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender::new())
        .with_endpoint(url)
        .build()
        .map_err(|why| Failure::Usage(format!("--otlp-endpoint {endpoint:?} cannot be used: {why}")))?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("clade").with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Sends over HTTP, with the client that the command line has anyway.
#[derive(Debug)]
struct Sender {
    agent: ureq::Agent,
    /// Whether the last of it did not go out: said once, and not for each batch.
    is_failing: AtomicBool,
}

impl Sender {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(SENT_WITHIN));
        Self { agent: config.build().into(), is_failing: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let sent = self.agent.run(Request::from_parts(head, body.to_vec()));
        self.note(sent.as_ref().map(|response| response.status().as_u16()));
        let (head, mut body) = sent?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }

    fn note(&self, sent: Result<u16, &ureq::Error>) {
        let is_failing = !matches!(sent, Ok(200..=299));
        match (self.is_failing.swap(is_failing, Ordering::Relaxed), is_failing) {
            (false, true) => tracing::warn!(outcome = ?sent, "traces could not be sent; they are lost"),
            (true, false) => tracing::warn!("traces are sent again"),
            _ => {}
        }
    }
}

impl HttpClient for Sender {
    fn send_bytes<'s, 'sent>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        's: 'sent,
        Self: 'sent,
    {
        // Whoever asks is a thread that does nothing else.
        Box::pin(std::future::ready(self.send(request)))
    }
}
