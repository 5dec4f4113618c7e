//! List schemas in the OpenAPI document: with `fields=` a record has only some of its fields, so none is required.

use utoipa::openapi::schema::{AllOf, AnyOfBuilder, ArrayItems, Components, Object, ObjectBuilder, Schema};
use utoipa::openapi::{OpenApi, Ref, RefOr};

/// The prefix of references to schemas of the document.
const SCHEMAS: &str = "#/components/schemas/";

/// Lets the records of every list be complete or partial.
pub(super) fn add(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    // Lists are known by their names, as `wire::schema` gives them. The names are copied because the loop adds schemas.
    let lists: Vec<String> =
        components.schemas.keys().filter(|name| name.ends_with("List")).cloned().collect();
    for list in lists {
        let Some(record) = record_of(components, &list) else { continue };
        let mut parts = ObjectBuilder::new()
            .description(Some(format!("A {record} with only the fields selected by `fields`.")))
            .build();
        collect_properties(components, components.schemas.get(&record), &mut parts);
        let name = format!("{record}Fields");
        // Complete first, so that documentation and generated clients show that form.
        let either =
            AnyOfBuilder::new().item(Ref::from_schema_name(&record)).item(Ref::from_schema_name(&name));
        components.schemas.insert(name, Schema::Object(parts).into());
        if let Some(items) = items_of(components, &list) {
            *items = ArrayItems::RefOrSchema(Box::new(either.into()));
        }
    }
}

/// The name of a list's record schema.
fn record_of(components: &mut Components, list: &str) -> Option<String> {
    match items_of(components, list)? {
        ArrayItems::RefOrSchema(items) => match &**items {
            RefOr::Ref(record) => record.ref_location.strip_prefix(SCHEMAS).map(str::to_owned),
            RefOr::T(_) => None,
        },
        ArrayItems::False => None,
    }
}

/// The item schema of a list's `data` array.
fn items_of<'c>(components: &'c mut Components, list: &str) -> Option<&'c mut ArrayItems> {
    let RefOr::T(Schema::Object(list)) = components.schemas.get_mut(list)? else { return None };
    match list.properties.get_mut("data")? {
        RefOr::T(Schema::Array(data)) => Some(&mut data.items),
        _ => None,
    }
}

/// Copies all properties of a schema and of the schemas it is composed of, without what is required.
fn collect_properties(components: &Components, from: Option<&RefOr<Schema>>, into: &mut Object) {
    match from {
        Some(RefOr::Ref(other)) => {
            let name = other.ref_location.strip_prefix(SCHEMAS).unwrap_or_default();
            collect_properties(components, components.schemas.get(name), into);
        }
        Some(RefOr::T(Schema::Object(object))) => {
            into.properties.extend(object.properties.iter().map(|(name, of)| (name.clone(), of.clone())));
        }
        Some(RefOr::T(Schema::AllOf(AllOf { items, .. }))) => {
            for part in items {
                collect_properties(components, Some(part), into);
            }
        }
        _ => {}
    }
}
