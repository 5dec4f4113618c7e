//! JSON Web Tokens of an identity provider: keys, token and moment in, claims out. Pure: whoever calls brings the keys
//! and the clock.
//!
//! What must stay true: which algorithms a key takes is the key's to say, never the token's; a claim that is asked for
//! and is not there, or is of another type, gives nothing.

mod keys;

use std::collections::BTreeMap;

use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::model::key::UnitKey;
use crate::model::time::Timestamp;
use crate::model::token::{JwtSubject, Role};

pub use self::keys::KeySet;

/// Longer tokens are not looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// How far the clocks of provider and server may be apart, in milliseconds.
const LEEWAY_MS: i64 = 30_000;
/// A token that names more units than this is refused.
const UNITS_MAX: usize = 1_000;
/// What `units_claim` says for everything.
const EVERYTHING: &str = "*";

/// What a token must say, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be, or have among others.
    pub audience: String,
    /// The claim that holds roles.
    pub role_claim: ClaimName,
    /// The role that each of its values gives; the greatest counts.
    pub roles: BTreeMap<String, Role>,
    /// The claim that holds the units that are seen; everything is, where there is none.
    pub units_claim: Option<ClaimName>,
}

/// Where a claim stands: its name, or a JSON pointer such as `/realm_access/roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimName(String);

/// What a token says, once it is known to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub subject: JwtSubject,
    /// What its holder may do.
    pub role: Role,
    /// What its holder sees.
    pub units: Units,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// The units that a token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// All there are.
    Everything,
    /// These alone, and what is beneath them. None means that nothing is seen.
    Keys(Vec<UnitKey>),
}

/// Why a token gives nothing. Callers outside learn only that it gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtRefusal {
    /// It is no token, or too long.
    Form,
    /// No key has its id, or none of those takes its algorithm.
    Key,
    /// It was not signed with that key.
    Signature,
    /// It is for another, or of another.
    Party,
    /// It has expired, or does not hold yet.
    Time,
    /// It does not say whose it is.
    Subject,
    /// It gives no role.
    Role,
    /// It does not say what is seen.
    Units,
}

impl ClaimName {
    /// A claim of this name, or at this JSON pointer.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    fn of<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        match self.0.strip_prefix('/') {
            None => claims.get(&self.0),
            Some(rest) => {
                let (first, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(rest)
            }
        }
    }
}

/// The id of the key that a token says it was signed with. Nothing of it has been checked.
///
/// # Errors
/// [`JwtRefusal::Form`] where it is no token.
pub fn key_id(token: &str) -> Result<Option<String>, JwtRefusal> {
    header(token).map(|header| header.kid)
}

fn header(token: &str) -> Result<Header, JwtRefusal> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwtRefusal::Form);
    }
    let header = decode_header(token).map_err(|_| JwtRefusal::Form)?;
    // What must be understood is not; and what is packed would have to be unpacked.
    if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
        return Err(JwtRefusal::Form);
    }
    Ok(header)
}

impl Rules {
    /// What `token` says, where it is good now.
    ///
    /// # Errors
    /// Why it is not.
    pub fn claims(&self, keys: &KeySet, token: &str, now: Timestamp) -> Result<Claims, JwtRefusal> {
        let claims = verified(keys, token)?;
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) || !self.is_for_us(&claims) {
            return Err(JwtRefusal::Party);
        }
        let expires_at = moment(&claims, "exp")?.ok_or(JwtRefusal::Time)?.saturating_add(LEEWAY_MS);
        let begins_at = moment(&claims, "nbf")?.map_or(i64::MIN, |at| at.saturating_sub(LEEWAY_MS));
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

    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        match claims.get("aud") {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(&self.audience)),
            _ => false,
        }
    }

    fn role(&self, claims: &Map<String, Value>) -> Option<Role> {
        let given = self.role_claim.of(claims)?;
        let role = |value: &Value| self.roles.get(value.as_str()?).copied();
        match given {
            Value::Array(several) => several.iter().filter_map(role).max(),
            one => role(one),
        }
    }

    fn units(&self, claims: &Map<String, Value>) -> Option<Units> {
        let Some(claim) = &self.units_claim else { return Some(Units::Everything) };
        match claim.of(claims)? {
            Value::String(all) if all == EVERYTHING => Some(Units::Everything),
            Value::Array(keys) if keys.len() <= UNITS_MAX => {
                let texts: Option<Vec<&str>> = keys.iter().map(Value::as_str).collect();
                // What is no key is the key of no unit.
                Some(Units::Keys(texts?.into_iter().filter_map(|key| UnitKey::parse(key).ok()).collect()))
            }
            _ => None,
        }
    }
}

/// The claims of a token that was signed with one of the keys.
fn verified(keys: &KeySet, token: &str) -> Result<Map<String, Value>, JwtRefusal> {
    let header = header(token)?;
    let mut refusal = JwtRefusal::Key;
    for key in keys.fitting(header.kid.as_deref(), header.alg) {
        let mut how = Validation::new(header.alg);
        // These are ours to check: the crate asks the system's clock, and takes lists of issuers.
        (how.validate_exp, how.validate_nbf, how.validate_aud) = (false, false, false);
        how.required_spec_claims.clear();
        match decode::<Map<String, Value>>(token, key, &how) {
            Ok(found) => return Ok(found.claims),
            Err(_) => refusal = JwtRefusal::Signature,
        }
    }
    Err(refusal)
}

/// A moment in seconds, with or without a fraction, as milliseconds; none where the claim is not there.
fn moment(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, JwtRefusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite()).ok_or(JwtRefusal::Time)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "beyond its range it is the end of time, which `as` gives"
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
    fn the_greatest_role_that_maps_counts() {
        let role = |roles: Value| rules().role(&claims(json!({"access": {"roles": roles}})));
        assert_eq!(role(json!(["x", "reader", "boss", 7])), Some(Role::Admin));
        assert_eq!(role(json!("reader")), Some(Role::Read));
        for none in [json!([]), json!(["Boss"]), json!("admin"), json!(null), json!({"boss": true})] {
            assert_eq!(role(none.clone()), None, "{none}");
        }
        assert_eq!(rules().role(&claims(json!({"/access/roles": "boss"}))), None);
    }

    #[test]
    fn what_is_seen_must_be_said() {
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
    fn moments_are_numbers() {
        let at = |exp: Value| moment(&claims(json!({"exp": exp})), "exp");
        assert_eq!(at(json!(7)), Ok(Some(7_000)));
        assert_eq!(at(json!(7.5)), Ok(Some(7_500)));
        assert_eq!(at(json!(1e300)), Ok(Some(i64::MAX)));
        for wrong in [json!("7"), json!(null), json!([7])] {
            assert_eq!(at(wrong.clone()), Err(JwtRefusal::Time), "{wrong}");
        }
        assert_eq!(moment(&Map::new(), "exp"), Ok(None));
    }
}
