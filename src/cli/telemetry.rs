//! Logging and tracing of `clade serve`: logs on standard error, OpenTelemetry traces to an OTLP collector.

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
use serde::{Deserialize, Serialize};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::cli::{Failure, Result};

/// The path of OTLP/HTTP for traces, as its specification sets it.
const TRACES_PATH: &str = "/v1/traces";
/// Timeout of sending a batch of traces to the collector.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The logging and tracing settings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub(super) struct Telemetry {
    /// The log level: off, error, warn, info, debug or trace; or levels by module, such as warn,clade=debug
    #[arg(long, env = "CLADE_LOG", value_name = "LEVEL", default_value = "warn")]
    log: String,
    /// The format of the log
    #[arg(long, env = "CLADE_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// The collector of traces
    #[arg(
        long,
        env = "CLADE_OTLP_ENDPOINT",
        value_name = "URL",
        help = "Send traces to an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318"
    )]
    otlp_endpoint: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// Text for people
    #[default]
    Human,
    /// One JSON object per line
    Json,
}

/// The exporter of traces, if any. Dropping it sends the traces that are still queued.
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
    /// Installs the global logger and the exporter of traces.
    ///
    /// # Errors
    /// Wrong usage if the level or the URL of the collector is invalid.
    pub(super) fn start(&self) -> Result<Traces> {
        let filter = filter(&self.log)?;
        let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let log = match self.log_format {
            LogFormat::Human => log.with_ansi(io::stderr().is_terminal()).boxed(),
            LogFormat::Json => log.json().boxed(),
        };
        // `--otlp-endpoint ""` turns tracing off although the settings file has a collector.
        let endpoint = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
        let provider = endpoint.map(provider).transpose()?;
        // A filter per layer: a global one would drop spans below the log level, and traces need them at `warn`, too.
        let traces = provider.as_ref().map(|provider| layer(provider).with_filter(filter_fn(is_traced)));
        tracing_subscriber::registry().with(log.with_filter(filter)).with(traces).init();
        Ok(Traces(provider))
    }
}

/// Parses a log level, or a filter with levels by module.
fn filter(text: &str) -> Result<EnvFilter> {
    let refused = |why: &dyn Display| {
        Failure::Usage(format!(
            "--log {text:?} is not a log level or filter: {why}; it must be off, error, warn, info, debug or trace, \
             or levels by module, such as warn,clade=debug"
        ))
    };
    // A single word must be a level. `EnvFilter` would take a misspelled one, such as `wran`, for the name of a module
    // and log nothing else.
    if text.chars().all(char::is_alphanumeric) {
        let level: LevelFilter = text.parse().map_err(|why| refused(&why))?;
        return Ok(EnvFilter::default().add_directive(level.into()));
    }
    EnvFilter::try_new(text).map_err(|why| refused(&why))
}

/// Whether a span or event is exported: spans of this crate, and its events of level info and above.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    // In `tracing` a more severe level is smaller: `<=` means info, warn and error.
    metadata.target().starts_with("clade") && (metadata.is_span() || *metadata.level() <= Level::INFO)
}

fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let tracer: opentelemetry_sdk::trace::SdkTracer = trace::TracerProvider::tracer(provider, "clade");
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        // Names of source files, threads and modules would be added to every span, and nobody searches by them.
        .with_location(false)
        .with_threads(false)
        .with_target(false)
}

/// The provider that batches spans and sends them from a thread of its own.
fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    // OTLP settings are base URLs by convention, but the builder takes the URL as it is. Both forms are accepted.
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

/// The HTTP client of the exporter.
// On ureq, which the command line needs anyway, instead of the exporter's own features, which add reqwest or hyper.
#[derive(Debug)]
struct Sender {
    agent: ureq::Agent,
    /// Whether the last batch failed. Failures are logged when this changes, not for each batch.
    is_failing: AtomicBool,
}

impl Sender {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(EXPORT_TIMEOUT));
        Self { agent: config.build().into(), is_failing: AtomicBool::new(false) }
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let sent = self.agent.run(Request::from_parts(head, body.to_vec()));
        self.note(sent.as_ref().map(|response| response.status().as_u16()));
        let (head, mut body) = sent?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }

    /// Logs when sending starts to fail, and when it works again.
    fn note(&self, sent: Result<u16, &ureq::Error>) {
        let is_failing = !matches!(sent, Ok(200..=299));
        // Relaxed: the flag orders no other memory, and only the exporter's thread writes it.
        match (self.is_failing.swap(is_failing, Ordering::Relaxed), is_failing) {
            (false, true) => tracing::warn!(outcome = ?sent, "traces cannot be sent and are lost"),
            // At `warn` as well, so that a log at the default level does not end with the failure.
            (true, false) => tracing::warn!("traces can be sent again"),
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
        // Blocks inside an async function, which is safe here: the batch exporter calls it from a thread of its own.
        Box::pin(std::future::ready(self.send(request)))
    }
}
