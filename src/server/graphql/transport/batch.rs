//! Request batching: several requests in one body, executed in order. Disabled unless the operator sets a maximum.
//!
//! Invariant: all requests of a batch share one budget, so a batch may cost no more than a single request.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use serde_json::Value;

use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::graphql::execution::endpoint::{Endpoint, Prepared};
use crate::server::graphql::execution::limits::{COST_MAX, LARGE_FROM, over};
use crate::server::graphql::execution::response::{GraphqlBody, GraphqlResponse};
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::transport::request::{no_subscription, parse};
use crate::server::response::problem::{Problem, Result};

/// The requests of a batch. An invalid one becomes an error response among the others.
///
/// # Errors
/// Batching is disabled, or the batch is empty or too long.
pub(in crate::server) fn requests(requests: Vec<Value>, max: usize) -> Result<Vec<Result<GraphqlRequest>>> {
    if max == 0 {
        return Err(Problem::malformed("batching is disabled on this server; send one request at a time"));
    }
    if requests.is_empty() || requests.len() > max {
        let detail = format!("the batch has {} requests; it must have 1 to {max}", requests.len());
        return Err(Problem::malformed(detail).with("limit", max));
    }
    let one = |request| match request {
        Value::Object(fields) => parse(fields),
        _ => Err(Problem::malformed("each request of a batch must be a JSON object with a query")),
    };
    Ok(requests.into_iter().map(one).collect())
}

/// Executes a batch. Returns the serialized responses in the order of the requests, and whether all were queries.
///
/// # Errors
/// The batch as a whole is too complex, no slot became free in time, or memory was too short for a batch of queries.
pub(in crate::server) async fn execute(
    endpoint: &Endpoint,
    mut caller: Caller,
    requests: Vec<Result<GraphqlRequest>>,
) -> Result<(Vec<u8>, bool)> {
    // All are prepared before any is executed, so that a batch which is too expensive changes nothing.
    let prepared: Vec<_> = requests.into_iter().map(|request| prepare(endpoint, request)).collect();
    let cost = prepared.iter().flatten().fold(0_u64, |all, one| all.saturating_add(one.cost));
    if cost > COST_MAX {
        return Err(over("fields in all responses of the batch, multiplied by page sizes", cost, COST_MAX));
    }
    let only_reads = prepared.iter().flatten().all(|one| one.kind == OperationType::Query);
    let budget = Arc::new(endpoint.budget(&caller));
    // Not with a mutation among them, which waits for the writer.
    if only_reads && cost >= LARGE_FROM {
        budget.turn.take_slot().await?;
    }
    let mut responses = Vec::with_capacity(prepared.len());
    // One after the other: each request reads what the mutations before it have changed.
    for request in prepared {
        responses.push(match request {
            Ok(prepared) => {
                let is_mutation = prepared.kind == OperationType::Mutation;
                let response = endpoint.execute_within(&budget, caller.clone(), prepared).await;
                // The mutation may have changed the caller's own token: the next request has its new role and scope.
                if is_mutation {
                    caller = endpoint.authenticator.refreshed(&caller);
                }
                response
            }
            Err(problem) => GraphqlBody::Resolved(GraphqlResponse::refusal(problem)),
        });
    }
    if only_reads {
        budget.check_memory()?;
    }
    let bytes = if cost >= LARGE_FROM { blocking(|| array(responses)) } else { array(responses) };
    // Only now: the budget owns the memory and the slot that building and serializing the responses needs.
    drop(budget);
    Ok((bytes, only_reads))
}

/// The responses as a JSON array.
fn array(responses: Vec<GraphqlBody>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, response) in responses.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.append(&mut response.into_bytes());
    }
    out.push(b']');
    out
}

fn prepare(endpoint: &Endpoint, request: Result<GraphqlRequest>) -> Result<Prepared> {
    let prepared = endpoint.prepare(request?)?;
    if prepared.kind == OperationType::Subscription { Err(no_subscription()) } else { Ok(prepared) }
}
