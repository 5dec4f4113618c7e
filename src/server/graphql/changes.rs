//! Several changes as one: all or none, and a refusal names each change that is to blame.

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

/// What the changes are called. All that are refused are named, since there are few.
const WORDS: RecordWords =
    RecordWords { records: "changes", place: "index", named: |at| format!("changes[{at}]") };

/// Says what the changes would do.
pub(crate) async fn try_out(work: &RequestWork, changes: Vec<ChangeInput>) -> Result<Applied> {
    let total = changes.len();
    let commands = commands(changes)?;
    let tried = work.dry_run(commands).await;
    tried.map_err(|refusal| by_directory(refusal, total))
}

/// Carries them out.
pub(crate) async fn carry_out(caller: &Caller, changes: Vec<ChangeInput>) -> Result<Applied> {
    let total = changes.len();
    let commands = commands(changes)?;
    let done = caller.apply(commands).await;
    done.map_err(|refusal| by_directory(refusal, total))
}

fn commands(changes: Vec<ChangeInput>) -> Result<Vec<Command>> {
    let total = changes.len();
    if total > CHANGES_MAX {
        let detail = format!("{total} changes were given; at most {CHANGES_MAX} are taken");
        return Err(Problem::malformed(detail).with("limit", CHANGES_MAX));
    }
    let (mut commands, mut report) = (Vec::with_capacity(total), Report::naming(CHANGES_MAX));
    for (at, change) in changes.into_iter().enumerate() {
        match change.command() {
            Ok(command) => commands.push(command),
            Err(problem) => report.add(|| refusal(at, problem)),
        }
    }
    report.total = total;
    if report.count == 0 { Ok(commands) } else { Err(refused::problem(report, &WORDS)) }
}

fn by_directory(refusal: Error, total: usize) -> Problem {
    let places: Vec<usize> = (0..total).collect();
    refused::by_directory(refusal, &places, Report::naming(CHANGES_MAX), &WORDS)
}
