//! A server on a free port, with a small HTTP and GraphQL client and a sample organization.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use clade::Directory;
use clade::access::Secret;
use clade::model::UnitRef;
use clade::model::command::{Command, NewToken};
use clade::model::token::Role;
use clade::server::{AppState, Exposure, serve_exposed};
use serde_json::Value;
use tokio::sync::oneshot;

use super::shape;

/// A running server over an in-memory directory, shut down on drop.
pub(crate) struct Server {
    pub(crate) directory: Directory,
    pub(crate) address: SocketAddr,
    /// A token with the role `admin`.
    pub(crate) token: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An HTTP response.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Server {
    /// Starts a server that is empty except for its admin token.
    pub(crate) fn start() -> Self {
        Self::start_with(|state| state)
    }

    /// Starts a server with changed settings.
    pub(crate) fn start_with(set: impl FnOnce(AppState) -> AppState) -> Self {
        Self::start_exposed(Exposure { requests_per_second: 0, ..Exposure::default() }, set)
    }

    /// Starts a server with these limits on exposure and changed settings.
    pub(crate) fn start_exposed(exposure: Exposure, set: impl FnOnce(AppState) -> AppState) -> Self {
        Self::start_over(Directory::in_memory().unwrap(), exposure, set)
    }

    /// Starts a server over this directory.
    pub(crate) fn over(directory: Directory) -> Self {
        Self::start_over(directory, Exposure { requests_per_second: 0, ..Exposure::default() }, |state| state)
    }

    fn start_over(directory: Directory, exposure: Exposure, set: impl FnOnce(AppState) -> AppState) -> Self {
        let token = new_token(&directory, Role::Admin);
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let state = set(AppState::new(directory.clone()));
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let until = async move {
                    let _ = stopped.await;
                };
                serve_exposed(state, exposure, listener, until).await;
            });
        });
        let address = told.blocking_recv().unwrap();
        Self { directory, address, token, stop: Some(stop), thread: Some(thread) }
    }

    /// Creates a token with this role.
    pub(crate) fn token_with(&self, role: Role) -> String {
        new_token(&self.directory, role)
    }

    /// Creates a token with this role, limited to units.
    pub(crate) fn token_within(&self, role: Role, units: &[&str]) -> String {
        let units = units.iter().map(|unit| UnitRef::from(*unit)).collect();
        keep_token(&self.directory, role, Some(units))
    }

    /// Sends a request with the admin token. `path` is relative to `/api/v2/data`, or absolute after `!`.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let token = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", token.as_str())];
        all.extend_from_slice(headers);
        self.send_as(method, path, &all, body)
    }

    /// Sends a request with only these headers.
    pub(crate) fn send_as(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let path = path.strip_prefix('!').map_or_else(|| format!("/api/v2/data{path}"), str::to_owned);
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => agent.run(request.body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        }
        .unwrap();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None)
    }

    /// Sends a JSON body.
    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], Some(body.to_string().as_bytes()))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    /// Sends NDJSON lines to `/bulk`.
    pub(crate) fn bulk(&self, query: &str, lines: &str) -> Answer {
        let headers = [("content-type", "application/x-ndjson")];
        self.send("POST", &format!("/bulk{query}"), &headers, Some(lines.as_bytes()))
    }

    /// The values of `field` of all records of a list, in order.
    pub(crate) fn keys(&self, path: &str, field: &str) -> Vec<String> {
        let list = self.get(path).ok();
        let records = list["data"].as_array().unwrap();
        records.iter().map(|record| record[field].as_str().unwrap().to_owned()).collect()
    }
}

/// A small organization: matrix team `Checkout` has two parents, `eve` two teams, `zoe` and `loose` no placement.
///
/// ```text
/// Aurora > Bikes > Frames > Carbon: ada, eve, gearbox    Steel    Checkout
///        > Digital: cem, site > Platform > Checkout: bob, eve, shop
/// ```
const ORGANISATION: &str = r#"
{"kind":"orgUnit","key":"aurora","name":"Aurora","type":"organization","externalId":"hr-1"}
{"kind":"orgUnit","name":"Bikes","type":"business","parent":"aurora"}
{"kind":"orgUnit","name":"Digital","type":"business","parent":"aurora"}
{"kind":"orgUnit","name":"Frames","type":"department","parent":"Bikes"}
{"kind":"orgUnit","name":"Platform","type":"department","parent":"Digital"}
{"kind":"orgUnit","name":"Carbon","type":"team","parent":"Frames"}
{"kind":"orgUnit","name":"Steel","type":"squad","parent":"Frames"}
{"kind":"orgUnit","name":"Checkout","type":"team","parent":"Platform"}
{"kind":"mapping","parent":"Frames","child":"Checkout"}
{"kind":"person","email":"Ada@aurora.example","firstName":"Ada","lastName":"Berg","externalId":"p-1"}
{"kind":"person","email":"bob@aurora.example","firstName":"Bob","lastName":"Cruz"}
{"kind":"person","email":"cem@aurora.example","firstName":"Cem","displayName":"Cem Ö."}
{"kind":"person","email":"eve@aurora.example","firstName":"Eve"}
{"kind":"person","email":"zoe@aurora.example"}
{"kind":"mapping","attribute1":"ada@aurora.example","attribute2":"Carbon"}
{"kind":"mapping","attribute1":"bob@aurora.example","attribute2":"Checkout"}
{"kind":"mapping","attribute1":"cem@aurora.example","attribute2":"Digital"}
{"kind":"mapping","attribute1":"eve@aurora.example","attribute2":"Carbon"}
{"kind":"mapping","attribute1":"eve@aurora.example","attribute2":"Checkout"}
{"kind":"project","projectId":"gearbox","projectName":"Gear Box","projectOwner":{"email":"ada@aurora.example","firstName":"Ada"},"assets":{"repositories":[{"url":"https://github.com/aurora/gearbox.git"},{"url":"https://gitlab.example/aurora/gears"}],"services":[]}}
{"kind":"project","projectId":"shop","projectName":"Shop","projectOwner":{"email":"out@side.example"},"colour":"red","assets":{"repositories":[{"url":"https://gitlab.example/aurora/shop"}],"services":[{"name":"Checkout API","identifier":"checkout-api","dependencies":["db"]}]}}
{"kind":"project","projectId":"site","projectName":"Site"}
{"kind":"project","projectId":"loose","projectName":"Loose Ends"}
{"kind":"mapping","attribute1":"gearbox","attribute2":"Carbon"}
{"kind":"mapping","attribute1":"shop","attribute2":"Checkout"}
{"kind":"mapping","attribute1":"site","attribute2":"Digital"}
{"kind":"mapping","attribute1":"gearbox","attribute2":"ada@aurora.example"}
{"kind":"mapping","attribute1":"gearbox","attribute2":"eve@aurora.example"}
{"kind":"mapping","attribute1":"shop","attribute2":"eve@aurora.example"}
{"kind":"mapping","attribute1":"shop","attribute2":"bob@aurora.example"}
"#;

/// GraphQL requests.
impl Server {
    /// Starts a server with a small organization.
    pub(crate) fn organisation() -> Self {
        Self::organisation_with(|state| state)
    }

    /// As [`Server::organisation`], with changed settings.
    pub(crate) fn organisation_with(set: impl FnOnce(AppState) -> AppState) -> Self {
        let server = Self::start_with(set);
        server.bulk("", ORGANISATION).ok();
        server
    }

    /// Sends a GraphQL request with the admin token.
    pub(crate) fn ask(&self, query: &str, variables: &Value) -> Answer {
        self.ask_as(&self.token, query, variables)
    }

    /// Sends a GraphQL request with this token.
    pub(crate) fn ask_as(&self, token: &str, query: &str, variables: &Value) -> Answer {
        let body = serde_json::json!({ "query": query, "variables": variables }).to_string();
        let headers = [
            ("authorization", token),
            ("content-type", "application/json"),
            ("accept", "application/graphql-response+json"),
        ];
        self.send_as("POST", "!/graphql", &headers, Some(body.as_bytes()))
    }

    /// Sends a GraphQL request. A query is sent once more, past the response cache: async-graphql executes a document the
    /// first time, and a plan does so from then on. Panics unless both give the same response.
    fn ask_twice(&self, query: &str, variables: &Value) -> Answer {
        let answer = self.ask(query, variables);
        if answer.status == 200 {
            shape::check(query, variables, &answer.value()["data"]);
        }
        if query.contains("mutation") || query.contains("lastUsedAt") {
            return answer;
        }
        let mut variables = variables.clone();
        if variables.is_null() {
            variables = serde_json::json!({});
        }
        // Not a variable of the document, so it changes the key of the response and nothing else.
        variables["again"] = Value::Bool(true);
        let again = self.ask(query, &variables);
        assert_eq!((answer.status, answer.text()), (again.status, again.text()), "{query}");
        answer
    }

    /// The `data` of a response. Panics if it has errors.
    pub(crate) fn data(&self, query: &str) -> Value {
        self.data_with(query, &Value::Null)
    }

    pub(crate) fn data_with(&self, query: &str, variables: &Value) -> Value {
        let answer = self.ask_twice(query, variables).ok();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    /// The first error of a response with status 200. Panics unless its code is `code`.
    pub(crate) fn error(&self, query: &str, code: &str) -> Value {
        self.error_with(query, &Value::Null, code)
    }

    pub(crate) fn error_with(&self, query: &str, variables: &Value, code: &str) -> Value {
        let answer = self.ask_twice(query, variables);
        first_error(&answer, 200, code)
    }

    /// The first error of a request that is refused before execution (status 400). Panics unless its code is `code`.
    pub(crate) fn refusal(&self, query: &str, code: &str) -> Value {
        self.refusal_with(query, &Value::Null, code)
    }

    pub(crate) fn refusal_with(&self, query: &str, variables: &Value, code: &str) -> Value {
        let answer = self.ask(query, variables);
        let error = first_error(&answer, 400, code);
        assert!(answer.value().get("data").is_none(), "{}", answer.text());
        error
    }
}

fn first_error(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    let error = answer.value()["errors"][0].clone();
    assert_eq!(error["extensions"]["code"], code, "{}", answer.text());
    error
}

/// The strings at `path`, a JSON pointer in which `*` means every element of a list.
pub(crate) fn strings(value: &Value, path: &str) -> Vec<String> {
    let Some((before, after)) = path.split_once("/*") else {
        let found = value.pointer(path).unwrap_or_else(|| panic!("no {path} in {value}"));
        return vec![found.as_str().map_or_else(|| found.to_string(), str::to_owned)];
    };
    let list = value.pointer(before).and_then(Value::as_array);
    let list = list.unwrap_or_else(|| panic!("no list {before} in {value}"));
    list.iter().flat_map(|element| strings(element, after)).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The body as JSON. Panics unless the status is 200.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.value()
    }

    /// The body of an `application/problem+json` response. Panics unless status and code match.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.value();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        problem
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header; empty if absent.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }
}

/// Creates a token with this role and returns its secret.
pub(crate) fn new_token(directory: &Directory, role: Role) -> String {
    keep_token(directory, role, None)
}

fn keep_token(directory: &Directory, role: Role, units: Option<Vec<UnitRef>>) -> String {
    let secret = Secret::generate();
    let (id, hash) = (secret.id().clone(), secret.hash());
    let token = NewToken { id, hash, role, description: None, units, expires_at: None };
    directory.apply(Command::CreateToken(token)).unwrap();
    secret.reveal().to_owned()
}
