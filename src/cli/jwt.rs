//! The settings of an identity provider whose tokens are taken: `[jwt]` in `clade.toml`, or `CLADE_JWT_…`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::access::jwt::{ClaimName, Rules};
use crate::cli::{Failure, Result};
use crate::error::Error;
use crate::model::token::Role;
use crate::server::app::IdentityProvider;

const ROLE_CLAIM: &str = "roles";
/// What gives a role, where nothing else is said.
const ROLES: [(&str, Role); 3] =
    [("clade-read", Role::Read), ("clade-write", Role::Write), ("clade-admin", Role::Admin)];

/// As it stands in the file. Keys that are not known are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jwt {
    issuer: Option<String>,
    audience: Option<String>,
    jwks: Option<String>,
    role_claim: Option<String>,
    roles: Option<BTreeMap<String, String>>,
    units_claim: Option<String>,
}

impl Jwt {
    /// With variables over it.
    pub(super) fn under(self, variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            issuer: variable("CLADE_JWT_ISSUER").or(self.issuer),
            audience: variable("CLADE_JWT_AUDIENCE").or(self.audience),
            jwks: variable("CLADE_JWT_JWKS").or(self.jwks),
            role_claim: variable("CLADE_JWT_ROLE_CLAIM").or(self.role_claim),
            roles: self.roles,
            units_claim: variable("CLADE_JWT_UNITS_CLAIM").or(self.units_claim),
        }
    }

    /// The identity provider; none where nothing is said of any.
    pub(super) fn issuer(&self) -> Result<Option<IdentityProvider>> {
        let Self { issuer, audience, jwks, role_claim, roles, units_claim } = self;
        let (issuer, audience, jwks) = match (issuer, audience, jwks) {
            (Some(issuer), Some(audience), Some(jwks)) => (issuer, audience, jwks),
            (None, None, None) if role_claim.is_none() && roles.is_none() && units_claim.is_none() => {
                return Ok(None);
            }
            _ => {
                let all = "[jwt] needs issuer, audience and jwks (CLADE_JWT_ISSUER, CLADE_JWT_AUDIENCE, CLADE_JWT_JWKS)";
                return Err(Failure::Usage(all.to_owned()));
            }
        };
        let given_by = match roles {
            None => ROLES.iter().map(|(value, role)| ((*value).to_owned(), *role)).collect(),
            Some(given) => {
                let role = |(value, word): (&String, &String)| Ok((value.clone(), Role::parse(word)?));
                given
                    .iter()
                    .map(role)
                    .collect::<Result<_, Error>>()
                    .map_err(|why| Failure::Usage(format!("[jwt] roles: {why}")))?
            }
        };
        let rules = Rules {
            issuer: issuer.clone(),
            audience: audience.clone(),
            role_claim: ClaimName::new(role_claim.as_deref().unwrap_or(ROLE_CLAIM)),
            roles: given_by,
            units_claim: units_claim.as_ref().map(ClaimName::new),
        };
        let issuer =
            IdentityProvider::new(rules, jwks).map_err(|why| Failure::Usage(format!("[jwt] jwks: {why}")))?;
        Ok(Some(issuer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let jwt = toml::from_str::<Jwt>(text).map_err(|why| why.to_string());
        match jwt.map(|jwt| jwt.issuer()) {
            Ok(Err(Failure::Usage(why))) | Err(why) => why,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_is_half_said_or_unknown_is_refused() {
        assert!(matches!(Jwt::default().issuer(), Ok(None)));
        let whole =
            "issuer = \"https://id.example\"\naudience = \"clade\"\njwks = \"https://id.example/keys\"\n";
        let issuer = toml::from_str::<Jwt>(whole).unwrap().issuer();
        assert!(matches!(issuer, Ok(Some(_))), "{issuer:?}");
        assert!(refusal("issuer = \"https://id.example\"").contains("audience"));
        assert!(refusal("units_claim = \"units\"").contains("issuer"));
        assert!(refusal("secret = \"s\"").contains("secret"));
        assert!(refusal(&format!("{whole}roles = {{ boss = \"root\" }}")).contains("root"));
        assert!(
            refusal(&whole.replace("https://id.example/keys", "http://id.example/keys")).contains("https")
        );
        assert!(
            refusal(&whole.replace("https://id.example/keys", "no-such-file.json")).contains("no-such-file")
        );
    }

    #[test]
    fn variables_come_first() {
        let jwt = Jwt { issuer: Some("of the file".to_owned()), ..Jwt::default() };
        let jwt = jwt.under(|name| (name == "CLADE_JWT_ISSUER").then(|| "of the variable".to_owned()));
        assert_eq!(jwt.issuer.as_deref(), Some("of the variable"));
    }
}
