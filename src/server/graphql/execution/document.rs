//! The document cache: parsed GraphQL documents by the SHA-256 of their text.
//!
//! Invariant: nothing that depends on variables is cached. The cost of a document with variables is checked in every
//! request; the cost of one without is constant and checked once.

use std::sync::{Arc, OnceLock};

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::server::cache::{Cache, Digest, SizeBytes};
use crate::server::graphql::execution::escapes::readable;
use crate::server::graphql::execution::lexical::Extent;
use crate::server::graphql::execution::limits::{BRACKETS_MAX, DOCUMENT_MAX, TOKENS_MAX, over};
use crate::server::graphql::execution::validation::{Disclosure, ValidOperations};
use crate::server::graphql::execution::{cost, introspection, typename};
use crate::server::graphql::transport::persisted;
use crate::server::response::problem::{Problem, Result};

/// Capacity of the document cache, in bytes. With eight shards, the longest document (64 KiB of text, counted as
/// 6.4 MiB) fits into one.
const CAPACITY_BYTES: u64 = 64 << 20;
/// Typical size of a parsed document, in bytes: from it the cache estimates how many entries it will have.
const TYPICAL_BYTES: u64 = 16 << 10;
/// Memory of a parsed document as a multiple of its text, at worst: a field of one letter takes some 200 bytes.
const PARSED_TIMES: u64 = 100;

/// A GraphQL request as the client sends it.
///
/// ```
/// use clade::server::app::{DocumentSource, GraphqlRequest, execute};
/// use serde_json::json;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example").first_name("Ada"))?;
/// let text = "query($email: String!) { person(email: $email) { firstName } }".to_owned();
/// let variables = [("email".to_owned(), json!("ada@corp.example"))].into_iter().collect();
/// let request = GraphqlRequest { document: DocumentSource::Text(text), operation_name: None, variables };
/// let response = runtime.block_on(execute(directory, request));
/// assert_eq!(serde_json::to_value(&response)?, json!({"data": {"person": {"firstName": "Ada"}}}));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct GraphqlRequest {
    /// The document.
    pub document: DocumentSource,
    /// The operation to execute. May be `None` if the document has only one.
    pub operation_name: Option<String>,
    /// The values of the variables.
    pub variables: Map<String, Value>,
}

/// How a request refers to its document.
///
/// ```
/// use clade::server::app::{DocumentSource, GraphqlRequest, execute};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let directory = clade::Directory::in_memory()?;
/// let document = DocumentSource::Hash([0; 32]); // no text was sent with this hash
/// let request = GraphqlRequest { document, operation_name: None, variables: serde_json::Map::new() };
/// let response = runtime.block_on(execute(directory, request));
/// assert!(response.is_refused());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub enum DocumentSource {
    /// By its text.
    Text(String),
    /// By its text and the SHA-256 of it: registers a persisted query.
    TextWithHash(String, [u8; 32]),
    /// By the SHA-256 of its text alone: a persisted query that was sent before.
    Hash([u8; 32]),
}

impl DocumentSource {
    /// The SHA-256 of the document's text.
    ///
    /// # Errors
    /// The text is too long, or its SHA-256 differs from the client's.
    pub(in crate::server) fn digest(&self) -> Result<Digest> {
        let (text, claimed) = match self {
            Self::Text(text) => (text, None),
            Self::TextWithHash(text, claimed) => (text, Some(claimed)),
            Self::Hash(claimed) => return Ok(*claimed),
        };
        // Before hashing: the body may be megabytes, which only variables need.
        if text.len() > DOCUMENT_MAX {
            return Err(over("bytes", text.len() as u64, DOCUMENT_MAX as u64));
        }
        let digest = Sha256::digest(text).into();
        // The cache is shared by all callers: an unchecked digest would let one of them replace another's document.
        if claimed.is_some_and(|claimed| *claimed != digest) {
            return Err(persisted::hash_mismatch());
        }
        Ok(digest)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::TextWithHash(text, _) => Some(text),
            Self::Hash(_) => None,
        }
    }
}

/// A parsed document within all limits that do not depend on variables.
#[derive(Debug)]
pub(in crate::server) struct Document {
    pub(in crate::server) parsed: Arc<ExecutableDocument>,
    text: Box<str>,
    /// Its cost, already checked. `None` if page sizes are variables.
    cost: Option<u64>,
    disclosure: Disclosure,
    /// The result of validation, once the limits of a request have been checked.
    validated: OnceLock<Result<ValidOperations>>,
    /// Whether its response depends only on the revision and the caller's scope and role.
    pub(in crate::server) is_cacheable: bool,
}

/// The fields whose value changes without a commit, or from caller to caller of the same role and scope.
const UNCACHEABLE_FIELDS: [&str; 2] = ["lastUsedAt", "viewer"];

impl SizeBytes for Arc<Document> {
    fn size_bytes(&self) -> u64 {
        self.text.len() as u64 * PARSED_TIMES
    }
}

impl Document {
    fn parse(text: &str, disclosure: Disclosure) -> Result<Self> {
        // Before parsing: the parser recurses per bracket and could overflow the stack.
        let Extent { tokens, nesting } = Extent::of(text);
        if nesting > BRACKETS_MAX {
            return Err(over("levels of brackets", nesting as u64, BRACKETS_MAX as u64));
        }
        if tokens > TOKENS_MAX {
            return Err(over("tokens", tokens as u64, TOKENS_MAX as u64));
        }
        let mut parsed = parse_query(readable(text)).map_err(|refusal| syntax_error(&refusal))?;
        // Refused here, since async-graphql's own switch gives neither data nor an error that says why.
        if !disclosure.names && introspection::is_requested(&parsed) {
            return Err(introspection::refused());
        }
        typename::expose(&mut parsed)?;
        // On the text, which may also match in a comment or alias. That costs a cache entry and is never wrong.
        let is_cacheable = !UNCACHEABLE_FIELDS.iter().any(|field| text.contains(field));
        // A document above a limit is refused with each request, whose variables may be what is too large.
        let cost = cost::check(&parsed, &Variables::default()).ok();
        let cost = cost.filter(|cost| !cost.is_variable).map(|cost| cost.fields);
        let (parsed, text) = (Arc::new(parsed), text.into());
        Ok(Self { parsed, text, cost, disclosure, validated: OnceLock::new(), is_cacheable })
    }

    /// Its operations, if it is valid. To be called only after [`Self::cost`], which limits what validation visits.
    ///
    /// # Errors
    /// It breaks rules of the specification.
    pub(in crate::server) fn valid_operations(&self) -> Result<&ValidOperations> {
        let validated = self.validated.get_or_init(|| ValidOperations::of(&self.text, self.disclosure));
        validated.as_ref().map_err(Clone::clone)
    }

    /// Its cost with these variables.
    ///
    /// # Errors
    /// It exceeds a limit.
    pub(in crate::server) fn cost(&self, variables: &Variables) -> Result<u64> {
        self.cost.map_or_else(|| Ok(cost::check(&self.parsed, variables)?.fields), Ok)
    }
}

/// The cache of parsed documents.
#[derive(Debug)]
pub(in crate::server) struct Documents {
    cache: Cache<Arc<Document>>,
    disclosure: Disclosure,
}

impl Documents {
    pub(in crate::server) fn new(disclosure: Disclosure) -> Self {
        Self { cache: Cache::new(CAPACITY_BYTES, TYPICAL_BYTES), disclosure }
    }

    /// The document with this SHA-256, from the cache or parsed.
    ///
    /// # Errors
    /// It cannot be parsed or exceeds a limit, or it is not cached and its text was not sent.
    pub(in crate::server) fn find(&self, source: &DocumentSource, digest: Digest) -> Result<Arc<Document>> {
        if let Some(document) = self.cache.get(&digest) {
            return Ok(document);
        }
        let text = source.text().ok_or_else(persisted::not_found)?;
        let document = Arc::new(Document::parse(text, self.disclosure)?);
        // Always fits, see `CAPACITY_BYTES`: a client of persisted queries must find what it has just registered.
        let _is_cached = self.cache.keep(digest, Arc::clone(&document));
        Ok(document)
    }
}

fn syntax_error(refusal: &async_graphql::parser::Error) -> Problem {
    let text = refusal.to_string();
    // The parser's message draws the line with a marker over several lines; what it expected comes after the last "= ".
    let expected = text.rsplit_once("= ").map_or(text.as_str(), |(_, expected)| expected);
    let expected = expected.replace('_', " ");
    let at = refusal.positions().next();
    let detail = match at {
        Some(at) => format!("line {}, column {}: {expected}", at.line, at.column),
        None => expected,
    };
    let problem = Problem::new(StatusCode::BAD_REQUEST, "syntax-error", detail);
    match at {
        Some(at) => problem.with("line", at.line).with("column", at.column),
        None => problem,
    }
}
