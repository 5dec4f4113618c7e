//! An identity provider whose tokens are taken: its keys, read from a file or fetched from a url, and kept fresh.
//!
//! What must stay true: keys that are at hand are used until others are; nothing that a caller sends makes more than one
//! look at the source in so much time.

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
    JWKS_BYTES_MAX, JWKS_REFETCH_AFTER, JWKS_FETCH_TIMEOUT, JWKS_FILE_CHECK_AFTER, JWKS_STALE_AFTER,
    JWKS_TOO_OLD_AFTER, JWKS_RETRY_AFTER,
};

/// An identity provider whose tokens are taken.
#[derive(Debug)]
pub struct IdentityProvider {
    rules: Rules,
    source: KeySource,
    keys: ArcSwap<KeySet>,
    looked: Mutex<Looked>,
    /// Held by whoever looks.
    looking: Arc<AsyncMutex<()>>,
}

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KeySource {
    File(PathBuf),
    Url(String),
}

/// When the source was last looked at.
#[derive(Debug, Default, Clone)]
struct Looked {
    at: Option<Instant>,
    /// When keys last came.
    came: Option<Instant>,
    /// The file that they came from, as it was.
    file: Option<(SystemTime, u64)>,
}

impl IdentityProvider {
    /// Takes the tokens that `rules` allow, signed with the keys at `jwks`: a file, which must be there, or a url, which
    /// is asked once a token comes.
    ///
    /// # Errors
    /// Says why the keys cannot be had.
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
            looked: Mutex::default(),
            looking: Arc::default(),
        };
        if let KeySource::File(path) = &provider.source {
            let file = stamp(path);
            provider.keep(read(path)?, file);
        }
        Ok(provider)
    }

    /// What `token` says, where it is good now by the keys at hand.
    pub(in crate::server) fn claims(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims = self.rules.claims(&self.keys.load(), token, now);
        claims.inspect_err(|why| tracing::debug!(?why, "a JWT was refused")).ok()
    }

    /// Waits for the keys that `token` needs, where it is one, they are not at hand, and it is time to look again. Where
    /// they are at hand and only stale, they are fetched without anyone waiting.
    pub(in crate::server) async fn fetch_keys(self: &Arc<Self>, token: &str) {
        let Ok(id) = key_id(token) else { return };
        if !self.is_due(id.as_deref()) {
            return;
        }
        let is_at_hand = matches!(self.source, KeySource::Url(_))
            && self.keys.load().has(id.as_deref())
            && !self.are_too_old();
        let alone = if is_at_hand {
            // Whoever looks already does so for this one too.
            let Ok(alone) = Arc::clone(&self.looking).try_lock_owned() else { return };
            alone
        } else {
            Arc::clone(&self.looking).lock_owned().await
        };
        // Whoever looked meanwhile may have found it.
        if !self.is_due(id.as_deref()) {
            return;
        }
        let provider = Arc::clone(self);
        // A caller who goes away does not stop it for those who wait too.
        let looking = tokio::task::spawn_blocking(move || {
            let _until_done = alone;
            provider.look();
        });
        if !is_at_hand {
            // A panic in there is told by the runtime, and the keys stay as they are.
            let _ended = looking.await;
        }
    }

    /// Whether the keys are so old that one of them may long have been withdrawn.
    fn are_too_old(&self) -> bool {
        self.looked().came.is_none_or(|came| came.elapsed() >= JWKS_TOO_OLD_AFTER)
    }

    /// Whether to look at the source, for a token that names this key.
    fn is_due(&self, id: Option<&str>) -> bool {
        let looked = self.looked();
        let has_passed = |since: Option<Instant>, time| since.is_none_or(|since| since.elapsed() >= time);
        match self.source {
            KeySource::File(_) => has_passed(looked.at, JWKS_FILE_CHECK_AFTER),
            KeySource::Url(_) => {
                // Without any keys nobody comes in, so that is tried again soon.
                let after = if looked.came.is_none() { JWKS_RETRY_AFTER } else { JWKS_REFETCH_AFTER };
                has_passed(looked.at, after)
                    && (has_passed(looked.came, JWKS_STALE_AFTER) || !self.keys.load().has(id))
            }
        }
    }

    /// Reads or fetches the keys, where they may have changed. Blocks.
    fn look(&self) {
        let before = self.looked();
        let (found, file) = match &self.source {
            KeySource::File(path) => {
                let file = stamp(path);
                if file.is_some() && file == before.file {
                    return self.note_look();
                }
                (read(path), file)
            }
            KeySource::Url(url) => (fetch(url), None),
        };
        match found {
            Ok(keys) => self.keep(keys, file),
            Err(why) => {
                self.note_look();
                tracing::warn!(why, "the keys of the identity provider cannot be had; those at hand stay");
            }
        }
    }

    /// Noted when it ends: whoever comes meanwhile waits for what it finds.
    fn note_look(&self) {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).at = Some(Instant::now());
    }

    fn keep(&self, keys: KeySet, file: Option<(SystemTime, u64)>) {
        self.keys.store(Arc::new(keys));
        let now = Some(Instant::now());
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Looked { at: now, came: now, file };
    }

    fn looked(&self) -> Looked {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whoever is between could give other keys: only what cannot be listened to is asked, or this machine.
fn require_https(url: &str) -> Result<(), String> {
    let parsed: Uri = url.parse().map_err(|why| format!("{url} is no url: {why}"))?;
    let host = parsed.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match parsed.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_here => Ok(()),
        _ => Err(format!("{url} must begin with https://")),
    }
}

/// What tells a file from what it was before.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn read(path: &Path) -> Result<KeySet, String> {
    let unread = |why: String| format!("{}: {why}", path.display());
    let file = fs::File::open(path).map_err(|why| unread(why.to_string()))?;
    let mut text = Vec::new();
    file.take(JWKS_BYTES_MAX).read_to_end(&mut text).map_err(|why| unread(why.to_string()))?;
    KeySet::parse(&text).map_err(unread)
}

fn fetch(url: &str) -> Result<KeySet, String> {
    let unread = |why: String| format!("{url}: {why}");
    // A redirect could lead to where nobody said that keys may come from.
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
    fn keys_come_by_a_safe_way_or_from_this_machine() {
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
