//! The gate before everything: who may ask, how much, and how many at once.
//!
//! Who may not ask learns nothing, not even which paths exist: 401 comes before 404, 405, 415 and 400. A place is taken
//! once it is known for whom.

use std::pin::pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::server::admission::{Admission, Admitted, Asker, Refused};
use crate::server::exposure::{Exposure, Origin};
use crate::server::graphql;
use crate::server::loopback::from_this_machine;
use crate::server::metrics::Metrics;
use crate::server::outstanding::Outstanding;
use crate::server::peer::Peer;
use crate::server::problem::{Problem, Result};
use crate::server::state::AppState;
use crate::server::trace;

/// What stands before every request.
pub(super) struct Gate {
    state: AppState,
    admission: Arc<Admission>,
    welcome: Vec<Origin>,
    /// Whether what is served comes over TLS alone.
    pub(super) is_secure: bool,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// What a load balancer asks.
    Probe,
    /// A page, without a token.
    Page,
    /// A socket, which may bring its token later.
    Socket,
    /// What a token is needed for.
    Data,
}

impl Gate {
    pub(super) fn new(state: AppState, admission: Arc<Admission>, exposure: &Exposure) -> Arc<Self> {
        let is_secure = exposure.tls.is_some();
        Arc::new(Self { state, admission, welcome: exposure.cors_origins.clone(), is_secure })
    }

    pub(super) fn outstanding(&self) -> Outstanding {
        self.admission.outstanding.clone()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        self.state.metrics()
    }

    /// Lets a request in, or answers it. What a load balancer asks is answered also when all others are turned away.
    pub(super) async fn pass(&self, request: Request, next: Next) -> Response {
        let wants = Wants::of(&request);
        match self.is_in_place(&request, wants) {
            Err(problem) => problem.into_response(),
            Ok(()) => match wants {
                Wants::Probe => next.run(request).await,
                Wants::Page => match self.admission.place(&Asker::stranger(&request)) {
                    Ok(_place) => next.run(request).await,
                    Err(problem) => problem.into_response(),
                },
                Wants::Socket | Wants::Data => self.guarded(request, next, wants).await,
            },
        }
    }

    /// Refuses what may not be sent here by anyone.
    fn is_in_place(&self, request: &Request, wants: Wants) -> Result<()> {
        // What comes without a listener between names nobody.
        if request.extensions().get::<Peer>().is_some() && !names_its_host(request) {
            return Err(Problem::malformed("a request names its host once, in the header Host"));
        }
        if wants != Wants::Probe && self.state.is_open() {
            from_this_machine(request, &self.welcome)?;
        }
        Ok(())
    }

    /// Authenticates once and keeps the caller, with the one view of the request, for the extractors.
    async fn guarded(&self, mut request: Request, next: Next, wants: Wants) -> Response {
        let mut response = match self.admitted(&mut request, wants).await {
            Ok(mut admitted) => {
                let mut response = next.run(request).await;
                if let Some(left) = admitted.left.take() {
                    left.say(response.headers_mut());
                }
                response
            }
            Err(refused) => refused.into_response(),
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

    /// Who asks, how much more that one may, and a place for what is asked.
    async fn admitted(&self, request: &mut Request, wants: Wants) -> Result<Admitted, Refused> {
        let stranger = Asker::stranger(request);
        self.fetch_keys(request.headers(), &stranger).await?;
        match self.state.caller(request.headers()) {
            Ok(caller) => {
                let admitted = self.admission.admit(&Asker::known(&caller))?;
                trace::tell_actor(caller.grant.actor());
                request.extensions_mut().insert(caller);
                Ok(admitted)
            }
            Err(_) if wants == Wants::Socket => self.admission.admit(&stranger),
            Err(problem) => {
                self.admission.count(&stranger)?;
                Err(problem.into())
            }
        }
    }

    /// Waits for the keys that a token needs, with a place where there is something to wait for.
    async fn fetch_keys(&self, headers: &HeaderMap, stranger: &Asker) -> Result<()> {
        let mut fetched = pin!(self.state.fetch_keys(headers));
        if fetched.as_mut().now_or_never().is_none() {
            let _place = self.admission.place(stranger)?;
            fetched.await;
        }
        Ok(())
    }
}

impl Wants {
    /// `/metrics` needs a token, and everything beneath `/api` and `/graphql` does, but for the query page, and for the
    /// socket, which may bring its token later.
    fn of(request: &Request) -> Self {
        let (method, path) = (request.method(), request.uri().path());
        let beneath =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match path {
            probe if is_probe(probe) => Self::Probe,
            "/metrics" => Self::Data,
            "/graphql" if graphql::wants_page(request) => Self::Page,
            "/graphql/ws" if method == Method::GET || method == Method::HEAD => Self::Socket,
            _ if beneath("/api") || beneath("/graphql") => Self::Data,
            _ => Self::Page,
        }
    }
}

/// What a load balancer asks, and is answered also when all others are turned away.
pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
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
    fn only_pages_probes_and_sockets_are_open() {
        for (method, path, wanted) in [
            (Method::GET, "/", Wants::Page),
            (Method::GET, "/healthz", Wants::Probe),
            (Method::GET, "/readyz", Wants::Probe),
            (Method::GET, "/metrics", Wants::Data),
            (Method::GET, "/docs/", Wants::Page),
            (Method::GET, "/apiary", Wants::Page),
            (Method::GET, "/graphql", Wants::Page),
            (Method::HEAD, "/graphql", Wants::Page),
            (Method::GET, "/graphql?query=%7Brevision%7D", Wants::Data),
            (Method::GET, "/graphql?extensions=%7B%7D", Wants::Data),
            (Method::POST, "/graphql", Wants::Data),
            (Method::DELETE, "/graphql", Wants::Data),
            (Method::GET, "/graphql/ws", Wants::Socket),
            (Method::POST, "/graphql/ws", Wants::Data),
            (Method::GET, "/graphql/nothing", Wants::Data),
            (Method::GET, "/api", Wants::Data),
            (Method::GET, "/api/v2/data/people", Wants::Data),
            (Method::GET, "/api/v3/nothing", Wants::Data),
        ] {
            let request = Request::builder().method(&method).uri(path).header("accept", "text/html");
            assert_eq!(Wants::of(&request.body(Body::empty()).unwrap()), wanted, "{method} {path}");
        }
        let asks = Request::builder().uri("/graphql").body(Body::empty()).unwrap();
        assert_eq!(Wants::of(&asks), Wants::Data, "whoever wants no page");
    }

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
