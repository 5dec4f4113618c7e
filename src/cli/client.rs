//! A client of a running server: what `--server` asks.

use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::config::ConfigBuilder;
use ureq::http::Response;
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::{Agent, Body, RequestBuilder, SendBody};

use crate::cli::settings::variable;
use crate::cli::{Failure, Result};

const TOKEN: &str = "CLADE_TOKEN";
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A server that has not said by then how it is does not serve.
const PROBE_WITHIN: Duration = Duration::from_secs(4);

/// One server, and the token to ask it with.
pub(super) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

fn probe() -> ConfigBuilder<AgentScope> {
    Agent::config_builder().timeout_global(Some(PROBE_WITHIN))
}

impl Client {
    /// A client of the server at `url`, with the token in `CLADE_TOKEN`.
    pub(super) fn new(url: &str) -> Result<Self> {
        let token = variable(TOKEN).and_then(|token| token.into_string().ok());
        let token =
            token.ok_or_else(|| Failure::Usage(format!("set {TOKEN} to a token of the server {url}")))?;
        let authorization = Some(format!("Bearer {}", token.trim()));
        Ok(Self { authorization, ..Self::with(url, Agent::config_builder()) })
    }

    /// A client that asks how a server is, and waits a little.
    pub(super) fn probing(url: &str) -> Self {
        Self::with(url, probe())
    }

    /// The same for a server of this machine, whose certificate is for the name by which others know it. No proxy of the
    /// environment leads there.
    pub(super) fn probing_this_machine(url: &str) -> Self {
        let tls = TlsConfig::builder().disable_verification(true).build();
        Self::with(url, probe().tls_config(tls).proxy(None))
    }

    fn with(url: &str, config: ConfigBuilder<AgentScope>) -> Self {
        let config = config.http_status_as_error(false).timeout_connect(Some(CONNECT_WITHIN)).build();
        let base = url.trim_end_matches('/');
        let base = if base.contains("://") { base.to_owned() } else { format!("http://{base}") };
        Self { agent: config.into(), base, authorization: None }
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    /// The body of a GET, to read as it comes.
    pub(super) fn get(&self, path: &str) -> Result<impl Read + use<>> {
        let request = self.authorized(self.agent.get(format!("{}{path}", self.base)));
        Ok(self.checked(request.call())?.into_body().into_reader())
    }

    /// The answer to a POST, which must be JSON.
    pub(super) fn post(&self, path: &str, content_type: &str, body: SendBody<'_>) -> Result<Value> {
        let request = self
            .authorized(self.agent.post(format!("{}{path}", self.base)))
            .header("Content-Type", content_type);
        let mut response = self.checked(request.send(body))?;
        response
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_json()
            .map_err(|failure| self.no_answer(&failure))
    }

    /// As [`Client::post`], of a body that is packed with gzip.
    pub(super) fn post_packed(&self, path: &str, content_type: &str, body: SendBody<'_>) -> Result<Value> {
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
            .map_err(|failure| self.no_answer(&failure))
    }

    /// The data of a GraphQL request.
    pub(super) fn graphql(&self, query: &str, variables: &Value) -> Result<Value> {
        let mut answer = self.graphql_answer(query, variables)?;
        match answer["errors"].get(0) {
            Some(error) => Err(Failure::Refused {
                message: error["message"].as_str().unwrap_or("the server refused").to_owned(),
                facts: json!({ "code": error["extensions"]["code"] }),
            }),
            None => Ok(answer["data"].take()),
        }
    }

    /// The whole answer to a GraphQL request, errors and all.
    pub(super) fn graphql_answer(&self, query: &str, variables: &Value) -> Result<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.post("/graphql", "application/json", SendBody::from_reader(&mut body.as_bytes()))
    }

    /// The response, if it is one of success; else what the problem in it says.
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
            None => format!("{} answered {status}", self.base),
        };
        Err(Failure::Refused { message, facts: problem.unwrap_or_else(|| json!({})) })
    }

    fn unreachable(&self, failure: &ureq::Error) -> Failure {
        Failure::refused(match failure {
            ureq::Error::Io(why) => {
                format!("{} cannot be reached: {why}; does `clade serve` run there?", self.base)
            }
            ureq::Error::HostNotFound => format!("{} cannot be reached: there is no such host", self.base),
            ureq::Error::BadUri(why) => format!("{} is no address of a server: {why}", self.base),
            ureq::Error::Http(why) => format!("{} is no address of a server: {why}", self.base),
            other => format!("{} cannot be reached: {other}", self.base),
        })
    }

    fn no_answer(&self, failure: &ureq::Error) -> Failure {
        Failure::refused(format!("{} gave no answer that can be read: {failure}", self.base))
    }
}
