//! The values of a facet, their pages, and the cursors that continue them.
//!
//! Invariant: a cursor contains only what users can see of a value, so that it stays valid when counts change.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::graph::View;
use crate::model::entity::EntityId;

/// The version of the cursor format: the first part of every cursor.
const VERSION: &str = "f1";
/// Separates the parts of a cursor; validated texts contain no control characters.
const SEPARATOR: char = '\u{1f}';

/// One value of a dimension, with its count.
///
/// ```
/// use clade::query::{Bucket, FacetBy, Filter, facet};
/// use clade::{CreatePerson, Directory, Kind, model::Level};
///
/// let people = ["ada@corp.example", "eve@corp.example"].map(|it| CreatePerson::new(it).under("Corp/Retail"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let businesses = facet(&view, Kind::Person, &Filter::All, FacetBy::Level(Level::Business), false);
/// let unit = Some(view.org_unit("Retail")?.id());
/// assert_eq!(businesses, [Bucket { value: "Retail".to_owned(), unit, count: 2 }]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The value: for a level, the unit's name.
    pub value: String,
    /// The unit, for a level.
    pub unit: Option<EntityId>,
    /// The number of matching entities that have it.
    pub count: u64,
}

/// Which values of a facet to return.
///
/// ```
/// use clade::query::{FacetBy, FacetPage, Filter, facets};
/// use clade::{CreateProject, Directory, Kind};
///
/// let projects = ["a", "b"].map(|id| CreateProject::new(id, id).repository(&format!("https://{id}.example/{id}/x")));
/// let view = Directory::in_memory()?.apply(projects)?.view;
/// let first = FacetPage { first: 1, after: None };
/// let found = facets(&view, Kind::Project, &Filter::All, &[FacetBy::Platform], false, &first);
/// assert_eq!(found[0][0].value, "a.example");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetPage {
    /// Maximum number of values, the most frequent first.
    pub first: usize,
    /// Only values after this one.
    pub after: Option<BucketPosition>,
}

/// The position of a value: values are sorted by count, largest first, then by value, then by key.
///
/// ```
/// use clade::query::{BucketPosition, FacetBy, Filter, facet};
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let by = FacetBy::Level(clade::model::Level::Organization);
/// let buckets = facet(&view, clade::Kind::Person, &Filter::All, by, false);
/// let position = BucketPosition::of(&view, &buckets[0]);
/// assert_eq!(BucketPosition::parse(&position.cursor()), Some(position));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPosition {
    count: u64,
    value: String,
    /// The key of the unit, for a level.
    key: Option<String>,
}

impl BucketPosition {
    /// The position of a value of a facet.
    #[must_use]
    pub fn of(view: &View, bucket: &Bucket) -> Self {
        let key = bucket.unit.and_then(|unit| Some(view.entity(unit)?.label().to_owned()));
        Self { count: bucket.count, value: bucket.value.clone(), key }
    }

    /// The cursor for this position.
    #[must_use]
    pub fn cursor(&self) -> String {
        let count = self.count.to_string();
        let key = self.key.as_deref().into_iter();
        let parts: Vec<_> = [VERSION, &count, &self.value].into_iter().chain(key).collect();
        URL_SAFE_NO_PAD.encode(parts.join(&SEPARATOR.to_string()))
    }

    /// Parses a cursor; `None` unless it is one.
    #[must_use]
    pub fn parse(cursor: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let mut parts = text.split(SEPARATOR);
        let is_known = parts.next() == Some(VERSION);
        let (count, value) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
        let key = parts.next().map(str::to_owned);
        (is_known && parts.next().is_none()).then_some(Self { count, value, key })
    }

    /// The parts by which values are sorted.
    pub(super) fn rank(&self) -> (Reverse<u64>, &str, Option<&str>) {
        (Reverse(self.count), &self.value, self.key.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        let position = BucketPosition { count: 7, value: "x".to_owned(), key: None };
        assert_eq!(BucketPosition::parse(&position.cursor()), Some(position));
        for text in
            ["f1\u{1f}7", "f1\u{1f}x\u{1f}v", "2\u{1f}7\u{1f}v", "f1\u{1f}7\u{1f}v\u{1f}k\u{1f}more", ""]
        {
            assert_eq!(BucketPosition::parse(&URL_SAFE_NO_PAD.encode(text)), None, "{text:?}");
        }
        assert_eq!(BucketPosition::parse("no cursor!"), None);
    }
}
