//! Planning and applying of commands on the writer's draft graph, one after the other.
//!
//! Invariant: each command is planned on a draft that has the changes of all commands before it.

use std::sync::Arc;

use crate::directory::plan::{self, PlanContext};
use crate::directory::summary::{SummaryBuilder, WriteSummary};
use crate::error::Error;
use crate::graph::{Graph, View};
use crate::model::change::Change;
use crate::model::command::{Command, IfExists, Outcome, Patch, ProjectFields};
use crate::model::entity::Kind;
use crate::model::token::{Actor, Author};

/// The result of planning all commands of a change set.
pub(super) struct DraftedSet {
    /// The outcome of each command, in order.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) summary: WriteSummary,
}

/// Plans `commands` one after the other, applies their changes to `draft`, and passes them to `take`.
///
/// # Errors
/// All refusals, since planning continues after the first. With more than one command, `draft` must be discarded then.
pub(super) fn plan_all(
    draft: &mut Arc<Graph>,
    author: &Author,
    commands: Vec<Command>,
    context: &PlanContext<'_>,
    mut take: impl FnMut(Vec<Change>),
) -> Result<DraftedSet, Error> {
    let _planning = tracing::debug_span!("plan", commands = commands.len()).entered();
    // One span for all commands, entered once per command: an import would otherwise export a hundred thousand spans.
    let applying = tracing::debug_span!("apply");
    require_valid_token(draft, author, context)?;
    let is_bulk = is_bulk(draft, author, &commands);
    if is_bulk {
        let draft = Arc::make_mut(draft);
        let (entities, mappings) = created_by(&commands);
        // Growing step by step would rehash all keys at each doubling.
        draft.reserve(&entities, mappings);
        draft.begin_bulk();
    }
    let total = commands.len();
    let mut summary = SummaryBuilder::new(draft.next_entity());
    let mut outcomes = Vec::with_capacity(total);
    let mut refused = Vec::new();
    for (at, command) in commands.into_iter().enumerate() {
        let view = View::of(Arc::clone(draft));
        match plan::plan(&view, author, &command, context) {
            Ok(planned) => {
                summary.add(&view, &command, &planned);
                // Dropped first, so that the draft has no other owner and is not copied.
                drop(view);
                applying.in_scope(|| Arc::make_mut(draft).apply_changes(&planned.changes));
                // After a refusal nothing will be committed; planning goes on only to report further refusals.
                if refused.is_empty() {
                    take(planned.changes);
                }
                outcomes.push(planned.outcome);
            }
            Err(refusal) => refused.push((at, refusal)),
        }
    }
    match (refused.len(), total) {
        // Only after success: otherwise the draft is discarded, and rebuilding its closures would be wasted.
        (0, _) => {
            if is_bulk {
                Arc::make_mut(draft).end_bulk();
            }
            Ok(DraftedSet { outcomes, summary: summary.finish(&View::of(Arc::clone(draft))) })
        }
        (_, 1) => Err(refused.swap_remove(0).1),
        _ => Err(Error::Refused { refused, total }),
    }
}

/// Whether the commands are to be carried out in bulk mode.
pub(super) fn is_bulk(draft: &Graph, author: &Author, commands: &[Command]) -> bool {
    // Never for a limited scope: bulk mode keeps closures of units only, and checking a scope needs those of people and
    // projects too.
    !author.scope.is_limited() && draft.is_bulk(commands.len())
}

/// Refuses a token that was revoked, has expired or lost its role since the request was authenticated.
// Needed because the request has waited in the queue, and a command before it may have revoked its token.
fn require_valid_token(draft: &Arc<Graph>, author: &Author, context: &PlanContext<'_>) -> Result<(), Error> {
    match &author.actor {
        // A signed JWT cannot be revoked here; it was checked when the request arrived.
        Actor::Local | Actor::Jwt(_) => Ok(()),
        Actor::Token(id) => match View::of(Arc::clone(draft)).token(id) {
            Some(token) if token.is_valid_at(context.now) && token.role >= author.role => Ok(()),
            _ => Err(Error::Unauthorized),
        },
    }
}

/// The number of entities of each kind that the commands create, and a minimum number of mappings. An estimate for
/// reserving memory: commands that may find an existing record are not counted.
fn created_by(commands: &[Command]) -> ([usize; Kind::ALL.len()], usize) {
    let mut entities = [0; Kind::ALL.len()];
    let mut mappings = 0;
    for command in commands {
        match command {
            Command::CreateUnit(create) if create.if_exists == IfExists::Refuse => {
                entities[Kind::OrgUnit as usize] += 1;
            }
            Command::CreatePerson(create) if create.if_exists == IfExists::Refuse => {
                entities[Kind::Person as usize] += 1;
            }
            Command::CreateProject(create) if create.if_exists == IfExists::Refuse => {
                let ProjectFields { repositories, services, .. } = &create.fields;
                entities[Kind::Project as usize] += 1;
                entities[Kind::Repository as usize] += count(repositories);
                entities[Kind::Service as usize] += count(services);
            }
            Command::CreateMapping(create) if create.if_exists == IfExists::Refuse => mappings += 1,
            _ => {}
        }
    }
    (entities, mappings)
}

fn count<T>(patch: &Patch<Vec<T>>) -> usize {
    if let Patch::Set(all) = patch { all.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, IntoCommand};

    #[test]
    fn records_that_may_exist_are_not_counted() {
        let project = |id| CreateProject::new(id, id).repository("https://h/a").repository("https://h/b");
        let commands = [
            CreateOrgUnit::new("u", "team").into_command(),
            CreateOrgUnit::new("u", "team").or_update().into_command(),
            CreatePerson::new("p@x").into_command(),
            CreatePerson::new("q@x").into_command(),
            CreatePerson::new("q@x").or_update().into_command(),
            project("j").into_command(),
            project("k").into_command(),
            project("k").or_update().into_command(),
            CreateMapping::member("j", "p@x").into_command(),
            CreateMapping::member("j", "q@x").into_command(),
            CreateMapping::member("k", "q@x").into_command(),
            CreateMapping::member("k", "q@x").or_update().into_command(),
        ];
        let (entities, mappings) = created_by(&commands.map(Result::unwrap));
        let of = |kind| entities[kind as usize];
        assert_eq!((of(Kind::OrgUnit), of(Kind::Person), of(Kind::Project), mappings), (1, 2, 2, 3));
        assert_eq!((of(Kind::Repository), of(Kind::Service)), (4, 0));
    }
}
