//! Query parameters, parsed against tables of [`Param`].
//!
//! Invariant: a parameter that is in no table, is repeated or has an invalid value is refused, never ignored.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::server::response::problem::{Problem, Result};

/// A query parameter: the parser and the OpenAPI document both use this descriptor.
#[derive(Debug)]
pub(crate) struct Param {
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub value_type: ParamType,
    /// Its description in the OpenAPI document.
    pub about: &'static str,
}

/// The type of a parameter's values.
#[derive(Debug)]
pub(crate) enum ParamType {
    /// Any text, once. An empty text means the parameter is absent.
    Text,
    /// Any text, any number of times. Empty texts are ignored.
    Texts,
    /// One of these words, any number of times. Empty texts are ignored.
    Words(&'static [&'static str]),
    /// One of these words, once.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// An integer from the first to the second, both included.
    Whole(usize, usize),
}

/// The decoded parameters of a request, not yet validated. [`Params::parse`] makes them readable.
pub(crate) struct Params(Vec<(String, String)>);

/// Validated parameters: each is in a table and has a valid value.
#[derive(Debug)]
pub(crate) struct ParsedParams(Vec<(&'static str, String)>);

/// Extractor for routes without parameters: refuses every parameter.
pub(crate) struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        // Not axum's `Query`: serde would ignore unknown parameters and cannot collect repeated ones.
        let query = parts.uri.query().unwrap_or_default();
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        pairs.collect::<Result<_>>().map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Params::from_request_parts(parts, state).await?.parse(&[]).map(|_| Self)
    }
}

fn decoded(text: &str) -> Result<String> {
    // A form-encoded `+` is a space. It is replaced before decoding, so that `%2B` stays a plus sign.
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Ok(Cow::into_owned(text)),
        Err(_) => Err(Problem::malformed(
            "the percent-decoded query is not valid UTF-8; encode parameters as UTF-8",
        )),
    }
}

impl Params {
    /// Whether a parameter has exactly this value. For choosing the tables to parse against.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(known, its)| known == name && its == value)
    }

    /// Refuses the parameters of `tables`, which the same path accepts in other requests, with 422. `because` is the
    /// parameter that excludes them.
    // Without this they would be refused as unknown, though the documentation of the path lists them.
    pub(crate) fn without(&self, tables: &[&'static [Param]], because: &str) -> Result<()> {
        let mut others = tables.iter().copied().flatten();
        match others.find(|param| self.0.iter().any(|(sent, _)| sent == param.name)) {
            Some(Param { name, .. }) => Err(unprocessable(
                name,
                format!("parameter {name} cannot be combined with {because}; leave one of them out"),
            )),
            None => Ok(()),
        }
    }

    /// Validates all parameters against the tables.
    pub(crate) fn parse(self, tables: &[&'static [Param]]) -> Result<ParsedParams> {
        let mut parsed = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let Some(param) = tables.iter().copied().flatten().find(|param| param.name == name) else {
                return Err(unknown(&name, tables));
            };
            if !param.value_type.repeats() && parsed.iter().any(|(seen, _)| *seen == param.name) {
                return Err(invalid(param.name, format!("parameter {name} occurs twice; send it once")));
            }
            param.check(&value)?;
            parsed.push((param.name, value));
        }
        Ok(ParsedParams(parsed))
    }
}

fn unknown(name: &str, tables: &[&'static [Param]]) -> Problem {
    let names: Vec<_> = tables.iter().copied().flatten().map(|param| param.name).collect();
    let detail = if names.is_empty() {
        format!("unknown parameter {name:?}; this path takes no parameters")
    } else {
        format!("unknown parameter {name:?}; the parameters are {}", names.join(", "))
    };
    Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail).with("field", name)
}

impl ParamType {
    /// Whether the parameter may occur several times.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self, Self::Texts | Self::Words(_))
    }
}

impl Param {
    fn check(&self, value: &str) -> Result<()> {
        let Self { name, value_type, .. } = self;
        match value_type {
            ParamType::Text | ParamType::Texts => Ok(()),
            // Forms send an empty value for a drop-down that nothing was chosen in.
            ParamType::Words(_) if value.is_empty() => Ok(()),
            ParamType::OneOf(words) | ParamType::Words(words) if words.contains(&value) => Ok(()),
            ParamType::OneOf(words) | ParamType::Words(words) => {
                Err(invalid(name, format!("{name} {value:?} must be one of {}", words.join(", "))))
            }
            ParamType::Flag if matches!(value, "true" | "false") => Ok(()),
            ParamType::Flag => Err(invalid(name, format!("{name} {value:?} must be true or false"))),
            ParamType::Whole(least, most) => match value.parse::<usize>() {
                Ok(number) if (*least..=*most).contains(&number) => Ok(()),
                _ => {
                    Err(invalid(name, format!("{name} {value:?} must be an integer from {least} to {most}")))
                }
            },
        }
    }
}

/// 400: a parameter's value is of the wrong type or form.
pub(crate) fn invalid(name: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", detail).with("field", name)
}

/// 422: a parameter's value is well-formed, but breaks a rule or names nothing.
pub(crate) fn unprocessable(name: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with("field", name)
}

/// 422 for a value that a type of the model refused. The message names the parameter in place of the model's field.
pub(crate) fn unprocessable_error(name: &'static str, refusal: Error) -> Problem {
    unprocessable(name, refusal.about(name).to_string())
}

impl ParsedParams {
    /// All values of a parameter that are not empty.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, value)| *known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that occurs once; `None` if it is absent or empty.
    pub(crate) fn one(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of a [`ParamType::Whole`]; `None` if it is absent.
    pub(crate) fn whole(&self, name: &'static str) -> Option<usize> {
        self.one(name).and_then(|value| value.parse().ok())
    }

    /// The value of a [`ParamType::Flag`]; `None` if it is absent.
    pub(crate) fn flag(&self, name: &'static str) -> Option<bool> {
        self.one(name).map(|value| value == "true")
    }
}
