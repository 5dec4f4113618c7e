//! Content negotiation of GraphQL responses: `Accept` with quality values, as in RFC 9110.

use std::cmp::Reverse;

use axum::http::{HeaderMap, StatusCode, header};
use mime::Mime;

use crate::server::request::accept::{media_ranges, weight};
use crate::server::response::problem::{Problem, Result};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
pub(in crate::server) const JSON: &str = "application/json";

/// The media types of a GraphQL response, which differ in their use of status codes (GraphQL over HTTP).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Media {
    /// `application/json`: the status of every well-formed GraphQL response is 200.
    Json,
    /// `application/graphql-response+json`: the status is 400 if the request was refused before execution.
    GraphqlResponse,
}

impl Media {
    /// Negotiates the media type: the higher quality; between equal ones the more specific range, then the first named.
    /// JSON without `Accept`, and for `*/*`.
    ///
    /// # Errors
    /// The client accepts neither (406).
    pub(in crate::server) fn accepted(headers: &HeaderMap) -> Result<Self> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let json = preference(&ranges, JSON);
        let response = preference(&ranges, GRAPHQL_RESPONSE);
        match (json, response) {
            (None, None) => {
                let detail = format!("accept {GRAPHQL_RESPONSE} or {JSON}");
                Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail))
            }
            // Strictly: for `*/*` both are equal, and clients that predate the newer type must get JSON.
            _ if response > json => Ok(Self::GraphqlResponse),
            _ => Ok(Self::Json),
        }
    }

    /// The status of a GraphQL response.
    pub(in crate::server) fn status(self, refused: bool) -> StatusCode {
        match self {
            Self::GraphqlResponse if refused => StatusCode::BAD_REQUEST,
            Self::GraphqlResponse | Self::Json => StatusCode::OK,
        }
    }

    pub(in crate::server) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// Whether the client accepts HTML explicitly, as browsers do. `*/*` is not enough: programs send it and expect JSON.
pub(in crate::server) fn wants_page(headers: &HeaderMap) -> bool {
    ranges(headers).iter().any(|range| range.essence_str() == "text/html" && weight(range) > 0)
}

fn ranges(headers: &HeaderMap) -> Vec<Mime> {
    media_ranges(headers, &header::ACCEPT)
}

/// The client's preference of a media type: quality, specificity, and position. None if it is not accepted.
fn preference(ranges: &[Mime], media: &str) -> Option<(u16, u8, Reverse<usize>)> {
    let exactness = |range: &Mime| match (range.type_().as_str(), range.subtype().as_str()) {
        ("*", "*") => Some(0),
        ("application", "*") => Some(1),
        _ if range.essence_str() == media => Some(2),
        _ => None,
    };
    let fitting =
        ranges.iter().enumerate().filter_map(|(at, range)| Some((exactness(range)?, Reverse(at), range)));
    // The most specific range decides even if its quality is lower, so `json;q=0, */*` excludes JSON.
    let (exact, at, range) = fitting.max_by_key(|(exact, at, _)| (*exact, *at))?;
    Some((weight(range), exact, at)).filter(|(weight, ..)| *weight > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_quality_wins() {
        for (accept, expected) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("Application/JSON; charset=utf-8", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("application/graphql-response+json; charset=utf-8", Some(Media::GraphqlResponse)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphqlResponse)),
            ("application/json;q=0.9, application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            ("application/graphql-response+json, application/json", Some(Media::GraphqlResponse)),
            ("application/graphql-response+json;q=0.1, */*", Some(Media::Json)),
            ("*/*, application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("application/json;q=0, */*", Some(Media::GraphqlResponse)),
            ("application/json;q=0", None),
            ("application/json ; q=0.5 , application/graphql-response+json ; q=0.4", Some(Media::Json)),
            ("text/html", None),
            ("text/html, */*;q=0.1", Some(Media::Json)),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(Media::accepted(&headers).ok(), expected, "{accept:?}");
        }
    }
}
