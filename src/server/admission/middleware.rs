//! The authentication and admission middleware of every route: checks of `Host` and origin, authentication, rate limit,
//! request quota, response timeout, compression, and memory of the response.
//!
//! Invariant: a route needs a token unless its router says otherwise. An unauthenticated client learns nothing, not
//! even which paths exist: 401 comes before 404, 405, 415 and 400.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

use crate::server::admission::memory::in_flight;
use crate::server::admission::work::RequestWork;
use crate::server::admission::{Admission, Admitted, Refused};
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::Principal;
use crate::server::auth::loopback::require_local;
use crate::server::connection::config::Origin;
use crate::server::connection::peer::Peer;
use crate::server::limits::{COMPRESSED_MIN_BYTES, RESPONSE_TIMEOUT};
use crate::server::response::compress::MayCompress;
use crate::server::response::compressed;
use crate::server::response::problem::{Problem, Result};
use crate::server::response::trace;

/// The middleware of one group of routes.
#[derive(Debug, Clone)]
pub(in crate::server) struct AdmissionMiddleware {
    authenticator: Arc<Authenticator>,
    admission: Arc<Admission>,
    /// The origins other than its own whose pages may use a server without tokens.
    origins: Arc<[Origin]>,
    access: Access,
    /// Maximum time until the response begins.
    within: Duration,
}

/// Which access a route needs.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) enum Access {
    /// Health probes: no token, no quotas, no loopback check. They work while all other requests are refused.
    Probe,
    /// No token: pages and documents without data.
    Anyone,
    /// A valid token, except for requests that this function recognizes as a page.
    TokenOrPage(fn(&Request) -> bool),
    /// A valid token, or a WebSocket upgrade whose client will send one over the socket.
    Socket,
    /// A valid token.
    Token,
}

impl AdmissionMiddleware {
    pub(in crate::server) fn new(
        authenticator: Arc<Authenticator>,
        admission: Arc<Admission>,
        origins: &[Origin],
    ) -> Self {
        Self {
            authenticator,
            admission,
            origins: origins.into(),
            // The strictest by default, so that a forgotten route is closed and not open.
            access: Access::Token,
            within: RESPONSE_TIMEOUT,
        }
    }

    /// The same middleware with other access.
    pub(in crate::server) fn with(&self, access: Access) -> Self {
        Self { access, ..self.clone() }
    }

    /// The same middleware with another response timeout.
    pub(in crate::server) fn within(&self, within: Duration) -> Self {
        Self { within, ..self.clone() }
    }

    /// Adds the middleware to all routes of a router and to its fallback.
    pub(in crate::server) fn guard(self, router: Router) -> Router {
        let gzip =
            CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_MIN_BYTES).and(MayCompress));
        // Innermost, since a response has a known size only before it is compressed.
        let counted = from_fn_with_state(self.admission.memory.clone(), in_flight);
        match self.access {
            // Probes take no memory from the budget: a server that is only busy must not look dead.
            Access::Probe => router.layer((from_fn_with_state(Arc::new(self), admit), gzip)),
            _ => router.layer((from_fn_with_state(Arc::new(self), admit), gzip, counted)),
        }
    }

    /// Refuses requests that are refused for everyone: without a proper `Host`, or from another site.
    fn check(&self, request: &Request) -> Result<()> {
        // Requests of an embedding process, without a connection, have no `Host`.
        if request.extensions().get::<Peer>().is_some() && !has_valid_host(request) {
            return Err(Problem::malformed("a request must have exactly one valid Host header"));
        }
        if self.authenticator.is_open() && !matches!(self.access, Access::Probe) {
            require_local(request, &self.origins)?;
        }
        Ok(())
    }

    async fn respond(&self, request: Request, next: Next) -> Response {
        if let Err(problem) = self.check(&request) {
            return problem.into_response();
        }
        let needs_token = match self.access {
            Access::Probe => return next.run(request).await,
            Access::Anyone => false,
            Access::TokenOrPage(is_page) => !is_page(&request),
            Access::Socket | Access::Token => true,
        };
        if needs_token {
            return self.authenticated(request, next).await;
        }
        // The rate of an address is for attempts to authenticate. Pages only count as requests in flight.
        match self.admission.permit(&Principal::unauthenticated(&request)) {
            Ok(_permit) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    }

    /// Authenticates the request, passes it on, and adds rate limit and cache headers to the response.
    async fn authenticated(&self, mut request: Request, next: Next) -> Response {
        let mut response = match self.admitted(&mut request).await {
            // `admitted` is the request's permit, and lives until the response begins.
            Ok(mut admitted) => {
                let mut response = next.run(request).await;
                if let Some(remaining) = admitted.remaining.take() {
                    remaining.write(response.headers_mut());
                }
                response
            }
            Err(refused) => refused.into_response(),
        };
        let headers = response.headers_mut();
        // `private`: no shared cache may store what one token sees. `no-cache`: revalidate by ETag before each use.
        headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("private, no-cache"));
        // Set here, since the compression layer adds `Accept-Encoding` alone. A handler's own value is kept.
        let vary = match headers.get(header::VARY).map(HeaderValue::as_bytes) {
            None => "Authorization, Accept",
            Some(b"accept-encoding") => "Authorization, Accept, Accept-Encoding",
            Some(_) => return response,
        };
        headers.insert(header::VARY, HeaderValue::from_static(vary));
        response
    }

    /// Authenticates a request, counts it, and takes a permit. The caller goes into the request's extensions.
    async fn admitted(&self, request: &mut Request) -> Result<Admitted, Refused> {
        let unauthenticated = Principal::unauthenticated(request);
        self.fetch_keys(request.headers(), &unauthenticated).await?;
        match self.authenticator.caller(request.headers()) {
            Ok(caller) => {
                let admitted = self.admission.admit(&caller.principal())?;
                trace::record_actor(caller.actor());
                request
                    .extensions_mut()
                    .insert(RequestWork::new(Arc::clone(&self.admission), caller.clone()));
                request.extensions_mut().insert(caller);
                Ok(admitted)
            }
            // A browser cannot set `Authorization` on a WebSocket: the token comes in `connection_init`. Opening one
            // counts against the rate of its address.
            Err(_) if matches!(self.access, Access::Socket) && is_get(request) => {
                self.admission.admit(&unauthenticated)
            }
            Err(problem) => {
                // Before the 401, so that guessing tokens is slowed down to 429.
                self.admission.count(&unauthenticated)?;
                Err(problem.into())
            }
        }
    }

    /// Waits for the identity provider's keys that a token needs. Takes a permit only if it has to wait.
    async fn fetch_keys(&self, headers: &HeaderMap, unauthenticated: &Principal) -> Result<()> {
        let mut fetched = pin!(self.authenticator.fetch_keys(headers));
        if fetched.as_mut().now_or_never().is_none() {
            // The token may be anything yet, so the wait counts for the address. Otherwise any number of requests with
            // unknown key ids could wait for the provider.
            let _permit = self.admission.permit(unauthenticated)?;
            fetched.await;
        }
        Ok(())
    }
}

async fn admit(State(admitting): State<Arc<AdmissionMiddleware>>, request: Request, next: Next) -> Response {
    let response = admitting.respond(request, next);
    // Ends when the response begins. Bodies have limits of their own, see `connection/io.rs`.
    let response = tokio::time::timeout(admitting.within, response).await;
    let mut response = response.unwrap_or_else(|_| timed_out().into_response());
    compressed::tag_encoding(response.headers_mut());
    response
}

fn is_get(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

fn timed_out() -> Problem {
    let detail =
        "the response took too long; a change may still have been made: read the record before trying again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail)
}

/// Whether the `Host` header is as RFC 9112, section 3.2, has it: exactly one over HTTP/1.1, and a valid one.
// HTTP/1.0 needs none, and HTTP/2 has `:authority`. Two headers could mean one host to a proxy and another here.
fn has_valid_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        (Some(host), None) => {
            let is_host = |host: Authority| !host.as_str().contains('@');
            host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(is_host)
        }
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn the_host_header_is_checked() {
        for (version, hosts, is_taken) in [
            (Version::HTTP_11, &["clade.example:7171"][..], true),
            (Version::HTTP_11, &["[::1]:7171"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a.example", "a.example"], false),
            (Version::HTTP_11, &["a b"], false),
            (Version::HTTP_11, &["a.example/x"], false),
            (Version::HTTP_11, &["ada@a.example"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a.example", "a.example"], false),
            (Version::HTTP_2, &[], true),
        ] {
            let request = Request::builder().version(version).uri("/");
            let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
            assert_eq!(
                has_valid_host(&request.body(Body::empty()).unwrap()),
                is_taken,
                "{version:?} {hosts:?}"
            );
        }
    }
}
