//! JWT authentication: an identity provider's key set (JWKS), read from a file or fetched from a URL, cached and
//! refreshed.
//!
//! Invariant: the current keys stay in use until new ones were loaded. Nothing that a client sends makes the server
//! load keys more often than the `JWKS_…` limits allow.

use std::fs;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::Mutex as AsyncMutex;
use ureq::Agent;
use ureq::http::Uri;

use crate::access::jwt::{Claims, KeySet, Rules, key_id};
use crate::model::time::Timestamp;
use crate::server::limits::{
    JWKS_BYTES_MAX, JWKS_FETCH_TIMEOUT, JWKS_FILE_CHECK_AFTER, JWKS_REFETCH_AFTER, JWKS_RETRY_AFTER,
    JWKS_STALE_AFTER, JWKS_TOO_OLD_AFTER,
};

/// A trusted identity provider: the rules for its tokens, and its keys.
///
/// ```
/// # use clade::access::jwt::{ClaimName, Rules};
/// use clade::server::AppState;
/// use clade::server::app::IdentityProvider;
///
/// # let (issuer, audience) = ("https://id.corp.example".to_owned(), "clade".to_owned());
/// # let (role_claim, roles) = (ClaimName::new("groups"), [("staff".to_owned(), clade::model::Role::Read)].into());
/// # let rules = Rules { issuer, audience, role_claim, roles, units_claim: None };
/// let refusal = IdentityProvider::new(rules.clone(), "http://id.corp.example/keys").unwrap_err();
/// assert!(refusal.contains("must begin with https://"));
/// let provider = IdentityProvider::new(rules, "https://id.corp.example/keys")?;
/// let state = AppState::new(clade::Directory::in_memory()?).with_identity_provider(provider);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct IdentityProvider {
    rules: Rules,
    source: KeySource,
    // Read by every request with a JWT, so without a lock.
    keys: ArcSwap<KeySet>,
    last_load: Mutex<LastLoad>,
    /// Locked while keys are being loaded, so that they are loaded once for all requests that wait for them.
    loading: Arc<AsyncMutex<()>>,
}

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KeySource {
    File(PathBuf),
    Url(String),
}

/// When keys were last loaded from the source. `None` is never.
#[derive(Debug, Default, Clone)]
struct LastLoad {
    /// The last attempt.
    attempted: Option<Instant>,
    /// The last success.
    succeeded: Option<Instant>,
    /// Modification time and size of the file at the last success.
    file: Option<(SystemTime, u64)>,
}

impl IdentityProvider {
    /// Accepts tokens that satisfy `rules` and are signed with a key of `jwks`: a file, which is read now, or a URL,
    /// which is fetched when the first token comes.
    ///
    /// # Errors
    /// A message if the file cannot be read, or the URL is not `https` and not on this machine.
    pub fn new(rules: Rules, jwks: &str) -> Result<Self, String> {
        let source = if jwks.contains("://") {
            require_https(jwks)?;
            KeySource::Url(jwks.to_owned())
        } else {
            KeySource::File(PathBuf::from(jwks))
        };
        let provider = Self {
            rules,
            source,
            keys: ArcSwap::default(),
            last_load: Mutex::default(),
            loading: Arc::default(),
        };
        if let KeySource::File(path) = &provider.source {
            // Before the file is read: if it changes in between, the next check sees another stamp and reads it again.
            let file = stamp(path);
            provider.replace(read(path)?, file);
        }
        Ok(provider)
    }

    /// The claims of `token`; `None` if it is not valid now by the current keys.
    pub(in crate::server) fn claims(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims = self.rules.claims(&self.keys.load(), token, now);
        // The reason goes to the log alone. The client gets the same 401 for all of them.
        claims.inspect_err(|why| tracing::debug!(?why, "a JWT was refused")).ok()
    }

    /// Loads the keys that `token` needs, if it is a JWT and loading is due. Waits only if its key is unknown or the
    /// keys are too old; keys that are merely stale are refreshed in the background.
    pub(in crate::server) async fn fetch_keys(self: &Arc<Self>, token: &str) {
        let Ok(id) = key_id(token) else { return };
        if !self.is_due(id.as_deref()) {
            return;
        }
        let is_usable = matches!(self.source, KeySource::Url(_))
            && self.keys.load().has(id.as_deref())
            && !self.are_too_old();
        let lock = if is_usable {
            // Another request is already refreshing them.
            let Ok(lock) = Arc::clone(&self.loading).try_lock_owned() else { return };
            lock
        } else {
            Arc::clone(&self.loading).lock_owned().await
        };
        // Checked again: a request that had the lock before may have loaded the key.
        if !self.is_due(id.as_deref()) {
            return;
        }
        let provider = Arc::clone(self);
        // A task of its own: a client that disconnects does not stop the load for the other requests that wait for it.
        // On the blocking pool, since `ureq` and `std::fs` block.
        let load = tokio::task::spawn_blocking(move || {
            let _until_done = lock;
            provider.load();
        });
        if !is_usable {
            // After a panic in there, the keys stay as they are.
            let _ended = load.await;
        }
    }

    /// Whether the keys are so old that the provider may have withdrawn one of them long ago.
    fn are_too_old(&self) -> bool {
        self.last_load().succeeded.is_none_or(|at| at.elapsed() >= JWKS_TOO_OLD_AFTER)
    }

    /// Whether keys are to be loaded now, for a token that names this key.
    fn is_due(&self, id: Option<&str>) -> bool {
        let last = self.last_load();
        let has_passed = |since: Option<Instant>, time| since.is_none_or(|since| since.elapsed() >= time);
        match self.source {
            // Whatever the token names: a key that was removed from the file must stop working too.
            KeySource::File(_) => has_passed(last.attempted, JWKS_FILE_CHECK_AFTER),
            KeySource::Url(_) => {
                // Without any keys every JWT is refused, so the retry comes soon.
                let after = if last.succeeded.is_none() { JWKS_RETRY_AFTER } else { JWKS_REFETCH_AFTER };
                has_passed(last.attempted, after)
                    && (has_passed(last.succeeded, JWKS_STALE_AFTER) || !self.keys.load().has(id))
            }
        }
    }

    /// Reads or fetches the keys, if they may have changed. Blocks.
    fn load(&self) {
        let before = self.last_load();
        let (found, file) = match &self.source {
            KeySource::File(path) => {
                let file = stamp(path);
                if file.is_some() && file == before.file {
                    return self.note_attempt();
                }
                (read(path), file)
            }
            KeySource::Url(url) => (fetch(url), None),
        };
        match found {
            Ok(keys) => self.replace(keys, file),
            Err(why) => {
                self.note_attempt();
                tracing::warn!(
                    why,
                    "the identity provider's keys cannot be loaded; the current ones stay in use"
                );
            }
        }
    }

    // At the end of the load and not at its begin: until then it stays due, and requests that come meanwhile wait for
    // its result instead of being refused.
    fn note_attempt(&self) {
        self.last_load.lock().unwrap_or_else(PoisonError::into_inner).attempted = Some(Instant::now());
    }

    fn replace(&self, keys: KeySet, file: Option<(SystemTime, u64)>) {
        // The keys before the time: a request that sees the time must also see the keys.
        self.keys.store(Arc::new(keys));
        let now = Some(Instant::now());
        *self.last_load.lock().unwrap_or_else(PoisonError::into_inner) =
            LastLoad { attempted: now, succeeded: now, file };
    }

    fn last_load(&self) -> LastLoad {
        self.last_load.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Refuses URLs that are neither `https` nor on this machine.
// Over plain HTTP, anyone on the network path could send keys of their own, and then sign tokens of any role.
fn require_https(url: &str) -> Result<(), String> {
    let parsed: Uri = url.parse().map_err(|why| format!("{url} is not a valid URL: {why}"))?;
    let host = parsed.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    // Parsed as an address and not compared as text: 127.0.0.1.example.com is not on this machine.
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match parsed.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_local => Ok(()),
        _ => Err(format!("{url} must begin with https://")),
    }
}

/// Modification time and size of a file, to see whether it changed; `None` if they cannot be read.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn read(path: &Path) -> Result<KeySet, String> {
    let unread = |why: String| format!("{}: {why}", path.display());
    let file = fs::File::open(path).map_err(|why| unread(why.to_string()))?;
    let mut text = Vec::new();
    // A larger file is cut off, and then is not valid JSON.
    file.take(JWKS_BYTES_MAX).read_to_end(&mut text).map_err(|why| unread(why.to_string()))?;
    KeySet::parse(&text).map_err(unread)
}

fn fetch(url: &str) -> Result<KeySet, String> {
    let unread = |why: String| format!("{url}: {why}");
    // No redirects: one could lead to a host that the operator did not configure, or to plain HTTP.
    let config = Agent::config_builder().timeout_global(Some(JWKS_FETCH_TIMEOUT)).max_redirects(0);
    let agent: Agent = config.max_redirects_will_error(true).build().into();
    let mut response = agent.get(url).call().map_err(|why| unread(why.to_string()))?;
    let body = response.body_mut().with_config().limit(JWKS_BYTES_MAX).read_to_vec();
    KeySet::parse(&body.map_err(|why| unread(why.to_string()))?).map_err(unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_by_https_or_from_this_machine() {
        for url in
            ["https://id.example/keys", "http://127.0.0.1:8080/keys", "http://localhost/k", "http://[::1]/k"]
        {
            assert!(require_https(url).is_ok(), "{url}");
        }
        for url in [
            "http://id.example/keys",
            "http://127.0.0.1.id.example/",
            "ftp://id.example/",
            "http://0.0.0.0/",
            "http:///k",
        ] {
            assert!(require_https(url).is_err(), "{url}");
        }
    }
}
