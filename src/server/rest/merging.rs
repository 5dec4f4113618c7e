//! Whether the advice to merge instead would help with what was refused.

use crate::directory::View;
use crate::error::Error;
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;

/// Whether any of these refusals is of a record that `view` holds. What a file names twice, or what is an asset of a
/// project, is refused whichever way it is asked for.
#[must_use]
pub fn merging_helps(view: &View, refused: &[(usize, Error)]) -> bool {
    refused.iter().any(|(_, why)| match why {
        Error::Duplicate { kind, key, id } => holds(view, kind, key, id.as_deref()),
        _ => false,
    })
}

fn holds(view: &View, kind: &str, key: &str, id: Option<&str>) -> bool {
    match kind {
        "unit" => UnitKey::parse(key).is_ok_and(|key| view.find_unit(&UnitRef::Key(key)).is_ok()),
        "person" => Email::parse(key).is_ok_and(|email| view.person_by_email(&email).is_some()),
        "project" => ProjectId::parse(key).is_ok_and(|id| view.project_by_id(&id).is_some()),
        "mapping" => {
            id.and_then(|id| MappingId::parse(id).ok()).is_some_and(|id| view.mapping(&id).is_some())
        }
        _ => false,
    }
}
