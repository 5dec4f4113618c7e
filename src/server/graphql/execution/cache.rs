//! The response cache: complete, serialized responses to queries, for all callers who would get the same bytes.
//!
//! Invariant: a response depends only on what is in its key. The view is in it, so that no response outlives a commit.
//! Responses with errors are not cached, and those to mutations and subscriptions never are.

use blake3::Hasher;

use crate::directory::View;
use crate::server::auth::caller::Caller;
use crate::server::cache::{Cache, Digest, Making, SizeBytes};
use crate::server::graphql::execution::document::GraphqlRequest;
use crate::server::metrics::OperationLabel;
use crate::server::response::compress::Sent;

/// Typical size of a response, in bytes: from it the cache estimates how many entries it will have.
const TYPICAL_BYTES: u64 = 2 << 10;

/// The cached responses. None if caching is disabled.
#[derive(Debug)]
pub(in crate::server) struct ResponseCache(Option<Cache<Cached>>);

/// A cached response, and the label under which each use counts in the metrics.
#[derive(Debug, Clone)]
pub(in crate::server) struct Cached {
    pub(in crate::server) sent: Sent,
    pub(in crate::server) operation: OperationLabel,
}

impl SizeBytes for Cached {
    fn size_bytes(&self) -> u64 {
        self.sent.size_bytes()
    }
}

/// The key of a response: a BLAKE3 digest of everything that the response depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseKey(Digest);

impl ResponseCache {
    pub(in crate::server) fn new(capacity_bytes: u64) -> Self {
        Self((capacity_bytes > 0).then(|| Cache::new(capacity_bytes, TYPICAL_BYTES)))
    }

    /// The key of the response to `request`, whose document has the digest `document`. None if caching is disabled.
    pub(in crate::server) fn key(
        &self,
        caller: &Caller,
        view: &View,
        document: &Digest,
        request: &GraphqlRequest,
        gzip: bool,
    ) -> Option<ResponseKey> {
        self.0.as_ref()?;
        let mut key = Hasher::new();
        // Revision and scope, but not the token: tokens of equal scope and role share responses. The role matters,
        // since some fields are errors for a lesser one.
        text(&mut key, &view.identity());
        text(&mut key, caller.grant().role().as_str());
        // Compressed and plain bodies are separate entries, so that a hit sends bytes without compressing them again.
        key.update(document).update(&[u8::from(gzip)]);
        match &request.operation_name {
            // A marker byte tells an absent name from an empty one.
            Some(name) => text(key.update(&[1]), name),
            None => _ = key.update(&[0]),
        }
        // Hashed in the client's order. Sorting would cost more than the second entry that another order makes.
        // Last in the key, so JSON needs no length before it.
        serde_json::to_writer(&mut key, &request.variables).ok()?;
        Some(ResponseKey(*key.finalize().as_bytes()))
    }

    pub(in crate::server) fn get(&self, key: ResponseKey) -> Option<Cached> {
        self.0.as_ref()?.get(&key.0)
    }

    /// The response, once another request has made it; or the right to make it. None if caching is disabled.
    pub(in crate::server) async fn get_or_make(
        &self,
        key: ResponseKey,
    ) -> Option<Result<Cached, Making<'_, Cached>>> {
        Some(self.0.as_ref()?.get_or_make(&key.0).await)
    }

    /// Caches a response. Returns the size of the whole cache in bytes, or None if the response is too large for it.
    pub(in crate::server) fn insert(&self, key: ResponseKey, response: Cached) -> Option<u64> {
        let cache = self.0.as_ref()?;
        cache.keep(key.0, response).then(|| cache.size_bytes())
    }
}

/// Hashes a text with its length before it, so that no two sequences of texts give the same bytes.
fn text(key: &mut Hasher, text: &str) {
    key.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::Directory;
    use crate::model::CreatePerson;
    use crate::model::token::Role;
    use crate::server::graphql::execution::document::DocumentSource;

    fn request(operation_name: Option<&str>, variables: serde_json::Value) -> GraphqlRequest {
        let serde_json::Value::Object(variables) = variables else { panic!("{variables}") };
        let document = DocumentSource::Hash([0; 32]);
        GraphqlRequest { document, operation_name: operation_name.map(str::to_owned), variables }
    }

    #[test]
    fn the_key_contains_everything_that_a_response_depends_on() {
        let directory = Directory::in_memory().unwrap();
        directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Retail")).unwrap();
        let before = directory.view();
        directory.apply(CreatePerson::new("bob@corp.example").under("Corp/Web")).unwrap();
        let view = directory.view();
        let unit = |name| view.within(&[view.org_unit(name).unwrap().id()]);
        let (retail, web) = (unit("Retail"), unit("Web"));

        let cache = ResponseCache::new(1 << 20);
        let key = |view: &View, role, document: u8, operation, variables| {
            let caller = Caller::with_role(directory.clone(), role);
            cache.key(&caller, view, &[document; 32], &request(operation, variables), false).unwrap().0
        };
        let read = |view: &View| key(view, Role::Read, 0, None, json!({}));
        let keys = [
            read(&view),
            read(&before),
            read(&retail),
            read(&web),
            key(&view, Role::Write, 0, None, json!({})),
            key(&view, Role::Admin, 0, None, json!({})),
            key(&view, Role::Read, 1, None, json!({})),
            key(&view, Role::Read, 0, Some(""), json!({})),
            key(&view, Role::Read, 0, Some("A"), json!({})),
            key(&view, Role::Read, 0, Some("A{}"), json!({})),
            key(&view, Role::Read, 0, None, json!({"a": 1})),
            key(&view, Role::Read, 0, None, json!({"a": "1"})),
            key(&view, Role::Read, 0, None, json!({"a": [1]})),
            key(&view, Role::Read, 0, None, json!({"b": 1})),
            key(&view, Role::Read, 0, None, json!({"a": null})),
        ];
        let reader = Caller::with_role(directory.clone(), Role::Read);
        let gzip = cache.key(&reader, &view, &[0; 32], &request(None, json!({})), true);
        assert_ne!(gzip.unwrap().0, keys[0]);
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one), "{at} has the key of another");
        }
        // Another token of the same role and scope gets the same.
        assert_eq!(read(&view), read(&directory.view()));
        assert_eq!(read(&retail), read(&unit("Retail")));
    }

    #[test]
    fn without_capacity_nothing_is_cached() {
        let cache = ResponseCache::new(0);
        let reader = Caller::with_role(Directory::in_memory().unwrap(), Role::Read);
        assert!(cache.key(&reader, &reader.view(), &[0; 32], &request(None, json!({})), false).is_none());
        let response =
            Cached { sent: Sent::plain(b"{}".to_vec()), operation: OperationLabel::of("A", "query") };
        assert!(cache.insert(ResponseKey([0; 32]), response).is_none());
        assert!(cache.get(ResponseKey([0; 32])).is_none());
    }
}
