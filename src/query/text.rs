//! Text tests prepared for many records: which texts are compared, and how.
//!
//! Invariant: this is the only definition of how a field is compared. An index that serves the same test gives the same
//! result.

use std::borrow::Cow;

use memchr::memmem::Finder;
use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use crate::graph::{SEPARATOR, TextCandidates, View, nth_text, position_at, text_position};
use crate::model::entity::{EntityId, Kind};
use crate::model::key::fold_email;
use crate::model::level::UnitType;
use crate::model::repo_url::RepoUrl;
use crate::model::text::{bare, fold};
use crate::query::filter::{Field, TextTest};

impl Field {
    /// The form of a text in which `Eq` and `In` compare this field; `None` if no record can have this text.
    fn compared(self, text: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Email | Self::OwnerEmail => Some(fold_email(text.trim())),
            Self::Key
            | Self::Name
            | Self::ProjectId
            | Self::FirstName
            | Self::LastName
            | Self::DisplayName
            | Self::OwnerFirstName
            | Self::OwnerLastName => Some(fold(text)),
            Self::Url => Some(Cow::Owned(RepoUrl::parse(text).ok()?.normalized())),
            Self::Type => Some(Cow::Owned(UnitType::parse(text).ok()?.as_str().to_owned())),
            _ => Some(Cow::Borrowed(text)),
        }
    }
}

/// A pattern that is searched in many texts, without regard to case and marks.
// The finder's tables are built once per query, not once per text.
pub(super) struct Part {
    bare: String,
    finder: Finder<'static>,
}

impl Part {
    pub(super) fn new(text: &str) -> Self {
        let bare = bare(text).into_owned();
        Self { finder: Finder::new(&bare).into_owned(), bare }
    }

    /// The pattern without case and marks.
    pub(super) fn bare(&self) -> &str {
        &self.bare
    }

    /// The byte offset of its first occurrence in the bare `text`.
    pub(super) fn find_in(&self, text: &str) -> Option<usize> {
        self.finder.find(text.as_bytes())
    }

    fn is_in(&self, text: &str) -> bool {
        self.find_in(text).is_some()
    }

    pub(super) fn begins(&self, text: &str) -> bool {
        text.starts_with(&self.bare)
    }
}

/// A [`TextTest`] whose texts are in the form in which they are compared.
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

    /// The test of [`Filter::AnyText`](crate::query::filter::Filter::AnyText), without the texts of a project's assets.
    pub(super) fn any_contains(text: &str) -> Self {
        Self::AnyContains(Part::new(text))
    }

    /// The `candidates` that pass. Only the texts that the trigram index lets through are compared, where it applies.
    pub(super) fn matching(&self, view: &View, kind: Kind, candidates: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::AnyContains(part) => {
                let TextCandidates { certain, possible } =
                    view.candidates_containing(part.bare(), candidates);
                certain | self.scan(view, kind, &possible)
            }
            Self::Contains(field, part) if kind.texts().contains(field) => {
                // Nothing is certain: the index is not kept by field, so another text may contain the pattern.
                self.scan(view, kind, &view.candidates_containing(part.bare(), candidates).all())
            }
            Self::StartsWith(field, part) if kind.texts().contains(field) => {
                self.scan(view, kind, &view.candidates_starting(part.bare(), candidates))
            }
            _ => self.scan(view, kind, candidates),
        }
    }

    fn scan(&self, view: &View, kind: Kind, candidates: &RoaringBitmap) -> RoaringBitmap {
        match self {
            // Texts contain no separator, but it is between them in memory, so it would match there.
            Self::AnyContains(part) | Self::Contains(_, part) if part.bare().contains(SEPARATOR) => {
                RoaringBitmap::new()
            }
            Self::AnyContains(part) if part.bare().is_empty() => candidates.clone(),
            Self::AnyContains(part) => view.matching_texts(kind, candidates, &part.finder, |_, _| true),
            Self::Contains(field, part) => match text_position(kind, *field) {
                // Every text contains an empty pattern, but a missing one, which is empty here, passes no test.
                Some(nth) if part.bare().is_empty() => {
                    scan_bare_texts(view, candidates, |texts| !nth_text(texts, nth).is_empty())
                }
                Some(nth) => view.matching_texts(kind, candidates, &part.finder, |texts, offset| {
                    position_at(texts, offset) == nth
                }),
                None => self.scan_records(view, *field, candidates),
            },
            Self::StartsWith(field, part) => match text_position(kind, *field) {
                Some(nth) => scan_bare_texts(view, candidates, |texts| {
                    let text = nth_text(texts, nth);
                    !text.is_empty() && part.begins(text)
                }),
                None => self.scan_records(view, *field, candidates),
            },
            Self::OneOf(field, _) | Self::IsNull(field, _) => self.scan_records(view, *field, candidates),
        }
    }

    fn scan_records(&self, view: &View, field: Field, candidates: &RoaringBitmap) -> RoaringBitmap {
        let text = |id| view.entity(EntityId(id)).and_then(|entity| field.text(entity));
        candidates.iter().filter(|id| self.passes(text(*id))).collect()
    }

    /// Whether a text passes; `None` if the record has no such text.
    pub(super) fn passes(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::IsNull(_, is_null), text) => text.is_none() == *is_null,
            (_, None) => false,
            (Self::OneOf(field, texts), Some(text)) => {
                field.compared(text).is_some_and(|text| texts.contains(&*text))
            }
            (Self::Contains(_, part) | Self::AnyContains(part), Some(text)) => part.is_in(&bare(text)),
            (Self::StartsWith(_, part), Some(text)) => part.begins(&bare(text)),
        }
    }
}

fn scan_bare_texts(view: &View, candidates: &RoaringBitmap, passes: impl Fn(&str) -> bool) -> RoaringBitmap {
    let mut found = RoaringBitmap::new();
    view.for_each_text(candidates, |id, texts| {
        if passes(texts) {
            found.insert(id.0);
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_own_comparison() {
        let same = |field: Field, a: &str, b: &str| field.compared(a) == field.compared(b);
        assert!(same(Field::Email, "Ada@Corp.Example", "ada@corp.example"));
        assert!(same(Field::Url, "git@github.com:Org/app.git", "https://GitHub.com/Org/app/"));
        assert!(same(Field::Type, "Application", "department"));
        assert!(same(Field::Name, "Zoë", "ZOE\u{308}") && !same(Field::Name, "Zoë", "Zoe"));
        assert!(!same(Field::ExternalId, "a1", "A1"));
        assert_eq!(Field::Type.compared(" "), None);
    }
}
