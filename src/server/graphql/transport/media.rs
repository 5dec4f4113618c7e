//! Which media type an answer has: `Accept`, as RFC 9110 weighs it.

use std::cmp::Reverse;

use axum::http::{HeaderMap, StatusCode, header};
use mime::Mime;

use crate::server::request::accept::weight;
use crate::server::response::problem::{Problem, Result};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
pub(in crate::server) const JSON: &str = "application/json";

/// Which of the two media types an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Media {
    /// The status is 200 whenever the answer is a GraphQL one.
    Json,
    /// The status tells whether the request was carried out.
    GraphqlResponse,
}

impl Media {
    /// The better liked of the two; of equally liked ones what is named before what `*` lets in, then what is named
    /// first. JSON where nothing is said.
    pub(in crate::server) fn accepted(headers: &HeaderMap) -> Result<Self> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let json = liking(&ranges, JSON);
        let response = liking(&ranges, GRAPHQL_RESPONSE);
        match (json, response) {
            (None, None) => {
                let detail = format!("accept {GRAPHQL_RESPONSE} or {JSON}");
                Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail))
            }
            _ if response > json => Ok(Self::GraphqlResponse),
            _ => Ok(Self::Json),
        }
    }

    /// The status of a GraphQL answer.
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

/// Whether a page is wanted, by name: what takes anything takes JSON.
pub(in crate::server) fn wants_page(headers: &HeaderMap) -> bool {
    ranges(headers).iter().any(|range| range.essence_str() == "text/html" && weight(range) > 0)
}

fn ranges(headers: &HeaderMap) -> Vec<Mime> {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|range| range.trim().parse().ok()).collect()
}

/// How much a media type is liked, how exactly it is named, and where; none when it is refused.
fn liking(ranges: &[Mime], media: &str) -> Option<(u16, u8, Reverse<usize>)> {
    let exactness = |range: &Mime| match (range.type_().as_str(), range.subtype().as_str()) {
        ("*", "*") => Some(0),
        ("application", "*") => Some(1),
        _ if range.essence_str() == media => Some(2),
        _ => None,
    };
    let fitting =
        ranges.iter().enumerate().filter_map(|(at, range)| Some((exactness(range)?, Reverse(at), range)));
    let (exact, at, range) = fitting.max_by_key(|(exact, at, _)| (*exact, *at))?;
    Some((weight(range), exact, at)).filter(|(weight, ..)| *weight > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_liked_one_is_taken() {
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
