//! Keys, names, emails and repository URLs: validated text types, and [`fold`] for comparison without case.
//!
//! Invariant: a value of these types is trimmed, not empty, free of control characters and at most as long as its
//! limit. Code relies on it: the text index separates texts by U+001F, and cache keys separate unit keys by a line
//! feed.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;

use crate::error::Error;

/// The maximum length of a key, name or identifier, in characters.
pub const TEXT_MAX: usize = 512;
/// The maximum length of a URL, in characters.
pub const URL_MAX: usize = 2048;

/// Trims `raw` and checks it.
fn clean(field: &'static str, raw: &str, max: usize) -> Result<CompactString, Error> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, raw, "must not be empty"));
    }
    // Bytewise for ASCII, which most texts are: this runs for every text of every record when a store is loaded.
    let is_ascii = text.is_ascii();
    let has_control = if is_ascii {
        text.bytes().any(|b| b.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    };
    if has_control {
        return Err(Error::invalid(field, raw, "must not contain control characters"));
    }
    // A text has at most as many characters as bytes, so most are accepted without counting.
    if text.len() > max && (is_ascii || text.chars().count() > max) {
        return Err(Error::invalid(field, raw, format!("must be at most {max} characters long")));
    }
    Ok(text.into())
}

/// As [`clean`], for texts that come from outside: no characters that nobody sees, or that turn the line around.
// Two keys that look alike would be two records that nobody can tell apart. Stores of earlier versions may have such
// texts, so they are still read.
fn visible(field: &'static str, raw: &str, max: usize) -> Result<CompactString, Error> {
    let text = clean(field, raw, max)?;
    if text.is_ascii() {
        return Ok(text);
    }
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        // Joiners have a meaning between letters of some scripts, and in emoji.
        let joins = matches!(letter, '\u{200C}' | '\u{200D}')
            && [before, letters.peek().copied()].iter().all(|next| next.is_some_and(|next| !next.is_ascii()));
        if is_invisible(letter) && !joins {
            let reason = format!("must not contain the invisible character U+{:04X}", u32::from(letter));
            return Err(Error::invalid(field, raw, reason));
        }
        before = Some(letter);
    }
    Ok(text)
}

/// Whether a character shows nothing by itself, or changes the direction or the lines of the text around it: Unicode's
/// default-ignorable code points, bidirectional controls and separators. Not the selectors of emoji, U+FE0E and U+FE0F.
fn is_invisible(letter: char) -> bool {
    matches!(u32::from(letter),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0D | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Lower-cases a text for comparison without case. Borrows when there is nothing to change.
///
/// ```
/// use clade::model::key::fold;
///
/// assert_eq!(fold("Büro NORD"), fold("BÜRO nord"));
/// assert!(matches!(fold("team-7"), std::borrow::Cow::Borrowed(_)));
/// ```
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    // Any non-ASCII text is copied, even if it is in lower case: finding that out costs as much as converting it.
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
            /// [`Error::Invalid`] when it is empty, longer than 512 characters, or contains control characters or
            /// invisible ones.
            pub fn parse(raw: &str) -> Result<Self, Error> {
                visible($field, raw, TEXT_MAX).map(Self)
            }

            /// As [`Self::parse`], for a text of a store: invisible characters are permitted.
            pub(crate) fn stored(raw: &str) -> Result<Self, Error> {
                clean($field, raw, TEXT_MAX).map(Self)
            }

            /// The text.
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
    /// The unique key of an org unit. By default it is the unit's name.
    ///
    /// ```
    /// # let directory = clade::Directory::in_memory()?;
    /// use clade::{CreateOrgUnit, model::UnitKey};
    ///
    /// let view = directory.apply(CreateOrgUnit::new("R&D", "team").key("rnd"))?.view;
    /// assert_eq!(view.org_unit(UnitKey::parse("rnd")?)?.name.as_str(), "R&D");
    /// # Ok::<(), clade::Error>(())
    /// ```
    UnitKey,
    "key"
);
text_type!(
    /// The unique key of a project, compared exactly.
    ///
    /// ```
    /// use clade::model::ProjectId;
    ///
    /// let view = clade::Directory::in_memory()?.apply(clade::CreateProject::new("cart", "Cart"))?.view;
    /// assert!(view.project_by_id(&ProjectId::parse(" cart ")?).is_some(), "it is trimmed");
    /// assert!(view.project_by_id(&ProjectId::parse("CART")?).is_none());
    /// # Ok::<(), clade::Error>(())
    /// ```
    ProjectId,
    "projectId"
);
text_type!(
    /// The id of a record in another system. Need not be unique.
    ///
    /// ```
    /// use clade::{CreateOrgUnit, model::{ExternalId, UnitRef}};
    ///
    /// let unit = CreateOrgUnit::new("Research", "team").external_id("sap-4711");
    /// let view = clade::Directory::in_memory()?.apply(unit)?.view;
    /// let reference = UnitRef::ExternalId(ExternalId::parse("sap-4711")?);
    /// assert_eq!(view.org_unit(reference)?.name.as_str(), "Research");
    /// # Ok::<(), clade::Error>(())
    /// ```
    ExternalId,
    "externalId"
);
text_type!(
    /// A display name of a unit, project, person, repository or service. Need not be unique.
    ///
    /// ```
    /// use clade::model::Name;
    ///
    /// assert_eq!(Name::parse("  Büro Nord ")?.as_str(), "Büro Nord");
    /// assert_eq!(Name::parse("two\nlines").unwrap_err().code(), "invalid");
    /// # Ok::<(), clade::Error>(())
    /// ```
    Name,
    "name"
);
text_type!(
    /// The technical identifier of a service, compared exactly.
    ///
    /// ```
    /// use clade::model::ServiceIdentifier;
    ///
    /// let view = clade::Directory::in_memory()?.view();
    /// assert!(view.services_called(&ServiceIdentifier::parse("cart-api")?).is_empty());
    /// # Ok::<(), clade::Error>(())
    /// ```
    ServiceIdentifier,
    "identifier"
);

/// An email address, the unique key of a person: stored as it was sent, and looked up without case by
/// [`Email::folded`].
///
/// ```
/// use clade::model::Email;
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("Ada@Corp.Example"))?.view;
/// let id = view.person_by_email(&Email::parse("ada@corp.example")?).expect("case does not matter");
/// assert_eq!(view.label(id), "Ada@Corp.Example");
/// # Ok::<(), clade::Error>(())
/// ```
// `==` compares exactly, so that a change of case alone is an update and not "unchanged". Key a map by `folded`
// instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(CompactString);

impl Email {
    /// Trims `raw` and checks that it has the form `local@domain`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it does not, or is longer than 512 characters.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        visible("email", raw, TEXT_MAX).and_then(|text| Self::of(raw, text))
    }

    /// As [`Self::parse`], for a text of a store: invisible characters are permitted.
    pub(crate) fn stored(raw: &str) -> Result<Self, Error> {
        clean("email", raw, TEXT_MAX).and_then(|text| Self::of(raw, text))
    }

    fn of(raw: &str, text: CompactString) -> Result<Self, Error> {
        // Loose on purpose: the address is a key and no mail is sent to it, and the grammar of RFC 5322 is known to
        // refuse addresses that are in use.
        let has_form = text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !local.contains('@'));
        if !has_form || text.chars().any(char::is_whitespace) {
            return Err(Error::invalid("email", raw, "must look like name@domain"));
        }
        Ok(Self(text))
    }

    /// The address as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address in lower case, for comparison.
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

/// The URL of a repository: stored as it was sent, without its password and, if it is of HTTP, its user; looked up by
/// [`RepoUrl::normalized`], which is the same for all spellings of a URL.
///
/// ```
/// use clade::model::RepoUrl;
///
/// let cart = clade::CreateProject::new("cart", "Cart").repository("https://github.com/corp/cart.git");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// assert_eq!(view.repositories_at(&RepoUrl::parse("git@github.com:corp/cart")?).len(), 1);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoUrl(CompactString);

impl RepoUrl {
    /// Trims `raw`, removes credentials, and checks that a host or a path remains.
    ///
    /// # Errors
    /// [`Error::Invalid`] when neither does, or when it is longer than 2048 characters.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        visible("url", raw, URL_MAX).and_then(|text| Self::of(&text))
    }

    /// As [`Self::parse`], for a text of a store: invisible characters are permitted.
    pub(crate) fn stored(raw: &str) -> Result<Self, Error> {
        clean("url", raw, URL_MAX).and_then(|text| Self::of(&text))
    }

    fn of(text: &str) -> Result<Self, Error> {
        let url = Self(without_credentials(text.into()));
        if url.host_and_path() == ("", "") {
            // The cleaned URL, not `raw`: messages are logged, and `raw` may contain a password.
            return Err(Error::invalid("url", url.as_str(), "must name a host or a path"));
        }
        Ok(url)
    }

    /// The URL as it was sent, without credentials.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and path only: without scheme, user, default port, `.git` and trailing `/`, and with the host in lower
    /// case.
    ///
    /// `git@github.com:Org/app.git` and `https://GitHub.com/Org/app/` are the same repository.
    #[must_use]
    pub fn normalized(&self) -> String {
        let (host, path) = self.host_and_path();
        // Hosts ignore case by RFC 3986. Paths do not, and some git servers tell `Org/app` from `org/app`.
        let host = host.to_lowercase();
        if path.is_empty() { host } else { format!("{host}/{path}") }
    }

    /// Host and path as in [`RepoUrl::normalized`], but with the host's case unchanged.
    fn host_and_path(&self) -> (&str, &str) {
        let text: &str = &self.0;
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let authority_end = authority_end(rest);
        // The last `@`, and only before the path: a password may contain one, and so may a path (`/@scope/app`).
        let rest = match rest[..authority_end].rfind('@') {
            Some(at) => &rest[at + 1..],
            None => rest,
        };
        let (host, path) = match (scheme, rest.find('/'), rest.find(':')) {
            // The scp-like form of SSH, `host:path`: only without a scheme, and without a slash before the colon.
            (None, slash, Some(colon)) if slash.is_none_or(|slash| colon < slash) => {
                (&rest[..colon], &rest[colon + 1..])
            }
            (_, Some(slash), _) => (&rest[..slash], &rest[slash + 1..]),
            (_, None, _) => (rest, ""),
        };
        // Any of the default ports with any scheme: one repository is served by HTTPS and SSH, and must compare equal.
        let host = [":443", ":80", ":22"].iter().find_map(|port| host.strip_suffix(port)).unwrap_or(host);
        let path = path.trim_matches('/');
        // Trimmed again: without its `.git`, `Org/app/.git` ends in a slash.
        (host, path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/'))
    }

    /// The last path segment, without `.git`: what a repository without a name is called.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not a valid name.
    pub fn repository_name(&self) -> Result<Name, Error> {
        // Normalized, so that `.git`, a trailing slash and the case of the host do not end up in the name.
        let normalized = self.normalized();
        Name::parse(normalized.rsplit('/').next().unwrap_or_default())
    }

    /// The host, in lower case: the platform of a repository without one. `None` if the URL has no host, as
    /// `file:///srv/app.git`, or no path.
    #[must_use]
    pub fn platform(&self) -> Option<Name> {
        // Without a slash the normalized URL is a single part, the name of the repository.
        let normalized = self.normalized();
        normalized.split_once('/').and_then(|(host, _)| Name::parse(host).ok())
    }
}

/// Where the authority of a URL ends, of which `rest` follows the scheme.
fn authority_end(rest: &str) -> usize {
    // `?` and `#` end it too. Otherwise an `@` in a query would cut off the host.
    rest.find(['/', '?', '#']).unwrap_or(rest.len())
}

/// Removes the password of a URL and, if it is of HTTP, the user: that is often an access token, and every reader of the
/// directory would see it.
fn without_credentials(url: CompactString) -> CompactString {
    let (scheme, rest) = url.find("://").map_or(("", &*url), |end| url.split_at(end + "://".len()));
    let Some(at) = rest[..authority_end(rest)].rfind('@') else { return url };
    let (user_info, host) = (&rest[..at], &rest[at + 1..]);
    if scheme.eq_ignore_ascii_case("http://") || scheme.eq_ignore_ascii_case("https://") {
        return compact_str::format_compact!("{scheme}{host}");
    }
    // SSH URLs keep their user (`git@`): it is no secret, and the URL does not work without it.
    match user_info.split_once(':') {
        Some((user, _password)) => compact_str::format_compact!("{scheme}{user}@{host}"),
        None => url,
    }
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
    fn characters_that_nobody_sees_are_refused() {
        for hidden in [
            "Ro\u{200B}ot",
            "\u{FEFF}Root",
            "a\u{202E}txt.exe",
            "Ro\u{AD}ot",
            "x\u{2066}y",
            "a\u{2028}b",
            "tag\u{E0041}",
            "a\u{200D}b",
        ] {
            let Err(Error::Invalid { reason, .. }) = Name::parse(hidden) else { panic!("{hidden:?}") };
            assert!(reason.starts_with("must not contain the invisible character U+"), "{reason}");
            assert!(UnitKey::parse(hidden).is_err() && ProjectId::parse(hidden).is_err());
            assert!(Email::parse(&format!("{hidden}@x.example").replace(' ', "")).is_err());
            assert_eq!(Name::stored(hidden).unwrap().as_str(), hidden.trim(), "a store of before is read");
        }
        for plain in
            ["Büro", "研究開発", "🛠\u{FE0F} Tools", "👩\u{200D}💻 Dev", "می\u{200C}خواهم", "بحث", "a b"]
        {
            assert_eq!(Name::parse(plain).unwrap().as_str(), plain);
        }
    }

    #[test]
    fn emails_compare_without_case_and_display_as_sent() {
        let email = Email::parse(" Ada@Corp.Example ").unwrap();
        assert_eq!(email.as_str(), "Ada@Corp.Example");
        assert_eq!(email.folded(), Email::parse("ada@corp.example").unwrap().folded());
        assert_eq!(Email::parse("ÉVA@corp.example").unwrap().folded(), "éva@corp.example");
    }

    #[test]
    fn an_invalid_email_is_refused_with_its_value() {
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
    fn credentials_in_a_url_are_removed() {
        for (raw, stored) in [
            ("https://user:secret@host/Org/app", "https://host/Org/app"),
            ("HTTP://token@host:8080/app.git", "HTTP://host:8080/app.git"),
            ("https://user:p@ss@host/app", "https://host/app"),
            ("https://host/@scope/app", "https://host/@scope/app"),
            ("git@host:Org/app", "git@host:Org/app"),
            ("ssh://git@host/Org/app", "ssh://git@host/Org/app"),
            ("ssh://git:secret@host/Org/app", "ssh://git@host/Org/app"),
            ("git:secret@host/Org/app", "git@host/Org/app"),
            ("git:secret@host:Org/app", "git@host:Org/app"),
            ("https://host?to=user@mail", "https://host?to=user@mail"),
        ] {
            assert_eq!(RepoUrl::parse(raw).unwrap().as_str(), stored);
        }
        let refusal = RepoUrl::parse("https://user:secret@").unwrap_err().to_string();
        assert!(!refusal.contains("secret"), "{refusal}");
    }

    #[test]
    fn every_spelling_of_a_url_normalizes_to_the_same() {
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
        let derived = |url: &str| {
            let url = RepoUrl::parse(url).unwrap();
            (url.repository_name().unwrap().to_string(), url.platform().map(|name| name.to_string()))
        };
        assert_eq!(
            derived("https://GitHub.com/Org/app.git"),
            ("app".to_owned(), Some("github.com".to_owned()))
        );
        assert_eq!(derived("file:///srv/app.git"), ("app".to_owned(), None));
        assert_eq!(derived("app"), ("app".to_owned(), None));
        assert!(RepoUrl::parse("https://").is_err());
    }
}
