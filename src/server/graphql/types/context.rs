//! Accessors of the request context: the caller and the view.

use async_graphql::Context;

use crate::directory::View;
use crate::server::auth::caller::Caller;
use crate::server::response::problem::{Problem, Result};

/// The authenticated caller of the request.
pub(crate) fn caller<'c>(context: &Context<'c>) -> Result<&'c Caller> {
    context.data::<Caller>().map_err(|_| Problem::unauthorized())
}

/// The view of a query: one revision, limited to the caller's scope.
pub(crate) fn view<'c>(context: &Context<'c>) -> Result<&'c View> {
    // Only queries have one. Mutations read the view of their own commit, and subscriptions must not retain a graph.
    context.data::<View>().map_err(|_| Problem::unauthorized())
}
