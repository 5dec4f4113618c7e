//! A counterexample as a text: its operations in the order of their calls, what was done to the server meanwhile, and the
//! last changes before.

use crate::model::{Answer, Island, Op};
use crate::record::{Entry, Mark};
use crate::search::{Counterexample, Timed};

/// Changes and marks that are shown from before the counterexample.
const EARLIER: usize = 8;

/// Lines with the moments that order them.
type Lines = Vec<(u64, String)>;

pub(crate) fn text(
    island: usize,
    found: &Counterexample<Island>,
    entries: &[Entry],
    marks: &[Mark],
) -> String {
    let mut starts: Vec<String> = found.starts.iter().map(|start| format!("before them: {start}")).collect();
    starts.sort();
    let is_there = |id: usize| found.ops.iter().any(|op| op.id == id);
    // The answer of a change is told with the change.
    let told = found.ops.iter().filter(|op| op.id % 2 == 0 || !is_there(op.id - 1));
    let mut during: Lines =
        told.map(|op| (op.call, line(op, &entries[op.id / 2], is_there(op.id + 1)))).collect();
    let from = during.iter().map(|(call, _)| *call).min().unwrap_or_default();
    let to = during.iter().map(|(call, _)| *call).max().unwrap_or_default();
    during.extend(marked(marks, |at| (from..=to).contains(&at)));
    let is_earlier = |entry: &&Entry| entry.island == island && entry.call < from && entry.request.is_write();
    let mut before: Lines = entries
        .iter()
        .filter(is_earlier)
        .map(|entry| (entry.call, operation(entry.call, entry.ret, entry, &entry.answer.to_string())))
        .collect();
    before.extend(marked(marks, |at| at < from));
    during.sort();
    before.sort();
    before.drain(..before.len().saturating_sub(EARLIER));
    let joined = |lines: Lines| lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n  ");
    format!(
        "no order of these operations on island {island} explains their answers\n  {}\n  {}\nthe changes before them, the last ones\n  {}",
        starts.join("\n  "),
        joined(during),
        joined(before),
    )
}

fn line(op: &Timed<Op>, entry: &Entry, has_answer: bool) -> String {
    let is_pending = op.op.answer == Answer::Unknown && entry.answer != Answer::Unknown;
    let answer = match &op.op.answer {
        _ if is_pending => "not answered yet".to_owned(),
        Answer::Done if has_answer => entry.answer.to_string(),
        answer => answer.to_string(),
    };
    operation(op.call, op.ret, entry, &answer)
}

fn operation(call: u64, ret: u64, entry: &Entry, answer: &str) -> String {
    let until = if ret == u64::MAX { String::new() } else { ret.to_string() };
    format!("{call:>6}-{until:<6} {:<10} {} => {answer}", entry.client, entry.request)
}

fn marked(marks: &[Mark], is_wanted: impl Fn(u64) -> bool) -> impl Iterator<Item = (u64, String)> {
    let wanted = marks.iter().filter(move |mark| is_wanted(mark.at));
    wanted.map(|mark| (mark.at, format!("{:>6}        {}", mark.at, mark.what)))
}
