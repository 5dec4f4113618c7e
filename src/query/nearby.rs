//! What a reference that names nothing may have meant: for the error message.

use crate::error::{Error, SimilarRecord};
use crate::graph::View;
use crate::model::entity::{Body, EntityId, Kind};
use crate::model::key::Email;
use crate::query::search::search;

/// Maximum number of similar records in an error.
const SIMILAR_MAX: usize = 3;
/// Maximum length of a reference that similar records are searched for, in bytes.
const REFERENCE_MAX: usize = 256;

/// Adds to an [`Error::NotFound`] the most similar records of `view` of the same kind, or that the reference is that of a
/// person where a unit is expected. Other errors stay as they are, also those of mappings and tokens.
///
/// ```
/// use clade::query::with_similar;
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example").under("Corp/Gears"))?.view;
/// let said = |unit: &str| with_similar(&view, view.org_unit(unit).unwrap_err()).to_string();
/// assert_eq!(said("gearz"), r#"there is no unit "gearz"; did you mean "Gears"?"#);
/// assert_eq!(said("Ada@corp.example"), r#"there is no unit "Ada@corp.example": that is a person, in: "Gears""#);
/// # Ok::<(), clade::Error>(())
/// ```
#[must_use]
pub fn with_similar(view: &View, error: Error) -> Error {
    let Error::NotFound { kind, reference, person_in: None, similar } = error else { return error };
    let wanted = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    let is_searchable = (wanted.is_some() || kind == "record") && reference.len() <= REFERENCE_MAX;
    if !similar.is_empty() || !is_searchable {
        return Error::NotFound { kind, reference, person_in: None, similar };
    }
    let person = Email::parse(&reference).ok().and_then(|email| view.person_by_email(&email));
    if let (Some(Kind::OrgUnit), Some(person)) = (wanted, person) {
        let units = view.parents(person).into_iter().map(|unit| view.label(unit)).collect();
        return Error::NotFound { kind, reference, person_in: Some(units), similar };
    }
    let similar_to = |text: &str| search(view, text, wanted.as_slice(), None, SIMILAR_MAX);
    let mut hits = similar_to(&reference);
    if hits.is_empty() {
        // By its words, in which the search finds misspellings. Most emails have one domain, which says nothing.
        let local = reference.split('@').next().unwrap_or_default();
        let words = local.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        hits = similar_to(&words.collect::<Vec<_>>().join(" "));
    }
    let similar = hits.into_iter().filter_map(|hit| record(view, hit.id)).collect();
    Error::NotFound { kind, reference, person_in: None, similar }
}

fn record(view: &View, id: EntityId) -> Option<SimilarRecord> {
    let entity = view.entity(id)?;
    let key = entity.label().to_owned();
    let name = match &entity.body {
        Body::OrgUnit(unit) => unit.name.as_str().to_owned(),
        Body::Project(project) => project.name.as_str().to_owned(),
        _ => key.clone(),
    };
    Some(SimilarRecord { key, name })
}
