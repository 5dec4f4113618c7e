//! GraphQL over WebSocket: the protocol graphql-transport-ws, with its own close codes.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{StreamExt, select_all};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::model::entity::Revision;
use crate::server::auth::caller::{Caller, Principal};
use crate::server::connection::peer::Peer;
use crate::server::connection::shutdown::ShutdownSignal;
use crate::server::graphql::transport::close::{CLOSE_TIMEOUT, Close, close_socket};
use crate::server::graphql::transport::operation::{Reply, SocketOperation};
use crate::server::graphql::transport::origin;
use crate::server::graphql::transport::request::asked;
use crate::server::graphql::transport::sockets::{SocketPermit, Sockets};
use crate::server::limits::DRAIN_WITHIN;
use crate::server::response::problem::Problem;
use crate::wire::json;

const PROTOCOL: &str = "graphql-transport-ws";
/// How long a client may take to say who it is.
const INIT_WITHIN: Duration = Duration::from_secs(3);
/// How often a client is asked whether it lives; one that has said nothing since the last time is given up.
const PING_EVERY: Duration = Duration::from_secs(30);
/// The largest message, in bytes.
const MESSAGE_MAX: usize = 256 * 1024;
/// How much of what a client sends is read at a time; each socket keeps as much memory for it.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// The longest id of an operation, in bytes.
const ID_MAX: usize = 128;
/// Operations that one connection may have open.
const OPERATIONS_MAX: usize = 100;
/// How often the token is looked at again, beside each commit: it may expire, and nobody says so.
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(1);
/// How long a client may take to take a message.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// How long what is carried out may take to finish once the server stops, so that there is time left to say goodbye.
const FINISH_WITHIN: Duration = DRAIN_WITHIN.saturating_sub(CLOSE_TIMEOUT).saturating_sub(CLOSE_TIMEOUT);

/// `/graphql/ws`.
pub(crate) async fn endpoint(
    State(sockets): State<Arc<Sockets>>,
    peer: Option<Extension<Peer>>,
    shutdown: Option<Extension<ShutdownSignal>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let detail = format!("open a WebSocket here, with the protocol {PROTOCOL}");
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", detail).into_response();
    };
    if !origin::is_allowed_origin(&headers, &sockets.endpoint.settings.origins) {
        let detail = "this server takes no sockets from pages of other sites";
        return Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response();
    }
    let peer = peer.map(|Extension(peer)| peer);
    let permit = match sockets.open(peer) {
        Ok(permit) => permit,
        Err(detail) => {
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).into_response();
        }
    };
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .read_buffer_size(READ_BUFFER_BYTES);
    let spoken = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| async move {
        let _until_it_ends = sockets.endpoint.metrics.socket();
        let shutdown = shutdown.map(|Extension(shutdown)| shutdown);
        let (caller, operations) = (None, HashMap::new());
        let mut connection = WebSocketSession {
            sockets,
            socket,
            peer,
            permit,
            shutdown,
            is_ending: false,
            caller,
            operations,
        };
        let close = if spoken {
            connection.run(&headers).await
        } else {
            Some(Close::new(4406, "Subprotocol not acceptable"))
        };
        if let Some(close) = close {
            close_socket(connection.socket, close).await;
        }
    })
}

struct WebSocketSession {
    sockets: Arc<Sockets>,
    socket: WebSocket,
    peer: Option<Peer>,
    permit: SocketPermit,
    /// None without this crate's listener.
    shutdown: Option<ShutdownSignal>,
    /// Whether it has said so: what is carried out is finished, and nothing more is begun.
    is_ending: bool,
    caller: Option<Caller>,
    /// Open operations, by the client's id.
    operations: HashMap<String, SocketOperation>,
}

impl WebSocketSession {
    /// Until the client goes; a close code when it is sent away.
    async fn run(&mut self, headers: &HeaderMap) -> Option<Close> {
        let mut init = pin!(tokio::time::sleep(INIT_WITHIN));
        let mut finish = pin!(tokio::time::sleep(FINISH_WITHIN));
        let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut look_again = tokio::time::interval(LOOK_AGAIN_EVERY);
        look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut revisions = self.sockets.endpoint.authenticator.directory().revisions();
        let mut heard = true;
        loop {
            let acknowledged = self.caller.is_some();
            if self.is_ending && self.operations.is_empty() {
                return Some(Close::going_away());
            }
            tokio::select! {
                () = begun(&mut self.shutdown), if !self.is_ending => {
                    finish.as_mut().reset(Instant::now() + FINISH_WITHIN);
                    if let Err(close) = self.end().await {
                        return Some(close);
                    }
                }
                () = &mut finish, if self.is_ending => return Some(Close::going_away()),
                () = &mut init, if !acknowledged => {
                    return Some(Close::new(4408, "Connection initialisation timeout"));
                }
                _ = ping.tick() => {
                    if !std::mem::take(&mut heard) {
                        return None;
                    }
                    let ping = self.socket.send(Message::Ping(Bytes::new()));
                    if !matches!(tokio::time::timeout(TAKEN_WITHIN, ping).await, Ok(Ok(()))) {
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
                    if let Err(close) = self.hear(received?, headers).await {
                        return Some(close);
                    }
                }
                (id, answer) = next(&mut self.operations) => {
                    if let Err(close) = self.reply(id, answer).await {
                        return Some(close);
                    }
                }
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), Close> {
        self.send_text(message.to_string()).await
    }

    async fn send_text(&mut self, text: String) -> Result<(), Close> {
        let sent = tokio::time::timeout(TAKEN_WITHIN, self.socket.send(Message::Text(text.into()))).await;
        if matches!(sent, Ok(Ok(()))) {
            Ok(())
        } else {
            Err(Close::try_again_later("messages are not taken"))
        }
    }

    /// Ends everything once the token no longer holds.
    async fn admitted(&mut self) -> Result<(), Close> {
        let holds = |caller: &Caller| self.sockets.endpoint.authenticator.is_still_valid(caller.grant());
        if self.caller.as_ref().is_some_and(holds) {
            return Ok(());
        }
        let ended = self.operations.drain().collect();
        self.complete(ended).await?;
        Err(Close::forbidden())
    }

    /// Ends what would go on for ever, now that the server stops.
    async fn end(&mut self) -> Result<(), Close> {
        self.is_ending = true;
        let ended = self.operations.extract_if(|_, operation| operation.is_subscription).collect();
        self.complete(ended).await
    }

    /// Tells the client that these have ended.
    async fn complete(&mut self, ended: Vec<(String, SocketOperation)>) -> Result<(), Close> {
        for (id, _) in ended {
            self.send(&json!({ "id": id, "type": "complete" })).await?;
        }
        Ok(())
    }

    /// The next answer of an operation, or its end.
    async fn reply(&mut self, id: String, reply: Option<Reply>) -> Result<(), Close> {
        match reply {
            Some(mut reply) => {
                if reply.is_refusal {
                    self.operations.remove(&id);
                }
                let text = std::mem::take(&mut reply.text);
                // Its slot and its memory are given back once it was sent.
                self.send_text(text).await
            }
            None if self.operations.remove(&id).is_some() => {
                self.send(&json!({ "id": id, "type": "complete" })).await?;
                self.admitted().await
            }
            None => Ok(()),
        }
    }

    /// Whatever the client sends.
    async fn hear(
        &mut self,
        received: Result<Message, axum::Error>,
        headers: &HeaderMap,
    ) -> Result<(), Close> {
        match received {
            Ok(Message::Text(text)) => self.take(text.as_str(), headers).await,
            // A close is answered while waiting for what follows it: nothing.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => Ok(()),
            Ok(Message::Binary(_)) => Err(Close::invalid("messages are text")),
            Err(_) => Err(Close::invalid(format!("a message is text, of at most {MESSAGE_MAX} bytes"))),
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
            Some("subscribe") => self.subscribe(message, text.len()),
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
            return Err(Close::too_often("Too many initialisation requests"));
        }
        if !matches!(payload, Value::Null | Value::Object(_)) {
            return Err(Close::invalid("the payload of connection_init is an object"));
        }
        let given = ["Authorization", "authorization"].iter().find_map(|name| payload[name].as_str());
        let authenticator = &self.sockets.endpoint.authenticator;
        match given {
            Some(authorization) => authenticator.fetch_keys_for(authorization).await,
            None => authenticator.fetch_keys(headers).await,
        }
        let caller = match given {
            Some(authorization) => authenticator.caller_with(authorization),
            None => authenticator.caller(headers),
        };
        let caller = caller.map_err(|_| self.refused())?;
        self.permit = self.sockets.of(&caller).map_err(Close::try_again_later)?;
        self.caller = Some(caller);
        self.send(&json!({ "type": "connection_ack" })).await
    }

    /// Why a token that does not hold is sent away. As over HTTP, attempts are counted, and a good token is never slowed
    /// by them.
    fn refused(&self) -> Close {
        match self.sockets.endpoint.admission.count(&Principal::Unauthenticated(self.peer)) {
            Ok(_) => Close::forbidden(),
            Err(too_many) => Close::too_often(Problem::from(&too_many).detail),
        }
    }

    fn subscribe(&mut self, mut message: Value, bytes: usize) -> Result<(), Close> {
        let Some(caller) = &self.caller else { return Err(Close::unauthorized()) };
        let authenticator = &self.sockets.endpoint.authenticator;
        if !authenticator.is_still_valid(caller.grant()) {
            return Err(Close::forbidden());
        }
        let caller = authenticator.renewed(caller);
        let id = match message["id"].as_str() {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => return Err(Close::invalid("subscribe needs an id")),
        };
        if id.len() > ID_MAX {
            return Err(Close::invalid(format!("an id has at most {ID_MAX} bytes")));
        }
        if self.operations.contains_key(&id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        if self.operations.len() >= OPERATIONS_MAX {
            return Err(Close::invalid(format!("at most {OPERATIONS_MAX} operations may be open")));
        }
        let open: usize = self.operations.values().map(|operation| operation.asked_bytes).sum();
        if open + bytes > MESSAGE_MAX {
            let why = format!("what is asked by open operations has at most {MESSAGE_MAX} bytes in all");
            return Err(Close::invalid(why));
        }
        let Value::Object(payload) = message["payload"].take() else {
            return Err(Close::invalid("subscribe needs a payload"));
        };
        let asked = asked(payload).map_err(|_| Close::invalid("the payload of subscribe needs a query"))?;
        let operation = if self.is_ending {
            let detail = "the server stops; ask over another socket";
            SocketOperation::refused(&id, Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail))
        } else {
            SocketOperation::begun(&self.sockets, id.clone(), caller, asked, bytes)
        };
        self.operations.insert(id, operation);
        Ok(())
    }
}

/// Returns once the server stops.
async fn begun(shutdown: &mut Option<ShutdownSignal>) {
    match shutdown {
        Some(shutdown) => shutdown.begun().await,
        None => std::future::pending().await,
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
async fn next(operations: &mut HashMap<String, SocketOperation>) -> (String, Option<Reply>) {
    if operations.is_empty() {
        return std::future::pending().await;
    }
    let each = operations.iter_mut().map(|(id, operation)| {
        Box::pin(futures_util::stream::once(async move { (id.clone(), operation.answers.next().await) }))
    });
    match select_all(each).next().await {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}
