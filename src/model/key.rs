//! The keys and short texts of records, parsed once at the edge.
//!
//! A value of these types is trimmed, not empty, free of control characters and no longer than its
//! limit, so nothing further inside checks again.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;

use crate::error::Error;

/// The longest key, name or identifier, in characters.
pub const TEXT_MAX: usize = 512;
/// The longest url, in characters.
pub const URL_MAX: usize = 2048;

fn clean(field: &'static str, raw: &str, max: usize) -> Result<CompactString, Error> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, raw, "must not be empty"));
    }
    let is_ascii = text.is_ascii();
    let has_control = if is_ascii {
        text.bytes().any(|b| b.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    };
    if has_control {
        return Err(Error::invalid(field, raw, "must not hold control characters"));
    }
    if text.len() > max && (is_ascii || text.chars().count() > max) {
        return Err(Error::invalid(field, raw, format!("must be at most {max} characters long")));
    }
    Ok(text.into())
}

/// Text as it is compared where case does not matter.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(CompactString);

        impl $name {
            /// Trims `raw` and checks it.
            ///
            /// # Errors
            /// [`Error::Invalid`] when it is empty, too long or holds control characters.
            pub fn parse(raw: &str) -> Result<Self, Error> {
                clean($field, raw, TEXT_MAX).map(Self)
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type!(
    /// The unique key of an org unit; its name where nobody chose another.
    UnitKey,
    "key"
);
text_type!(
    /// The unique key of a project.
    ProjectId,
    "projectId"
);
text_type!(
    /// What another system calls this record. Need not be unique.
    ExternalId,
    "externalId"
);
text_type!(
    /// A name that people read: of a unit, a project, a person, a repository, a service.
    Name,
    "name"
);
text_type!(
    /// What a service is called by machines.
    ServiceIdentifier,
    "identifier"
);

/// The unique key of a person: shown as given, compared without case by way of [`Email::folded`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(CompactString);

impl Email {
    /// Trims `raw` and checks that it has the shape `local@domain`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has not.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        let text = clean("email", raw, TEXT_MAX)?;
        let shaped = text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !local.contains('@'));
        if !shaped || text.chars().any(char::is_whitespace) {
            return Err(Error::invalid("email", raw, "must look like name@domain"));
        }
        Ok(Self(text))
    }

    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as it is compared.
    #[must_use]
    pub fn folded(&self) -> Cow<'_, str> {
        fold(&self.0)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a repository is: shown as given, but for a user and password in an http url, which are never kept; compared by
/// way of [`RepoUrl::normalized`], which every spelling of it has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoUrl(CompactString);

impl RepoUrl {
    /// Trims `raw` and checks that a host and a path, or at least a path, are left of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when nothing is.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        let url = Self(without_credentials(clean("url", raw, URL_MAX)?));
        if url.host_and_path() == ("", "") {
            return Err(Error::invalid("url", url.as_str(), "must name a host and a path"));
        }
        Ok(url)
    }

    /// The url as it was given, without credentials.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and path alone: no scheme, user, default port, `.git` or trailing `/`, the host in lower case.
    ///
    /// `git@github.com:Org/app.git` and `https://GitHub.com/Org/app/` are the same repository.
    #[must_use]
    pub fn normalized(&self) -> String {
        let (host, path) = self.host_and_path();
        let host = host.to_lowercase();
        if path.is_empty() { host } else { format!("{host}/{path}") }
    }

    /// Host and path as [`RepoUrl::normalized`] has them, but for the host's case.
    fn host_and_path(&self) -> (&str, &str) {
        let text: &str = &self.0;
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let rest = match rest[..authority_end].rfind('@') {
            Some(at) => &rest[at + 1..],
            None => rest,
        };
        let (host, path) = match (scheme, rest.find('/'), rest.find(':')) {
            // The short form of ssh: host:path, where no slash comes before the colon.
            (None, slash, Some(colon)) if slash.is_none_or(|slash| colon < slash) => {
                (&rest[..colon], &rest[colon + 1..])
            }
            (_, Some(slash), _) => (&rest[..slash], &rest[slash + 1..]),
            (_, None, _) => (rest, ""),
        };
        let host = [":443", ":80", ":22"].iter().find_map(|port| host.strip_suffix(port)).unwrap_or(host);
        let path = path.trim_matches('/');
        (host, path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/'))
    }

    /// The host alone, in lower case.
    #[must_use]
    pub fn host(&self) -> String {
        let normalized = self.normalized();
        normalized.split('/').next().unwrap_or_default().to_owned()
    }
}

/// An http url without what comes before the host's `@`: often a secret, and every reader would see it. The user of an ssh
/// url is no secret, and part of the address.
fn without_credentials(url: CompactString) -> CompactString {
    let is_http = |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| is_http(scheme)) {
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if let Some(at) = rest[..authority_end].rfind('@') {
            return compact_str::format_compact!("{scheme}://{}", &rest[at + 1..]);
        }
    }
    url
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_compare_without_case_and_show_as_given() {
        let given = Email::parse(" Ada@Corp.Example ").unwrap();
        assert_eq!(given.as_str(), "Ada@Corp.Example");
        assert_eq!(given.folded(), Email::parse("ada@corp.example").unwrap().folded());
        assert_eq!(Email::parse("ÉVA@corp.example").unwrap().folded(), "éva@corp.example");
    }

    #[test]
    fn what_is_no_email_is_refused_with_its_value() {
        for raw in ["", "  ", "ada", "@corp", "ada@", "a@b@c", "a da@corp", "a\0@corp"] {
            let refusal = Email::parse(raw).unwrap_err().to_string();
            assert!(refusal.contains("email"), "{raw:?}: {refusal}");
        }
    }

    #[test]
    fn keys_keep_slashes_ampersands_spaces_and_any_script() {
        for raw in ["R&D", "a/b", "Büro Nord", "研究", "+", "100%"] {
            assert_eq!(UnitKey::parse(raw).unwrap().as_str(), raw);
        }
        assert!(UnitKey::parse(&"x".repeat(TEXT_MAX + 1)).is_err());
        assert!(UnitKey::parse("line\nbreak").is_err());
    }

    #[test]
    fn credentials_in_an_http_url_are_not_kept() {
        for (given, kept) in [
            ("https://user:secret@host/Org/app", "https://host/Org/app"),
            ("HTTP://token@host:8080/app.git", "HTTP://host:8080/app.git"),
            ("https://user:p@ss@host/app", "https://host/app"),
            ("https://host/@scope/app", "https://host/@scope/app"),
            ("git@host:Org/app", "git@host:Org/app"),
            ("ssh://git@host/Org/app", "ssh://git@host/Org/app"),
        ] {
            assert_eq!(RepoUrl::parse(given).unwrap().as_str(), kept);
        }
        let refusal = RepoUrl::parse("https://user:secret@").unwrap_err().to_string();
        assert!(!refusal.contains("secret"), "{refusal}");
    }

    #[test]
    fn every_spelling_of_a_repository_is_the_same() {
        for other in [
            "https://github.com/Org/app.git",
            "https://GitHub.com/Org/app/",
            "http://user:secret@github.com/Org/app",
            "git@github.com:Org/app.git",
            "ssh://git@github.com:22/Org/app.git",
            "github.com/Org/app",
            "https://github.com:443/Org/app.git/",
        ] {
            assert_eq!(RepoUrl::parse(other).unwrap().normalized(), "github.com/Org/app", "{other}");
        }
        assert_eq!(RepoUrl::parse("https://github.com/org/app").unwrap().normalized(), "github.com/org/app");
        assert_eq!(RepoUrl::parse("https://GitHub.com/Org/app").unwrap().host(), "github.com");
        assert!(RepoUrl::parse("https://").is_err());
    }
}
