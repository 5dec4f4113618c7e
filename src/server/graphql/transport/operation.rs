//! One operation over a socket: admitted like a request over HTTP, and answered message by message.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use futures_util::stream::{BoxStream, StreamExt, once};
use serde_json::json;
use tokio::task::JoinSet;

use crate::server::admission::Refused;
use crate::server::admission::memory::{Memory, MemoryPermit};
use crate::server::auth::caller::{Caller, Principal};
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::graphql::execution::endpoint::{CarriedOut, Prepared};
use crate::server::graphql::execution::response::GraphqlResponse;
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::transport::sockets::Sockets;
use crate::server::quota::Permit;
use crate::server::request::body::busy;
use crate::server::response::problem::Problem;

/// What is open on a socket.
pub(in crate::server) struct SocketOperation {
    /// Its messages: `next`, or one `error`.
    pub(in crate::server) answers: BoxStream<'static, Reply>,
    /// How many bytes the client sent to ask for it.
    pub(in crate::server) asked_bytes: usize,
    /// Whether it goes on until someone ends it.
    pub(in crate::server) is_subscription: bool,
    /// The memory of what was asked.
    _held: Option<MemoryPermit>,
}

/// A message, with what it holds until it was sent.
pub(in crate::server) struct Reply {
    pub(in crate::server) text: String,
    /// Whether it says that nothing was carried out, and is the last.
    pub(in crate::server) is_refusal: bool,
    /// Its slot among what is worked on, and its memory.
    _held: Option<(Permit<Principal>, Option<MemoryPermit>)>,
}

impl Reply {
    fn new(id: &str, answer: &GraphqlResponse) -> Self {
        let is_refusal = answer.is_refused();
        let message = if is_refusal {
            json!({ "id": id, "type": "error", "payload": answer.errors })
        } else {
            json!({ "id": id, "type": "next", "payload": answer })
        };
        Self { text: message.to_string(), is_refusal, _held: None }
    }

    fn refusal(id: &str, problem: Problem) -> Self {
        Self::new(id, &GraphqlResponse::refusal(problem))
    }

    /// The same, with its slot and its memory; where there is none, that is the message, unless something was changed:
    /// that is reported.
    fn holding(self, id: &str, slot: Permit<Principal>, memory: &Memory, is_query: bool) -> Self {
        match memory.answer(slot.key(), self.text.capacity()) {
            Err(refusal) if is_query => Self::refusal(id, refusal),
            held => Self { _held: Some((slot, held.ok())), ..self },
        }
    }
}

/// What may be carried out.
enum AdmittedOperation {
    /// It stays open, and takes no slot of what is worked on.
    Subscription(Prepared),
    Request(Prepared, Permit<Principal>),
}

impl SocketOperation {
    /// What `asked` comes to, in the name of `caller`.
    pub(in crate::server) fn begun(
        sockets: &Sockets,
        id: String,
        caller: Caller,
        asked: GraphqlRequest,
        asked_bytes: usize,
    ) -> Self {
        let held = match sockets.endpoint.admission.memory.take(&caller.principal(), asked_bytes) {
            Ok(held) => Some(held),
            Err(exhausted) => return Self::refused(&id, busy(exhausted)),
        };
        match admitted(sockets, &caller, asked) {
            Err(refused) => Self::refused(&id, refused.into()),
            Ok(AdmittedOperation::Subscription(prepared)) => {
                let answers = sockets.endpoint.subscribe(caller, prepared);
                let answers = answers.map(move |answer| Reply::new(&id, &answer)).boxed();
                Self { answers, asked_bytes, is_subscription: true, _held: held }
            }
            Ok(AdmittedOperation::Request(prepared, slot)) => {
                let endpoint = Arc::clone(&sockets.endpoint);
                // In a task of its own: what waits must not keep the socket's other operations from going on.
                let mut task = JoinSet::new();
                let (admission, own) = (Arc::clone(&endpoint.admission), id.clone());
                task.spawn(async move {
                    let (is_query, is_large) = (prepared.kind == OperationType::Query, prepared.is_large());
                    match endpoint.carry_out(caller, prepared).await {
                        Ok(CarriedOut { answer, budget: _until_written, .. }) => {
                            let reply = if is_large {
                                blocking(|| Reply::new(&own, &answer))
                            } else {
                                Reply::new(&own, &answer)
                            };
                            reply.holding(&own, slot, &admission.memory, is_query)
                        }
                        Err(refusal) => Reply::refusal(&own, refusal),
                    }
                });
                let reply = async move {
                    match task.join_next().await {
                        Some(Ok(reply)) => reply,
                        Some(Err(_)) | None => Reply::refusal(&id, Problem::internal()),
                    }
                };
                Self { answers: once(reply).boxed(), asked_bytes, is_subscription: false, _held: held }
            }
        }
    }

    /// What is not carried out.
    pub(in crate::server) fn refused(id: &str, problem: Problem) -> Self {
        let refusal = Reply::refusal(id, problem);
        let answers = once(std::future::ready(refusal)).boxed();
        Self { answers, asked_bytes: 0, is_subscription: false, _held: None }
    }
}

/// Counts and prepares what is asked, with a slot for what is carried out.
fn admitted(sockets: &Sockets, caller: &Caller, asked: GraphqlRequest) -> Result<AdmittedOperation, Refused> {
    let (principal, admission) = (caller.principal(), &sockets.endpoint.admission);
    admission.count(&principal)?;
    let prepared = sockets.endpoint.prepare(asked)?;
    if prepared.kind == OperationType::Subscription {
        return Ok(AdmittedOperation::Subscription(prepared));
    }
    Ok(AdmittedOperation::Request(prepared, admission.slot(&principal)?))
}
