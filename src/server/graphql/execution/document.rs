//! Documents, parsed once and kept by the SHA-256 of their text.
//!
//! What must stay true: nothing that depends on variables is kept. A document that takes some is counted against its
//! limits in every request; one that takes none always comes to the same.

use std::sync::Arc;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::server::cache::{Cache, Digest, SizeBytes};
use crate::server::graphql::execution::lexical::Extent;
use crate::server::graphql::execution::limits::{BRACKETS_MAX, DOCUMENT_MAX, TOKENS_MAX, over};
use crate::server::graphql::execution::{cost, introspection, typename};
use crate::server::graphql::transport::persisted;
use crate::server::response::problem::{Problem, Result};

/// How much memory all kept documents may take, in bytes.
const ROOM: u64 = 64 << 20;
/// What a document usually takes, in bytes.
const USUAL: u64 = 16 << 10;
/// A parsed document takes up to so many times the bytes of its text: a field of one letter is some 200 bytes.
const PARSED_TIMES: u64 = 100;

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct GraphqlRequest {
    /// The document.
    pub document: DocumentSource,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The variables, an object.
    pub variables: Map<String, Value>,
}

/// Which document is asked for.
#[derive(Debug, Clone)]
pub enum DocumentSource {
    /// The one with this text.
    Text(String),
    /// The one with this text, which is said to have this SHA-256.
    Named(String, [u8; 32]),
    /// The one whose text has this SHA-256; it was sent before.
    Known([u8; 32]),
}

impl DocumentSource {
    /// The SHA-256 of its text.
    ///
    /// # Errors
    /// The text is too long, or another than was said.
    pub(in crate::server) fn digest(&self) -> Result<Digest> {
        let (text, said) = match self {
            Self::Text(text) => (text, None),
            Self::Named(text, said) => (text, Some(said)),
            Self::Known(said) => return Ok(*said),
        };
        if text.len() > DOCUMENT_MAX {
            return Err(over("bytes", text.len() as u64, DOCUMENT_MAX as u64));
        }
        let digest = Sha256::digest(text).into();
        if said.is_some_and(|said| *said != digest) {
            return Err(persisted::another());
        }
        Ok(digest)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Named(text, _) => Some(text),
            Self::Known(_) => None,
        }
    }
}

/// A document that may be carried out, once its variables allow it.
#[derive(Debug)]
pub(in crate::server) struct Document {
    pub(in crate::server) parsed: ExecutableDocument,
    text_bytes: u64,
    /// What it costs, where that depends on no variables: it was counted against its limits.
    cost: Option<u64>,
    /// Whether its answer depends on nothing but the revision, and who asks.
    pub(in crate::server) is_cacheable: bool,
}

/// The one field whose value changes without a revision.
const UNSETTLED_FIELD: &str = "lastUsedAt";

impl SizeBytes for Arc<Document> {
    fn size_bytes(&self) -> u64 {
        self.text_bytes * PARSED_TIMES
    }
}

impl Document {
    fn parse(text: &str, tells_schema: bool) -> Result<Self> {
        let Extent { tokens, nesting } = Extent::of(text);
        if nesting > BRACKETS_MAX {
            return Err(over("levels of brackets", nesting as u64, BRACKETS_MAX as u64));
        }
        if tokens > TOKENS_MAX {
            return Err(over("tokens", tokens as u64, TOKENS_MAX as u64));
        }
        let mut parsed = parse_query(text).map_err(|refusal| syntax_error(&refusal))?;
        if !tells_schema && introspection::is_asked_for(&parsed) {
            return Err(introspection::refused());
        }
        typename::expose(&mut parsed)?;
        let takes_variables =
            parsed.operations.iter().any(|(_, operation)| !operation.node.variable_definitions.is_empty());
        let is_cacheable = !text.contains(UNSETTLED_FIELD);
        let mut document = Self { parsed, text_bytes: text.len() as u64, cost: None, is_cacheable };
        if !takes_variables {
            document.cost = Some(document.cost(&Variables::default())?);
        }
        Ok(document)
    }

    /// What it costs with these variables, unless that is too much.
    pub(in crate::server) fn cost(&self, variables: &Variables) -> Result<u64> {
        self.cost.map_or_else(|| cost::check(&self.parsed, variables), Ok)
    }
}

/// The documents that were asked for lately.
#[derive(Debug)]
pub(in crate::server) struct Documents {
    known: Cache<Arc<Document>>,
    /// Whether the schema may be asked for.
    tells_schema: bool,
}

impl Documents {
    pub(in crate::server) fn new(tells_schema: bool) -> Self {
        Self { known: Cache::new(ROOM, USUAL), tells_schema }
    }

    /// The document that is wanted, whose text has this SHA-256. Parsed, unless it is kept from before.
    ///
    /// # Errors
    /// It cannot be parsed or asks for too much, or it is not known and its text was not sent.
    pub(in crate::server) fn find(&self, wanted: &DocumentSource, digest: Digest) -> Result<Arc<Document>> {
        if let Some(document) = self.known.get(&digest) {
            return Ok(document);
        }
        let text = wanted.text().ok_or_else(persisted::not_found)?;
        let document = Arc::new(Document::parse(text, self.tells_schema)?);
        // However long it is, it can be kept: see `ROOM`.
        let _kept = self.known.keep(digest, Arc::clone(&document));
        Ok(document)
    }
}

fn syntax_error(refusal: &async_graphql::parser::Error) -> Problem {
    let text = refusal.to_string();
    // The parser draws the place, with the whole line; what it expected there comes last.
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
