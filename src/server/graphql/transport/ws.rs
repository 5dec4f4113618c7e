//! GraphQL over WebSocket: sessions of the protocol graphql-transport-ws.
//!
//! Invariant: no operation starts before the client has authenticated, and none outlives its token. Everything that a
//! session waits for has a timeout.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
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
use crate::server::graphql::transport::request::parse;
use crate::server::graphql::transport::sockets::{SocketPermit, Sockets};
use crate::server::limits::DRAIN_TIMEOUT;
use crate::server::response::problem::Problem;
use crate::wire::json;

const PROTOCOL: &str = "graphql-transport-ws";
/// Timeout of the client's `connection_init`, with which it authenticates.
const INIT_TIMEOUT: Duration = Duration::from_secs(3);
/// Interval of pings. A client that has sent nothing since the last one is dead, and the socket is dropped.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Maximum size of a message, in bytes.
const MESSAGE_MAX: usize = 256 * 1024;
/// Size of the read buffer of each socket, in bytes.
// tungstenite's default of 128 KiB would be 128 MiB for a thousand idle sockets.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// Maximum length of an operation id, in bytes.
const ID_MAX: usize = 128;
/// Maximum number of open operations of a socket.
const OPERATIONS_MAX: usize = 100;
/// Interval of the token's validity check. Revocations are commits and noticed at once; expiry is not.
const RECHECK_TOKEN_EVERY: Duration = Duration::from_secs(1);
/// Timeout of sending a message to a slow client.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long running operations may take to finish after shutdown began. Leaves time for two closing handshakes.
const FINISH_TIMEOUT: Duration = DRAIN_TIMEOUT.saturating_sub(CLOSE_TIMEOUT).saturating_sub(CLOSE_TIMEOUT);

/// Handles `/graphql/ws`: checks the origin and the quota, then upgrades the connection.
pub(crate) async fn endpoint(
    State(sockets): State<Arc<Sockets>>,
    peer: Option<Extension<Peer>>,
    shutdown: Option<Extension<ShutdownSignal>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let detail = format!("this URL is a WebSocket endpoint; connect with the subprotocol {PROTOCOL}");
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", detail);
        // RFC 9110, section 15.5.22, and RFC 6455, section 4.2.2.
        let headers = [
            (header::CONNECTION, "upgrade"),
            (header::UPGRADE, "websocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
        ];
        return (headers, problem).into_response();
    };
    if !origin::is_allowed_origin(&headers, &sockets.endpoint.settings.origins) {
        let detail = "pages of this origin may not open a WebSocket; the operator can allow the origin";
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
    let speaks_protocol = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| async move {
        let _until_it_ends = sockets.endpoint.metrics.socket();
        let shutdown = shutdown.map(|Extension(shutdown)| shutdown);
        let (caller, operations) = (None, HashMap::new());
        let mut session = WebSocketSession {
            sockets,
            socket,
            peer,
            permit,
            shutdown,
            is_ending: false,
            caller,
            operations,
        };
        // An unknown subprotocol is refused after the upgrade: browsers hide the status of a failed one from the page,
        // but show it a close code.
        let close = if speaks_protocol {
            session.run(&headers).await
        } else {
            Some(Close::new(4406, "Subprotocol not acceptable"))
        };
        if let Some(close) = close {
            close_socket(session.socket, close).await;
        }
    })
}

struct WebSocketSession {
    sockets: Arc<Sockets>,
    socket: WebSocket,
    peer: Option<Peer>,
    permit: SocketPermit,
    /// `None` if another listener than this crate's serves the router.
    shutdown: Option<ShutdownSignal>,
    /// Whether shutdown has begun: running operations finish, and no new ones start.
    is_ending: bool,
    /// `None` until the client has authenticated.
    caller: Option<Caller>,
    /// Open operations, by the client's ids.
    operations: HashMap<String, SocketOperation>,
}

impl WebSocketSession {
    /// Runs the session. Returns the close to send, or `None` if the client has gone.
    async fn run(&mut self, headers: &HeaderMap) -> Option<Close> {
        let mut init = pin!(tokio::time::sleep(INIT_TIMEOUT));
        let mut finish = pin!(tokio::time::sleep(FINISH_TIMEOUT));
        let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut recheck = tokio::time::interval(RECHECK_TOKEN_EVERY);
        // The default would make up for missed ticks in a burst after a slow send.
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut revisions = self.sockets.endpoint.authenticator.directory().revisions();
        let mut heard_from = true;
        // `select!` drops the futures of the other branches, so each must be cancel safe: timers, channels and streams
        // are. Handlers run after a branch is chosen and are never cancelled halfway through a message.
        loop {
            let acknowledged = self.caller.is_some();
            if self.is_ending && self.operations.is_empty() {
                return Some(Close::going_away());
            }
            tokio::select! {
                () = begun(&mut self.shutdown), if !self.is_ending => {
                    // The timer was made with the session, and its time counts from here.
                    finish.as_mut().reset(Instant::now() + FINISH_TIMEOUT);
                    self.end();
                }
                () = &mut finish, if self.is_ending => return Some(Close::going_away()),
                () = &mut init, if !acknowledged => {
                    return Some(Close::new(4408, "Connection initialisation timeout"));
                }
                _ = ping.tick() => {
                    // Without a close: a client that answers no ping would not answer it either.
                    if !std::mem::take(&mut heard_from) {
                        return None;
                    }
                    let ping = self.socket.send(Message::Ping(Bytes::new()));
                    if !matches!(tokio::time::timeout(SEND_TIMEOUT, ping).await, Ok(Ok(()))) {
                        return None;
                    }
                }
                () = token_may_have_changed(&mut recheck, &mut revisions), if acknowledged => {
                    if let Err(close) = self.check_token() {
                        return Some(close);
                    }
                }
                received = self.socket.recv() => {
                    heard_from = true;
                    if let Err(close) = self.receive(received?, headers).await {
                        return Some(close);
                    }
                }
                (id, reply) = next(&mut self.operations) => {
                    if let Err(close) = self.reply(id, reply).await {
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
        // Without a timeout, a client that stops reading would block the whole session, with its permits.
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.socket.send(Message::Text(text.into()))).await;
        if matches!(sent, Ok(Ok(()))) {
            Ok(())
        } else {
            Err(Close::try_again_later("the client does not read its messages"))
        }
    }

    /// Closes the session once the token is no longer valid.
    fn check_token(&self) -> Result<(), Close> {
        let is_valid = |caller: &Caller| self.sockets.endpoint.authenticator.is_still_valid(caller.grant());
        if self.caller.as_ref().is_some_and(is_valid) { Ok(()) } else { Err(Close::forbidden()) }
    }

    /// Ends the subscriptions, which would otherwise outlast the shutdown. Queries and mutations finish.
    // Without `complete`, which means that there is nothing more to subscribe to: clients would not do so again after
    // they have reconnected. The close tells them to.
    fn end(&mut self) {
        self.is_ending = true;
        self.operations.retain(|_, operation| !operation.is_subscription);
    }

    /// Sends an operation's next message, or `complete` at its end.
    async fn reply(&mut self, id: String, reply: Option<Reply>) -> Result<(), Close> {
        match reply {
            Some(mut reply) => {
                // `error` ends an operation, and no `complete` follows it.
                if reply.is_refusal {
                    self.operations.remove(&id);
                }
                let text = std::mem::take(&mut reply.text);
                // `reply` lives to the end of this block: its permits are returned after the message was sent.
                self.send_text(text).await
            }
            None if self.operations.remove(&id).is_some() => {
                // A subscription also ends when its token expires, for which the close is the message.
                self.check_token()?;
                self.send(&json!({ "id": id, "type": "complete" })).await
            }
            None => Ok(()),
        }
    }

    /// Handles a WebSocket message of any kind.
    async fn receive(
        &mut self,
        received: Result<Message, axum::Error>,
        headers: &HeaderMap,
    ) -> Result<(), Close> {
        match received {
            Ok(Message::Text(text)) => self.handle(text.as_str(), headers).await,
            // tungstenite answers pings and closes itself, on the next read. After a close that read returns `None`.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => Ok(()),
            Ok(Message::Binary(_)) => Err(Close::invalid("messages must be text, not binary")),
            Err(_) => Err(Close::invalid(format!("messages must be text of at most {MESSAGE_MAX} bytes"))),
        }
    }

    /// Handles a message of the subprotocol.
    async fn handle(&mut self, text: &str, headers: &HeaderMap) -> Result<(), Close> {
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
                // Dropping the operation cancels it. An unknown id is legal: both sides may complete at once.
                Some(id) => {
                    self.operations.remove(id);
                    Ok(())
                }
                None => Err(Close::invalid("complete must have an id")),
            },
            _ => Err(Close::invalid("Invalid message")),
        }
    }

    async fn init(&mut self, payload: &Value, headers: &HeaderMap) -> Result<(), Close> {
        if self.caller.is_some() {
            return Err(Close::too_often("Too many initialisation requests"));
        }
        if !matches!(payload, Value::Null | Value::Object(_)) {
            return Err(Close::invalid("the payload of connection_init must be an object"));
        }
        // Browsers cannot set headers of a WebSocket, so the token may come in the payload. It wins over the header.
        let authorization = ["Authorization", "authorization"].iter().find_map(|name| payload[name].as_str());
        let authenticator = &self.sockets.endpoint.authenticator;
        // Fetching an identity provider's keys may wait for the network. Validation itself is synchronous.
        match authorization {
            Some(authorization) => authenticator.fetch_keys_for(authorization).await,
            None => authenticator.fetch_keys(headers).await,
        }
        let caller = match authorization {
            Some(authorization) => authenticator.caller_with(authorization),
            None => authenticator.caller(headers),
        };
        let caller = caller.map_err(|_| self.refused())?;
        // The assignment returns the unauthenticated permit, which is free for the next client.
        self.permit = self.sockets.of(&caller).map_err(Close::try_again_later)?;
        self.caller = Some(caller);
        self.send(&json!({ "type": "connection_ack" })).await
    }

    /// The close after a failed authentication.
    fn refused(&self) -> Close {
        // Failed attempts count against the rate of their address, as over HTTP. Successful ones are not counted, so
        // that others' attempts from behind the same address never slow a valid token down.
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
        // With the token's present role and scope, which may have changed since the session began.
        let caller = authenticator.refreshed(caller);
        let id = match message["id"].as_str() {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => return Err(Close::invalid("subscribe must have an id")),
        };
        if id.len() > ID_MAX {
            return Err(Close::invalid(format!("an id must have at most {ID_MAX} bytes")));
        }
        if self.operations.contains_key(&id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        if self.operations.len() >= OPERATIONS_MAX {
            return Err(Close::invalid(format!(
                "a socket may have at most {OPERATIONS_MAX} open operations"
            )));
        }
        // Open operations retain their parsed requests: a hundred of the largest would be 25 MB for one socket.
        let open: usize = self.operations.values().map(|operation| operation.request_bytes).sum();
        if open + bytes > MESSAGE_MAX {
            let why =
                format!("the requests of open operations may have at most {MESSAGE_MAX} bytes together");
            return Err(Close::invalid(why));
        }
        let Value::Object(payload) = message["payload"].take() else {
            return Err(Close::invalid("subscribe must have a payload"));
        };
        let request =
            parse(payload).map_err(|_| Close::invalid("the payload of subscribe must have a query"))?;
        // An error of this operation, and no close: the socket still has others to finish.
        let operation = if self.is_ending {
            let detail = "the server is shutting down; reconnect";
            SocketOperation::refused(&id, Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail))
        } else {
            SocketOperation::start(&self.sockets, id.clone(), caller, request, bytes)
        };
        self.operations.insert(id, operation);
        Ok(())
    }
}

/// Returns when shutdown begins.
async fn begun(shutdown: &mut Option<ShutdownSignal>) {
    match shutdown {
        Some(shutdown) => shutdown.begun().await,
        None => std::future::pending().await,
    }
}

/// Returns at the next tick, and after each commit, which may have changed or revoked the token.
async fn token_may_have_changed(recheck: &mut Interval, revisions: &mut watch::Receiver<Revision>) {
    tokio::select! {
        _ = recheck.tick() => {}
        // The pattern ignores a closed channel, so that the session does not spin when the directory is dropped.
        Ok(()) = revisions.changed() => {}
    }
}

/// The next message of any operation, with its id. Never returns while there is no operation.
async fn next(operations: &mut HashMap<String, SocketOperation>) -> (String, Option<Reply>) {
    // An empty `select_all` ends at once, and the session's loop would spin.
    if operations.is_empty() {
        return std::future::pending().await;
    }
    // Built anew for each message, as the map changes in between. Dropping it loses nothing, since `next` takes an item
    // from a stream only when it is ready.
    let each = operations.iter_mut().map(|(id, operation)| {
        Box::pin(futures_util::stream::once(async move { (id.clone(), operation.replies.next().await) }))
    });
    match select_all(each).next().await {
        Some(reply) => reply,
        None => std::future::pending().await,
    }
}
