//! Pages of findings, by keyset cursor.
//!
//! Invariant: a cursor stays valid when other findings appear or disappear between two requests, since findings are
//! computed anew for each.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;
use crate::graph::View;
use crate::model::mapping::MappingId;
use crate::query::Order;
use crate::query::doctor::{About, Finding, FindingCode, Findings};
use crate::query::page::cursor;
use crate::query::position::Position;

/// Separates the parts of a cursor.
const SEPARATOR: char = ' ';

/// One page of findings.
///
/// ```
/// use clade::query::{FindingCode, doctor};
/// use clade::{CreatePerson, Directory};
///
/// let view = Directory::in_memory()?.apply(["eve@corp.example", "ada@corp.example"].map(CreatePerson::new))?.view;
/// let findings = doctor(&view, &[FindingCode::UnplacedPerson]);
/// let page = findings.page(&view, None, 1)?;
/// assert_eq!((page.findings.len(), page.has_next), (1, true));
/// let after = page.findings[0].cursor(&view);
/// assert!(!findings.page(&view, Some(after.as_str()), 1)?.has_next);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingPage<'f> {
    /// The findings, in order.
    pub findings: &'f [Finding],
    /// Whether there are more findings after them.
    pub has_next: bool,
    /// Whether there are more findings before them.
    pub has_previous: bool,
}

impl Findings {
    /// Returns at most `first` findings, after a cursor or from the beginning. `view` must be the one in which they
    /// were found.
    ///
    /// If the record of the cursor is gone, the page begins with the findings of the same millisecond, so that some
    /// may be repeated but none is missed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is not a cursor of findings.
    pub fn page(&self, view: &View, after: Option<&str>, first: usize) -> Result<FindingPage<'_>, Error> {
        let begin = after.map_or(Ok(0), |cursor| self.index_after(view, cursor))?;
        let end = self.all.len().min(begin.saturating_add(first));
        let (has_previous, has_next) = (begin > 0, end < self.all.len());
        Ok(FindingPage { findings: &self.all[begin..end], has_next, has_previous })
    }

    /// The number of findings up to and including the one at a cursor.
    fn index_after(&self, view: &View, cursor: &str) -> Result<usize, Error> {
        let position = read(cursor).ok_or_else(|| {
            Error::invalid(
                "after",
                cursor,
                "is not a cursor of findings; use a cursor that this list returned",
            )
        })?;
        Ok(match position {
            (code, At::Mapping(mapping)) => self.count_through(code, About::Mapping(mapping)),
            (code, At::Entity(position)) => match position.record(view) {
                Some(id) => self.count_through(code, About::Entity(id)),
                None => self.count_before(view, code, position.created_millis().unwrap_or_default()),
            },
        })
    }

    /// The number of findings before those of a code and a millisecond.
    fn count_before(&self, view: &View, code: FindingCode, millis: i64) -> usize {
        let sort_key = |finding: &Finding| (finding.code, created_millis(view, finding.at));
        self.all.partition_point(|finding| sort_key(finding) < (code, millis))
    }

    /// The number of findings up to and including that of a record and a code.
    fn count_through(&self, code: FindingCode, at: About) -> usize {
        self.all.partition_point(|finding| (finding.code, finding.at) <= (code, at))
    }
}

impl Finding {
    /// The cursor of this finding: opaque, and stable across writes.
    #[must_use]
    pub fn cursor(&self, view: &View) -> String {
        let at = match self.at {
            About::Entity(id) => cursor(view, Order::default(), id),
            // A UUID has no space, so `SEPARATOR` stays unambiguous.
            About::Mapping(id) => id.to_string(),
        };
        URL_SAFE_NO_PAD.encode(format!("{}{SEPARATOR}{at}", self.code.as_str()))
    }
}

/// The position of a cursor among the findings of one code.
enum At {
    Entity(Position<'static>),
    Mapping(MappingId),
}

fn read(cursor: &str) -> Option<(FindingCode, At)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (code, at) = text.split_once(SEPARATOR)?;
    // The code decides how the rest is parsed.
    let code = FindingCode::named(code)?;
    let at = match code {
        FindingCode::MappingToEnded => At::Mapping(MappingId::parse(at).ok()?),
        _ => At::Entity(Position::read(Order::default(), "after", at).ok()?),
    };
    Some((code, at))
}

/// The time of creation of a record in milliseconds. Ids are assigned in that order, so it is monotonic in them.
fn created_millis(view: &View, at: About) -> i64 {
    at.entity().and_then(|id| view.entity(id)).map_or(0, |entity| entity.stamps.created_at.as_millis())
}
