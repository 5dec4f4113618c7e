//! Commands into the writer's draft: planned one after the other, each one's facts made true before the next.

use std::sync::Arc;

use crate::directory::plan::{self, Moment};
use crate::error::Error;
use crate::graph::{Graph, View};
use crate::model::change::Change;
use crate::model::command::{Command, Outcome};

/// Plans `commands` one after the other, makes each one's facts true in `draft` and hands them to `take`. One that
/// is refused is left out, so that the next can be told as well; where there are several, `draft` is then of no
/// further use.
pub(super) fn plan_all(
    draft: &mut Arc<Graph>,
    commands: Vec<Command>,
    moment: &Moment<'_>,
    mut take: impl FnMut(Vec<Change>),
) -> Result<Vec<Outcome>, Error> {
    let is_bulk = draft.is_bulk(commands.len());
    if is_bulk {
        Arc::make_mut(draft).begin_bulk();
    }
    let total = commands.len();
    let mut outcomes = Vec::with_capacity(total);
    let mut refused = Vec::new();
    for (at, command) in commands.into_iter().enumerate() {
        let planned = plan::plan(&View::of(Arc::clone(draft)), &command, moment);
        match planned {
            Ok(planned) => {
                // Nobody else holds the draft but for a view that has just gone, so this copies nothing.
                Arc::make_mut(draft).make_all(&planned.changes);
                take(planned.changes);
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
