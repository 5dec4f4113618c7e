//! A person, in and out.

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::command::PersonFields;
use crate::model::entity::EntityId;
use crate::model::key::{Email, ExternalId, Name};
use crate::wire::fields::{Fields, Manner};
use crate::wire::level::{LevelsRecord, placement};
use crate::wire::stamps::{StampsRecord, object, text};

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub(crate) struct PersonRecord<'v> {
    /// Unique among people, compared without case.
    #[schema(example = "jd@opsera.io")]
    email: &'v str,
    /// Given name.
    #[schema(required = true)]
    first_name: Option<&'v str>,
    /// Family name.
    #[schema(required = true)]
    last_name: Option<&'v str>,
    /// The name to show.
    #[schema(required = true)]
    display_name: Option<&'v str>,
    /// What another system calls this person.
    #[schema(required = true)]
    external_id: Option<&'v str>,
    #[serde(flatten)]
    levels: LevelsRecord<'v>,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

impl<'v> PersonRecord<'v> {
    pub(crate) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let person = entity.as_person()?;
        Some(Self {
            email: person.email.as_str(),
            first_name: text(person.first_name.as_ref()),
            last_name: text(person.last_name.as_ref()),
            display_name: text(person.display_name.as_ref()),
            external_id: text(person.external_id.as_ref()),
            levels: LevelsRecord::of(view, id),
            attributes: &person.attributes,
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}

/// Reads what is said of a person.
pub(crate) fn person(mut given: Fields) -> Result<PersonFields, Error> {
    given.drop_read_only(&[])?;
    let is_new = given.manner() == Manner::Create;
    Ok(PersonFields {
        email: given.required("email", is_new, Email::parse)?,
        first_name: given.optional("firstName", Name::parse)?,
        last_name: given.optional("lastName", Name::parse)?,
        display_name: given.optional("displayName", Name::parse)?,
        external_id: given.optional("externalId", ExternalId::parse)?,
        placement: placement(&mut given)?,
        attributes: given.attributes()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::{Patch, Placement};
    use serde_json::{Value, json};

    fn fields(manner: Manner, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), manner)
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn levels_are_a_path_and_blank_ones_are_not_there() {
        let body = json!({"email": "a@b", "organization": "Corp", "business": "", "team": null});
        let person = person(fields(Manner::Create, &body)).unwrap();
        assert_eq!(person.placement, Placement::Levels([Some(name("Corp")), None, None, None, None]));
    }

    #[test]
    fn a_patch_tells_absent_levels_from_removed_ones() {
        let patched = person(fields(Manner::Merge, &json!({"group": "G", "team": null}))).unwrap();
        let expected = [Patch::Keep, Patch::Keep, Patch::Keep, Patch::Set(name("G")), Patch::Clear];
        assert_eq!(patched.placement, Placement::PatchLevels(expected));
        let kept = person(fields(Manner::Replace, &json!({"team": null}))).unwrap();
        assert_eq!(kept.placement, Placement::Keep);
    }
}
