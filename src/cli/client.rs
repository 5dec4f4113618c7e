//! The HTTP client for a running server: used by `--server` and by `clade health`.

use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::config::ConfigBuilder;
use ureq::http::Response;
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, DefaultConnector};
use ureq::{Agent, Body, RequestBuilder, SendBody};

use crate::cli::early_response::EarlyResponseConnector;
use crate::cli::environment::variable;
use crate::cli::{Failure, Result};

const TOKEN: &str = "CLADE_TOKEN";
/// Timeout of connecting. There is none for a whole request: a backup or an import may take minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a whole health check.
// Below the 5 seconds that HEALTHCHECK in `deploy/Dockerfile` allows, so that the check can still say why it failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);

/// A client of one server, with its token.
pub(super) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

fn probe() -> ConfigBuilder<AgentScope> {
    Agent::config_builder().timeout_global(Some(PROBE_TIMEOUT))
}

impl Client {
    /// A client of the server at `url`, with the token from `CLADE_TOKEN`.
    // There is no flag for the token: arguments are visible to every user of a machine, in `ps` for instance.
    pub(super) fn new(url: &str) -> Result<Self> {
        let token = variable(TOKEN).and_then(|token| token.into_string().ok());
        let token =
            token.ok_or_else(|| Failure::Usage(format!("set {TOKEN} to a token of the server {url}")))?;
        let authorization = Some(format!("Bearer {}", token.trim()));
        Ok(Self { authorization, ..Self::with(url, Agent::config_builder()) })
    }

    /// A client without a token and with a short timeout, for health checks.
    pub(super) fn probing(url: &str) -> Self {
        Self::with(url, probe())
    }

    /// The same for a server on this machine. It accepts any certificate and uses no proxy.
    pub(super) fn probing_this_machine(url: &str) -> Self {
        // The certificate is for the public host name, but the address is a loopback one, so verification would always
        // fail. No token is sent, and loopback cannot be intercepted by another machine. A proxy from `HTTP_PROXY`
        // would look for the server on the proxy's own machine.
        let tls = TlsConfig::builder().disable_verification(true).build();
        Self::with(url, probe().tls_config(tls).proxy(None))
    }

    fn with(url: &str, config: ConfigBuilder<AgentScope>) -> Self {
        // A response with an error status is read by `checked`; as an error of ureq it would have lost its body.
        let config = config.http_status_as_error(false).timeout_connect(Some(CONNECT_TIMEOUT)).build();
        let base = url.trim_end_matches('/');
        // The address of the API is what other programs ask for, so it is what people have at hand.
        let base = base.strip_suffix("/graphql").unwrap_or(base);
        let base = if base.contains("://") { base.to_owned() } else { format!("http://{base}") };
        let connector = DefaultConnector::default().chain(EarlyResponseConnector);
        let agent = Agent::with_parts(config, connector, DefaultResolver::default());
        Self { agent, base, authorization: None }
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    /// Sends a GET request and returns its body as a stream.
    pub(super) fn get(&self, path: &str) -> Result<impl Read + use<>> {
        let request = self.authorized(self.agent.get(format!("{}{path}", self.base)));
        Ok(self.checked(request.call())?.into_body().into_reader())
    }

    /// Sends a POST request and returns the JSON of the response.
    pub(super) fn post(&self, path: &str, content_type: &str, body: SendBody<'_>) -> Result<Value> {
        let request = self
            .authorized(self.agent.post(format!("{}{path}", self.base)))
            .header("Content-Type", content_type);
        let mut response = self.checked(request.send(body))?;
        // Without a limit of its own, ureq refuses bodies over 10 MB, which lists of refused records can exceed.
        response
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_json()
            .map_err(|failure| self.unreadable(&failure))
    }

    /// Like [`Client::post`], with a body that is gzip-compressed already.
    pub(super) fn post_gzip(&self, path: &str, content_type: &str, body: SendBody<'_>) -> Result<Value> {
        let request = self
            .authorized(self.agent.post(format!("{}{path}", self.base)))
            .header("Content-Type", content_type)
            .header("Content-Encoding", "gzip");
        let mut response = self.checked(request.send(body))?;
        response
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_json()
            .map_err(|failure| self.unreadable(&failure))
    }

    /// Runs a GraphQL operation and returns its `data`; its first error becomes a failure.
    pub(super) fn graphql(&self, query: &str, variables: &Value) -> Result<Value> {
        let mut response = self.graphql_response(query, variables)?;
        match response["errors"].get(0) {
            Some(error) => Err(Failure::Refused {
                message: error["message"].as_str().unwrap_or("the server refused the request").to_owned(),
                members: json!({ "code": error["extensions"]["code"] }),
            }),
            None => Ok(response["data"].take()),
        }
    }

    /// Runs a GraphQL operation and returns the whole response, including `errors`.
    pub(super) fn graphql_response(&self, query: &str, variables: &Value) -> Result<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.post("/graphql", "application/json", SendBody::from_reader(&mut body.as_bytes()))
    }

    /// The response if its status is 2xx; otherwise a failure with the detail of its problem document (RFC 9457).
    fn checked(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>> {
        let mut response = response.map_err(|failure| self.unreachable(&failure))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let problem: Option<Value> = response.body_mut().with_config().limit(u64::MAX).read_json().ok();
        let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
        let message = match detail {
            Some(detail) if status.as_u16() == 401 => {
                format!("{} refused the token in {TOKEN}: {detail}", self.base)
            }
            Some(detail) => detail.to_owned(),
            // Not a problem document: likely a proxy or another program, so the status and the URL have to do.
            None => format!("{} responded with {status}", self.base),
        };
        Err(Failure::Refused { message, members: problem.unwrap_or_else(|| json!({})) })
    }

    fn unreachable(&self, failure: &ureq::Error) -> Failure {
        Failure::refused(match failure {
            ureq::Error::Io(why) => {
                format!("{} cannot be reached: {why}; is `clade serve` running there?", self.base)
            }
            ureq::Error::HostNotFound => format!("{} cannot be reached: unknown host", self.base),
            ureq::Error::BadUri(why) => format!("{} is not a valid server URL: {why}", self.base),
            ureq::Error::Http(why) => format!("{} is not a valid server URL: {why}", self.base),
            other => format!("{} cannot be reached: {other}", self.base),
        })
    }

    fn unreadable(&self, failure: &ureq::Error) -> Failure {
        Failure::refused(format!("the response of {} cannot be read as JSON: {failure}", self.base))
    }
}
