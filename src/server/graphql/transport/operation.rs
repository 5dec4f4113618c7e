//! One operation over a WebSocket: admission, execution, and its `next` and `error` messages.
//!
//! Invariant: a query or mutation over a socket passes the same rate limit, quota and memory budget as one over HTTP.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use futures_util::stream::{BoxStream, StreamExt, once};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::server::admission::Refused;
use crate::server::admission::memory::{Memory, MemoryPermit};
use crate::server::auth::caller::{Caller, Principal};
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::graphql::execution::endpoint::{Executed, Prepared};
use crate::server::graphql::execution::response::{GraphqlBody, GraphqlResponse};
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::transport::sockets::Sockets;
use crate::server::quota::Permit;
use crate::server::request::body::busy;
use crate::server::response::problem::Problem;

/// An open operation of a socket.
pub(in crate::server) struct SocketOperation {
    /// Its messages: any number of `next`, or one `error`.
    pub(in crate::server) replies: BoxStream<'static, Reply>,
    /// Size of the client's `subscribe` message, in bytes.
    pub(in crate::server) request_bytes: usize,
    /// Whether it continues until the client or the server ends it.
    pub(in crate::server) is_subscription: bool,
    /// Memory of the request, for as long as the operation is open.
    _request_memory: Option<MemoryPermit>,
}

/// A message to the client, with the permits that it occupies until it was sent.
pub(in crate::server) struct Reply {
    pub(in crate::server) text: String,
    /// Whether the operation was refused before execution. It is then the last message.
    pub(in crate::server) is_refusal: bool,
    // Permits travel with the message and not with the operation: a client that does not read keeps them occupied, and
    // so is limited by its own quota.
    _permits: Option<(Permit<Principal>, Option<MemoryPermit>)>,
}

impl Reply {
    fn new(id: &str, response: GraphqlBody) -> Self {
        // The protocol's `error` has the errors as payload and ends the operation; `next` has a whole response, even if
        // that has errors.
        match response {
            GraphqlBody::Resolved(GraphqlResponse { errors, data: None }) => {
                let message = json!({ "id": id, "type": "error", "payload": errors });
                Self { text: message.to_string(), is_refusal: true, _permits: None }
            }
            response => {
                let payload = String::from_utf8(response.into_bytes()).unwrap_or_default();
                let text = format!(r#"{{"id":{},"payload":{payload},"type":"next"}}"#, Value::from(id));
                Self { text, is_refusal: false, _permits: None }
            }
        }
    }

    fn refusal(id: &str, problem: Problem) -> Self {
        Self::new(id, GraphqlBody::Resolved(GraphqlResponse::refusal(problem)))
    }

    /// Attaches the request's permit and memory for the message. A query without memory becomes a refusal.
    fn with_permits(self, id: &str, slot: Permit<Principal>, memory: &Memory, is_query: bool) -> Self {
        // The capacity and not the length: that is what the allocator gave.
        match memory.answer(slot.key(), self.text.capacity()) {
            Err(refusal) if is_query => Self::refusal(id, refusal),
            // A mutation is reported even without memory: after a refusal, the client would repeat the change.
            permit => Self { _permits: Some((slot, permit.ok())), ..self },
        }
    }
}

/// An operation that was admitted.
enum AdmittedOperation {
    /// Takes no permit of concurrent requests, since it may stay open for days and hardly computes.
    Subscription(Prepared),
    Request(Prepared, Permit<Principal>),
}

impl SocketOperation {
    /// Admits and starts an operation for `caller`. A refusal becomes its only message.
    pub(in crate::server) fn start(
        sockets: &Sockets,
        id: String,
        caller: Caller,
        request: GraphqlRequest,
        request_bytes: usize,
    ) -> Self {
        let request_memory = match sockets.endpoint.admission.memory.take(&caller.principal(), request_bytes)
        {
            Ok(permit) => Some(permit),
            Err(exhausted) => return Self::refused(&id, busy(exhausted)),
        };
        match admit(sockets, &caller, request) {
            Err(refused) => Self::refused(&id, refused.into()),
            Ok(AdmittedOperation::Subscription(prepared)) => {
                let responses = sockets.endpoint.subscribe(caller, prepared);
                let replies =
                    responses.map(move |response| Reply::new(&id, GraphqlBody::Resolved(response))).boxed();
                Self { replies, request_bytes, is_subscription: true, _request_memory: request_memory }
            }
            Ok(AdmittedOperation::Request(prepared, slot)) => {
                let endpoint = Arc::clone(&sockets.endpoint);
                // In a task of its own: a resolver may block, and one that does must not stop the socket's other
                // operations. A `JoinSet` aborts the task on drop, so that a client's `complete` cancels it.
                let mut task = JoinSet::new();
                let (admission, task_id) = (Arc::clone(&endpoint.admission), id.clone());
                task.spawn(async move {
                    let (is_query, is_large) = (prepared.kind == OperationType::Query, prepared.is_large());
                    match endpoint.execute_prepared(caller, prepared, None).await {
                        Ok(Executed { response, budget: _until_serialized, .. }) => {
                            let reply = if is_large {
                                blocking(|| Reply::new(&task_id, response))
                            } else {
                                Reply::new(&task_id, response)
                            };
                            reply.with_permits(&task_id, slot, &admission.memory, is_query)
                        }
                        Err(refusal) => Reply::refusal(&task_id, refusal),
                    }
                });
                let reply = async move {
                    match task.join_next().await {
                        Some(Ok(reply)) => reply,
                        // A panic in the task is an error of this operation alone.
                        Some(Err(_)) | None => Reply::refusal(&id, Problem::internal()),
                    }
                };
                let replies = once(reply).boxed();
                Self { replies, request_bytes, is_subscription: false, _request_memory: request_memory }
            }
        }
    }

    /// An operation that was refused: one `error` message.
    pub(in crate::server) fn refused(id: &str, problem: Problem) -> Self {
        let refusal = Reply::refusal(id, problem);
        let replies = once(std::future::ready(refusal)).boxed();
        Self { replies, request_bytes: 0, is_subscription: false, _request_memory: None }
    }
}

/// Applies the rate limit, prepares the request, and takes a permit of concurrent requests unless it is a subscription.
fn admit(sockets: &Sockets, caller: &Caller, request: GraphqlRequest) -> Result<AdmittedOperation, Refused> {
    let (principal, admission) = (caller.principal(), &sockets.endpoint.admission);
    // Before preparing, since parsing costs as well.
    admission.count(&principal)?;
    let prepared = sockets.endpoint.prepare(request)?;
    if prepared.kind == OperationType::Subscription {
        return Ok(AdmittedOperation::Subscription(prepared));
    }
    Ok(AdmittedOperation::Request(prepared, admission.permit(&principal)?))
}
