//! The texts of an entity, and a test of them made ready to run over many.
//!
//! How a field is compared is said here alone; an index that answers the same test gives the same answer.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::model::entity::{Body, Entity};
use crate::model::key::{Email, RepoUrl, fold};
use crate::model::level::UnitType;
use crate::query::filter::{Field, TextTest};

impl Field {
    /// The text of `entity` in this field.
    #[must_use]
    pub fn text(self, entity: &Entity) -> Option<&str> {
        match &entity.body {
            Body::OrgUnit(unit) => match self {
                Self::Key => Some(unit.key.as_str()),
                Self::Name => Some(unit.name.as_str()),
                Self::Type => Some(unit.unit_type.as_str()),
                Self::ExternalId => unit.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
            Body::Person(person) => match self {
                Self::Email => Some(person.email.as_str()),
                Self::FirstName => person.first_name.as_ref().map(AsRef::as_ref),
                Self::LastName => person.last_name.as_ref().map(AsRef::as_ref),
                Self::DisplayName => person.display_name.as_ref().map(AsRef::as_ref),
                Self::ExternalId => person.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
            Body::Project(project) => match self {
                Self::ProjectId => Some(project.project_id.as_str()),
                Self::Name => Some(project.name.as_str()),
                Self::OwnerEmail => project.owner.as_ref()?.email.as_ref().map(Email::as_str),
                Self::ExternalId => project.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
            Body::Repository(repository) => match self {
                Self::Name => Some(repository.name.as_str()),
                Self::Platform => repository.platform.as_ref().map(AsRef::as_ref),
                Self::Url => repository.url.as_ref().map(RepoUrl::as_str),
                _ => None,
            },
            Body::Service(service) => match self {
                Self::Name => Some(service.name.as_str()),
                Self::Identifier => service.identifier.as_ref().map(AsRef::as_ref),
                Self::ExternalId => service.external_id.as_ref().map(AsRef::as_ref),
                _ => None,
            },
        }
    }

    /// The word for it, as the wire has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Name => "name",
            Self::Type => "type",
            Self::ExternalId => "externalId",
            Self::Email => "email",
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::DisplayName => "displayName",
            Self::ProjectId => "projectId",
            Self::OwnerEmail => "owner",
            Self::Platform => "platform",
            Self::Url => "url",
            Self::Identifier => "identifier",
        }
    }

    /// A text as `Eq` and `In` compare it in this field; none for one that no record can have.
    fn compared(self, text: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Email | Self::OwnerEmail => Some(fold(text.trim())),
            Self::Url => Some(Cow::Owned(RepoUrl::parse(text).ok()?.normalized())),
            Self::Type => Some(Cow::Owned(UnitType::parse(text).ok()?.as_str().to_owned())),
            _ => Some(Cow::Borrowed(text)),
        }
    }
}

/// Every text by which a record is found: keys and names, without those of other records.
pub(super) fn own_texts(entity: &Entity) -> impl Iterator<Item = &str> {
    const FIELDS: [Field; 10] = [
        Field::DisplayName,
        Field::Name,
        Field::FirstName,
        Field::LastName,
        Field::Key,
        Field::Email,
        Field::ProjectId,
        Field::Url,
        Field::Identifier,
        Field::ExternalId,
    ];
    FIELDS.into_iter().filter_map(|field| field.text(entity))
}

/// The names and email of a project's owner.
fn owner_texts(entity: &Entity) -> impl Iterator<Item = &str> {
    let owner = entity.as_project().and_then(|project| project.owner.as_ref());
    owner.into_iter().flat_map(|owner| {
        let names = [owner.first_name.as_ref(), owner.last_name.as_ref()];
        names.into_iter().flatten().map(AsRef::as_ref).chain(owner.email.as_ref().map(Email::as_str))
    })
}

/// A [`TextTest`] with its texts as they are compared.
pub(super) enum Matcher {
    OneOf(Field, FxHashSet<String>),
    Contains(Field, String),
    StartsWith(Field, String),
    IsNull(Field, bool),
    AnyContains(String),
}

impl Matcher {
    pub(super) fn new(field: Field, test: &TextTest) -> Self {
        match test {
            TextTest::Eq(wanted) => {
                Self::OneOf(field, field.compared(wanted).map(Cow::into_owned).into_iter().collect())
            }
            TextTest::In(texts) => {
                let compared = texts.iter().filter_map(|text| field.compared(text));
                Self::OneOf(field, compared.map(Cow::into_owned).collect())
            }
            TextTest::Contains(part) => Self::Contains(field, fold(part).into_owned()),
            TextTest::StartsWith(start) => Self::StartsWith(field, fold(start).into_owned()),
            TextTest::IsNull(is_null) => Self::IsNull(field, *is_null),
        }
    }

    /// For [`Filter::AnyText`](crate::query::filter::Filter::AnyText), but for the texts of a project's assets.
    pub(super) fn any_contains(text: &str) -> Self {
        Self::AnyContains(fold(text).into_owned())
    }

    /// Whether `entity` passes. `buffer` is for its texts, to be used again for the next.
    pub(super) fn passes(&self, entity: &Entity, buffer: &mut String) -> bool {
        match self {
            Self::OneOf(field, texts) => {
                let compared = field.text(entity).and_then(|text| field.compared(text));
                compared.is_some_and(|text| texts.contains(&*text))
            }
            Self::Contains(field, part) => {
                field.text(entity).is_some_and(|text| folded(text, buffer).contains(part.as_str()))
            }
            Self::StartsWith(field, part) => {
                field.text(entity).is_some_and(|text| folded(text, buffer).starts_with(part.as_str()))
            }
            Self::IsNull(field, is_null) => field.text(entity).is_none() == *is_null,
            Self::AnyContains(part) => own_texts(entity)
                .chain(owner_texts(entity))
                .any(|text| folded(text, buffer).contains(part.as_str())),
        }
    }
}

/// As [`fold`], into a buffer that many texts share.
pub(super) fn folded<'b>(text: &str, buffer: &'b mut String) -> &'b str {
    if text.is_ascii() {
        buffer.clear();
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
    } else {
        *buffer = fold(text).into_owned();
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_buffer_folds_as_the_model_does() {
        let mut buffer = String::from("left over");
        for text in ["", "R&D", "ÉVA", "ΟΔΟΣ", "İstanbul", "plain"] {
            assert_eq!(folded(text, &mut buffer), fold(text), "{text}");
        }
    }

    #[test]
    fn each_field_compares_in_its_own_way() {
        let same = |field: Field, a: &str, b: &str| field.compared(a) == field.compared(b);
        assert!(same(Field::Email, "Ada@Corp.Example", "ada@corp.example"));
        assert!(same(Field::Url, "git@github.com:Org/app.git", "https://GitHub.com/Org/app/"));
        assert!(same(Field::Type, "Application", "department"));
        assert!(!same(Field::Name, "Ada", "ada"));
        assert_eq!(Field::Type.compared(" "), None);
    }
}
