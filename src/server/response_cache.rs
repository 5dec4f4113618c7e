//! The response cache: complete, serialized responses to reads, for all callers who would get the same bytes. GraphQL and
//! the lists of REST share it.
//!
//! Invariant: a response depends only on what is in its key. The view is in it, so that no response outlives a commit.
//! Responses with errors are not cached.

use std::pin::pin;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use blake3::Hasher;

use crate::directory::View;
use crate::server::cache::{Cache, Digest, Making, SizeBytes};
use crate::server::metrics::OperationLabel;
use crate::server::response::compress::Sent;

/// Typical size of a response, in bytes: from it the cache estimates how many entries it will have.
const TYPICAL_BYTES: u64 = 2 << 10;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The header `Cache-Status` (RFC 9211).
#[derive(Debug, Clone, Copy)]
pub(in crate::server) enum CacheStatus {
    Hit,
    Miss,
    /// A miss whose response is cached now.
    Stored,
}

impl CacheStatus {
    /// Adds the header to a response.
    pub(in crate::server) fn on(self, mut response: Response) -> Response {
        let status = match self {
            Self::Hit => "clade; hit",
            Self::Miss => "clade; fwd=miss",
            Self::Stored => "clade; fwd=miss; stored",
        };
        response.headers_mut().insert(CACHE_STATUS, HeaderValue::from_static(status));
        response
    }
}

/// The cached responses. None if caching is disabled.
#[derive(Debug, Clone)]
pub(in crate::server) struct ResponseCache(Option<Arc<Cache<Cached>>>);

/// A cached response.
#[derive(Debug, Clone)]
pub(in crate::server) struct Cached {
    pub(in crate::server) sent: Sent,
    /// The headers, apart from those that every response has.
    pub(in crate::server) headers: Arc<[(HeaderName, HeaderValue)]>,
    /// Of a GraphQL response: the label under which each use counts in the metrics.
    pub(in crate::server) operation: Option<OperationLabel>,
}

impl SizeBytes for Cached {
    fn size_bytes(&self) -> u64 {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.sent.size_bytes() + headers.sum::<usize>() as u64
    }
}

impl IntoResponse for Cached {
    fn into_response(self) -> Response {
        let mut response = self.sent.into_response();
        for (name, value) in self.headers.iter() {
            // In place of what the body has brought.
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}

/// The result of looking a response up.
pub(in crate::server) enum CacheLookup<'c> {
    Hit(Cached),
    /// There is none, and equal requests wait until this one has made it.
    First(Making<'c, Cached>),
    /// There is none, and nobody waits for it.
    Missing,
}

/// The key of a response: a BLAKE3 digest of everything that the response depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResponseKey(Digest);

impl ResponseCache {
    pub(in crate::server) fn new(capacity_bytes: u64) -> Self {
        Self((capacity_bytes > 0).then(|| Arc::new(Cache::new(capacity_bytes, TYPICAL_BYTES))))
    }

    /// The key of the response of the API `api` to a request that `hash` hashes. None if caching is disabled.
    pub(in crate::server) fn key(
        &self,
        view: &View,
        api: &str,
        hash: impl FnOnce(&mut Hasher) -> Option<()>,
    ) -> Option<ResponseKey> {
        self.0.as_ref()?;
        let mut key = Hasher::new();
        text(&mut key, api);
        // Revision and scope, but not the token: tokens of equal scope share responses.
        text(&mut key, &view.identity());
        hash(&mut key)?;
        Some(ResponseKey(*key.finalize().as_bytes()))
    }

    pub(in crate::server) fn get(&self, key: ResponseKey) -> Option<Cached> {
        self.0.as_ref()?.get(&key.0)
    }

    /// Looks up the response. While another request makes it, waits for that, after `before_waiting` was called.
    pub(in crate::server) async fn find(
        &self,
        key: ResponseKey,
        before_waiting: impl FnOnce(),
    ) -> CacheLookup<'_> {
        let Some(cache) = &self.0 else { return CacheLookup::Missing };
        let mut found = pin!(cache.get_or_make(&key.0));
        let at_once = tokio::select! {
            biased;
            found = &mut found => Some(found),
            () = std::future::ready(()) => None,
        };
        match at_once {
            Some(Ok(cached)) => CacheLookup::Hit(cached),
            Some(Err(making)) => CacheLookup::First(making),
            None => {
                before_waiting();
                match found.await {
                    Ok(cached) => CacheLookup::Hit(cached),
                    // The other request failed. Those that waited for it do not wait for each other one by one.
                    Err(_given_back) => CacheLookup::Missing,
                }
            }
        }
    }

    /// Caches a response. Returns the size of the whole cache in bytes, or None if the response is too large for it.
    pub(in crate::server) fn insert(&self, key: ResponseKey, response: Cached) -> Option<u64> {
        let cache = self.0.as_ref()?;
        cache.keep(key.0, response).then(|| cache.size_bytes())
    }
}

/// Hashes a text with its length before it, so that no two sequences of texts give the same bytes.
pub(in crate::server) fn text(key: &mut Hasher, text: &str) {
    key.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;

    fn cached() -> Cached {
        Cached { sent: Sent::plain(b"{}".to_vec()), headers: Arc::default(), operation: None }
    }

    #[test]
    fn without_capacity_nothing_is_cached() {
        let cache = ResponseCache::new(0);
        assert!(cache.key(&Directory::in_memory().unwrap().view(), "rest", |_| Some(())).is_none());
        assert!(cache.insert(ResponseKey([0; 32]), cached()).is_none());
        assert!(cache.get(ResponseKey([0; 32])).is_none());
    }

    #[test]
    fn apis_do_not_share_keys() {
        let (cache, view) = (ResponseCache::new(1 << 20), Directory::in_memory().unwrap().view());
        let key = |api| cache.key(&view, api, |_| Some(())).unwrap();
        assert_ne!(key("rest"), key("graphql"));
        assert_eq!(key("rest"), key("rest"));
    }
}
