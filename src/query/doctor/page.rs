//! A page of findings, by a cursor that stays right when other findings come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;
use crate::graph::View;
use crate::model::mapping::MappingId;
use crate::query::Order;
use crate::query::doctor::{About, Finding, FindingCode, Findings};
use crate::query::page::cursor;
use crate::query::position::Position;

/// Between the parts of a cursor.
const SEPARATOR: char = ' ';

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingPage<'f> {
    /// The findings, in order.
    pub findings: &'f [Finding],
    /// Whether there are more after them.
    pub has_next: bool,
    /// Whether there are more before them.
    pub has_previous: bool,
}

impl Findings {
    /// At most `first` of them, after a cursor or from the beginning. `view` is the one that they were found in.
    ///
    /// Where the record at the cursor has gone, the page begins with those of its millisecond, so that some may come
    /// twice but none is missed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is none of findings.
    pub fn page(&self, view: &View, after: Option<&str>, first: usize) -> Result<FindingPage<'_>, Error> {
        let begin = after.map_or(Ok(0), |cursor| self.behind(view, cursor))?;
        let end = self.all.len().min(begin.saturating_add(first));
        let (has_previous, has_next) = (begin > 0, end < self.all.len());
        Ok(FindingPage { findings: &self.all[begin..end], has_next, has_previous })
    }

    /// How many stand at a cursor or before it.
    fn behind(&self, view: &View, cursor: &str) -> Result<usize, Error> {
        let place = read(cursor).ok_or_else(|| {
            Error::invalid("after", cursor, "is no cursor of findings; use one that they came with")
        })?;
        Ok(match place {
            (code, At::Mapping(mapping)) => self.through(code, About::Mapping(mapping)),
            (code, At::Entity(position)) => match position.record(view) {
                Some(id) => self.through(code, About::Entity(id)),
                None => self.before(view, code, position.created_millis().unwrap_or_default()),
            },
        })
    }

    /// How many stand before those of a code and a millisecond.
    fn before(&self, view: &View, code: FindingCode, millis: i64) -> usize {
        let made = |finding: &Finding| (finding.code, made_millis(view, finding.at));
        self.all.partition_point(|finding| made(finding) < (code, millis))
    }

    /// How many stand at a record of a code or before it.
    fn through(&self, code: FindingCode, at: About) -> usize {
        self.all.partition_point(|finding| (finding.code, finding.at) <= (code, at))
    }
}

impl Finding {
    /// The cursor that stands at it: opaque, and stable across writes.
    #[must_use]
    pub fn cursor(&self, view: &View) -> String {
        let at = match self.at {
            About::Entity(id) => cursor(view, Order::default(), id),
            About::Mapping(id) => id.to_string(),
        };
        URL_SAFE_NO_PAD.encode(format!("{}{SEPARATOR}{at}", self.code.as_str()))
    }
}

/// Where a cursor stands among the findings of one code.
enum At {
    Entity(Position<'static>),
    Mapping(MappingId),
}

fn read(cursor: &str) -> Option<(FindingCode, At)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (code, at) = text.split_once(SEPARATOR)?;
    let code = FindingCode::named(code)?;
    let at = match code {
        FindingCode::MappingToEnded => At::Mapping(MappingId::parse(at).ok()?),
        _ => At::Entity(Position::read(Order::default(), "after", at).ok()?),
    };
    Some((code, at))
}

/// When a record was made. Numbers are given in that order.
fn made_millis(view: &View, at: About) -> i64 {
    at.entity().and_then(|id| view.entity(id)).map_or(0, |entity| entity.stamps.created_at.as_millis())
}
