//! Checks that the data of a GraphQL response has the shape that its document and the schema promise.

use std::sync::LazyLock;

use apollo_compiler::ast::Type;
use apollo_compiler::executable::{DirectiveList, ExecutableDocument, Field, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Node, Schema};
use serde_json::Value;

static SCHEMA: LazyLock<Valid<Schema>> =
    LazyLock::new(|| Schema::parse_and_validate(clade::server::app::schema_sdl(), "schema.graphql").unwrap());

struct Checked<'d> {
    document: &'d ExecutableDocument,
    variables: &'d Value,
}

/// Panics unless `data` is what the only operation of the document may give. A document that the schema refuses is
/// not checked.
pub(crate) fn check(document: &str, variables: &Value, data: &Value) {
    let Ok(parsed) = ExecutableDocument::parse_and_validate(&SCHEMA, document, "document") else { return };
    let Ok(operation) = parsed.operations.get(None) else { return };
    let checked = Checked { document: &parsed, variables };
    if let Err(fault) = checked.object(&operation.selection_set, operation.selection_set.ty.as_str(), data) {
        panic!("{fault}\n{document}\n{variables}\n{data}");
    }
}

impl Checked<'_> {
    fn object(&self, set: &SelectionSet, name: &str, value: &Value) -> Result<(), String> {
        if value.is_null() {
            return Ok(());
        }
        let Some(object) = value.as_object() else { return Err(format!("{value} is no {name}")) };
        let implementers = SCHEMA.implementers_map();
        let possible: Vec<&str> = match SCHEMA.types.get(name) {
            Some(ExtendedType::Interface(_)) => {
                implementers[name].objects.iter().map(apollo_compiler::Name::as_str).collect()
            }
            _ => vec![name],
        };
        let mut faults = Vec::new();
        for name in possible {
            let mut fields: Vec<(&str, Vec<&Node<Field>>)> = Vec::new();
            self.collect(&[set], name, &mut fields);
            let keys: Vec<&str> = fields.iter().map(|(key, _)| *key).collect();
            let given: Vec<&str> = object.keys().map(String::as_str).collect();
            let mut sorted = (keys.clone(), given.clone());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            if sorted.0 != sorted.1 {
                faults.push(format!("of {name} are selected {keys:?}, and not {given:?}"));
                continue;
            }
            let each = fields.iter().try_for_each(|(key, same)| {
                let sets: Vec<&SelectionSet> = same.iter().map(|field| &field.selection_set).collect();
                self.value(same[0].ty(), &sets, &object[*key]).map_err(|fault| format!("{key}: {fault}"))
            });
            match each {
                Ok(()) => return Ok(()),
                Err(fault) => faults.push(fault),
            }
        }
        Err(faults.join("; "))
    }

    fn value(&self, kind: &Type, sets: &[&SelectionSet], value: &Value) -> Result<(), String> {
        match (kind, value) {
            (Type::NonNullNamed(_) | Type::NonNullList(_), Value::Null) => Err(format!("{kind} is null")),
            (_, Value::Null) => Ok(()),
            (Type::List(inner) | Type::NonNullList(inner), Value::Array(items)) => {
                items.iter().try_for_each(|item| self.value(inner, sets, item))
            }
            (Type::List(_) | Type::NonNullList(_), _) => Err(format!("{value} is no {kind}")),
            (Type::Named(name) | Type::NonNullNamed(name), _) => {
                let is_right = match (SCHEMA.types.get(name), name.as_str()) {
                    (_, "Int") => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                    (_, "Float") => value.is_number(),
                    (_, "Boolean") => value.is_boolean(),
                    (_, "String" | "ID" | "DateTime") => value.is_string(),
                    (_, "Revision") => value.is_u64(),
                    (Some(ExtendedType::Enum(kind)), _) => {
                        value.as_str().is_some_and(|text| kind.values.contains_key(text))
                    }
                    (Some(ExtendedType::Scalar(_)), _) => true,
                    _ => {
                        // Fields of equal sets are merged into one object.
                        let mut all = sets[0].clone();
                        sets[1..]
                            .iter()
                            .for_each(|set| all.selections.extend(set.selections.iter().cloned()));
                        return self.object(&all, name, value);
                    }
                };
                if is_right { Ok(()) } else { Err(format!("{value} is no {kind}")) }
            }
        }
    }

    fn collect<'s>(
        &'s self,
        sets: &[&'s SelectionSet],
        name: &str,
        fields: &mut Vec<(&'s str, Vec<&'s Node<Field>>)>,
    ) {
        let applies = |condition: &str| {
            condition == name
                || SCHEMA.implementers_map().get(condition).is_some_and(|all| all.objects.contains(name))
        };
        for selection in sets.iter().flat_map(|set| &set.selections) {
            match selection {
                Selection::Field(field) if self.is_included(&field.directives) => {
                    let key = field.response_key().as_str();
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(field),
                        None => fields.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(inline)
                    if self.is_included(&inline.directives)
                        && inline.type_condition.as_ref().is_none_or(|condition| applies(condition)) =>
                {
                    self.collect(&[&inline.selection_set], name, fields);
                }
                Selection::FragmentSpread(spread) if self.is_included(&spread.directives) => {
                    let fragment = &self.document.fragments[&spread.fragment_name];
                    if applies(fragment.type_condition()) {
                        self.collect(&[&fragment.selection_set], name, fields);
                    }
                }
                _ => {}
            }
        }
    }

    fn is_included(&self, directives: &DirectiveList) -> bool {
        let condition = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            value.to_bool().or_else(|| self.variables[value.as_variable()?.as_str()].as_bool())
        };
        condition("skip") != Some(true) && condition("include") != Some(false)
    }
}
