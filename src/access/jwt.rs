//! JWT authentication: verification of JSON Web Tokens of an identity provider, and what their claims give. Pure: the
//! caller passes the keys and the time.
//!
//! Invariant: the key decides which algorithms are accepted, never the token. A required claim that is missing, or has
//! another type, refuses the token.

mod keys;
mod signature;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Header, decode_header};
use serde_json::{Map, Value};

use crate::model::key::UnitKey;
use crate::model::time::Timestamp;
use crate::model::token::{JwtSubject, Role};

use self::signature::is_signed;

pub use self::keys::KeySet;

/// Maximum size of a token, in bytes. A larger one is refused.
// Anyone can send one, and it is decoded before its signature is verified.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Maximum difference between the clocks of provider and server, in milliseconds.
const LEEWAY_MS: i64 = 30_000;
/// Maximum number of units that a token may name. More are refused.
// Each of them is looked up in the directory for every request.
const UNITS_MAX: usize = 1_000;
/// The value of `units_claim` for all units.
const EVERYTHING: &str = "*";

/// The rules for tokens of an identity provider: required claims, and the mapping of claims to role and scope.
///
/// ```
/// # use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
/// # use ring::signature::{Ed25519KeyPair, KeyPair as _};
/// use clade::access::jwt::{ClaimName, JwtRefusal, KeySet, Rules, Units};
/// use clade::model::{Role, Timestamp, UnitKey};
///
/// let rules = Rules {
///     issuer: "https://id.corp.example".to_owned(),
///     audience: "clade".to_owned(),
///     role_claim: ClaimName::new("/realm_access/roles"),
///     roles: [("staff".to_owned(), Role::Read)].into(),
///     units_claim: Some(ClaimName::new("units")),
/// };
/// let payload = r#"{"iss": "https://id.corp.example", "aud": "clade", "sub": "ada", "exp": 2000000000,
///     "realm_access": {"roles": ["staff"]}, "units": ["Retail"]}"#;
/// # let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed has 32 bytes");
/// # let x = URL_SAFE_NO_PAD.encode(pair.public_key());
/// # let jwks = serde_json::json!({"keys": [{"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": x}]}).to_string();
/// # let [header, body] = [r#"{"alg": "EdDSA", "kid": "a"}"#, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
/// # let signature = URL_SAFE_NO_PAD.encode(pair.sign(format!("{header}.{body}").as_bytes()));
/// # let token = format!("{header}.{body}.{signature}");
/// // `token` has this payload, and is signed with a key of `jwks`.
/// let keys = KeySet::parse(jwks.as_bytes())?;
/// let at = |day: &str| Timestamp::parse(day).expect("it is a date");
/// let claims = rules.claims(&keys, &token, at("2026-11-24")).expect("it is valid until 2033");
/// assert_eq!((claims.role, claims.units), (Role::Read, Units::Keys(vec![UnitKey::parse("Retail")?])));
/// assert_eq!(rules.claims(&keys, &token, at("2034-01-01")), Err(JwtRefusal::Time));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The required value of `iss`.
    pub issuer: String,
    /// The required value of `aud`, alone or among others.
    pub audience: String,
    /// The claim with the roles: a text, or an array of texts.
    pub role_claim: ClaimName,
    /// The role that each of its values gives. The highest counts, and values without one are ignored.
    pub roles: BTreeMap<String, Role>,
    /// The claim with the keys of visible units, or `*` for all; `None` if every token sees everything.
    pub units_claim: Option<ClaimName>,
}

/// The name of a claim, or a JSON pointer to it such as `/realm_access/roles`. See the example of [`Rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimName(String);

/// The claims of a verified token.
///
/// ```
/// use std::sync::Arc;
///
/// use clade::access::Grant;
/// use clade::access::jwt::{Claims, Units};
/// use clade::model::{JwtSubject, Role, Timestamp, token::Scope};
///
/// let (subject, expires_at) = (JwtSubject::parse("ada@corp.example")?, Timestamp::now().later_by(60_000));
/// let claims = Claims { subject, role: Role::Write, units: Units::Everything, expires_at };
/// let grant = Grant::of_claims(Arc::new(claims), Scope::Everything);
/// assert_eq!((grant.actor().to_string().as_str(), grant.role()), ("jwt:ada@corp.example", Role::Write));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Its subject, `sub`.
    pub subject: JwtSubject,
    /// The role that it gives.
    pub role: Role,
    /// The units that it may see.
    pub units: Units,
    /// The time from which on it is refused: `exp`, plus the leeway for clocks.
    pub expires_at: Timestamp,
}

/// The units that a token names. See the example of [`Rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// All units.
    Everything,
    /// The units with these keys, and their subtrees. Nothing is visible if there are none.
    Keys(Vec<UnitKey>),
}

/// Why a token is refused. For logs alone: clients get the same 401 for all.
///
/// ```
/// use clade::access::jwt::{JwtRefusal, key_id};
///
/// assert_eq!(key_id("no token"), Err(JwtRefusal::Form));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtRefusal {
    /// It is not a JWT, too long, or uses extensions that are not supported.
    Form,
    /// No key has its key id, or none of those accepts its algorithm.
    Key,
    /// The signature does not match.
    Signature,
    /// Its issuer or audience is another.
    Party,
    /// It has expired, is not valid yet, or has no expiry.
    Time,
    /// It has no valid subject.
    Subject,
    /// It gives no role.
    Role,
    /// Its units claim is missing or not valid.
    Units,
}

impl ClaimName {
    /// A claim of this name, or at this JSON pointer.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    fn of<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        // A claim's name may contain slashes itself, as URLs do. Only one that begins with a slash is a pointer.
        match self.0.strip_prefix('/') {
            None => claims.get(&self.0),
            Some(rest) => {
                // `Map` has no `pointer`, so the first step is done by hand, with the escapes of RFC 6901: `~1` before
                // `~0`, or `~01` would become a slash.
                let (first, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
            }
        }
    }
}

/// The key id in a token's header. The token is not verified, so this is whatever the client sent.
///
/// # Errors
/// [`JwtRefusal::Form`] if it is not a JWT.
pub fn key_id(token: &str) -> Result<Option<String>, JwtRefusal> {
    header(token).map(|header| header.kid)
}

fn header(token: &str) -> Result<Header, JwtRefusal> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwtRefusal::Form);
    }
    let header = decode_header(token).map_err(|_| JwtRefusal::Form)?;
    // `crit` names extensions that must be understood, and none is (RFC 7515, section 4.1.11). A compressed or
    // encrypted token would have to be expanded before it is verified.
    if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
        return Err(JwtRefusal::Form);
    }
    // Of the types for other purposes, such as `logout+jwt` and `secevent+jwt`, none is an access token (RFC 8725,
    // section 3.11). Many providers send `JWT` or none.
    let kind = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    let kind = kind.strip_prefix("application/").unwrap_or(&kind);
    if kind.ends_with("+jwt") && kind != "at+jwt" {
        return Err(JwtRefusal::Form);
    }
    Ok(header)
}

impl Rules {
    /// The claims of `token`, if it is valid now.
    ///
    /// # Errors
    /// The reason why it is not.
    pub fn claims(&self, keys: &KeySet, token: &str, now: Timestamp) -> Result<Claims, JwtRefusal> {
        let claims = verified(keys, token)?;
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) || !self.has_audience(&claims) {
            return Err(JwtRefusal::Party);
        }
        // Required, although RFC 7519 makes it optional: a token without it would be valid for ever.
        let expires_at = time(&claims, "exp")?.ok_or(JwtRefusal::Time)?.saturating_add(LEEWAY_MS);
        let begins_at = time(&claims, "nbf")?.map_or(i64::MIN, |at| at.saturating_sub(LEEWAY_MS));
        if !(begins_at..expires_at).contains(&now.as_millis()) {
            return Err(JwtRefusal::Time);
        }
        let subject = claims.get("sub").and_then(Value::as_str).ok_or(JwtRefusal::Subject)?;
        Ok(Claims {
            subject: JwtSubject::parse(subject).map_err(|_| JwtRefusal::Subject)?,
            role: self.role(&claims).ok_or(JwtRefusal::Role)?,
            units: self.units(&claims).ok_or(JwtRefusal::Units)?,
            expires_at: Timestamp::from_millis(expires_at),
        })
    }

    fn has_audience(&self, claims: &Map<String, Value>) -> bool {
        match claims.get("aud") {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(&self.audience)),
            _ => false,
        }
    }

    fn role(&self, claims: &Map<String, Value>) -> Option<Role> {
        let claim = self.role_claim.of(claims)?;
        let role = |value: &Value| self.roles.get(value.as_str()?).copied();
        match claim {
            Value::Array(several) => several.iter().filter_map(role).max(),
            one => role(one),
        }
    }

    fn units(&self, claims: &Map<String, Value>) -> Option<Units> {
        let Some(claim) = &self.units_claim else { return Some(Units::Everything) };
        // A missing claim refuses the token (`?`). If it gave everything, a provider that forgets it would open all.
        match claim.of(claims)? {
            Value::String(all) if all == EVERYTHING => Some(Units::Everything),
            Value::Array(keys) if keys.len() <= UNITS_MAX => {
                let texts: Option<Vec<&str>> = keys.iter().map(Value::as_str).collect();
                // A text that is not a valid key is the key of no unit, and is ignored like that of a deleted one.
                Some(Units::Keys(texts?.into_iter().filter_map(|key| UnitKey::parse(key).ok()).collect()))
            }
            _ => None,
        }
    }
}

/// The claims of a token whose signature one of the keys verifies. The claims themselves are not checked.
fn verified(keys: &KeySet, token: &str) -> Result<Map<String, Value>, JwtRefusal> {
    let header = header(token)?;
    let (message, signature) = token.rsplit_once('.').ok_or(JwtRefusal::Form)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtRefusal::Form)?;
    let mut refusal = JwtRefusal::Key;
    // The token's own algorithm, but only keys that allow it: `fitting` has filtered them.
    for key in keys.fitting(header.kid.as_deref(), header.alg) {
        if is_signed(key, header.alg, message.as_bytes(), &signature) {
            // "Insecure" means without verification, which was just done.
            return insecure_decode_claims(token).map_err(|_| JwtRefusal::Form);
        }
        refusal = JwtRefusal::Signature;
    }
    Err(refusal)
}

/// A time claim, in seconds with or without a fraction, as milliseconds; `None` if the claim is missing.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, JwtRefusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite()).ok_or(JwtRefusal::Time)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, so a value out of range becomes the last or first time"
    )]
    Ok(Some((seconds * 1_000.0) as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        Rules {
            issuer: "https://id.example".to_owned(),
            audience: "clade".to_owned(),
            role_claim: ClaimName::new("/access/roles"),
            roles: BTreeMap::from([("reader".to_owned(), Role::Read), ("boss".to_owned(), Role::Admin)]),
            units_claim: Some(ClaimName::new("https://corp.example/units")),
        }
    }

    fn claims(value: Value) -> Map<String, Value> {
        let Value::Object(claims) = value else { panic!("{value}") };
        claims
    }

    #[test]
    fn the_highest_mapped_role_counts() {
        let role = |roles: Value| rules().role(&claims(json!({"access": {"roles": roles}})));
        assert_eq!(role(json!(["x", "reader", "boss", 7])), Some(Role::Admin));
        assert_eq!(role(json!("reader")), Some(Role::Read));
        for none in [json!([]), json!(["Boss"]), json!("admin"), json!(null), json!({"boss": true})] {
            assert_eq!(role(none.clone()), None, "{none}");
        }
        assert_eq!(rules().role(&claims(json!({"/access/roles": "boss"}))), None);
    }

    #[test]
    fn a_required_units_claim_must_be_valid() {
        let units = |units: Value| rules().units(&claims(json!({"https://corp.example/units": units})));
        let keys = |keys: &[&str]| Units::Keys(keys.iter().map(|key| UnitKey::parse(key).unwrap()).collect());
        assert_eq!(units(json!("*")), Some(Units::Everything));
        assert_eq!(units(json!(["a", "b/c"])), Some(keys(&["a", "b/c"])));
        assert_eq!(units(json!(["", "a"])), Some(keys(&["a"])));
        assert_eq!(units(json!([])), Some(Units::Keys(Vec::new())));
        for none in [json!("a"), json!(""), json!(null), json!(["a", 7]), json!({"a": 1})] {
            assert_eq!(units(none.clone()), None, "{none}");
        }
        assert_eq!(units(Value::Array(vec![json!("a"); UNITS_MAX + 1])), None);
        assert_eq!(rules().units(&claims(json!({}))), None);
        let all = Rules { units_claim: None, ..rules() };
        assert_eq!(all.units(&claims(json!({}))), Some(Units::Everything));
    }

    #[test]
    fn times_are_numbers() {
        let at = |exp: Value| time(&claims(json!({"exp": exp})), "exp");
        assert_eq!(at(json!(7)), Ok(Some(7_000)));
        assert_eq!(at(json!(7.5)), Ok(Some(7_500)));
        assert_eq!(at(json!(1e300)), Ok(Some(i64::MAX)));
        for wrong in [json!("7"), json!(null), json!([7])] {
            assert_eq!(at(wrong.clone()), Err(JwtRefusal::Time), "{wrong}");
        }
        assert_eq!(time(&Map::new(), "exp"), Ok(None));
    }
}
