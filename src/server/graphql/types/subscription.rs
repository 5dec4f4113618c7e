//! `Subscription`: a tick a commit.

use std::sync::Arc;

use async_graphql::{Context, Description, Subscription as GraphqlSubscription};
use futures_util::{Stream, StreamExt, stream};

use crate::server::auth::authenticator::Authenticator;
use crate::server::graphql::types::context::caller;
use crate::server::graphql::types::scalars::Revision;
use crate::server::response::problem::{Problem, Result};

/// What a client can be told without asking again.
#[derive(Description)]
pub(crate) struct Subscription;

#[GraphqlSubscription(use_type_description)]
impl Subscription {
    /// The revision now, and again after each commit: time to ask again. Commits that follow each other closely
    /// may give one tick. Ends when the token no longer holds.
    async fn revision<'c>(&self, context: &Context<'c>) -> Result<impl Stream<Item = Revision> + 'c> {
        let authenticator = context.data::<Arc<Authenticator>>().map_err(|_| Problem::internal())?;
        let caller = caller(context)?;
        let mut revisions = caller.directory().revisions();
        revisions.mark_changed();
        let ticks = stream::unfold(revisions, |mut revisions| async move {
            revisions.changed().await.ok()?;
            let revision = *revisions.borrow_and_update();
            Some((Revision(revision), revisions))
        });
        // An end that is known is not waited for with a tick.
        let time_left = authenticator.time_left(caller.grant());
        let end = async move {
            match time_left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let ticks = ticks.take_until(end);
        Ok(ticks.take_while(move |_| std::future::ready(authenticator.is_still_valid(caller.grant()))))
    }
}
