//! One operation over a socket: counted and given its place like a request over HTTP, and told message by message.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use futures_util::stream::{BoxStream, StreamExt, once};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::server::admission::{Asker, Refused};
use crate::server::graphql::sockets::Sockets;
use crate::server::graphql::{Answer, Asked, Prepared};
use crate::server::problem::Problem;
use crate::server::shares::Share;
use crate::server::state::Caller;

/// What is open on a socket.
pub(super) struct Operation {
    /// Its messages: `next`, or one `error`.
    pub(super) answers: BoxStream<'static, Value>,
    /// Whether it goes on until someone ends it.
    pub(super) is_subscription: bool,
}

/// What may be carried out.
enum Admitted {
    /// It stays open, and takes no place of those who are worked on.
    Subscription(Prepared),
    Request(Prepared, Share<Asker>),
}

impl Operation {
    /// What `asked` comes to, in the name of `caller`.
    pub(super) fn begun(sockets: &Sockets, id: String, caller: Caller, asked: Asked) -> Self {
        match admitted(sockets, &caller, asked) {
            Err(refused) => Self::refused(&id, refused.into()),
            Ok(Admitted::Subscription(prepared)) => {
                let answers = sockets.endpoint.subscribe(caller, prepared);
                let answers = answers.map(move |answer| message(&id, &answer)).boxed();
                Self { answers, is_subscription: true }
            }
            Ok(Admitted::Request(prepared, place)) => {
                let endpoint = Arc::clone(&sockets.endpoint);
                // In a task of its own: what waits must not keep the socket's other operations from going on.
                let mut task = JoinSet::new();
                task.spawn(async move {
                    let _until_done = place;
                    endpoint.carry_out(caller, prepared).await
                });
                let answer = async move {
                    let answer = match task.join_next().await {
                        Some(Ok(answer)) => answer.unwrap_or_else(Answer::refusal),
                        Some(Err(_)) | None => Answer::refusal(Problem::internal()),
                    };
                    message(&id, &answer)
                };
                Self { answers: once(answer).boxed(), is_subscription: false }
            }
        }
    }

    /// What is not carried out.
    pub(super) fn refused(id: &str, problem: Problem) -> Self {
        let refusal = message(id, &Answer::refusal(problem));
        Self { answers: once(std::future::ready(refusal)).boxed(), is_subscription: false }
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

fn message(id: &str, answer: &Answer) -> Value {
    if answer.is_refused() {
        json!({ "id": id, "type": "error", "payload": answer.errors })
    } else {
        json!({ "id": id, "type": "next", "payload": answer })
    }
}
