//! `Subscription`: the root type of subscriptions, with one event per commit.
//!
//! Invariant: an idle subscription holds no view, so that it keeps no old graph in memory.

use std::sync::Arc;

use async_graphql::{Context, Description, Subscription as GraphqlSubscription};
use futures_util::{Stream, StreamExt, stream};

use crate::server::auth::authenticator::Authenticator;
use crate::server::graphql::types::context::caller;
use crate::server::graphql::types::scalars::Revision;
use crate::server::response::problem::{Problem, Result};

/// Events that the server pushes over a WebSocket.
#[derive(Description)]
pub(crate) struct Subscription;

#[GraphqlSubscription(use_type_description)]
impl Subscription {
    /// The current revision at once, then the new revision after each commit. Several commits in quick succession may
    /// give one event. Ends when the token expires or is revoked.
    async fn revision<'c>(&self, context: &Context<'c>) -> Result<impl Stream<Item = Revision> + 'c> {
        let authenticator = context.data::<Arc<Authenticator>>().map_err(|_| Problem::internal())?;
        let caller = caller(context)?;
        let mut revisions = caller.directory().revisions();
        // A watch receiver starts as "visible": without the mark, the first event would come with the next commit only.
        revisions.mark_changed();
        // The channel holds the latest revision alone, so a slow client skips revisions and no queue can grow.
        let events = stream::unfold(revisions, |mut revisions| async move {
            revisions.changed().await.ok()?;
            let revision = *revisions.borrow_and_update();
            Some((Revision(revision), revisions))
        });
        // Revocation is a commit and is visible by `take_while` below. Expiry is not, so it needs a timer of its own:
        // without commits, an expired token would stay subscribed for ever.
        let time_left = authenticator.time_left(caller.grant());
        let end = async move {
            match time_left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let events = events.take_until(end);
        Ok(events.take_while(move |_| std::future::ready(authenticator.is_still_valid(caller.grant()))))
    }
}
