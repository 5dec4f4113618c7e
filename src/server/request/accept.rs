//! Quality values of the media ranges in an `Accept` header.

use mime::Mime;

/// The quality value `q` of a media range, in thousandths; 1000 if it is absent or not a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1 before")]
pub(crate) fn weight(range: &Mime) -> u16 {
    // RFC 9110 allows three digits after the point. As whole numbers the qualities compare exactly.
    let q = range.get_param("q").and_then(|q| q.as_str().parse::<f32>().ok()).unwrap_or(1.0);
    (q.clamp(0.0, 1.0) * 1000.0) as u16
}
