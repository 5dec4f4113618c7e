//! The gate before everything: who may ask, how much, and how many at once.
//!
//! Who may not ask learns nothing, not even which paths exist: 401 comes before 404, 405, 415 and 400.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::server::exposure::{Exposure, Origin};
use crate::server::loopback::from_this_machine;
use crate::server::metrics::Metrics;
use crate::server::peer::Peer;
use crate::server::problem::Problem;
use crate::server::rate::{Left, Rates, TooMany};
use crate::server::state::{AppState, Caller};
use crate::server::trace;

/// What stands before every request.
pub(super) struct Gate {
    state: AppState,
    rates: Option<Rates>,
    /// A place for each request that is worked on.
    places: Semaphore,
    welcome: Vec<Origin>,
    /// Whether what is served comes over TLS alone.
    pub(super) is_secure: bool,
}

/// Why a request that needs a token goes no further.
enum Refused {
    Caller(Problem),
    Rate(TooMany),
}

impl Gate {
    pub(super) fn new(state: AppState, exposure: &Exposure) -> Arc<Self> {
        Arc::new(Self {
            state,
            rates: Rates::new(exposure.requests_a_second),
            places: Semaphore::new(exposure.requests_at_once),
            welcome: exposure.cors_origins.clone(),
            is_secure: exposure.tls.is_some(),
        })
    }

    pub(super) fn metrics(&self) -> &Metrics {
        self.state.metrics()
    }

    /// Lets a request in, or answers it. What a load balancer asks is answered also when all others are turned away.
    pub(super) async fn pass(&self, request: Request, next: Next) -> Response {
        if matches!(request.uri().path(), "/healthz" | "/readyz") {
            return next.run(request).await;
        }
        let Ok(_place) = self.places.try_acquire() else {
            let detail = "too many requests are being worked on; try again";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).into_response();
        };
        if self.state.is_open()
            && let Err(problem) = from_this_machine(&request, &self.welcome)
        {
            return problem.into_response();
        }
        self.guarded(request, next).await
    }

    /// Authenticates once and keeps the caller, with the one view of the request, for the extractors.
    async fn guarded(&self, mut request: Request, next: Next) -> Response {
        if !needs_token(&request) {
            return next.run(request).await;
        }
        self.state.fetch_keys(request.headers()).await;
        let mut response = match self.admitted(&request) {
            Ok((caller, left)) => {
                trace::tell_actor(caller.grant.actor());
                request.extensions_mut().insert(caller);
                let mut response = next.run(request).await;
                if let Some(left) = left {
                    left.say(response.headers_mut());
                }
                response
            }
            Err(Refused::Caller(problem)) => problem.into_response(),
            Err(Refused::Rate(too_many)) => too_many.into_response(),
        };
        let headers = response.headers_mut();
        headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("private, no-cache"));
        // What packs answers says so of itself alone.
        let vary = match headers.get(header::VARY).map(HeaderValue::as_bytes) {
            None => "Authorization, Accept",
            Some(b"accept-encoding") => "Authorization, Accept, Accept-Encoding",
            Some(_) => return response,
        };
        headers.insert(header::VARY, HeaderValue::from_static(vary));
        response
    }

    /// Who asks, and how much more that one may.
    fn admitted(&self, request: &Request) -> Result<(Caller, Option<Left>), Refused> {
        let rates = self.rates.as_ref();
        match self.state.caller(request.headers()) {
            Ok(caller) => {
                let left = rates.map(|rates| rates.of_token(caller.grant.actor())).transpose();
                Ok((caller, left.map_err(Refused::Rate)?))
            }
            Err(problem) => {
                if let (Some(rates), Some(peer)) = (rates, request.extensions().get::<Peer>()) {
                    rates.of_refused(*peer).map_err(Refused::Rate)?;
                }
                Err(Refused::Caller(problem))
            }
        }
    }
}

/// Everything beneath `/api` and `/graphql`, and `/metrics`, but the query page, and the socket, which brings its token later. What asks
/// by url is told from who wants the page by its token.
fn needs_token(request: &Request) -> bool {
    let (method, path) = (request.method(), request.uri().path());
    let beneath =
        |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let reads = method == Method::GET || method == Method::HEAD;
    match path {
        "/graphql" if reads => request.headers().contains_key(header::AUTHORIZATION),
        "/graphql/ws" if reads => false,
        "/metrics" => true,
        _ => beneath("/api") || beneath("/graphql"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_pages_probes_and_sockets_are_open() {
        for (method, path, needed) in [
            (Method::GET, "/", false),
            (Method::GET, "/healthz", false),
            (Method::GET, "/metrics", true),
            (Method::GET, "/docs/", false),
            (Method::GET, "/apiary", false),
            (Method::GET, "/graphql", false),
            (Method::POST, "/graphql", true),
            (Method::DELETE, "/graphql", true),
            (Method::GET, "/graphql/ws", false),
            (Method::GET, "/graphql/nothing", true),
            (Method::GET, "/api", true),
            (Method::GET, "/api/v2/data/people", true),
            (Method::GET, "/api/v3/nothing", true),
        ] {
            let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(needs_token(&request), needed, "{method} {path}");
        }
        let asks = Request::builder().uri("/graphql").header("authorization", "x").body(Body::empty());
        assert!(needs_token(&asks.unwrap()));
    }
}
