//! Texts of records, counted as they are answered: one of them may be asked for under hundreds of names.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use crate::server::graphql::execution::budget::Budget;

/// A text whose bytes count. Once they are too many, it is an error like that of any other field.
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
        if let Some(budget) = context.data_opt::<Arc<Budget>>() {
            let counted = budget.count_text((*self.0).as_ref());
            counted.map_err(|refusal| async_graphql::Error::from(refusal).into_server_error(field.pos))?;
        }
        self.0.resolve(context, field).await
    }
}
