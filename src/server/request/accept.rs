//! Media ranges and other lists in headers (RFC 9110, sections 5.6 and 12.5).

use axum::http::{HeaderMap, HeaderName};
use mime::Mime;

/// The elements of all lines of a list header, without the blanks around them. Commas inside quotes separate nothing.
pub(crate) fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| split_outside_quotes(line, ',')).filter(|element| !element.is_empty())
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |letter| {
        is_quoted ^= letter == '"';
        letter == separator && !is_quoted
    })
    .map(str::trim)
}

/// Parses a media type or range. Blanks around its semicolons are allowed, which the crate `mime` refuses.
pub(crate) fn media_type(text: &str) -> Option<Mime> {
    let parts: Vec<&str> = split_outside_quotes(text, ';').filter(|part| !part.is_empty()).collect();
    parts.join(";").parse().ok()
}

/// The media ranges of a header. Ranges that cannot be parsed are left out, so that a strange one beside a good one
/// refuses nothing.
pub(crate) fn media_ranges(headers: &HeaderMap, name: &HeaderName) -> Vec<Mime> {
    elements(headers, name).filter_map(media_type).collect()
}

/// The quality value `q` of a media range, in thousandths; 1000 if it is absent or not a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1 before")]
pub(crate) fn weight(range: &Mime) -> u16 {
    // RFC 9110 allows three digits after the point. As whole numbers the qualities compare exactly.
    let q = range.get_param("q").and_then(|q| q.as_str().parse::<f32>().ok()).unwrap_or(1.0);
    (q.clamp(0.0, 1.0) * 1000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};

    #[test]
    fn blanks_and_quotes_are_read_as_in_rfc_9110() {
        for (text, expected) in [
            ("application/json ; charset=utf-8", Some("application/json;charset=utf-8")),
            ("application/json;charset=utf-8", Some("application/json;charset=utf-8")),
            ("text/csv \t;\t q=1 ", Some("text/csv;q=1")),
            ("text/csv;", Some("text/csv")),
            ("text / csv", None),
            ("", None),
        ] {
            assert_eq!(media_type(text).map(|mime| mime.to_string()).as_deref(), expected, "{text:?}");
        }
        let mut headers = HeaderMap::new();
        for line in ["\"a,*,b\", W/\"c\" ,", "*", " , d"] {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(line));
        }
        let all: Vec<_> = elements(&headers, &header::IF_NONE_MATCH).collect();
        assert_eq!(all, ["\"a,*,b\"", "W/\"c\"", "*", "d"]);
    }
}
