//! Plans: queries written straight to JSON, without a value tree and without a future for each field.
//!
//! A plan resolves the selections of an operation once per request against the types' tables of writers
//! ([`Planned::writer`]): fragments are expanded, directives applied and arguments parsed. All records are then written by
//! it. What no table has, and everything that fails, is left to async-graphql.
//!
//! Invariant: a plan gives the bytes that async-graphql's resolvers would give, or none. It charges the budget at most as much:
//! equal fields that are merged count once.

mod run;
mod selection;
#[cfg(test)]
mod tests;

use async_graphql::Variables;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use serde::Serialize;

use crate::directory::View;
use crate::model::attributes::Attributes;
use crate::model::entity::{Entity, Stamps};
use crate::model::time::Timestamp;
use crate::model::version::ExpectedRevision;
use crate::server::graphql::execution::budget::Budget;
use crate::server::response::problem::Result;
use crate::wire::id::entity_id;
use crate::wire::json_text;

pub(crate) use run::{Run, now, null};
pub(crate) use selection::{FieldRequest, array, visible};
use selection::{Outline, PlannedFields};

/// An object type with a table of writers.
pub(crate) trait Planned: Sized + 'static {
    /// The name of the type.
    const NAME: &'static str;
    /// Whether the type implements the interface `Node`.
    const IS_NODE: bool = false;
    /// What its fields are read from.
    type Value<'r>: Copy;

    /// The writer of a field. `None` if only a resolver can write it, or if an argument is wrong.
    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>>;

    /// The writer of a field without selections.
    fn leaf<'p>(
        write: impl for<'r> Fn(&Run<'r>, Self::Value<'r>, &mut Vec<u8>) -> Result<()> + 'p,
    ) -> Writer<'p, Self> {
        Self::written(move |run, _, value, out| write(run, value, out))
    }

    /// The writer of a number, a boolean or another value that is not a text of a record.
    fn json<'p, V: Serialize>(read: impl for<'r> Fn(Self::Value<'r>) -> V + 'p) -> Writer<'p, Self> {
        Self::leaf(move |_, value, out| {
            json_text::value(&read(value), out);
            Ok(())
        })
    }

    /// The writer of any field, by a function that is given the outline of the field.
    fn written<'p>(
        write: impl for<'r> Fn(&Run<'r>, &Outline<'p>, Self::Value<'r>, &mut Vec<u8>) -> Result<()> + 'p,
    ) -> Writer<'p, Self> {
        Writer(Box::new(write))
    }
}

/// An object type of an entity.
pub(crate) trait EntityType: for<'r> Planned<Value<'r> = VisibleRecord<'r, Self::Record>> {
    /// The record of the entity.
    type Record: 'static;

    /// The record; `None` if the entity is of another kind.
    fn record_of(entity: &Entity) -> Option<&Self::Record>;

    /// The writer of a text of the record.
    fn text<'p>(read: impl for<'r> Fn(&'r Self::Record) -> &'r str + 'p) -> Writer<'p, Self> {
        Self::leaf(move |run, visible, out| run.text(read(visible.record), out))
    }

    /// The writer of a text of the record, or null.
    fn text_if_any<'p>(read: impl for<'r> Fn(&'r Self::Record) -> Option<&'r str> + 'p) -> Writer<'p, Self> {
        Self::leaf(move |run, visible, out| run.text_if_any(read(visible.record), out))
    }

    /// The writer of the record's attributes.
    fn attributes_of<'p>(read: impl for<'r> Fn(&'r Self::Record) -> &'r Attributes + 'p) -> Writer<'p, Self> {
        Self::leaf(move |run, visible, out| run.attributes(read(visible.record), out))
    }

    /// The writer of one of the entity's times.
    fn time<'p>(read: fn(&Stamps) -> Timestamp) -> Writer<'p, Self> {
        Self::leaf(move |_, visible, out| {
            json_text::time(read(&visible.entity.stamps), out);
            Ok(())
        })
    }

    /// The writer of a field that all entities have.
    fn common<'p>(field: &FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "id" => Self::leaf(|run, visible, out| run.text(&entity_id(run.view, visible.entity), out)),
            "createdAt" => Self::time(|stamps| stamps.created_at),
            "updatedAt" => Self::time(|stamps| stamps.updated_at),
            "revision" => Self::json(|visible| visible.entity.stamps.revision.0),
            "version" => Self::leaf(|run, visible, out| {
                let version = ExpectedRevision::of(visible.entity.stamps.revision, run.view.lineage());
                run.text(&version.to_string(), out)
            }),
            _ => return None,
        })
    }
}

/// A visible entity and its record.
#[derive(Debug)]
pub(crate) struct VisibleRecord<'r, R> {
    pub(crate) entity: &'r Entity,
    pub(crate) record: &'r R,
}

impl<R> Clone for VisibleRecord<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for VisibleRecord<'_, R> {}

/// Writes a field of an object type, without its name.
pub(crate) struct Writer<'p, T: Planned>(Box<Write<'p, T>>);

type Write<'p, T> =
    dyn for<'r> Fn(&Run<'r>, &Outline<'p>, <T as Planned>::Value<'r>, &mut Vec<u8>) -> Result<()> + 'p;

/// A query of a document that async-graphql has validated.
pub(in crate::server) struct Plan<'p> {
    pub(in crate::server) document: &'p ExecutableDocument,
    pub(in crate::server) operation: &'p OperationDefinition,
    /// Including those that have their default.
    pub(in crate::server) variables: &'p Variables,
    pub(in crate::server) view: &'p View,
}

impl Plan<'_> {
    /// The JSON of the response. `None` if async-graphql has to execute the query.
    pub(in crate::server) fn write<T: for<'r> Planned<Value<'r> = ()>>(
        &self,
        budget: &Budget,
    ) -> Option<Vec<u8>> {
        let (fields, selections) = PlannedFields::<T>::of(self, [&self.operation.selection_set.node])?;
        let run = Run::new(self.view, budget);
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(b"{\"data\":");
        fields.write(&run, &Outline::root(selections), (), &mut out).ok()?;
        out.push(b'}');
        run.finish().ok()?;
        Some(out)
    }
}
