//! URLs of repositories: what is stored, and the one form in which all spellings of a URL are compared.

use std::fmt;

use compact_str::CompactString;

use crate::error::Error;
use crate::model::key::{Name, URL_MAX, clean, visible};

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
        if url.normalized().is_empty() {
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

    /// The form in which URLs are compared: host and path only, without scheme, user, default port, `.git`, query and
    /// pages of the repository (`/tree/main`). The host is in lower case, and so is the path on hosts that are known to
    /// ignore case there; the forms in which a known host is reached by SSH are those by HTTPS.
    ///
    /// `git@github.com:Org/app.git` and `https://www.GitHub.com/org/App/tree/main` are the same repository.
    #[must_use]
    pub fn normalized(&self) -> String {
        let (host, path) = self.host_and_path();
        // Hosts ignore case by RFC 3986. Paths do not, and some git servers tell `Org/app` from `org/app`.
        let path = if HOSTS_WITHOUT_CASE.contains(&&*host) { path.to_lowercase() } else { path };
        if path.is_empty() { host } else { format!("{host}/{path}") }
    }

    /// Host and path as in [`RepoUrl::normalized`], but with the path's case unchanged.
    fn host_and_path(&self) -> (String, String) {
        let (scheme, host, path) = self.split();
        let host = host.to_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        // Any of the default ports with any scheme, and any port of SSH: one repository is served by HTTPS and SSH, and
        // must compare equal.
        let host = match host.rsplit_once(':') {
            Some((name, "443" | "80" | "22")) => name,
            Some((name, _)) if matches!(scheme, Some("ssh" | "git+ssh" | "ssh+git")) => name,
            _ => host,
        };
        let path = path.split(['?', '#']).next().unwrap_or_default().replace("%20", " ");
        let mut steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let host = match host {
            "ssh.github.com" => "github.com",
            "altssh.gitlab.com" => "gitlab.com",
            "altssh.bitbucket.org" => "bitbucket.org",
            "ssh.dev.azure.com" | "vs-ssh.visualstudio.com" | AZURE => {
                on_azure(&mut steps);
                AZURE
            }
            other => match other.strip_suffix(".visualstudio.com") {
                Some(organisation) => {
                    steps.retain(|step| !step.eq_ignore_ascii_case("DefaultCollection"));
                    steps.insert(0, organisation);
                    on_azure(&mut steps);
                    AZURE
                }
                None => other,
            },
        };
        steps.truncate(repository_steps(host, &steps));
        while let Some(name) = steps.last().and_then(|last| last.strip_suffix(".git")) {
            steps.pop();
            steps.extend(Some(name).filter(|name| !name.is_empty()));
        }
        (host.to_owned(), steps.join("/"))
    }

    /// Scheme, host with its port, and the rest.
    fn split(&self) -> (Option<&str>, &str, &str) {
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
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        match (scheme, rest[..end].find(':')) {
            // The scp-like form of SSH, `host:path`: only without a scheme, and without a slash before the colon. After a
            // port comes a slash.
            (None, Some(colon)) if !is_port(&rest[colon + 1..end]) || end == rest.len() => {
                (scheme, &rest[..colon], &rest[colon + 1..])
            }
            _ => (scheme, &rest[..end], &rest[end..]),
        }
    }

    /// The last path segment, without `.git`: what a repository without a name is called.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not a valid name.
    pub fn repository_name(&self) -> Result<Name, Error> {
        let (host, path) = self.host_and_path();
        Name::parse(path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&host))
    }

    /// The host, in lower case: the platform of a repository without one. `None` if the URL has no host, as
    /// `file:///srv/app.git`, or no path.
    #[must_use]
    pub fn platform(&self) -> Option<Name> {
        let (host, path) = self.host_and_path();
        if path.is_empty() { None } else { Name::parse(&host).ok() }
    }
}

/// Hosts whose paths are the same in any case.
const HOSTS_WITHOUT_CASE: [&str; 4] = ["github.com", "gitlab.com", "bitbucket.org", AZURE];
/// The host of Azure Repos, which has several others.
const AZURE: &str = "dev.azure.com";

/// Turns each form of a path of Azure Repos into organization, project and repository.
fn on_azure(steps: &mut Vec<&str>) {
    if steps.first() == Some(&"v3") {
        steps.remove(0);
    }
    match steps.iter().position(|step| *step == "_git") {
        // The repository of a project that has its name is reached without the project.
        Some(1) if steps.len() > 2 => steps[1] = steps[2],
        Some(at) => _ = steps.remove(at),
        None => {}
    }
}

/// How many steps of a path lead to the repository. Those behind lead to a page of it.
fn repository_steps(host: &str, steps: &[&str]) -> usize {
    let page = |step: &&str| matches!(*step, "-" | "tree" | "blob");
    match host {
        "github.com" | "bitbucket.org" => 2,
        AZURE => 3,
        // Before a page, an owner and a repository.
        _ => steps.iter().skip(2).position(page).map_or(steps.len(), |at| at + 2),
    }
}

/// Whether a text is the port of a host.
fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
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
        for (same, others) in [
            (
                "github.com/org/app",
                &[
                    "https://github.com/Org/app.git",
                    "https://GitHub.com/Org/App/",
                    "http://user:secret@github.com/Org/app",
                    "git@github.com:Org/app.git",
                    "ssh://git@github.com:22/Org/app.git",
                    "ssh://git@ssh.github.com:443/Org/app.git",
                    "github.com/Org/app",
                    "github.com:443/Org/app",
                    "https://www.github.com:443/Org/app.git/",
                    "https://github.com/Org/app/tree/main/src",
                    "https://github.com/Org/app/pulls?q=is%3Aopen",
                    "https://github.com/Org/app?tab=readme",
                    "https://github.com/Org/app.git#readme",
                ][..],
            ),
            (
                "gitlab.com/a/b/c",
                &["https://gitlab.com/A/b/c/-/tree/main", "git@altssh.gitlab.com:a/b/c.git"],
            ),
            (
                "git.corp.example/Org/app",
                &[
                    "https://git.corp.example/Org/app/blob/main/README.md",
                    "https://Git.Corp.Example/Org/app/-/issues",
                    "ssh://git@git.corp.example:7999/Org/app.git",
                    "git.corp.example:Org/app/.git",
                ],
            ),
            ("git.corp.example:8443/app", &["https://git.corp.example:8443/app.git"]),
            (
                "dev.azure.com/corp/my project/app",
                &[
                    "https://corp@dev.azure.com/Corp/My%20Project/_git/App",
                    "git@ssh.dev.azure.com:v3/corp/My%20Project/app",
                    "https://corp.visualstudio.com/DefaultCollection/My%20Project/_git/app?path=/x",
                    "corp@vs-ssh.visualstudio.com:v3/corp/My Project/app",
                ],
            ),
            (
                "dev.azure.com/corp/app/app",
                &["https://dev.azure.com/corp/_git/app", "https://corp.visualstudio.com/_git/app"],
            ),
        ] {
            for other in others {
                assert_eq!(RepoUrl::parse(other).unwrap().normalized(), same, "{other}");
            }
            assert_eq!(RepoUrl::parse(same).unwrap().normalized(), same);
        }
        let elsewhere = |url: &str| RepoUrl::parse(url).unwrap().normalized();
        assert_ne!(
            elsewhere("https://git.corp.example/org/app"),
            elsewhere("https://git.corp.example/Org/app")
        );
        let derived = |url: &str| {
            let url = RepoUrl::parse(url).unwrap();
            (url.repository_name().unwrap().to_string(), url.platform().map(|name| name.to_string()))
        };
        assert_eq!(
            derived("https://www.GitHub.com/Org/App.git"),
            ("App".to_owned(), Some("github.com".to_owned()))
        );
        assert_eq!(derived("file:///srv/app.git"), ("app".to_owned(), None));
        assert_eq!(derived("app"), ("app".to_owned(), None));
        assert!(RepoUrl::parse("https://").is_err());
    }
}
