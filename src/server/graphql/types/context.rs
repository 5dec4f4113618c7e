//! What resolvers find in the context of a request.

use async_graphql::Context;

use crate::directory::View;
use crate::server::auth::caller::Caller;
use crate::server::response::problem::{Problem, Result};

/// The caller of a request.
pub(crate) fn caller<'c>(context: &Context<'c>) -> Result<&'c Caller> {
    context.data::<Caller>().map_err(|_| Problem::unauthorized())
}

/// What a query reads: one revision, narrowed to what the caller may see.
pub(crate) fn view<'c>(context: &Context<'c>) -> Result<&'c View> {
    context.data::<View>().map_err(|_| Problem::unauthorized())
}
