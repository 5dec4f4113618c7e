//! GraphQL over WebSocket: the protocol graphql-transport-ws, with its own close codes.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, select_all};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use crate::model::entity::Revision;
use crate::server::graphql::http::asked;
use crate::server::graphql::{Answer, Endpoint, Prepared, origin};
use crate::server::json;
use crate::server::problem::Problem;
use crate::server::state::Caller;

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to say who it is.
const INIT_WITHIN: Duration = Duration::from_secs(3);
/// How often a client is asked whether it lives; one that has said nothing since the last time is given up.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long a client that is sent away may take to hear of it.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);
/// The longest reason for a close that a frame can carry, in bytes.
const REASON_MAX: usize = 123;
/// The largest message, in bytes.
const MESSAGE_MAX: usize = 256 * 1024;
/// Operations that one connection may have open.
const OPERATIONS_MAX: usize = 100;
/// How often the token is looked at again, beside each commit: it may expire, and nobody says so.
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(1);
/// How long a client may take to take a message.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// Why a connection is closed, as the protocol numbers it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Close(u16, String);

impl Close {
    fn invalid(why: impl Into<String>) -> Self {
        Self(4400, why.into())
    }

    fn unauthorized() -> Self {
        Self(4401, "Unauthorized".to_owned())
    }

    fn into_frame(self) -> CloseFrame {
        let Self(code, mut reason) = self;
        reason.truncate(reason.floor_char_boundary(REASON_MAX));
        CloseFrame { code, reason: reason.into() }
    }
}

/// `/graphql/ws`.
pub(crate) async fn endpoint(
    State(endpoint): State<Arc<Endpoint>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let detail = format!("open a WebSocket here, with the protocol {PROTOCOL}");
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", detail).into_response();
    };
    if !origin::is_welcome(&headers, &endpoint.state.graphql().origins) {
        let detail = "this server takes no sockets from pages of other sites";
        return Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response();
    }
    let Ok(place) = Arc::clone(&endpoint.sockets).try_acquire_owned() else {
        let detail = "too many sockets are open; try again later";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).into_response();
    };
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
    let spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| async move {
        let _until_it_ends = (place, endpoint.state.metrics().socket());
        let mut connection = Connection { endpoint, socket, operations: HashMap::new(), caller: None };
        let close = if spoken {
            connection.run(&headers).await
        } else {
            Some(Close(4406, "Subprotocol not acceptable".to_owned()))
        };
        if let Some(close) = close {
            farewell(connection.socket, close).await;
        }
    })
}

/// Says why, and listens until the client has heard it: what it still sends would else cut the words off.
async fn farewell(mut socket: WebSocket, close: Close) {
    let said = async {
        socket.send(Message::Close(Some(close.into_frame()))).await?;
        while socket.recv().await.transpose()?.is_some() {}
        Ok::<_, axum::Error>(())
    };
    let _gone_or_done = tokio::time::timeout(FAREWELL_WITHIN, said).await;
}

struct Connection {
    endpoint: Arc<Endpoint>,
    socket: WebSocket,
    caller: Option<Caller>,
    /// What each open operation answers, by the client's id.
    operations: HashMap<String, BoxStream<'static, Value>>,
}

impl Connection {
    /// Until the client goes; a close code when it is sent away.
    async fn run(&mut self, headers: &HeaderMap) -> Option<Close> {
        let mut init = pin!(tokio::time::sleep(INIT_WITHIN));
        let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING_EVERY, PING_EVERY);
        let mut look_again = tokio::time::interval(LOOK_AGAIN_EVERY);
        look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut revisions = self.endpoint.state.directory().revisions();
        let mut heard = true;
        loop {
            let acknowledged = self.caller.is_some();
            tokio::select! {
                () = &mut init, if !acknowledged => {
                    return Some(Close(4408, "Connection initialisation timeout".to_owned()));
                }
                _ = ping.tick() => {
                    if !std::mem::take(&mut heard) {
                        return None;
                    }
                    if self.socket.send(Message::Ping(Bytes::new())).await.is_err() {
                        return None;
                    }
                }
                () = time_to_look(&mut look_again, &mut revisions), if acknowledged => {
                    if let Err(close) = self.admitted().await {
                        return Some(close);
                    }
                }
                received = self.socket.recv() => {
                    heard = true;
                    let text = match received? {
                        Ok(Message::Text(text)) => text,
                        // A close is answered while waiting for what follows it: nothing.
                        Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => continue,
                        Ok(Message::Binary(_)) => return Some(Close::invalid("messages are text")),
                        Err(_) => {
                            let why = format!("a message is text, of at most {MESSAGE_MAX} bytes");
                            return Some(Close::invalid(why));
                        }
                    };
                    if let Err(close) = self.take(text.as_str(), headers).await {
                        return Some(close);
                    }
                }
                (id, answer) = next(&mut self.operations) => {
                    if let Err(close) = self.tell(id, answer).await {
                        return Some(close);
                    }
                }
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), Close> {
        let text = message.to_string();
        let sent = tokio::time::timeout(TAKEN_WITHIN, self.socket.send(Message::Text(text.into()))).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(Close::invalid("gone")) }
    }

    /// Ends everything once the token no longer holds.
    async fn admitted(&mut self) -> Result<(), Close> {
        let holds = |caller: &Caller| self.endpoint.state.still_holds(&caller.grant);
        if self.caller.as_ref().is_some_and(holds) {
            return Ok(());
        }
        let ended: Vec<String> = self.operations.drain().map(|(id, _)| id).collect();
        for id in ended {
            self.send(&json!({ "id": id, "type": "complete" })).await?;
        }
        Err(Close(4403, "Forbidden".to_owned()))
    }

    /// The next answer of an operation, or its end.
    async fn tell(&mut self, id: String, answer: Option<Value>) -> Result<(), Close> {
        match answer {
            Some(message) => {
                if message["type"] == "error" {
                    self.operations.remove(&id);
                }
                self.send(&message).await
            }
            None if self.operations.remove(&id).is_some() => {
                self.send(&json!({ "id": id, "type": "complete" })).await?;
                self.admitted().await
            }
            None => Ok(()),
        }
    }

    async fn take(&mut self, text: &str, headers: &HeaderMap) -> Result<(), Close> {
        let message: Value = json::parse(text.as_bytes()).map_err(|_| Close::invalid("Invalid message"))?;
        match message["type"].as_str() {
            Some("connection_init") => self.init(&message["payload"], headers).await,
            Some("ping") => match message.get("payload") {
                Some(payload) => self.send(&json!({ "type": "pong", "payload": payload })).await,
                None => self.send(&json!({ "type": "pong" })).await,
            },
            Some("pong") => Ok(()),
            Some("subscribe") => self.subscribe(message),
            Some("complete") => match message["id"].as_str() {
                Some(id) => {
                    self.operations.remove(id);
                    Ok(())
                }
                None => Err(Close::invalid("complete needs an id")),
            },
            _ => Err(Close::invalid("Invalid message")),
        }
    }

    async fn init(&mut self, payload: &Value, headers: &HeaderMap) -> Result<(), Close> {
        if self.caller.is_some() {
            return Err(Close(4429, "Too many initialisation requests".to_owned()));
        }
        if !matches!(payload, Value::Null | Value::Object(_)) {
            return Err(Close::invalid("the payload of connection_init is an object"));
        }
        let given = ["Authorization", "authorization"].iter().find_map(|name| payload[name].as_str());
        match given {
            Some(authorization) => self.endpoint.state.fetch_keys_for(authorization).await,
            None => self.endpoint.state.fetch_keys(headers).await,
        }
        let caller = match given {
            Some(authorization) => self.endpoint.state.caller_with(authorization),
            None => self.endpoint.state.caller(headers),
        };
        self.caller = Some(caller.map_err(|_| Close(4403, "Forbidden".to_owned()))?);
        self.send(&json!({ "type": "connection_ack" })).await
    }

    fn subscribe(&mut self, mut message: Value) -> Result<(), Close> {
        let Some(caller) = &self.caller else { return Err(Close::unauthorized()) };
        if !self.endpoint.state.still_holds(&caller.grant) {
            return Err(Close(4403, "Forbidden".to_owned()));
        }
        let caller = self.endpoint.state.renewed(caller);
        let id = match message["id"].as_str() {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => return Err(Close::invalid("subscribe needs an id")),
        };
        if self.operations.contains_key(&id) {
            return Err(Close(4409, format!("Subscriber for {id} already exists")));
        }
        if self.operations.len() >= OPERATIONS_MAX {
            return Err(Close::invalid(format!("at most {OPERATIONS_MAX} operations may be open")));
        }
        let Value::Object(payload) = message["payload"].take() else {
            return Err(Close::invalid("subscribe needs a payload"));
        };
        let answers = match asked(payload) {
            Ok(asked) => self.answers(&id, caller, self.endpoint.prepare(asked)),
            Err(_) => return Err(Close::invalid("the payload of subscribe needs a query")),
        };
        self.operations.insert(id, answers);
        Ok(())
    }

    /// What an operation answers: `next` messages, or one `error`.
    fn answers(
        &self,
        id: &str,
        caller: Caller,
        prepared: Result<Prepared, Problem>,
    ) -> BoxStream<'static, Value> {
        let message = {
            let id = id.to_owned();
            move |answer: Answer| {
                if answer.is_refused() {
                    json!({ "id": id, "type": "error", "payload": answer.errors })
                } else {
                    json!({ "id": id, "type": "next", "payload": answer })
                }
            }
        };
        match prepared {
            Err(problem) => {
                let refusal = message(Answer::refusal(problem));
                futures_util::stream::once(std::future::ready(refusal)).boxed()
            }
            Ok(prepared) if prepared.kind == OperationType::Subscription => {
                self.endpoint.subscribe(caller, prepared).map(message).boxed()
            }
            Ok(prepared) => {
                let endpoint = Arc::clone(&self.endpoint);
                // In a task of its own: what waits must not keep the socket's other operations from going on.
                let mut task = JoinSet::new();
                task.spawn(async move { endpoint.carry_out(caller, prepared).await });
                let answer = async move {
                    let answer = match task.join_next().await {
                        Some(Ok(answer)) => answer.unwrap_or_else(Answer::refusal),
                        Some(Err(_)) | None => Answer::refusal(Problem::internal()),
                    };
                    message(answer)
                };
                futures_util::stream::once(answer).boxed()
            }
        }
    }
}

/// Returns after a while, and after each commit.
async fn time_to_look(after_a_while: &mut Interval, revisions: &mut watch::Receiver<Revision>) {
    tokio::select! {
        _ = after_a_while.tick() => {}
        Ok(()) = revisions.changed() => {}
    }
}

/// The next answer of any operation; waits for ever while there is none.
async fn next(operations: &mut HashMap<String, BoxStream<'static, Value>>) -> (String, Option<Value>) {
    if operations.is_empty() {
        return std::future::pending().await;
    }
    let each = operations.iter_mut().map(|(id, answers)| {
        Box::pin(futures_util::stream::once(async move { (id.clone(), answers.next().await) }))
    });
    match select_all(each).next().await {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}
