//! Settings of JWT authentication (OIDC identity provider): `[jwt]` in `clade.toml`, or variables `CLADE_JWT_…`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::jwt::{ClaimName, Rules};
use crate::cli::{Failure, Result};
use crate::error::Error;
use crate::model::token::Role;
use crate::server::app::IdentityProvider;

const ROLE_CLAIM: &str = "roles";
/// The settings that are variables too.
pub(super) const VARIABLES: [(&str, &str); 5] = [
    ("issuer", "CLADE_JWT_ISSUER"),
    ("audience", "CLADE_JWT_AUDIENCE"),
    ("jwks", "CLADE_JWT_JWKS"),
    ("role_claim", "CLADE_JWT_ROLE_CLAIM"),
    ("units_claim", "CLADE_JWT_UNITS_CLAIM"),
];
/// The default mapping from values of the role claim to roles.
// Prefixed with the name of the product, so that a generic "admin" of the provider grants nothing by accident.
const ROLES: [(&str, Role); 3] =
    [("clade-read", Role::Read), ("clade-write", Role::Write), ("clade-admin", Role::Admin)];

/// The table `[jwt]` of the settings file. Unknown keys are refused, since a misspelled one could widen access.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
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
    /// These settings, overridden by environment variables.
    pub(super) fn under(self, variable: impl Fn(&str) -> Option<String>) -> Self {
        // `variable` is a parameter for the tests: setting variables of the own process is unsafe with threads.
        let [issuer, audience, jwks, role_claim, units_claim] = VARIABLES.map(|(_, name)| variable(name));
        Self {
            issuer: issuer.or(self.issuer),
            audience: audience.or(self.audience),
            jwks: jwks.or(self.jwks),
            role_claim: role_claim.or(self.role_claim),
            roles: self.roles,
            units_claim: units_claim.or(self.units_claim),
        }
    }

    /// The configured identity provider, or `None` if no setting is present.
    ///
    /// # Errors
    /// Wrong usage if the settings are incomplete, a role is unknown, or the key set cannot be used.
    pub(super) fn identity_provider(&self) -> Result<Option<IdentityProvider>> {
        let Self { issuer, audience, jwks, role_claim, roles, units_claim } = self;
        let (issuer, audience, jwks) = match (issuer, audience, jwks) {
            (Some(issuer), Some(audience), Some(jwks)) => (issuer, audience, jwks),
            (None, None, None) if role_claim.is_none() && roles.is_none() && units_claim.is_none() => {
                return Ok(None);
            }
            // Incomplete settings are an error, not "no provider": JWTs would silently be refused otherwise. The
            // audience is mandatory because tokens that the provider issued for other services must not work here.
            _ => {
                let all = "[jwt] needs issuer, audience and jwks (CLADE_JWT_ISSUER, CLADE_JWT_AUDIENCE, CLADE_JWT_JWKS)";
                return Err(Failure::Usage(all.to_owned()));
            }
        };
        let roles = match roles {
            None => ROLES.iter().map(|(value, role)| ((*value).to_owned(), *role)).collect(),
            Some(roles) => {
                let role = |(value, word): (&String, &String)| Ok((value.clone(), Role::parse(word)?));
                roles
                    .iter()
                    .map(role)
                    .collect::<Result<_, Error>>()
                    .map_err(|why| Failure::Usage(format!("[jwt] roles: {why}")))?
            }
        };
        let jwt_rules = Rules {
            issuer: issuer.clone(),
            audience: audience.clone(),
            role_claim: ClaimName::new(role_claim.as_deref().unwrap_or(ROLE_CLAIM)),
            roles,
            units_claim: units_claim.as_ref().map(ClaimName::new),
        };
        let issuer = IdentityProvider::new(jwt_rules, jwks)
            .map_err(|why| Failure::Usage(format!("[jwt] jwks: {why}")))?;
        Ok(Some(issuer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let jwt = toml::from_str::<Jwt>(text).map_err(|why| why.to_string());
        match jwt.map(|jwt| jwt.identity_provider()) {
            Ok(Err(Failure::Usage(why))) | Err(why) => why,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn incomplete_or_unknown_settings_are_refused() {
        assert!(matches!(Jwt::default().identity_provider(), Ok(None)));
        let whole =
            "issuer = \"https://id.example\"\naudience = \"clade\"\njwks = \"https://id.example/keys\"\n";
        let issuer = toml::from_str::<Jwt>(whole).unwrap().identity_provider();
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
    fn variables_override_the_file() {
        let jwt = Jwt { issuer: Some("of the file".to_owned()), ..Jwt::default() };
        let jwt = jwt.under(|name| (name == "CLADE_JWT_ISSUER").then(|| "of the variable".to_owned()));
        assert_eq!(jwt.issuer.as_deref(), Some("of the variable"));
    }
}
