//! What `Accept` says of a media range.

use mime::Mime;

/// The `q` of a range, in thousandths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1 before")]
pub(crate) fn weight(range: &Mime) -> u16 {
    let q = range.get_param("q").and_then(|q| q.as_str().parse::<f32>().ok()).unwrap_or(1.0);
    (q.clamp(0.0, 1.0) * 1000.0) as u16
}
