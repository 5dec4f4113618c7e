//! Static query complexity: depth, fields, aliases, directives and cost of a document, with fragments expanded.
//!
//! The analysis runs before validation, which is exponential if fragments spread the next one twice. Validation also
//! visits every operation of a document, including those that are not executed, so all of them are counted here.
//!
//! Invariant: each fragment is counted once per operation, so the analysis is linear in the document; and no recursion
//! goes deeper than [`NESTING_MAX`].

use std::cell::Cell;
use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables};
use async_graphql_value::Value;

use crate::query::lookup::LOOKUP_MAX;
use crate::server::graphql::execution::limits::{
    ALIAS_MAX_BYTES, ALIASES_MAX, COST_MAX, DEPTH_MAX, DIRECTIVES_MAX, FIELDS_MAX, NESTING_MAX,
    OPERATIONS_MAX, PAGE_DEFAULT, PAGE_MAX, ROOT_FIELDS_MAX, SEARCH_DEFAULT, over,
};
use crate::server::limits::LOG_ENTRIES_DEFAULT;
use crate::server::response::problem::{Problem, Result};

/// Assumed length of a list without pagination. A low guess: `execution::budget` counts the real lists.
const LIST_GUESS: u64 = 5;
const LISTS: [&str; 10] = [
    "children",
    "ancestors",
    "parents",
    "units",
    "services",
    "roots",
    "repositories",
    "tokens",
    "records",
    "counts",
];
/// The lists of introspection, each with its approximate length in this schema. They nest in each other without end,
/// and no resolver of ours counts them, so this estimate is their only limit.
const INTROSPECTED: [(&str, u64); 7] = [
    ("types", 100),
    ("fields", 12),
    ("args", 4),
    ("inputFields", 8),
    ("enumValues", 6),
    ("possibleTypes", 6),
    ("interfaces", 6),
];
/// Cost of counting one facet dimension, in fields.
const FACET_COST: u64 = 1_000;

/// Cost of reading one entry of the change log from disk, in fields.
const LOG_COST: u64 = 1_000;

/// The complexity of a part of a document.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::server) struct Count {
    /// Levels of nested fields.
    pub(in crate::server) depth: u64,
    /// Levels of nested fields and fragments.
    nesting: u64,
    /// Fields at the top level.
    pub(in crate::server) roots: u64,
    /// Fields, each alias counted.
    pub(in crate::server) fields: u64,
    /// Fields with an alias.
    pub(in crate::server) aliases: u64,
    pub(in crate::server) directives: u64,
    /// Estimated number of fields in the response, multiplied by page sizes.
    pub(in crate::server) cost: u64,
    /// Cost per record of the enclosing page: what `nodes` and `edges` select.
    // Apart from `cost`, because the page size is an argument of the connection and not of its `nodes`. The product is
    // taken one level up, and does not include `totalCount` or `facets` beside them.
    each: u64,
}

impl Count {
    /// Adds a sibling. All sums saturate: nested page sizes overflow 64 bits easily.
    fn beside(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.roots = self.roots.saturating_add(other.roots);
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.cost = self.cost.saturating_add(other.cost);
        self.each = self.each.saturating_add(other.each);
    }

    /// The count of a selection that contains this one and has `directives` of its own.
    ///
    /// # Errors
    /// The nesting exceeds [`NESTING_MAX`].
    fn within(mut self, directives: usize) -> Result<Self> {
        self.nesting += 1;
        self.directives = self.directives.saturating_add(directives as u64);
        if self.nesting > NESTING_MAX {
            return Err(over("levels of fields and fragments", self.nesting, NESTING_MAX));
        }
        Ok(self)
    }
}

/// Counts operations and the fragments that they spread.
pub(in crate::server) struct Counter<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Variables,
    definitions: &'d [Positioned<VariableDefinition>],
    /// The count of each fragment. `None` while it is being counted, which finds fragments that spread themselves.
    fragments: HashMap<&'d Name, Option<Count>>,
    /// Current depth of the recursion.
    open: u64,
    /// Whether a page size or the length of a list is a variable.
    reads_variables: Cell<bool>,
}

impl<'d> Counter<'d> {
    pub(in crate::server) fn new(document: &'d ExecutableDocument, variables: &'d Variables) -> Self {
        Self {
            document,
            variables,
            definitions: &[],
            fragments: HashMap::new(),
            open: 0,
            reads_variables: Cell::new(false),
        }
    }

    pub(in crate::server) fn operation(&mut self, operation: &'d OperationDefinition) -> Result<Count> {
        self.definitions = &operation.variable_definitions;
        // Page sizes may be variables, whose defaults belong to the operation: counts of another one do not apply.
        self.fragments.clear();
        let on_variables: usize =
            operation.variable_definitions.iter().map(|definition| definition.node.directives.len()).sum();
        self.selection_set(&operation.selection_set.node)?.within(operation.directives.len() + on_variables)
    }

    /// Counts a fragment, whether it is spread or not.
    ///
    /// # Errors
    /// It spreads itself, or exceeds a limit.
    pub(in crate::server) fn fragment(&mut self, name: &'d Name) -> Result<Count> {
        match self.fragments.get(name) {
            Some(Some(count)) => return Ok(*count),
            Some(None) => {
                let detail = format!("the fragment {name} spreads itself; remove the cycle");
                return Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "invalid-query", detail));
            }
            None => {}
        }
        // An unknown fragment costs nothing here. Validation reports it, with its position.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Count::default()) };
        self.fragments.insert(name, None);
        let count = self.selection_set(&fragment.node.selection_set.node)?;
        let count = count.within(fragment.node.directives.len())?;
        self.fragments.insert(name, Some(count));
        Ok(count)
    }

    fn selection_set(&mut self, set: &'d SelectionSet) -> Result<Count> {
        // `nesting` is known only on the way back, when the stack has been used. This bounds the way down.
        self.open += 1;
        if self.open > NESTING_MAX {
            return Err(over("levels of fields and fragments", self.open, NESTING_MAX));
        }
        let mut total = Count::default();
        for selection in &set.items {
            total.beside(self.selection(&selection.node)?);
        }
        self.open -= 1;
        Ok(total)
    }

    fn selection(&mut self, selection: &'d Selection) -> Result<Count> {
        match selection {
            Selection::Field(field) => self.field(&field.node),
            Selection::FragmentSpread(spread) => {
                self.fragment(&spread.node.fragment_name.node)?.within(spread.node.directives.len())
            }
            Selection::InlineFragment(inline) => {
                self.selection_set(&inline.node.selection_set.node)?.within(inline.node.directives.len())
            }
        }
    }

    fn field(&mut self, field: &'d Field) -> Result<Count> {
        // The response repeats an alias once per record, so a long one multiplies the response's size.
        if let Some(alias) = &field.alias
            && alias.node.len() > ALIAS_MAX_BYTES
        {
            return Err(over("bytes in an alias", alias.node.len() as u64, ALIAS_MAX_BYTES as u64));
        }
        let mut count = self.selection_set(&field.selection_set.node)?.within(field.directives.len())?;
        count.depth += 1;
        count.roots = 1;
        count.fields = count.fields.saturating_add(1);
        count.aliases = count.aliases.saturating_add(u64::from(field.alias.is_some()));
        let records = self.page(field).saturating_mul(count.each);
        let cost = self.times(field).saturating_mul(count.cost).saturating_add(records).saturating_add(1);
        // `nodes(ids:)` of the query root is a list of its own and not a connection's page, despite its name.
        let in_page = match field.name.node.as_str() {
            "edges" => true,
            "nodes" => field.get_argument("ids").is_none(),
            _ => false,
        };
        (count.cost, count.each) = if in_page { (0, cost) } else { (cost, 0) };
        Ok(count)
    }

    /// The page size of a connection.
    fn page(&self, field: &Field) -> u64 {
        let default = if field.name.node == "descendants" { PAGE_MAX } else { PAGE_DEFAULT };
        self.size(field, "first").or_else(|| self.size(field, "last")).unwrap_or(default as u64)
    }

    /// How many times the selection of a field is resolved, apart from a connection's page.
    fn times(&self, field: &Field) -> u64 {
        let length = |argument| self.length(field, argument).map_or(1, |length| length as u64);
        match field.name.node.as_str() {
            "nodes" => length("ids"),
            "apply" => length("changes"),
            "search" => self.size(field, "first").unwrap_or(SEARCH_DEFAULT as u64),
            "lookup" => LOOKUP_MAX as u64,
            // Reading the entries is the cost, even if the selection is a single field.
            "log" => {
                let entries = self.size(field, "first").unwrap_or(LOG_ENTRIES_DEFAULT as u64);
                entries.saturating_mul(LOG_COST)
            }
            "facets" => {
                let values = self.size(field, "first").unwrap_or(PAGE_MAX as u64);
                length("by").saturating_mul(values.saturating_add(FACET_COST))
            }
            name if LISTS.contains(&name) => LIST_GUESS,
            name => INTROSPECTED.iter().find(|(list, _)| *list == name).map_or(1, |(_, length)| *length),
        }
    }

    /// A page size argument, as a literal or variable.
    fn size(&self, field: &Field, argument: &str) -> Option<u64> {
        let size = match &field.get_argument(argument)?.node {
            Value::Number(number) => number.as_u64()?,
            Value::Variable(name) => match self.variable(name)? {
                ConstValue::Number(number) => number.as_u64()?,
                _ => return None,
            },
            _ => return None,
        };
        // A larger size is refused by the resolver, whose message names the argument. Here it must only not overstate
        // the cost, which would hide that message.
        Some(size.min(PAGE_MAX as u64))
    }

    /// The length of a list argument, as a literal or variable.
    fn length(&self, field: &Field, argument: &str) -> Option<usize> {
        match &field.get_argument(argument)?.node {
            Value::List(values) => Some(values.len()),
            Value::Variable(name) => match self.variable(name)? {
                ConstValue::List(values) => Some(values.len()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of a variable, or its default. By reference, since a list may have thousands of values.
    fn variable(&self, name: &Name) -> Option<&ConstValue> {
        self.reads_variables.set(true);
        self.variables.get(name).or_else(|| {
            let definition = self.definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value()
        })
    }
}

/// The cost of the most expensive operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentCost {
    pub(crate) fields: u64,
    /// Whether other variables may give another cost.
    pub(crate) is_variable: bool,
}

/// Counts a document.
///
/// # Errors
/// The document exceeds a limit, or a fragment spreads itself.
pub(crate) fn check(document: &ExecutableDocument, variables: &Variables) -> Result<DocumentCost> {
    let operations = document.operations.iter().count() as u64;
    if operations > OPERATIONS_MAX {
        return Err(over("operations", operations, OPERATIONS_MAX));
    }
    let mut counter = Counter::new(document, variables);
    let (mut fields, mut aliases, mut directives, mut cost) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (_, operation) in document.operations.iter() {
        let count = counter.operation(&operation.node)?;
        one(count)?;
        // Validation visits all operations, so these add up. Only one is executed, so costs do not.
        fields = fields.saturating_add(count.fields);
        aliases = aliases.saturating_add(count.aliases);
        directives = directives.saturating_add(count.directives);
        cost = cost.max(count.cost);
        // Inside the loop, so that a document of many large operations is refused after the first few.
        if fields > FIELDS_MAX {
            return Err(over("fields", fields, FIELDS_MAX));
        }
    }
    // Fragments that no operation spreads are validated as well. Those already counted are found in the map.
    for name in document.fragments.keys() {
        let count = counter.fragment(name)?;
        (fields, aliases) = (fields.max(count.fields), aliases.max(count.aliases));
    }
    if fields > FIELDS_MAX {
        return Err(over("fields", fields, FIELDS_MAX));
    }
    if aliases > ALIASES_MAX {
        return Err(over("aliases", aliases, ALIASES_MAX));
    }
    if directives > DIRECTIVES_MAX {
        return Err(over("directives", directives, DIRECTIVES_MAX));
    }
    Ok(DocumentCost { fields: cost, is_variable: counter.reads_variables.get() })
}

/// The limits of one operation.
fn one(count: Count) -> Result<()> {
    if count.depth > DEPTH_MAX {
        return Err(over("levels of fields", count.depth, DEPTH_MAX));
    }
    if count.roots > ROOT_FIELDS_MAX {
        return Err(over("root fields", count.roots, ROOT_FIELDS_MAX));
    }
    if count.cost > COST_MAX {
        return Err(over("fields in the response, multiplied by page sizes", count.cost, COST_MAX));
    }
    Ok(())
}
