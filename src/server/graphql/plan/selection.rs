//! The resolved selections of a plan.

use async_graphql::parser::types::{Directive, Field, Selection, SelectionSet};
use async_graphql::{InputType, Positioned, Value as ConstValue};
use async_graphql_value::Value;

use crate::directory::View;
use crate::model::entity::EntityId;
use crate::server::graphql::execution::fan_out::SelectedField;
use crate::server::graphql::plan::{EntityType, Plan, Planned, Run, VisibleRecord, Writer, null};
use crate::server::response::problem::Result;

/// The selected fields of an object type, in the order of the response.
pub(crate) struct PlannedFields<'p, T: Planned>(Vec<(&'p str, Writer<'p, T>)>);

/// A selected field, with what is selected of its value.
#[derive(Debug)]
pub(crate) struct Outline<'p> {
    name: &'p str,
    page_size: Option<u64>,
    selections: Vec<Self>,
}

/// A field to find a writer for.
pub(crate) struct FieldRequest<'p> {
    plan: &'p Plan<'p>,
    field: &'p Field,
    /// The selections of this field and of equal fields that are merged with it.
    sets: Vec<&'p SelectionSet>,
    /// What [`Self::fields`] found to be selected.
    selections: Vec<Outline<'p>>,
}

impl Outline<'_> {
    pub(super) fn root(selections: Vec<Self>) -> Self {
        Self { name: "", page_size: None, selections }
    }
}

impl SelectedField for &Outline<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn page_size(&self) -> Option<u64> {
        self.page_size
    }

    fn selections(&self) -> impl Iterator<Item = Self> {
        self.selections.iter()
    }
}

impl<'p, T: Planned> PlannedFields<'p, T> {
    /// The fields that `sets` select of the type, and the outline of each.
    pub(super) fn of(
        plan: &'p Plan<'p>,
        sets: impl IntoIterator<Item = &'p SelectionSet>,
    ) -> Option<(Self, Vec<Outline<'p>>)> {
        let mut asked = Vec::new();
        for set in sets {
            collect::<T>(plan, set, &mut asked)?;
        }
        let mut fields = Vec::with_capacity(asked.len());
        let mut outlines = Vec::with_capacity(asked.len());
        for (key, mut asked) in asked {
            fields.push((key, writer(&mut asked)?));
            let (name, page_size) = (asked.name(), asked.page_size());
            outlines.push(Outline { name, page_size, selections: asked.selections });
        }
        Some((Self(fields), outlines))
    }

    /// Writes an object whose outline is `outline`.
    pub(crate) fn write<'r>(
        &self,
        run: &Run<'r>,
        outline: &Outline<'p>,
        value: T::Value<'r>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.push(b'{');
        for (index, ((key, writer), outline)) in self.0.iter().zip(&outline.selections).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            // GraphQL names are plain ASCII, without anything to escape.
            out.push(b'"');
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
            (writer.0)(run, outline, value, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn writer<'p, T: Planned>(asked: &mut FieldRequest<'p>) -> Option<Writer<'p, T>> {
    match asked.name() {
        "__typename" => Some(T::leaf(|_, _, out| {
            out.push(b'"');
            out.extend_from_slice(T::NAME.as_bytes());
            out.push(b'"');
            Ok(())
        })),
        _ => T::writer(asked),
    }
}

/// Adds the fields that a set selects of the type `T`, by response key. Equal keys are merged.
fn collect<'p, T: Planned>(
    plan: &'p Plan<'p>,
    set: &'p SelectionSet,
    asked: &mut Vec<(&'p str, FieldRequest<'p>)>,
) -> Option<()> {
    let applies = |condition: &str| condition == T::NAME || T::IS_NODE && condition == "Node";
    for item in &set.items {
        match &item.node {
            Selection::Field(field) if is_included(plan, &field.node.directives)? => {
                let field = &field.node;
                let key = field.response_key().node.as_str();
                match asked.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, equal)) => equal.merge(field)?,
                    None => asked.push((key, FieldRequest::new(plan, field))),
                }
            }
            Selection::FragmentSpread(spread) if is_included(plan, &spread.node.directives)? => {
                let fragment = &plan.document.fragments.get(&spread.node.fragment_name.node)?.node;
                if applies(&fragment.type_condition.node.on.node) {
                    collect::<T>(plan, &fragment.selection_set.node, asked)?;
                }
            }
            Selection::InlineFragment(inline) if is_included(plan, &inline.node.directives)? => {
                let condition = inline.node.type_condition.as_ref();
                if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                    collect::<T>(plan, &inline.node.selection_set.node, asked)?;
                }
            }
            // Skipped by a directive.
            Selection::Field(_) | Selection::FragmentSpread(_) | Selection::InlineFragment(_) => {}
        }
    }
    Some(())
}

/// Whether `@skip` and `@include` let a selection through. `None` for any other directive, or if a condition has
/// no boolean value.
fn is_included(plan: &Plan<'_>, directives: &[Positioned<Directive>]) -> Option<bool> {
    for directive in directives {
        let included = match directive.node.name.node.as_str() {
            "include" => true,
            "skip" => false,
            _ => return None,
        };
        let ConstValue::Boolean(condition) = constant(plan, &directive.node.get_argument("if")?.node)? else {
            return None;
        };
        if condition != included {
            return Some(false);
        }
    }
    Some(true)
}

/// A value with its variables replaced. `None` if one of them is absent.
fn constant(plan: &Plan<'_>, value: &Value) -> Option<ConstValue> {
    value.clone().into_const_with(|name| plan.variables.get(&name).cloned().ok_or(())).ok()
}

impl<'p> FieldRequest<'p> {
    fn new(plan: &'p Plan<'p>, field: &'p Field) -> Self {
        let sets = if field.selection_set.node.items.is_empty() {
            Vec::new()
        } else {
            vec![&field.selection_set.node]
        };
        Self { plan, field, sets, selections: Vec::new() }
    }

    fn merge(&mut self, equal: &'p Field) -> Option<()> {
        let arguments =
            |field: &'p Field| field.arguments.iter().map(|(name, value)| (&name.node, &value.node));
        let is_equal = self.field.name.node == equal.name.node && arguments(self.field).eq(arguments(equal));
        if is_equal && !equal.selection_set.node.items.is_empty() {
            self.sets.push(&equal.selection_set.node);
        }
        is_equal.then_some(())
    }

    pub(crate) fn name(&self) -> &'p str {
        self.field.name.node.as_str()
    }

    /// The view that the query reads.
    pub(crate) fn view(&self) -> &'p View {
        self.plan.view
    }

    fn page_size(&self) -> Option<u64> {
        let size =
            |(name, _): &&(Positioned<_>, _)| matches!(AsRef::<str>::as_ref(&name.node), "first" | "last");
        let (_, value) = self.field.arguments.iter().find(size)?;
        match constant(self.plan, &value.node)? {
            ConstValue::Number(size) => size.as_u64(),
            _ => None,
        }
    }

    /// An argument without a default.
    pub(crate) fn argument<A: InputType>(&self, name: &str) -> Option<A> {
        let Some(given) = self.field.get_argument(name) else { return A::parse(None).ok() };
        if let Some(literal) = given.node.clone().into_const() {
            return A::parse(Some(literal)).ok();
        }
        let value = constant(self.plan, &given.node)?;
        let parsed = A::parse(Some(value.clone())).ok()?;
        // Validation has visible literals, but not these variables; and parsing ignores unknown fields.
        is_parsed(&value, || parsed.to_value()).then_some(parsed)
    }

    /// An argument with a default.
    pub(crate) fn argument_or<A: InputType>(&self, name: &str, default: A) -> Option<A> {
        if self.field.get_argument(name).is_none() { Some(default) } else { self.argument(name) }
    }

    /// What is selected of the field's value, an object of type `T`.
    pub(crate) fn fields<T: Planned>(&mut self) -> Option<PlannedFields<'p, T>> {
        let (fields, selections) = PlannedFields::of(self.plan, self.sets.iter().copied())?;
        self.selections = selections;
        Some(fields)
    }

    /// A field that is an object made of the value.
    pub(crate) fn object<O: for<'r> Planned<Value<'r> = &'r O>, T: Planned>(
        &mut self,
        make: impl for<'r> Fn(&Run<'r>, T::Value<'r>) -> O + 'p,
    ) -> Option<Writer<'p, T>> {
        let fields = self.fields::<O>()?;
        Some(T::written(move |run, outline, value, out| {
            let object = make(run, value);
            fields.write(run, outline, &object, out)
        }))
    }

    /// A field that is an entity of type `E`, or null.
    pub(crate) fn entity<E: EntityType, T: Planned>(
        &mut self,
        find: impl for<'r> Fn(&Run<'r>, T::Value<'r>) -> Option<EntityId> + 'p,
    ) -> Option<Writer<'p, T>> {
        let fields = self.fields::<E>()?;
        Some(T::written(move |run, outline, value, out| {
            match find(run, value).and_then(|id| visible::<E>(run, id)) {
                Some(visible) => fields.write(run, outline, visible, out),
                None => null(out),
            }
        }))
    }

    /// A field that is a list of entities of type `E`, without pagination.
    pub(crate) fn list<E: EntityType, T: Planned>(
        &mut self,
        find: impl for<'r> Fn(&Run<'r>, T::Value<'r>) -> Vec<EntityId> + 'p,
    ) -> Option<Writer<'p, T>> {
        self.list_of::<E, T>(find, |_| true)
    }

    /// As [`Self::list`], of those entities that `is_listed`. All are charged for.
    pub(crate) fn list_of<E: EntityType, T: Planned>(
        &mut self,
        find: impl for<'r> Fn(&Run<'r>, T::Value<'r>) -> Vec<EntityId> + 'p,
        is_listed: impl Fn(&E::Record) -> bool + 'p,
    ) -> Option<Writer<'p, T>> {
        let fields = self.fields::<E>()?;
        Some(T::written(move |run, outline, value, out| {
            let ids = find(run, value);
            run.list(outline, &ids, || {
                let visible = ids
                    .iter()
                    .filter_map(|id| visible::<E>(run, *id))
                    .filter(|visible| is_listed(visible.record));
                array(visible, out, |visible, out| fields.write(run, outline, visible, out))
            })
        }))
    }
}

/// The entity of type `E`; `None` if it is not visible or of another kind.
pub(crate) fn visible<'r, E: EntityType>(
    run: &Run<'r>,
    id: EntityId,
) -> Option<VisibleRecord<'r, E::Record>> {
    let entity = run.view.entity(id)?;
    E::record_of(entity).map(|record| VisibleRecord { entity, record })
}

/// Writes an array.
pub(crate) fn array<I>(
    items: impl IntoIterator<Item = I>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(I, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    out.push(b']');
    Ok(())
}

/// Whether every field of the objects in `given` is one of the type whose value was parsed from it.
fn is_parsed(given: &ConstValue, parsed: impl FnOnce() -> ConstValue) -> bool {
    fn has_objects(value: &ConstValue) -> bool {
        match value {
            ConstValue::Object(_) => true,
            ConstValue::List(items) => items.iter().any(has_objects),
            _ => false,
        }
    }
    fn covers(parsed: &ConstValue, given: &ConstValue) -> bool {
        match (given, parsed) {
            (ConstValue::Object(given), ConstValue::Object(parsed)) => {
                given.iter().all(|(name, value)| parsed.get(name).is_some_and(|parsed| covers(parsed, value)))
            }
            (ConstValue::List(given), ConstValue::List(parsed)) => {
                given.len() == parsed.len()
                    && given.iter().zip(parsed).all(|(given, parsed)| covers(parsed, given))
            }
            // A single value stands for a list of one.
            (given, ConstValue::List(parsed)) => parsed.first().is_none_or(|parsed| covers(parsed, given)),
            (ConstValue::Object(_), _) => false,
            _ => true,
        }
    }
    !has_objects(given) || covers(&parsed(), given)
}
