//! What a reference that names nothing may have meant: for the error message.

use crate::error::{Error, SimilarRecord};
use crate::graph::View;
use crate::model::entity::{Body, EntityId, Kind};
use crate::model::key::Email;
use crate::query::search::search;

/// Maximum number of similar records in an error.
const SIMILAR_MAX: usize = 3;

/// Adds to an [`Error::NotFound`] of a unit, person or project the most similar records of `view`, or that the reference
/// is that of a person where a unit is expected. Other errors stay as they are.
///
/// ```
/// use clade::query::with_similar;
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example").under("Corp/Gears"))?.view;
/// let said = |unit: &str| with_similar(&view, view.org_unit(unit).unwrap_err()).to_string();
/// assert_eq!(said("geras"), r#"there is no unit "geras"; did you mean "Gears"?"#);
/// assert_eq!(said("Ada@corp.example"), r#"there is no unit "Ada@corp.example": that is a person, in: "Gears""#);
/// # Ok::<(), clade::Error>(())
/// ```
#[must_use]
pub fn with_similar(view: &View, error: Error) -> Error {
    let Error::NotFound { kind, reference, person_in: None, similar } = error else { return error };
    let wanted = [Kind::OrgUnit, Kind::Person, Kind::Project].into_iter().find(|known| known.as_str() == kind);
    let Some(wanted) = wanted.filter(|_| similar.is_empty()) else {
        return Error::NotFound { kind, reference, person_in: None, similar };
    };
    let person = Email::parse(&reference).ok().and_then(|email| view.person_by_email(&email));
    if let (Kind::OrgUnit, Some(person)) = (wanted, person) {
        let units = view.parents(person).into_iter().map(|unit| view.label(unit)).collect();
        return Error::NotFound { kind, reference, person_in: Some(units), similar };
    }
    let hits = search(view, &reference, &[wanted], None, SIMILAR_MAX);
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
