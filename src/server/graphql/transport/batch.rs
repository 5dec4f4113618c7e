//! Several requests in one body, where the server's keeper takes them: one after the other, and all of them on one
//! budget, so that a batch may cost no more than a request.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use serde_json::Value;

use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::graphql::execution::endpoint::{Endpoint, Prepared};
use crate::server::graphql::execution::limits::{COST_MAX, LARGE_FROM, over};
use crate::server::graphql::execution::response::GraphqlResponse;
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::transport::request::{asked as one_asked, no_subscription};
use crate::server::response::problem::{Problem, Result};

/// The requests of a batch. One that is none is a refusal among the answers.
pub(in crate::server) fn asked(requests: Vec<Value>, max: usize) -> Result<Vec<Result<GraphqlRequest>>> {
    if max == 0 {
        return Err(Problem::malformed("batches are not taken; send one request at a time"));
    }
    if requests.is_empty() || requests.len() > max {
        let detail = format!("the batch has {} requests; from 1 to {max} are taken", requests.len());
        return Err(Problem::malformed(detail).with("limit", max));
    }
    let one = |request| match request {
        Value::Object(fields) => one_asked(fields),
        _ => Err(Problem::malformed("each request of a batch must be a JSON object with a query")),
    };
    Ok(requests.into_iter().map(one).collect())
}

/// The answers, in the order of the requests, as they are sent; and whether nothing was to be changed.
pub(in crate::server) async fn answer(
    endpoint: &Endpoint,
    mut caller: Caller,
    requests: Vec<Result<GraphqlRequest>>,
) -> Result<(Vec<u8>, bool)> {
    let prepared: Vec<_> = requests.into_iter().map(|request| prepare(endpoint, request)).collect();
    let cost = prepared.iter().flatten().fold(0_u64, |all, one| all.saturating_add(one.cost));
    if cost > COST_MAX {
        return Err(over("fields to answer, counted with page sizes and over the batch", cost, COST_MAX));
    }
    let only_reads = prepared.iter().flatten().all(|one| one.kind == OperationType::Query);
    let budget = Arc::new(endpoint.budget(&caller));
    if only_reads && cost >= LARGE_FROM {
        budget.turn.take_slot().await?;
    }
    let mut answers = Vec::with_capacity(prepared.len());
    for request in prepared {
        answers.push(match request {
            Ok(prepared) => {
                // Each sees what those before it changed.
                let changes = prepared.kind == OperationType::Mutation;
                let answer = endpoint.carry_on(&budget, caller.clone(), prepared).await;
                if changes {
                    caller = endpoint.authenticator.renewed(&caller);
                }
                answer
            }
            Err(problem) => GraphqlResponse::refusal(problem),
        });
    }
    if only_reads {
        budget.had_memory()?;
    }
    let bytes = if cost >= LARGE_FROM {
        blocking(|| GraphqlResponse::all_to_bytes(&answers))
    } else {
        GraphqlResponse::all_to_bytes(&answers)
    };
    drop(budget);
    Ok((bytes, only_reads))
}

fn prepare(endpoint: &Endpoint, request: Result<GraphqlRequest>) -> Result<Prepared> {
    let prepared = endpoint.prepare(request?)?;
    if prepared.kind == OperationType::Subscription { Err(no_subscription()) } else { Ok(prepared) }
}
