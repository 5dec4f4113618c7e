//! One operation over a socket: counted and given its place like a request over HTTP, and told message by message.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use futures_util::stream::{BoxStream, StreamExt, once};
use serde_json::json;
use tokio::task::JoinSet;

use crate::server::admission::{Asker, Refused};
use crate::server::graphql::sockets::Sockets;
use crate::server::graphql::{Answer, Asked, Prepared};
use crate::server::outstanding::Outstanding;
use crate::server::problem::Problem;
use crate::server::shares::Share;
use crate::server::state::Caller;

/// What is open on a socket.
pub(super) struct Operation {
    /// Its messages: `next`, or one `error`.
    pub(super) answers: BoxStream<'static, Told>,
    /// How many bytes the client sent to ask for it.
    pub(super) asked_bytes: usize,
    /// Whether it goes on until someone ends it.
    pub(super) is_subscription: bool,
}

/// A message, with what it holds until it was sent.
pub(super) struct Told {
    pub(super) text: String,
    /// Whether it says that nothing was carried out, and is the last.
    pub(super) is_refusal: bool,
    /// Its place among what is worked on, and its room among answers.
    _held: Option<(Share<Asker>, Option<Share<Asker>>)>,
}

impl Told {
    fn new(id: &str, answer: &Answer) -> Self {
        let is_refusal = answer.is_refused();
        let message = if is_refusal {
            json!({ "id": id, "type": "error", "payload": answer.errors })
        } else {
            json!({ "id": id, "type": "next", "payload": answer })
        };
        Self { text: message.to_string(), is_refusal, _held: None }
    }

    fn refusal(id: &str, problem: Problem) -> Self {
        Self::new(id, &Answer::refusal(problem))
    }

    /// The same, with its place and its room; where there is none, that is the message, unless something was changed:
    /// that is told.
    fn held(self, id: &str, place: Share<Asker>, outstanding: &Outstanding, is_query: bool) -> Self {
        match outstanding.take(place.key(), self.text.len()) {
            Err(refusal) if is_query => Self::refusal(id, refusal),
            room => Self { _held: Some((place, room.ok())), ..self },
        }
    }
}

/// What may be carried out.
enum Admitted {
    /// It stays open, and takes no place of those who are worked on.
    Subscription(Prepared),
    Request(Prepared, Share<Asker>),
}

impl Operation {
    /// What `asked` comes to, in the name of `caller`.
    pub(super) fn begun(
        sockets: &Sockets,
        id: String,
        caller: Caller,
        asked: Asked,
        asked_bytes: usize,
    ) -> Self {
        match admitted(sockets, &caller, asked) {
            Err(refused) => Self::refused(&id, refused.into()),
            Ok(Admitted::Subscription(prepared)) => {
                let answers = sockets.endpoint.subscribe(caller, prepared);
                let answers = answers.map(move |answer| Told::new(&id, &answer)).boxed();
                Self { answers, asked_bytes, is_subscription: true }
            }
            Ok(Admitted::Request(prepared, place)) => {
                let endpoint = Arc::clone(&sockets.endpoint);
                // In a task of its own: what waits must not keep the socket's other operations from going on.
                let mut task = JoinSet::new();
                let (outstanding, its) = (sockets.admission.outstanding.clone(), id.clone());
                task.spawn(async move {
                    let is_query = prepared.kind == OperationType::Query;
                    match endpoint.carry_out(caller, prepared).await {
                        Ok((answer, _until_written)) => {
                            Told::new(&its, &answer).held(&its, place, &outstanding, is_query)
                        }
                        Err(refusal) => Told::refusal(&its, refusal),
                    }
                });
                let told = async move {
                    match task.join_next().await {
                        Some(Ok(told)) => told,
                        Some(Err(_)) | None => Told::refusal(&id, Problem::internal()),
                    }
                };
                Self { answers: once(told).boxed(), asked_bytes, is_subscription: false }
            }
        }
    }

    /// What is not carried out.
    pub(super) fn refused(id: &str, problem: Problem) -> Self {
        let refusal = Told::refusal(id, problem);
        Self { answers: once(std::future::ready(refusal)).boxed(), asked_bytes: 0, is_subscription: false }
    }
}

/// Counts and prepares what is asked, with a place for what is carried out.
fn admitted(sockets: &Sockets, caller: &Caller, asked: Asked) -> Result<Admitted, Refused> {
    let who = Asker::known(caller);
    sockets.admission.count(&who)?;
    let prepared = sockets.endpoint.prepare(asked)?;
    if prepared.kind == OperationType::Subscription {
        return Ok(Admitted::Subscription(prepared));
    }
    Ok(Admitted::Request(prepared, sockets.admission.place(&who)?))
}
