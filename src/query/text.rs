//! The texts of an entity, and a test of them made ready to run over many.
//!
//! How a field is compared is said here alone; an index that answers the same test gives the same answer.

use std::borrow::Cow;

use memchr::memmem::Finder;
use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;

use crate::graph::{SEPARATOR, TextCandidates, View, nth_text, text_place};
use crate::model::entity::{EntityId, Kind};
use crate::model::key::{RepoUrl, fold};
use crate::model::level::UnitType;
use crate::query::filter::{Field, TextTest};

/// So few candidates are looked at without asking an index first.
const LOOKED_AT_AT_ONCE: u64 = 32;

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

    pub(super) fn begins(&self, text: &str) -> bool {
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

    /// Everyone who may pass, where an index can tell.
    fn likely(&self, view: &View, kind: Kind) -> Option<TextCandidates> {
        match self {
            Self::AnyContains(part) => view.may_contain(part.folded()),
            Self::Contains(field, part) if kind.texts().contains(field) => {
                // It may be another text that has the part.
                view.may_contain(part.folded()).map(|likely| TextCandidates { certain: false, ..likely })
            }
            Self::StartsWith(field, part) if kind.texts().contains(field) => {
                view.may_start(part.folded()).map(|ids| TextCandidates { ids, certain: false })
            }
            _ => None,
        }
    }

    /// Those of `candidates` that pass: the texts of those alone are looked at that an index lets through, where it
    /// can tell.
    pub(super) fn pass(&self, view: &View, kind: Kind, candidates: &RoaringBitmap) -> RoaringBitmap {
        let likely = if candidates.len() > LOOKED_AT_AT_ONCE { self.likely(view, kind) } else { None };
        match likely {
            Some(TextCandidates { ids, certain: true }) => ids & candidates,
            Some(TextCandidates { ids, certain: false }) => self.look_at(view, kind, &(ids & candidates)),
            None => self.look_at(view, kind, candidates),
        }
    }

    fn look_at(&self, view: &View, kind: Kind, candidates: &RoaringBitmap) -> RoaringBitmap {
        let (field, part, is_at): (_, _, fn(&Part, &str) -> bool) = match self {
            // A part with a separator in it is in no text.
            Self::AnyContains(part) if part.folded().contains(SEPARATOR) => return RoaringBitmap::new(),
            Self::AnyContains(part) => return by_texts(view, candidates, |texts| part.is_in(texts)),
            Self::Contains(field, part) => (*field, part, Part::is_in),
            Self::StartsWith(field, part) => (*field, part, Part::begins),
            Self::OneOf(field, _) | Self::IsNull(field, _) => return self.read(view, *field, candidates),
        };
        match text_place(kind, field) {
            // An empty text is one that is not there.
            Some(nth) => by_texts(view, candidates, |texts| {
                let text = nth_text(texts, nth);
                !text.is_empty() && is_at(part, text)
            }),
            None => self.read(view, field, candidates),
        }
    }

    fn read(&self, view: &View, field: Field, candidates: &RoaringBitmap) -> RoaringBitmap {
        let text = |id| view.entity(EntityId(id)).and_then(|entity| field.text(entity));
        candidates.iter().filter(|id| self.passes(text(*id))).collect()
    }

    /// Whether a text passes, or its absence.
    pub(super) fn passes(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::IsNull(_, is_null), text) => text.is_none() == *is_null,
            (_, None) => false,
            (Self::OneOf(field, texts), Some(text)) => {
                field.compared(text).is_some_and(|text| texts.contains(&*text))
            }
            (Self::Contains(_, part) | Self::AnyContains(part), Some(text)) => part.is_in(&fold(text)),
            (Self::StartsWith(_, part), Some(text)) => part.begins(&fold(text)),
        }
    }
}

fn by_texts(view: &View, candidates: &RoaringBitmap, passes: impl Fn(&str) -> bool) -> RoaringBitmap {
    let mut found = RoaringBitmap::new();
    view.each_texts(candidates, |id, texts| {
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
    fn each_field_compares_in_its_own_way() {
        let same = |field: Field, a: &str, b: &str| field.compared(a) == field.compared(b);
        assert!(same(Field::Email, "Ada@Corp.Example", "ada@corp.example"));
        assert!(same(Field::Url, "git@github.com:Org/app.git", "https://GitHub.com/Org/app/"));
        assert!(same(Field::Type, "Application", "department"));
        assert!(!same(Field::Name, "Ada", "ada"));
        assert_eq!(Field::Type.compared(" "), None);
    }
}
