//! The public keys of an identity provider, as a JWKS (RFC 7517) has them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// Weaker RSA keys are left out, in bytes.
const RSA_BYTES_MIN: usize = 2048 / 8;
/// More keys than this are no set of keys.
const KEYS_MAX: usize = 100;

/// A set of keys to verify signatures with.
#[derive(Debug, Default)]
pub struct KeySet(Vec<VerifyingKey>);

#[derive(Debug)]
struct VerifyingKey {
    id: Option<String>,
    /// What it may have signed with.
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

impl KeySet {
    /// Reads a JWKS. Keys that are of no use here are left out: secret ones, those for encryption, weak ones, and those
    /// of kinds that are not known.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let set: Value = serde_json::from_slice(text).map_err(|why| format!("it is no JSON: {why}"))?;
        let keys = set["keys"].as_array().ok_or("it is no JWKS: it has no list \"keys\"")?;
        if keys.len() > KEYS_MAX {
            return Err(format!("it has {} keys, and at most {KEYS_MAX} are taken", keys.len()));
        }
        let keys: Vec<_> = keys.iter().filter_map(VerifyingKey::of).collect();
        if keys.is_empty() {
            return Err("it has no key to verify signatures with".to_owned());
        }
        Ok(Self(keys))
    }

    /// Whether there is a key with this id.
    #[must_use]
    pub fn has(&self, id: Option<&str>) -> bool {
        match id {
            Some(id) => self.0.iter().any(|key| key.id.as_deref() == Some(id)),
            None => self.0.len() == 1,
        }
    }

    /// The keys that may have signed a token which names this key and algorithm. One that names no key may mean the
    /// only one there is.
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
    /// None for what is no key to verify signatures with.
    fn of(value: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let common = &jwk.common;
        let is_to_verify = common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
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

/// What a key of this kind may sign with. A secret key, which would verify what anyone who knows it has signed, is no
/// public key, whatever it says of itself.
fn algorithms(kind: &AlgorithmParameters) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let length = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
    match kind {
        AlgorithmParameters::RSA(key) if length(&key.n) >= RSA_BYTES_MIN => {
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
    fn only_public_keys_for_signatures_are_kept() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let n = URL_SAFE_NO_PAD.encode([0xC5; 256]);
        let keys = json!([
            {"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": x},
            {"kid": "rsa", "kty": "RSA", "n": n, "e": "AQAB", "use": "sig", "alg": "RS256"},
            {"kid": "for encryption", "kty": "RSA", "n": n, "e": "AQAB", "use": "enc"},
            {"kid": "to sign", "kty": "OKP", "crv": "Ed25519", "x": x, "key_ops": ["sign"]},
            {"kid": "weak", "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xC5; 128]), "e": "AQAB"},
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
    fn an_algorithm_must_be_its_keys_own() {
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
    fn what_is_no_set_of_keys_is_told() {
        for (text, why) in [("{", "no JSON"), ("[]", "no list"), ("{\"keys\":[]}", "no key")] {
            assert!(KeySet::parse(text.as_bytes()).unwrap_err().contains(why), "{text}");
        }
    }
}
