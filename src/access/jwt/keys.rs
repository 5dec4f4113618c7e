//! Key sets (JWKS, RFC 7517): the public keys of an identity provider, and the algorithms that each accepts.
//!
//! Invariant: only public keys for signatures are kept. Each verifies only algorithms of its own type.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::access::jwt::signature::significant;

/// Sizes of an RSA modulus, in bytes: 2,048 bits, as RFC 7518 requires, to 8,192 bits, the most that `ring` verifies. Other
/// keys are ignored.
const RSA_BYTES: RangeInclusive<usize> = 2048 / 8..=8192 / 8;
/// Maximum number of keys of a set. A larger set is refused.
const KEYS_MAX: usize = 100;

/// A set of keys to verify signatures with.
///
/// ```
/// use clade::access::jwt::KeySet;
///
/// let jwks = r#"{"keys": [
///     {"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///     {"kid": "b", "kty": "oct", "k": "c2VjcmV0"}
/// ]}"#;
/// let keys = KeySet::parse(jwks.as_bytes())?;
/// assert!(keys.has(Some("a")));
/// assert!(!keys.has(Some("b")), "a secret key is ignored");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Default)]
pub struct KeySet(Vec<VerifyingKey>);

#[derive(Debug)]
struct VerifyingKey {
    /// Its key id; `None` if the set gives none.
    id: Option<String>,
    /// The algorithms that it verifies.
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

impl KeySet {
    /// Parses a JWKS. Keys that cannot be used are ignored: secret ones, those for encryption, weak ones, and those of
    /// unknown types.
    ///
    /// # Errors
    /// A message that says why it is not a JWKS with a usable key.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        // As plain JSON first: one key of an unknown type would make the whole typed set fail to parse.
        let set: Value = serde_json::from_slice(text).map_err(|why| format!("not valid JSON: {why}"))?;
        let keys = set["keys"].as_array().ok_or("not a JWKS: it has no array \"keys\"")?;
        if keys.len() > KEYS_MAX {
            return Err(format!("it has {} keys; the maximum is {KEYS_MAX}", keys.len()));
        }
        let keys: Vec<_> = keys.iter().filter_map(VerifyingKey::of).collect();
        // An error and not an empty set, so that the current keys stay in use.
        if keys.is_empty() {
            return Err("it has no usable key to verify signatures with".to_owned());
        }
        Ok(Self(keys))
    }

    /// Whether there is a key with this id; for `None`, whether there is exactly one key.
    #[must_use]
    pub fn has(&self, id: Option<&str>) -> bool {
        match id {
            Some(id) => self.0.iter().any(|key| key.id.as_deref() == Some(id)),
            None => self.0.len() == 1,
        }
    }

    /// The keys that may have signed a token with this key id and algorithm. A token without a key id can only mean the
    /// only key of a set.
    // Several keys may have the same id, for different algorithms.
    pub(super) fn fitting(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        let is_only = self.0.len() == 1;
        let is_meant =
            move |key: &&VerifyingKey| if id.is_some() { key.id.as_deref() == id } else { is_only };
        let takes = move |key: &&VerifyingKey| key.algorithms.contains(&algorithm);
        self.0.iter().filter(is_meant).filter(takes).map(|key| &key.public)
    }
}

impl VerifyingKey {
    /// `None` if the value is not a key to verify signatures with.
    fn of(value: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let common = &jwk.common;
        let is_to_verify = common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        // `alg` can only narrow what the type of the key allows, never add to it.
        let mut algorithms = algorithms(&jwk.algorithm);
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|algorithm| only == (*algorithm).into());
        }
        if !is_to_verify || algorithms.is_empty() {
            return None;
        }
        Some(Self { id: common.key_id.clone(), algorithms, public: DecodingKey::from_jwk(&jwk).ok()? })
    }
}

/// The algorithms of this type of key; none for types that are not supported, and for secret (symmetric) keys.
// Anyone who can fetch a set with a symmetric key could sign with it. Allowing HMAC would also permit algorithm confusion:
// a token signed with the text of an RSA public key as the secret.
fn algorithms(kind: &AlgorithmParameters) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    // Of the decoded modulus. A text that is not base64url has length 0, and so is too weak.
    let length = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| significant(&bytes).len());
    match kind {
        AlgorithmParameters::RSA(key) if RSA_BYTES.contains(&length(&key.n)) => {
            vec![RS256, RS384, RS512, PS256, PS384, PS512]
        }
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![ES256],
            EllipticCurve::P384 => vec![ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(keys: &Value) -> Vec<String> {
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes());
        set.map(|set| set.0.into_iter().filter_map(|key| key.id).collect()).unwrap_or_default()
    }

    #[test]
    fn only_public_keys_for_signatures_are_used() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let n = URL_SAFE_NO_PAD.encode([0xC5; 256]);
        let padded = URL_SAFE_NO_PAD.encode([vec![0; 128], vec![0xC5; 128]].concat());
        let keys = json!([
            {"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": x},
            {"kid": "rsa", "kty": "RSA", "n": n, "e": "AQAB", "use": "sig", "alg": "RS256"},
            {"kid": "for encryption", "kty": "RSA", "n": n, "e": "AQAB", "use": "enc"},
            {"kid": "to sign", "kty": "OKP", "crv": "Ed25519", "x": x, "key_ops": ["sign"]},
            {"kid": "weak", "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xC5; 128]), "e": "AQAB"},
            {"kid": "weak with zeros", "kty": "RSA", "n": padded, "e": "AQAB"},
            {"kid": "too large", "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xC5; 1025]), "e": "AQAB"},
            {"kid": "secret", "kty": "oct", "k": "c2VjcmV0"},
            {"kid": "secret with another word", "kty": "oct", "k": "c2VjcmV0", "alg": "RS256"},
            {"kid": "other algorithm", "kty": "RSA", "n": n, "e": "AQAB", "alg": "RSA-OAEP"},
            {"kid": "another kind", "kty": "LMS"},
            {"kid": "another curve", "kty": "EC", "crv": "P-521", "x": x, "y": x},
            {"kid": 7},
            "no key",
        ]);
        assert_eq!(ids(&keys), ["ed", "rsa"]);
    }

    #[test]
    fn a_key_accepts_only_its_own_algorithm() {
        let n = URL_SAFE_NO_PAD.encode([0xC5; 256]);
        let set =
            json!({"keys": [{"kid": "a", "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}]}).to_string();
        let set = KeySet::parse(set.as_bytes()).unwrap();
        let fitting = |id, algorithm| set.fitting(id, algorithm).count();
        assert_eq!((fitting(Some("a"), Algorithm::RS256), fitting(None, Algorithm::RS256)), (1, 1));
        for other in
            [Algorithm::HS256, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA]
        {
            assert_eq!((fitting(Some("a"), other), fitting(Some("b"), other)), (0, 0), "{other:?}");
        }
        assert!(set.has(Some("a")) && !set.has(Some("b")) && set.has(None));
    }

    #[test]
    fn errors_say_why_a_text_is_not_a_key_set() {
        for (text, why) in [("{", "not valid JSON"), ("[]", "no array"), ("{\"keys\":[]}", "no usable key")] {
            assert!(KeySet::parse(text.as_bytes()).unwrap_err().contains(why), "{text}");
        }
    }
}
