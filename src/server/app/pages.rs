//! Pages for browsers and tools: the landing page, the error codes, `/openapi.json`, `/schema.graphql`, and Swagger UI at
//! `/docs/`.
//!
//! Invariant: no page loads anything from another host, and each has a strict content security policy.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mime::Mime;
use pulldown_cmark::{Event, Options, Parser, Tag, html};
use utoipa::openapi::OpenApi;

use crate::server::app::swagger_ui;
use crate::server::graphql::schema_sdl;
use crate::server::request::accept::{elements, media_ranges, weight};
use crate::server::response::compress::{NoCompression, Sent, accepts_gzip};
use crate::server::response::compressed;
use crate::server::response::problem::Problem;
use crate::server::rest::openapi;

const LANDING: &str = include_str!("pages/landing.html");
const ERRORS: &str = include_str!("pages/errors.html");
const ERROR_CODES: &str = include_str!("../../../docs/error-codes.md");
const NOT_FOUND: &str = include_str!("pages/not-found.html");
const STYLE: &str = include_str!("pages/page.css");
const ICON: &str = include_str!("pages/favicon.svg");
/// The content security policy of pages whose style sheet is a file.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// The content security policy of Swagger UI, which has its scripts and style sheets as files and its icons as data
/// URLs.
// The hash allows the one inline style attribute of its page, which hides the icon sprite. It has to be computed anew
// when an update of Swagger UI changes that attribute.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(openapi);

/// The routes of all pages.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/errors", get(errors))
        .route("/page.css", get(async |headers: HeaderMap| style(&headers)))
        .route("/favicon.ico", get(async |headers: HeaderMap| icon(&headers)))
        .route("/openapi.json", get(document))
        .route("/schema.graphql", get(schema))
        // The page links to its scripts relatively, so its address has to end in a slash.
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async |headers: HeaderMap| docs("index.html", &headers)))
        .route("/docs/{file}", get(docs_file))
}

/// A static page, plain and compressed with gzip. Both are made once, so that a request costs only the sending.
#[derive(Clone)]
struct StaticPage {
    tag: String,
    plain: Sent,
    gzipped: Sent,
}

impl StaticPage {
    fn new(text: Vec<u8>) -> Self {
        // 64 bits: the tags are compared with those of earlier versions of this page alone.
        let tag = format!("\"{}\"", &blake3::hash(&text).to_hex()[..16]);
        Self { tag, gzipped: Sent::gzip_always(text.clone()), plain: Sent::plain(text) }
    }

    fn respond(&self, headers: &HeaderMap) -> Response {
        let is_known = elements(headers, &header::IF_NONE_MATCH).any(|theirs| {
            let theirs = compressed::without_suffix(theirs);
            theirs == "*" || theirs.strip_prefix("W/").unwrap_or(&theirs) == self.tag
        });
        let sent = if accepts_gzip(headers) { &self.gzipped } else { &self.plain };
        let mut response =
            if is_known { StatusCode::NOT_MODIFIED.into_response() } else { sent.clone().into_response() };
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        // Revalidate each time: a new version of the server brings other content under the same names.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // Also on the plain form: otherwise the compression layer would compress it anew for every request.
        response.extensions_mut().insert(NoCompression);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }
}

async fn document(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> =
        LazyLock::new(|| StaticPage::new(serde_json::to_vec(&*DOCUMENT).expect("the document is JSON")));
    let mut response = PAGE.respond(&headers);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn schema(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> = LazyLock::new(|| StaticPage::new(schema_sdl().into()));
    let mut response = PAGE.respond(&headers);
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

async fn landing() -> Response {
    // A nonce per response rather than a hash: the page's style sheet can be edited without computing anything.
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = LANDING.replace("{nonce}", &nonce).replace("{version}", env!("CARGO_PKG_VERSION"));
    with_policy(&policy, "text/html; charset=utf-8", page)
}

async fn errors(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> = LazyLock::new(|| {
        let mut codes = String::new();
        html::push_html(&mut codes, with_anchors(Parser::new_ext(ERROR_CODES, Options::ENABLE_TABLES)));
        StaticPage::new(ERRORS.replace("{codes}", &codes).into())
    });
    with_policy(PAGE_POLICY, "text/html; charset=utf-8", PAGE.respond(&headers))
}

/// Makes the codes in the first column of each table anchors, to which the `type` of problems leads.
fn with_anchors<'t>(document: impl Iterator<Item = Event<'t>>) -> impl Iterator<Item = Event<'t>> {
    let mut column = 0;
    document.map(move |event| {
        match &event {
            Event::Start(Tag::TableRow | Tag::TableHead) => column = 0,
            Event::Start(Tag::TableCell) => column += 1,
            Event::Code(code) if column == 1 => {
                return Event::InlineHtml(format!("<code id=\"{code}\">{code}</code>").into());
            }
            _ => {}
        }
        event
    })
}

fn style(headers: &HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> = LazyLock::new(|| StaticPage::new(STYLE.into()));
    with_policy(PAGE_POLICY, "text/css; charset=utf-8", PAGE.respond(headers))
}

fn icon(headers: &HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> = LazyLock::new(|| StaticPage::new(ICON.into()));
    with_policy(PAGE_POLICY, "image/svg+xml", PAGE.respond(headers))
}

/// 404: as a page if the client accepts one, which browsers do, and else as the problem with this detail.
pub(super) fn not_found(headers: &HeaderMap, detail: impl Into<String>) -> Response {
    let is_html = |range: &Mime| range.essence_str() == "text/html" && weight(range) > 0;
    let problem = Problem::new(StatusCode::NOT_FOUND, "not-found", detail).into_response();
    if !media_ranges(headers, &header::ACCEPT).iter().any(is_html) {
        return problem;
    }
    // The parts of the problem's response that metrics read stay.
    let (parts, _) = problem.into_parts();
    let mut page = with_policy(PAGE_POLICY, "text/html; charset=utf-8", NOT_FOUND);
    *page.status_mut() = parts.status;
    *page.extensions_mut() = parts.extensions;
    page
}

async fn docs_file(path: Result<RawPathParams, RawPathParamsRejection>, headers: HeaderMap) -> Response {
    match path {
        Ok(path) => docs(path.iter().next().map(|(_, file)| file).unwrap_or_default(), &headers),
        // No file name of Swagger UI is invalid UTF-8, so this is a 404 like any other unknown name.
        Err(_) => no_such_page(&headers),
    }
}

fn docs(file: &str, headers: &HeaderMap) -> Response {
    /// The files of Swagger UI that were requested so far, with their media types.
    // Only files that exist are added, so that invented names cannot make it grow.
    static PAGES: Mutex<BTreeMap<String, (&str, StaticPage)>> = Mutex::new(BTreeMap::new());
    let mut pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let (content_type, page) = match pages.entry(file.to_owned()) {
        Entry::Occupied(known) => known.into_mut(),
        // The first request for a file compresses it with the lock locked. The files are few and of fixed size, so other
        // requests wait for milliseconds, once.
        Entry::Vacant(new) => match swagger_ui::file(file) {
            Some((content_type, content)) => new.insert((content_type, StaticPage::new(content))),
            None => return no_such_page(headers),
        },
    };
    let (content_type, response) = (*content_type, page.respond(headers));
    drop(pages);
    with_policy(DOCS_POLICY, content_type, response)
}

fn no_such_page(headers: &HeaderMap) -> Response {
    not_found(headers, "no such page; the documentation is at /docs/")
}

fn with_policy(policy: &str, content_type: &str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_TYPE, content_type),
        (header::REFERRER_POLICY, "no-referrer"),
        // Revalidate each time: a new version of the server brings other files under the same names.
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
