//! The conditions of a request for the audit log, as text: parsed for REST, GraphQL and the command line.

use crate::directory::{AuditKind, AuditRequest, RecordName, View};
use crate::error::Error;
use crate::model::entity::Kind;
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;
use crate::model::text::fold;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, JwtSubject, TokenId};

/// The conditions of a request; `None` is no condition.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogConditions<'t> {
    /// Only commits at this moment or later: an RFC 3339 timestamp, or a date.
    pub since: Option<&'t str>,
    /// Only commits before this moment.
    pub until: Option<&'t str>,
    /// Only changes of this actor.
    pub by: Option<&'t str>,
    /// Only changes within this unit.
    pub within: Option<&'t str>,
    /// Only changes of this record.
    pub record: Option<&'t str>,
}

impl LogConditions<'_> {
    /// `request` with these conditions. `view` has the tokens that `by` may name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a condition that cannot be parsed, and for an actor that is neither an id nor the description
    /// of a token; [`Error::NotFound`] for a token that never existed. Any JWT subject is accepted: none are stored.
    pub fn applied_to(self, mut request: AuditRequest, view: &View) -> Result<AuditRequest, Error> {
        if let Some(text) = self.since {
            request.since = Some(moment("since", text)?);
        }
        if let Some(text) = self.until {
            request.until = Some(moment("until", text)?);
        }
        request.by = self.by.map(|text| actors(text, view)).transpose()?.unwrap_or_default();
        request.within = self.within.map(|unit| UnitRef::Text(unit.to_owned()));
        request.record = self.record.map(record_name).transpose()?;
        Ok(request)
    }
}

fn moment(field: &'static str, text: &str) -> Result<Timestamp, Error> {
    let form = "must be a date such as 2026-11-24, or an RFC 3339 timestamp such as 2026-11-24T08:30:00Z";
    Timestamp::parse(text).ok_or_else(|| Error::invalid(field, text, form))
}

/// The actors that a text names: `local`, `token:ID`, `jwt:SUBJECT`, or the id or description of tokens.
fn actors(text: &str, view: &View) -> Result<Vec<Actor>, Error> {
    let text = text.trim();
    let as_by = |refusal: Error| refusal.about("by");
    match text.split_once(':') {
        Some(("token", id)) => {
            let id = TokenId::parse(id).map_err(as_by)?;
            let known = view.token(&id).ok_or_else(|| Error::not_found("token", id.as_str()))?;
            return Ok(vec![Actor::Token(known.id.clone())]);
        }
        Some(("jwt", subject)) => return Ok(vec![Actor::Jwt(JwtSubject::parse(subject).map_err(as_by)?)]),
        None if text == "local" => return Ok(vec![Actor::Local]),
        _ => {}
    }
    let wanted = fold(text);
    let tokens = view.tokens().into_iter().filter(|token| {
        let description = token.description.as_ref();
        token.id.as_str() == text
            || description.is_some_and(|description| fold(description.as_str()) == wanted)
    });
    let found: Vec<Actor> = tokens.map(|token| Actor::Token(token.id.clone())).collect();
    if found.is_empty() {
        let form = "must be local, token:ID, jwt:SUBJECT, or the id or description of a token";
        return Err(Error::invalid("by", text, form));
    }
    Ok(found)
}

/// Parses the name of a record: its kind and key, such as `person:ada@corp.example`, or a key alone.
///
/// # Errors
/// [`Error::Invalid`] if it is empty, or has a kind and a key or id that is not one.
pub fn record_name(text: &str) -> Result<RecordName, Error> {
    let form = "must be a key, or KIND:KEY, where KIND is orgUnit, person, project, repository, service, mapping or token";
    let whole = text.trim();
    // At the first colon, since keys may contain more of them.
    let (kind, key) = whole.split_once(':').map_or(("", whole), |(kind, key)| (kind.trim(), key.trim()));
    let as_record = |refusal: Error| refusal.about("record");
    match kind {
        "mapping" => return Ok(RecordName::Mapping(MappingId::parse(key).map_err(as_record)?)),
        "token" => return Ok(RecordName::Token(TokenId::parse(key).map_err(as_record)?)),
        _ => {}
    }
    match Kind::ALL.into_iter().find(|known| AuditKind::from(*known).as_str().eq_ignore_ascii_case(kind)) {
        Some(_) if key.is_empty() => Err(Error::invalid("record", text, form)),
        Some(kind) => Ok(RecordName::Entity(kind, key.to_owned())),
        None if whole.is_empty() => Err(Error::invalid("record", text, form)),
        None => Ok(RecordName::Key(whole.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_its_kind_and_key_or_its_key_alone() {
        let person = RecordName::Entity(Kind::Person, "ada@corp.example".to_owned());
        assert_eq!(record_name("person:ada@corp.example").unwrap(), person);
        assert_eq!(record_name("Person: ada@corp.example ").unwrap(), person);
        assert_eq!(record_name("orgUnit:a:b").unwrap(), RecordName::Entity(Kind::OrgUnit, "a:b".to_owned()));
        assert_eq!(record_name(" team:a ").unwrap(), RecordName::Key("team:a".to_owned()));
        assert!(matches!(record_name("token:abcd1234"), Ok(RecordName::Token(_))));
        for refused in ["", " ", "person:", "mapping:7", "token:7"] {
            assert_eq!(record_name(refused).unwrap_err().field(), Some("record"), "{refused}");
        }
    }
}
