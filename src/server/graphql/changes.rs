//! Change sets of the mutation `apply`: atomic, with a refusal that names every invalid change.

use crate::directory::Applied;
use crate::error::Error;
use crate::exchange::Report;
use crate::model::command::Command;
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::limits::CHANGES_MAX;
use crate::server::graphql::input::{AsCommand, ChangeInput};
use crate::server::response::problem::{Problem, Result};
use crate::server::response::refused::{self, RecordWords, refusal};

/// The words of a refusal. Unlike a bulk request's, it names all refused changes: [`CHANGES_MAX`] bounds them.
const WORDS: RecordWords =
    RecordWords { records: "changes", place: "index", named: |at| format!("changes[{at}]") };

/// Plans the changes without committing them.
pub(crate) async fn dry_run(
    work: &RequestWork,
    changes: Vec<ChangeInput>,
    makes_units: bool,
) -> Result<Applied> {
    let total = changes.len();
    let commands = commands(changes)?;
    let tried = work.dry_run(commands, makes_units).await;
    tried.map_err(|refusal| by_directory(refusal, total))
}

/// Commits the changes.
pub(crate) async fn commit(caller: &Caller, changes: Vec<ChangeInput>, makes_units: bool) -> Result<Applied> {
    let total = changes.len();
    let commands = commands(changes)?;
    let done = caller.apply_set(commands, makes_units).await;
    done.map_err(|refusal| by_directory(refusal, total))
}

fn commands(changes: Vec<ChangeInput>) -> Result<Vec<Command>> {
    let total = changes.len();
    if total > CHANGES_MAX {
        let detail = format!("the request has {total} changes; the maximum is {CHANGES_MAX}");
        return Err(Problem::malformed(detail).with("limit", CHANGES_MAX));
    }
    let (mut commands, mut report) = (Vec::with_capacity(total), Report::with_limit(CHANGES_MAX));
    for (at, change) in changes.into_iter().enumerate() {
        // An invalid change does not end the loop: one response names all of them, so that a client need not send the
        // set again for each.
        match change.command() {
            Ok(command) => commands.push(command),
            Err(problem) => report.add(|| refusal(at, problem)),
        }
    }
    report.total = total;
    // Changes that cannot be read go no further. What the directory would say of the others depends on them.
    if report.count == 0 { Ok(commands) } else { Err(refused::problem(report, &WORDS)) }
}

fn by_directory(refusal: Error, total: usize) -> Problem {
    // Each change is one command here, so positions are the same; a bulk request reorders its lines.
    let indexes: Vec<usize> = (0..total).collect();
    refused::by_directory(refusal, &indexes, Report::with_limit(CHANGES_MAX), &WORDS)
}
