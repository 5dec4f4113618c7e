//! Lookup: the records that a text names, as a person types it, and the way from each of them up to the roots.

use crate::graph::View;
use crate::model::entity::EntityId;
use crate::model::key::{Email, ProjectId, ServiceIdentifier};
use crate::model::reference::UnitRef;
use crate::model::repo_url::RepoUrl;
use crate::query::search::search;

/// Maximum number of records of a lookup.
pub const LOOKUP_MAX: usize = 20;

/// The records that `text` names; if there are none, those with a name or other text that equals it in a search, without
/// regard to marks. At most 20.
///
/// ```
/// use clade::query::lookup;
///
/// let cart = clade::CreateProject::new("cart", "Shopping cart").under("Corp/Checkout");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let found = |text| lookup(&view, text).into_iter().map(|id| view.label(id)).collect::<Vec<_>>();
/// assert_eq!((found("CART"), found("shopping cart")), (vec!["cart".to_owned()], vec!["cart".to_owned()]));
/// assert_eq!((found("Corp/Checkout"), found("check")), (vec!["Checkout".to_owned()], vec![]));
/// # Ok::<(), clade::Error>(())
/// ```
#[must_use]
pub fn lookup(view: &View, text: &str) -> Vec<EntityId> {
    let mut found = named(view, text);
    if found.is_empty() {
        let whole =
            search(view, text.trim(), &[], None, LOOKUP_MAX).into_iter().filter(|hit| hit.score >= 1.0);
        found.extend(whole.map(|hit| hit.id));
    }
    found
}

/// The records that `text` names: units by key, external id, path or name, a person by email, a project by id,
/// repositories by URL and services by identifier. At most 20.
///
/// ```
/// use clade::query::named;
///
/// let ada = clade::CreatePerson::new("ada@corp.example").display_name("Ada");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// assert_eq!((named(&view, "Ada@corp.example").len(), named(&view, "Ada").len()), (1, 0));
/// # Ok::<(), clade::Error>(())
/// ```
#[must_use]
pub fn named(view: &View, text: &str) -> Vec<EntityId> {
    let text = text.trim();
    let mut found = view.units_for(&UnitRef::Text(text.to_owned()), None);
    found.extend(Email::parse(text).ok().and_then(|email| view.person_by_email(&email)));
    found.extend(ProjectId::parse(text).ok().and_then(|id| view.project_by_id(&id)));
    if let Ok(url) = RepoUrl::parse(text) {
        found.extend(view.repositories_at(&url));
    }
    if let Ok(identifier) = ServiceIdentifier::parse(text) {
        found.extend(view.services_called(&identifier));
    }
    found.truncate(LOOKUP_MAX);
    found
}

/// The ways from the roots down to an entity, each with the entity at its end; at most `most` of them.
///
/// ```
/// use clade::query::paths;
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Research");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let [path] = &paths(&view, view.person("ada@corp.example")?.id(), 10)[..] else { panic!("one way leads to her") };
/// assert_eq!(path.iter().map(|id| view.label(*id)).collect::<Vec<_>>(), ["Corp", "Research", "ada@corp.example"]);
/// # Ok::<(), clade::Error>(())
/// ```
#[must_use]
pub fn paths(view: &View, id: EntityId, most: usize) -> Vec<Vec<EntityId>> {
    let mut paths = Vec::new();
    // Each from the entity upwards. A stack and not a recursion: the hierarchy may have thousands of levels.
    let mut open = vec![vec![id]];
    while let Some(path) = open.pop()
        && paths.len() < most
    {
        let parents = path.last().map(|upper| view.parents(*upper)).unwrap_or_default();
        if parents.is_empty() {
            paths.push(path.into_iter().rev().collect());
            continue;
        }
        // The last one pushed is the next one popped, so that paths come in the order of the mappings. Of many parents
        // only as many are kept as there may be paths.
        let parents = parents.into_iter().take(most).collect::<Vec<_>>().into_iter().rev();
        open.extend(parents.map(|parent| [path.as_slice(), &[parent]].concat()));
    }
    paths
}
