//! Keys, names and emails: validated text types.
//!
//! Invariant: a value of these types is trimmed, not empty, free of control characters and at most as long as its
//! limit. Code relies on it: the text index separates texts by U+001F, and cache keys separate unit keys by a line
//! feed.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;

use crate::error::Error;
use crate::model::text::{fold, is_invisible};

/// The maximum length of a key, name or identifier, in characters.
pub const TEXT_MAX: usize = 512;
/// The maximum length of a URL, in characters.
pub const URL_MAX: usize = 2048;

/// Trims `raw` and checks it.
pub(super) fn clean(field: &'static str, raw: &str, max: usize) -> Result<CompactString, Error> {
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
pub(super) fn visible(field: &'static str, raw: &str, max: usize) -> Result<CompactString, Error> {
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
    /// The unique key of a project, the same in any case.
    ///
    /// ```
    /// use clade::model::ProjectId;
    ///
    /// let view = clade::Directory::in_memory()?.apply(clade::CreateProject::new("cart", "Cart"))?.view;
    /// assert!(view.project_by_id(&ProjectId::parse(" cart ")?).is_some(), "it is trimmed");
    /// assert!(view.project_by_id(&ProjectId::parse("CART")?).is_some());
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
        let email = visible("email", raw, TEXT_MAX).and_then(|text| Self::of(raw, text))?;
        let refused = |reason: &str| Err(Error::invalid("email", raw, reason));
        if email.0.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
            return refused("must be the address alone, without mailto:");
        }
        if email.0.contains([',', ';', '<', '>']) {
            return refused("must be one address, and nothing else");
        }
        if email.0.ends_with('.') {
            return refused("must not end in a dot");
        }
        Ok(email)
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

    /// The address without case and with its domain in Unicode, for comparison.
    #[must_use]
    pub fn folded(&self) -> Cow<'_, str> {
        fold_email(&self.0)
    }
}

/// The form in which email addresses are compared: as [`fold`], with an internationalized domain in Unicode.
pub(crate) fn fold_email(text: &str) -> Cow<'_, str> {
    let folded = fold(text);
    match folded.rsplit_once('@') {
        // `xn--` begins the ASCII form of a label, anywhere in the domain.
        Some((local, domain)) if !domain.is_ascii() || domain.contains("xn--") => {
            let (domain, _) = idna::domain_to_unicode(domain);
            Cow::Owned(format!("{local}@{domain}"))
        }
        _ => folded,
    }
}

impl fmt::Display for Email {
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
        let [unicode, ascii] =
            ["ada@BÜCHER.example", "Ada@xn--bcher-kva.example"].map(|raw| Email::parse(raw).unwrap());
        assert_eq!(unicode.folded(), ascii.folded());
    }

    #[test]
    fn an_invalid_email_is_refused_with_its_value() {
        for raw in [
            "",
            "  ",
            "ada",
            "@corp",
            "ada@",
            "a@b@c",
            "a da@corp",
            "a\0@corp",
            "mailto:ada@corp",
            "ada@corp.",
            "ada@corp;",
            "ada@corp,eve@corp",
            "<ada@corp>",
        ] {
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
}
