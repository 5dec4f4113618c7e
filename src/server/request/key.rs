//! Record keys in a URL path: percent-decoded once, then parsed.
//!
//! `R&D`, `a%2Fb`, `%20` and all of Unicode arrive unchanged; `+` is a plus sign in a path, not a space.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::error::Error;
use crate::model::key::{Email, ProjectId};
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;
use crate::server::response::problem::{Problem, Result};

/// Extractor of the one key in a path. 404 if no record can have such a key, 400 if it is not UTF-8.
pub(crate) struct PathKey<T>(pub T);

/// A type that can be a key in a path.
pub(crate) trait ParseKey: Sized {
    /// The kind of record that it identifies, for messages.
    const KIND: &'static str;
    /// Parses a decoded segment.
    fn parse(segment: &str) -> Result<Self, Error>;
}

impl ParseKey for Email {
    const KIND: &'static str = "person";

    fn parse(segment: &str) -> Result<Self, Error> {
        Self::parse(segment)
    }
}

impl ParseKey for ProjectId {
    const KIND: &'static str = "project";

    fn parse(segment: &str) -> Result<Self, Error> {
        Self::parse(segment)
    }
}

impl ParseKey for MappingId {
    const KIND: &'static str = "mapping";

    fn parse(segment: &str) -> Result<Self, Error> {
        Self::parse(segment)
    }
}

impl ParseKey for UnitRef {
    const KIND: &'static str = "unit";

    fn parse(segment: &str) -> Result<Self, Error> {
        // Always parses: whether it is a key, an external id, a path or a name is decided by what the view contains.
        Ok(Self::Text(segment.to_owned()))
    }
}

impl<S: Send + Sync, T: ParseKey> FromRequestParts<S> for PathKey<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        // axum matches the path as it was sent and decodes each segment once. A second decoding here would turn the key
        // `a%2Fb`, sent as `a%252Fb`, into `a/b`.
        let segments = RawPathParams::from_request_parts(parts, state).await.map_err(undecodable)?;
        let (_, segment) = segments.iter().next().expect("a route with a key has a segment for it");
        T::parse(segment).map(PathKey).map_err(|refusal| impossible::<T>(&refusal))
    }
}

/// 404 for a text that cannot be a key; the message says what a key looks like.
// Not 400: for the caller the record simply does not exist, just as if another valid key were missing.
fn impossible<T: ParseKey>(refusal: &Error) -> Problem {
    let detail = format!("no such {}: {refusal}", T::KIND);
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}

fn undecodable(_: RawPathParamsRejection) -> Problem {
    Problem::malformed("the percent-decoded path is not valid UTF-8; encode the keys in it as UTF-8")
}
