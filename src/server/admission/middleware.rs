//! The middleware before every route: authentication, admission, a time limit, and the memory of the answer.
//!
//! What must stay true: each router says what it needs no token for, and what says nothing needs one. An
//! unauthenticated client learns nothing, not even which paths exist: 401 comes before 404, 405, 415 and 400. A slot is
//! taken once it is known for whom.

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
use crate::server::auth::loopback::from_this_machine;
use crate::server::connection::config::Origin;
use crate::server::connection::peer::Peer;
use crate::server::limits::{ANSWER_WITHIN, COMPRESSED_MIN_BYTES};
use crate::server::response::compress::MayBePacked;
use crate::server::response::problem::{Problem, Result};
use crate::server::response::trace;

/// What stands before every route.
#[derive(Debug, Clone)]
pub(in crate::server) struct Admitting {
    authenticator: Arc<Authenticator>,
    admission: Arc<Admission>,
    /// The pages of other sites that a server without tokens answers to.
    origins: Arc<[Origin]>,
    access: Access,
    within: Duration,
}

/// Which access a route needs.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) enum Access {
    /// Load balancers: answered also when all others are turned away.
    Probe,
    /// Anyone: pages and documents without data.
    Anyone,
    /// Callers with a good token; anyone for what this function says is a page.
    TokenOrPage(fn(&Request) -> bool),
    /// Callers with a good token, or clients that will send one over the socket.
    Socket,
    /// Callers with a good token.
    Token,
}

impl Admitting {
    pub(in crate::server) fn new(
        authenticator: Arc<Authenticator>,
        admission: Arc<Admission>,
        origins: &[Origin],
    ) -> Self {
        Self {
            authenticator,
            admission,
            origins: origins.into(),
            access: Access::Token,
            within: ANSWER_WITHIN,
        }
    }

    /// The same for routes of other access.
    pub(in crate::server) fn with(&self, access: Access) -> Self {
        Self { access, ..self.clone() }
    }

    /// The same for routes whose answers may take longer to begin.
    pub(in crate::server) fn within(&self, within: Duration) -> Self {
        Self { within, ..self.clone() }
    }

    /// Puts the gate before all routes of a router, and before its fallback.
    pub(in crate::server) fn guard(self, router: Router) -> Router {
        let gzip =
            CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_MIN_BYTES).and(MayBePacked));
        // Before it is compressed an answer says how large it is.
        let counted = from_fn_with_state(self.admission.memory.clone(), in_flight);
        match self.access {
            Access::Probe => router.layer((from_fn_with_state(Arc::new(self), pass), gzip)),
            _ => router.layer((from_fn_with_state(Arc::new(self), pass), gzip, counted)),
        }
    }

    /// Refuses what nobody may send here.
    fn check(&self, request: &Request) -> Result<()> {
        // A request that comes without a listener names no host.
        if request.extensions().get::<Peer>().is_some() && !names_its_host(request) {
            return Err(Problem::malformed("a request names its host once, in the header Host"));
        }
        if self.authenticator.is_open() && !matches!(self.access, Access::Probe) {
            from_this_machine(request, &self.origins)?;
        }
        Ok(())
    }

    async fn answer(&self, request: Request, next: Next) -> Response {
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
        match self.admission.slot(&Principal::unauthenticated(&request)) {
            Ok(_slot) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    }

    /// Authenticates once, and keeps the caller for the extractors.
    async fn authenticated(&self, mut request: Request, next: Next) -> Response {
        let mut response = match self.admitted(&mut request).await {
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
        headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("private, no-cache"));
        // The compression layer says so of itself alone.
        let vary = match headers.get(header::VARY).map(HeaderValue::as_bytes) {
            None => "Authorization, Accept",
            Some(b"accept-encoding") => "Authorization, Accept, Accept-Encoding",
            Some(_) => return response,
        };
        headers.insert(header::VARY, HeaderValue::from_static(vary));
        response
    }

    /// Authenticates and counts a request, and gives it a slot.
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
            Err(_) if matches!(self.access, Access::Socket) && is_get(request) => {
                self.admission.admit(&unauthenticated)
            }
            Err(problem) => {
                self.admission.count(&unauthenticated)?;
                Err(problem.into())
            }
        }
    }

    /// Waits for the keys that a token needs, with a slot where there is something to wait for.
    async fn fetch_keys(&self, headers: &HeaderMap, unauthenticated: &Principal) -> Result<()> {
        let mut fetched = pin!(self.authenticator.fetch_keys(headers));
        if fetched.as_mut().now_or_never().is_none() {
            let _slot = self.admission.slot(unauthenticated)?;
            fetched.await;
        }
        Ok(())
    }
}

async fn pass(State(gate): State<Arc<Admitting>>, request: Request, next: Next) -> Response {
    let answer = gate.answer(request, next);
    tokio::time::timeout(gate.within, answer).await.unwrap_or_else(|_| too_late().into_response())
}

fn is_get(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

fn too_late() -> Problem {
    let detail =
        "the answer took too long; a change may still have been made: read the record before trying again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail)
}

/// RFC 9112, section 3.2: over HTTP/1.1, in a header of its own. HTTP/2 has another way.
fn names_its_host(request: &Request) -> bool {
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
    fn a_host_is_named_once() {
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
                names_its_host(&request.body(Body::empty()).unwrap()),
                is_taken,
                "{version:?} {hosts:?}"
            );
        }
    }
}
