//! Pages for browsers: a landing page, the OpenAPI document and its browsable form. Nothing comes from another host.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::server::graphql::schema_sdl;
use crate::server::response::compress::{AsItIs, Sent, takes_gzip};
use crate::server::response::problem::Problem;
use crate::server::rest::openapi;

const LANDING: &str = include_str!("pages/landing.html");
/// Swagger UI brings its scripts and sheets as files; it draws its icons from data urls. The hash is that of the one
/// style attribute of its page, which hides them.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(openapi);
static DOCS: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(true)));

/// Every page.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/openapi.json", get(document))
        .route("/schema.graphql", get(schema))
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async |headers: HeaderMap| docs("", &headers)))
        .route("/docs/{file}", get(docs_file))
}

/// A page as it is, and packed: made once, so that whoever asks often costs no more than the sending.
#[derive(Clone)]
struct StaticPage {
    plain: Sent,
    packed: Sent,
}

impl StaticPage {
    fn new(text: Vec<u8>) -> Self {
        Self { packed: Sent::packed(text.clone()), plain: Sent::plain(text) }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let sent = if takes_gzip(headers) { &self.packed } else { &self.plain };
        let mut response = sent.clone().into_response();
        response.extensions_mut().insert(AsItIs);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }
}

async fn document(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> =
        LazyLock::new(|| StaticPage::new(serde_json::to_vec(&*DOCUMENT).expect("the document is JSON")));
    let mut response = PAGE.answer(&headers);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn schema(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> = LazyLock::new(|| StaticPage::new(schema_sdl().into()));
    let mut response = PAGE.answer(&headers);
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

async fn landing() -> Response {
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = LANDING.replace("{nonce}", &nonce).replace("{version}", env!("CARGO_PKG_VERSION"));
    guarded(&policy, "text/html; charset=utf-8", page)
}

async fn docs_file(path: Result<RawPathParams, RawPathParamsRejection>, headers: HeaderMap) -> Response {
    match path {
        Ok(path) => docs(path.iter().next().map(|(_, file)| file).unwrap_or_default(), &headers),
        // What is no UTF-8 is the name of no file.
        Err(_) => no_such_page(),
    }
}

fn docs(file: &str, headers: &HeaderMap) -> Response {
    /// Each file that was asked for, and is one of Swagger UI's.
    static PAGES: Mutex<BTreeMap<String, (String, StaticPage)>> = Mutex::new(BTreeMap::new());
    let mut pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let (content_type, page) = match pages.entry(file.to_owned()) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => match utoipa_swagger_ui::serve(file, Arc::clone(&DOCS)) {
            Ok(Some(found)) => new.insert((found.content_type, StaticPage::new(found.bytes.into_owned()))),
            Ok(None) | Err(_) => return no_such_page(),
        },
    };
    let (content_type, answer) = (content_type.clone(), page.answer(headers));
    drop(pages);
    guarded(DOCS_POLICY, &content_type, answer)
}

fn no_such_page() -> Response {
    let detail = "there is no such page; the documentation is at /docs/";
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail).into_response()
}

fn guarded(policy: &str, content_type: &str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_TYPE, content_type),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
