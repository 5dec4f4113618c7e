//! `LookedUp` and `Viewer`: what a text names, and who asks.

use async_graphql::{Context, SimpleObject};

use crate::directory::View;
use crate::model::entity::{Body, EntityId};
use crate::model::key::Name;
use crate::model::token::Actor;
use crate::query::lookup::paths;
use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::budget;
use crate::server::graphql::types::log::RecordKind;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::Node;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::scalars::DateTime;
use crate::server::graphql::types::token::Role;
use crate::server::response::problem::Result;

/// Maximum number of paths of a record.
const PATHS_MAX: usize = 20;

/// A record that a text names.
#[derive(SimpleObject)]
pub(crate) struct LookedUp {
    /// The kind of the record.
    kind: RecordKind,
    /// The record's key. For a repository or service, its name.
    key: Metered<String>,
    /// The record.
    node: Node,
    /// The units that hold it: the parents of a unit, the units of a person or project, for a repository or service those of
    /// its project.
    units: Vec<OrgUnit>,
    /// The ways from the roots down to it, each as names; at most 20.
    paths: Vec<Vec<Metered<String>>>,
}

impl LookedUp {
    /// These records, if they are visible.
    pub(crate) async fn all(context: &Context<'_>, view: &View, found: Vec<EntityId>) -> Result<Vec<Self>> {
        budget::page(context, view, &found).await?;
        Ok(found.into_iter().filter_map(|id| Self::at(view, id)).collect())
    }

    fn at(view: &View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let named = |path: Vec<EntityId>| path.into_iter().map(|id| Metered(name(view, id))).collect();
        Some(Self {
            kind: entity.kind().into(),
            key: Metered(entity.label().to_owned()),
            node: Node::at(view, id)?,
            units: OrgUnit::all(view, view.parents(id)),
            paths: paths(view, id, PATHS_MAX).into_iter().map(named).collect(),
        })
    }
}

fn name(view: &View, id: EntityId) -> String {
    match view.entity(id).map(|entity| &entity.body) {
        Some(Body::OrgUnit(unit)) => unit.name.as_str().to_owned(),
        Some(Body::Project(project)) => project.name.as_str().to_owned(),
        _ => view.label(id),
    }
}

/// The caller of the request.
#[derive(SimpleObject)]
pub(crate) struct Viewer {
    /// The caller as the log names it: `local` (the process that owns the store), `token:<id>`, or `jwt:<subject>`.
    actor: Metered<String>,
    /// The description of the token. Null if it has none, or the caller has no API token.
    description: Option<Metered<String>>,
    /// The caller's role.
    role: Role,
    /// The units that the caller is limited to. Null without such a limit.
    units: Option<Vec<OrgUnit>>,
    /// When the token expires. Null if it never does.
    expires_at: Option<DateTime>,
}

impl Viewer {
    pub(crate) fn of(caller: &Caller, view: &View) -> Self {
        let grant = caller.grant();
        // From the whole directory: a token is not always in its own view, but may know of itself.
        let whole = caller.directory().view();
        let token = match grant.actor() {
            Actor::Token(id) => whole.token(id),
            Actor::Local | Actor::Jwt(_) => None,
        };
        Self {
            actor: Metered(grant.actor().to_string()),
            description: token.and_then(|token| token.description.as_ref()).map(Name::to_string).map(Metered),
            role: grant.role().into(),
            units: grant.scope().is_limited().then(|| OrgUnit::all(view, view.roots())),
            expires_at: token.and_then(|token| token.expires_at).map(DateTime),
        }
    }
}
