//! [`Metered`]: an output type for texts whose bytes are charged to the request's budget.
//!
//! Invariant: every text of a record goes out through this type. A document may select one long text under hundreds of
//! aliases, so that the response is far larger than the records.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use crate::server::graphql::execution::budget::Budget;

/// A text that counts against the budget. Above the limit, the field resolves to an error.
#[derive(Debug, Clone)]
pub(crate) struct Metered<T>(pub(crate) T);

impl<T> OutputType for Metered<T>
where
    T: OutputType + Deref,
    T::Target: AsRef<str>,
{
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        // Counted here and not in the resolver: async-graphql calls this once for each alias, and just before it copies
        // the text. A missing budget is no error, since `Budget::of` has already failed in the fields above.
        if let Some(budget) = context.data_opt::<Arc<Budget>>() {
            let counted = budget.count_text((*self.0).as_ref().len());
            counted.map_err(|refusal| async_graphql::Error::from(refusal).into_server_error(field.pos))?;
        }
        self.0.resolve(context, field).await
    }
}
