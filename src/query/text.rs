//! The texts of an entity, and a test of them made ready to run over many.
//!
//! How a field is compared is said here alone; an index that answers the same test gives the same answer.

use std::borrow::Cow;

use memchr::memmem::Finder;
use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use crate::graph::{SEPARATOR, View};
use crate::model::entity::{EntityId, Kind};
use crate::model::key::{RepoUrl, fold};
use crate::model::level::UnitType;
use crate::query::filter::{Field, TextTest};

impl Field {
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

/// Text that is looked for in many texts, without case.
pub(super) struct Part {
    folded: String,
    finder: Finder<'static>,
}

impl Part {
    pub(super) fn new(text: &str) -> Self {
        let folded = fold(text).into_owned();
        Self { finder: Finder::new(&folded).into_owned(), folded }
    }

    /// As it is compared.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    /// Where it first stands in `text`, which is folded.
    pub(super) fn place_in(&self, text: &str) -> Option<usize> {
        self.finder.find(text.as_bytes())
    }

    fn is_in(&self, text: &str) -> bool {
        self.place_in(text).is_some()
    }

    fn begins(&self, text: &str) -> bool {
        text.starts_with(&self.folded)
    }
}

/// A [`TextTest`] with its texts as they are compared.
pub(super) enum Matcher {
    OneOf(Field, FxHashSet<String>),
    Contains(Field, Part),
    StartsWith(Field, Part),
    IsNull(Field, bool),
    AnyContains(Part),
}

impl Matcher {
    pub(super) fn new(field: Field, test: &TextTest) -> Self {
        match test {
            TextTest::Eq(whole) => {
                Self::OneOf(field, field.compared(whole).map(Cow::into_owned).into_iter().collect())
            }
            TextTest::In(texts) => {
                let compared = texts.iter().filter_map(|text| field.compared(text));
                Self::OneOf(field, compared.map(Cow::into_owned).collect())
            }
            TextTest::Contains(part) => Self::Contains(field, Part::new(part)),
            TextTest::StartsWith(start) => Self::StartsWith(field, Part::new(start)),
            TextTest::IsNull(is_null) => Self::IsNull(field, *is_null),
        }
    }

    /// For [`Filter::AnyText`](crate::query::filter::Filter::AnyText), but for the texts of a project's assets.
    pub(super) fn any_contains(text: &str) -> Self {
        Self::AnyContains(Part::new(text))
    }

    /// Everyone who may pass, where an index can tell; others may be among them.
    pub(super) fn likely(&self, view: &View, kind: Kind) -> Option<RoaringBitmap> {
        match self {
            Self::AnyContains(part) => view.may_contain(part.folded()),
            Self::Contains(field, part) if kind.texts().contains(field) => view.may_contain(part.folded()),
            Self::StartsWith(field, part) if kind.texts().contains(field) => view.may_start(part.folded()),
            _ => None,
        }
    }

    /// Whether `entity` passes.
    pub(super) fn passes(&self, view: &View, entity: EntityId, kind: Kind) -> bool {
        let own = |field: &Field| view.entity(entity).and_then(|entity| field.text(entity));
        let folded = |field: &Field| folded_text(view, entity, kind, *field);
        match self {
            Self::OneOf(field, texts) => {
                let compared = own(field).and_then(|text| field.compared(text));
                compared.is_some_and(|text| texts.contains(&*text))
            }
            Self::Contains(field, part) => folded(field).is_some_and(|text| part.is_in(&text)),
            Self::StartsWith(field, part) => folded(field).is_some_and(|text| part.begins(&text)),
            Self::IsNull(field, is_null) => own(field).is_none() == *is_null,
            // A part with a separator in it is in no text.
            Self::AnyContains(part) => part.is_in(view.texts(entity)) && !part.folded().contains(SEPARATOR),
        }
    }
}

/// The text of a record of `kind` in a field, folded, if it has one.
pub(super) fn folded_text(view: &View, id: EntityId, kind: Kind, field: Field) -> Option<Cow<'_, str>> {
    match kind.texts().iter().position(|known| *known == field) {
        // An empty text is one that is not there.
        Some(nth) => Some(text_at(view.texts(id), nth)).filter(|text| !text.is_empty()).map(Cow::Borrowed),
        None => view.entity(id).and_then(|entity| field.text(entity)).map(fold),
    }
}

/// The text in this place of a record's texts.
fn text_at(texts: &str, nth: usize) -> &str {
    let mut rest = texts;
    for _ in 0..nth {
        rest = memchr::memchr(SEPARATOR as u8, rest.as_bytes()).map_or("", |end| &rest[end + 1..]);
    }
    memchr::memchr(SEPARATOR as u8, rest.as_bytes()).map_or(rest, |end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

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
