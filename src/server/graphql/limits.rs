//! What one GraphQL request may cost, counted before it is validated.
//!
//! Validation is exponential where fragments spread the next one twice, and takes no account of `__typename` and
//! directives, so everything is counted here first, on the parsed document, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables};

use crate::server::problem::{Problem, Result};

/// The largest page, in records.
pub(crate) const PAGE_MAX: usize = 1_000;
/// A page where no size was given.
pub(crate) const PAGE_DEFAULT: usize = 100;
/// Findings of a search where no number was given.
pub(crate) const SEARCH_DEFAULT: usize = 20;
/// Changes in one `apply`.
pub(crate) const CHANGES_MAX: usize = 10_000;
/// The longest document, in bytes.
pub(crate) const DOCUMENT_MAX: usize = 64 * 1024;
/// How deep fields may nest. Introspection by common tools takes 15.
const DEPTH_MAX: u64 = 24;
/// Fields after fragments are expanded, with all their aliases.
const FIELDS_MAX: u64 = 2_000;
/// Fields at the root.
const ROOT_FIELDS_MAX: usize = 50;
/// Directives in the document.
const DIRECTIVES_MAX: u64 = 100;
/// Fields answered, counted with page sizes.
const COST_MAX: u64 = 500_000;
/// Fields that answer a page, by name.
const PAGED: [&str; 7] =
    ["people", "projects", "orgUnits", "repositories", "mappings", "members", "descendants"];
/// Lists without a page size are counted as so many.
const LIST_GUESS: u64 = 5;
const LISTS: [&str; 6] = ["children", "ancestors", "parents", "units", "services", "roots"];

/// Refuses what would cost too much, and fragments that spread each other in a circle.
pub(crate) fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<()> {
    let mut counter = Counter { document, variables, fragments: HashMap::new() };
    let roots = operation.selection_set.node.items.len();
    let mut total = counter.selection_set(&operation.selection_set.node)?;
    total.directives += operation.directives.len() as u64;
    let over = |what: &str, count: u64, limit: u64| {
        let detail =
            format!("the query has {what} {count}; at most {limit} are taken: ask for less at a time");
        Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", limit))
    };
    if total.depth > DEPTH_MAX {
        return over("a depth of", total.depth, DEPTH_MAX);
    }
    if total.fields > FIELDS_MAX {
        return over("this many fields:", total.fields, FIELDS_MAX);
    }
    if roots > ROOT_FIELDS_MAX {
        return over("this many fields at its root:", roots as u64, ROOT_FIELDS_MAX as u64);
    }
    if total.directives > DIRECTIVES_MAX {
        return over("this many directives:", total.directives, DIRECTIVES_MAX);
    }
    if total.cost > COST_MAX {
        return over("a cost (fields answered, with page sizes) of", total.cost, COST_MAX);
    }
    Ok(())
}

/// What a part of a document comes to, with its fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    depth: u64,
    fields: u64,
    directives: u64,
    cost: u64,
}

impl Count {
    fn beside(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.directives = self.directives.saturating_add(other.directives);
        self.cost = self.cost.saturating_add(other.cost);
    }
}

struct Counter<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    /// Each fragment's count; none while it is being counted.
    fragments: HashMap<&'d Name, Option<Count>>,
}

impl<'d> Counter<'d> {
    fn selection_set(&mut self, set: &'d SelectionSet) -> Result<Count> {
        let mut total = Count::default();
        for selection in &set.items {
            total.beside(self.selection(&selection.node)?);
        }
        Ok(total)
    }

    fn selection(&mut self, selection: &'d Selection) -> Result<Count> {
        let mut count = match selection {
            Selection::Field(field) => return self.field(&field.node),
            Selection::FragmentSpread(spread) => {
                let mut count = self.fragment(&spread.node.fragment_name.node)?;
                count.directives += spread.node.directives.len() as u64;
                return Ok(count);
            }
            Selection::InlineFragment(inline) => self.selection_set(&inline.node.selection_set.node)?,
        };
        if let Selection::InlineFragment(inline) = selection {
            count.directives += inline.node.directives.len() as u64;
        }
        Ok(count)
    }

    fn field(&mut self, field: &'d Field) -> Result<Count> {
        let mut count = self.selection_set(&field.selection_set.node)?;
        count.depth += 1;
        count.fields = count.fields.saturating_add(1);
        count.directives += field.directives.len() as u64;
        count.cost = count.cost.saturating_mul(self.times(field)).saturating_add(1);
        Ok(count)
    }

    fn fragment(&mut self, name: &'d Name) -> Result<Count> {
        match self.fragments.get(name) {
            Some(Some(count)) => return Ok(*count),
            Some(None) => {
                let detail = format!("the fragment {name} spreads itself; leave the circle out");
                return Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid-query", detail));
            }
            None => {}
        }
        // A fragment that is not there is validation's to tell.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Count::default()) };
        let fragment: &'d Positioned<FragmentDefinition> = fragment;
        self.fragments.insert(name, None);
        let mut count = self.selection_set(&fragment.node.selection_set.node)?;
        count.directives += fragment.node.directives.len() as u64;
        self.fragments.insert(name, Some(count));
        Ok(count)
    }

    /// How many records the selection of a field is answered for.
    fn times(&self, field: &Field) -> u64 {
        let name = field.name.node.as_str();
        let sized = ["first", "last"].into_iter().filter_map(|argument| self.size(field, argument)).max();
        if name == "nodes"
            && let Some(ids) = field.get_argument("ids")
        {
            return match self.constant(&ids.node) {
                Some(ConstValue::List(ids)) => ids.len() as u64,
                _ => 1,
            };
        }
        match sized {
            Some(size) => size,
            None if PAGED.contains(&name) && has_page(field) => PAGE_DEFAULT as u64,
            None if LISTS.contains(&name) || PAGED.contains(&name) => LIST_GUESS,
            None => 1,
        }
    }

    fn size(&self, field: &Field, argument: &str) -> Option<u64> {
        match self.constant(&field.get_argument(argument)?.node)? {
            ConstValue::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    fn constant(&self, value: &async_graphql_value::Value) -> Option<ConstValue> {
        value.clone().into_const_with(|name| self.variables.get(&name).cloned().ok_or(())).ok()
    }
}

/// Whether a field is asked as a connection, not as a plain list of the same name.
fn has_page(field: &Field) -> bool {
    field.selection_set.node.items.iter().any(|item| match &item.node {
        Selection::Field(inner) => matches!(inner.node.name.node.as_str(), "nodes" | "edges"),
        _ => true,
    })
}
