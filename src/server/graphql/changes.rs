//! Several changes as one: all or none, and a refusal names each change that is to blame.

use serde_json::{Value, json};

use crate::directory::Applied;
use crate::error::Error;
use crate::model::command::Command;
use crate::server::admission::work::Work;
use crate::server::auth::caller::Caller;
use crate::server::graphql::execution::limits::CHANGES_MAX;
use crate::server::graphql::input::{AsCommand, ChangeInput};
use crate::server::response::problem::{Problem, Result};

/// Says what the changes would do.
pub(crate) async fn try_out(work: &Work, changes: Vec<ChangeInput>) -> Result<Applied> {
    let total = changes.len();
    let commands = commands(changes)?;
    let tried = work.dry_run(commands).await;
    tried.map_err(|refusal| refused_by_directory(refusal, total))
}

/// Carries them out.
pub(crate) async fn carry_out(caller: &Caller, changes: Vec<ChangeInput>) -> Result<Applied> {
    let total = changes.len();
    let commands = commands(changes)?;
    let done = caller.submit(commands).await;
    done.map_err(|refusal| refused_by_directory(refusal, total))
}

fn commands(changes: Vec<ChangeInput>) -> Result<Vec<Command>> {
    let total = changes.len();
    if total > CHANGES_MAX {
        let detail = format!("{total} changes were given; at most {CHANGES_MAX} are taken");
        return Err(Problem::malformed(detail).with("limit", CHANGES_MAX));
    }
    let (mut commands, mut refusals) = (Vec::with_capacity(total), Vec::new());
    for (at, change) in changes.into_iter().enumerate() {
        match change.command() {
            Ok(command) => commands.push(command),
            Err(problem) => refusals.push((at, problem)),
        }
    }
    if refusals.is_empty() { Ok(commands) } else { Err(refused(total, refusals)) }
}

fn refused_by_directory(refusal: Error, total: usize) -> Problem {
    match refusal {
        Error::Refused { refused: all, total } => {
            refused(total, all.into_iter().map(|(at, why)| (at, why.into())).collect())
        }
        Error::Unauthorized => Problem::unauthorized(),
        other => {
            let problem = Problem::from(other);
            if total == 1 && problem.status.is_client_error() {
                return refused(1, vec![(0, problem)]);
            }
            problem
        }
    }
}

/// The one answer that names every refused change.
fn refused(total: usize, refusals: Vec<(usize, Problem)>) -> Problem {
    let first = refusals.first().map(|(at, problem)| format!("changes[{at}]: {}", problem.detail));
    let detail = format!(
        "nothing was changed: {} of {total} changes were refused; the first: {}",
        refusals.len(),
        first.unwrap_or_default()
    );
    let named = |(at, problem): (usize, Problem)| {
        let mut facts = problem.facts;
        facts.insert("index".to_owned(), json!(at));
        facts.insert("code".to_owned(), json!(problem.code));
        facts.insert("detail".to_owned(), json!(problem.detail));
        Value::Object(facts)
    };
    Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
        .with("total", total)
        .with("refusedCount", refusals.len())
        .with("refused", refusals.into_iter().map(named).collect::<Vec<_>>())
}
