//! Commands into the writer's draft: planned one after the other, each one's facts made true before the next.

use std::sync::Arc;

use crate::directory::plan::{self, PlanContext};
use crate::error::Error;
use crate::graph::{Graph, View};
use crate::model::change::Change;
use crate::model::command::{Command, IfExists, Outcome, Patch, ProjectFields};
use crate::model::entity::Kind;
use crate::model::token::{Actor, Author};

/// Plans `commands` one after the other, makes each one's facts true in `draft` and hands them to `take`. One that
/// is refused is left out, so that the next can be told as well; where there are several, `draft` is then of no
/// further use.
pub(super) fn plan_all(
    draft: &mut Arc<Graph>,
    author: &Author,
    commands: Vec<Command>,
    context: &PlanContext<'_>,
    mut take: impl FnMut(Vec<Change>),
) -> Result<Vec<Outcome>, Error> {
    let _planning = tracing::debug_span!("plan", commands = commands.len()).entered();
    // Entered anew for each command, and so one however many there are.
    let applying = tracing::debug_span!("apply");
    require_valid_token(draft, author, context)?;
    let is_bulk = is_bulk(draft, author, &commands);
    if is_bulk {
        let draft = Arc::make_mut(draft);
        let (entities, mappings) = made_by(&commands);
        draft.reserve(&entities, mappings);
        draft.begin_bulk();
    }
    let total = commands.len();
    let mut outcomes = Vec::with_capacity(total);
    let mut refused = Vec::new();
    for (at, command) in commands.into_iter().enumerate() {
        let planned = plan::plan(&View::of(Arc::clone(draft)), &author.scope, &command, context);
        match planned {
            Ok(planned) => {
                // Nobody else holds the draft but for a view that has just gone, so this copies nothing.
                applying.in_scope(|| Arc::make_mut(draft).make_all(&planned.changes));
                if refused.is_empty() {
                    take(planned.changes);
                }
                outcomes.push(planned.outcome);
            }
            Err(refusal) => refused.push((at, refusal)),
        }
    }
    match (refused.len(), total) {
        (0, _) => {
            if is_bulk {
                Arc::make_mut(draft).end_bulk();
            }
            Ok(outcomes)
        }
        (_, 1) => Err(refused.swap_remove(0).1),
        _ => Err(Error::Refused { refused, total }),
    }
}

/// Whether so many commands are better carried out in bulk. What is beneath units is not known meanwhile, so whoever is
/// limited to some cannot ask for that.
pub(super) fn is_bulk(draft: &Graph, author: &Author, commands: &[Command]) -> bool {
    !author.scope.is_limited() && draft.is_bulk(commands.len())
}

/// Refuses whoever held a token of that role when they asked, and since then does not.
fn require_valid_token(draft: &Arc<Graph>, author: &Author, context: &PlanContext<'_>) -> Result<(), Error> {
    match &author.actor {
        // Nobody can take back what an identity provider has signed.
        Actor::Local | Actor::Jwt(_) => Ok(()),
        Actor::Token(id) => match View::of(Arc::clone(draft)).token(id) {
            Some(token) if token.is_valid_at(context.now) && token.role >= author.role => Ok(()),
            _ => Err(Error::Unauthorized),
        },
    }
}

/// How many entities of each kind the commands make, and how many mappings at least. Those that may find theirs there
/// already are not counted.
fn made_by(commands: &[Command]) -> ([usize; Kind::ALL.len()], usize) {
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

fn count<T>(given: &Patch<Vec<T>>) -> usize {
    if let Patch::Set(all) = given { all.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, IntoCommand};

    #[test]
    fn what_may_be_there_already_is_not_counted() {
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
        let (entities, mappings) = made_by(&commands.map(Result::unwrap));
        let of = |kind| entities[kind as usize];
        assert_eq!((of(Kind::OrgUnit), of(Kind::Person), of(Kind::Project), mappings), (1, 2, 2, 3));
        assert_eq!((of(Kind::Repository), of(Kind::Service)), (4, 0));
    }
}
