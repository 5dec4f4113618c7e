//! Query parameters: read against a table that says what there is. What is not in it is refused, not ignored.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::server::response::problem::{Problem, Result};

/// One parameter: the parser and the OpenAPI document are both made from it.
#[derive(Debug)]
pub(crate) struct Param {
    /// Its name.
    pub name: &'static str,
    /// What its values look like.
    pub shape: ParamType,
    /// What it does.
    pub about: &'static str,
}

/// What the values of a parameter look like.
#[derive(Debug)]
pub(crate) enum ParamType {
    /// Any text, once. An empty one is as good as none.
    Text,
    /// Any text, any number of times. Empty ones are left out.
    Texts,
    /// Any of these words, any number of times. Empty ones are left out.
    Words(&'static [&'static str]),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(usize, usize),
}

/// The parameters as they were sent. Nothing can be read from them before they are [`Params::known`].
pub(crate) struct Params(Vec<(String, String)>);

/// The parameters, each known and of the right shape.
#[derive(Debug)]
pub(crate) struct ParsedParams(Vec<(&'static str, String)>);

/// A request that takes no parameters.
pub(crate) struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
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
        Params::from_request_parts(parts, state).await?.known(&[]).map(|_| Self)
    }
}

fn decoded(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Ok(Cow::into_owned(text)),
        Err(_) => Err(Problem::malformed("the query is not UTF-8 once percent-decoded")),
    }
}

impl Params {
    /// Whether a parameter is given with just this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(given, its)| given == name && its == value)
    }

    /// Refuses parameters that another way of asking the same path takes.
    pub(crate) fn without(&self, tables: &[&'static [Param]], because: &str) -> Result<()> {
        let mut others = tables.iter().copied().flatten();
        match others.find(|param| self.0.iter().any(|(given, _)| given == param.name)) {
            Some(Param { name, .. }) => Err(unfit(name, format!("{name} is not taken with {because}"))),
            None => Ok(()),
        }
    }

    /// Holds them against the tables.
    pub(crate) fn known(self, tables: &[&'static [Param]]) -> Result<ParsedParams> {
        let mut known = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let Some(param) = tables.iter().copied().flatten().find(|param| param.name == name) else {
                return Err(unknown(&name, tables));
            };
            if !param.shape.repeats() && known.iter().any(|(seen, _)| *seen == param.name) {
                return Err(refused(param.name, format!("{name} is given twice; give it once")));
            }
            param.check(&value)?;
            known.push((param.name, value));
        }
        Ok(ParsedParams(known))
    }
}

fn unknown(name: &str, tables: &[&'static [Param]]) -> Problem {
    let names: Vec<_> = tables.iter().copied().flatten().map(|param| param.name).collect();
    let detail = if names.is_empty() {
        format!("there is no parameter {name:?} here; none are taken")
    } else {
        format!("there is no parameter {name:?} here; known are {}", names.join(", "))
    };
    Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail).with("field", name)
}

impl ParamType {
    /// Whether the parameter may be given several times.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self, Self::Texts | Self::Words(_))
    }
}

impl Param {
    fn check(&self, value: &str) -> Result<()> {
        let Self { name, shape, .. } = self;
        match shape {
            ParamType::Text | ParamType::Texts => Ok(()),
            ParamType::Words(_) if value.is_empty() => Ok(()),
            ParamType::OneOf(words) | ParamType::Words(words) if words.contains(&value) => Ok(()),
            ParamType::OneOf(words) | ParamType::Words(words) => {
                Err(refused(name, format!("{name} {value:?} must be one of {}", words.join(", "))))
            }
            ParamType::Flag if matches!(value, "true" | "false") => Ok(()),
            ParamType::Flag => Err(refused(name, format!("{name} {value:?} must be true or false"))),
            ParamType::Whole(least, most) => match value.parse::<usize>() {
                Ok(number) if (*least..=*most).contains(&number) => Ok(()),
                _ => Err(refused(
                    name,
                    format!("{name} {value:?} must be a whole number from {least} to {most}"),
                )),
            },
        }
    }
}

/// A parameter's value that cannot be taken.
pub(crate) fn refused(name: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", detail).with("field", name)
}

/// A parameter's value that could be taken, were it not against a rule.
pub(crate) fn unfit(name: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with("field", name)
}

/// The same, where a type of the model refused it.
pub(crate) fn refused_as(name: &'static str, refusal: Error) -> Problem {
    unfit(name, refusal.about(name).to_string())
}

impl ParsedParams {
    /// Every value of a parameter that is not empty.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, value)| *known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that is given once.
    pub(crate) fn one(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of a [`ParamType::Whole`].
    pub(crate) fn whole(&self, name: &'static str) -> Option<usize> {
        self.one(name).and_then(|value| value.parse().ok())
    }

    /// The value of a [`ParamType::Flag`].
    pub(crate) fn flag(&self, name: &'static str) -> Option<bool> {
        self.one(name).map(|value| value == "true")
    }
}
