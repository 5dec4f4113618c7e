//! Keys in a path: percent-decoded once, then parsed.
//!
//! `R&D`, `a%2Fb`, `+`, `%20` and any script arrive as they were meant; `+` is no space in a path.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::error::Error;
use crate::model::key::{Email, ProjectId};
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;
use crate::server::response::problem::{Problem, Result};

/// The key at the end of a path, or that of the unit in its middle.
pub(crate) struct PathKey<T>(pub T);

/// What can be a key in a path.
pub(crate) trait ParseKey: Sized {
    /// The kind of record that it names.
    const KIND: &'static str;
    /// Reads a decoded segment.
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
        Ok(Self::Text(segment.to_owned()))
    }
}

impl<S: Send + Sync, T: ParseKey> FromRequestParts<S> for PathKey<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        // axum matches the path as it was sent and decodes each segment once.
        let segments = RawPathParams::from_request_parts(parts, state).await.map_err(undecodable)?;
        let (_, segment) = segments.iter().next().expect("a route with a key has a segment for it");
        T::parse(segment).map(PathKey).map_err(|refusal| impossible::<T>(&refusal))
    }
}

/// No record can have such a key, so there is none; the message says what a key looks like.
fn impossible<T: ParseKey>(refusal: &Error) -> Problem {
    let detail = format!("there is no such {}: {refusal}", T::KIND);
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}

fn undecodable(_: RawPathParamsRejection) -> Problem {
    Problem::malformed("the path is not UTF-8 once percent-decoded; encode its keys as UTF-8")
}
