//! The query page: a browser client for this server's `/graphql`, in one HTML file.
//!
//! Invariant: the page loads nothing from other hosts and has no secret of the server.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PAGE: &str = include_str!("page.html");

/// The query page. It is public; its queries need a token, which the user enters.
pub(crate) fn page() -> Response {
    // The page keeps the user's token in session storage, so no injected script may run. A new nonce per response: one
    // that repeats could be learned and reused.
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        // The body contains the nonce of this response's policy: a cached body would not match another policy.
        (header::CACHE_CONTROL, "no-store".to_owned()),
        // The same URL serves JSON to programs.
        (header::VARY, "Accept".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, PAGE.replace("{{nonce}}", &nonce)).into_response()
}
