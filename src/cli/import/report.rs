//! The result of an import: counts and rate, or the refused records with file and line, as text or JSON.

use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::import::ImportArgs;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::exchange::{BulkAnswer, KeptAsAttribute, Report, upsert_advice};

/// Maximum number of refused records in the text; `--json` lists more.
const LISTED_MAX: usize = 20;

/// The position of a record: the index of its file among the arguments, and the number of its line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordPosition {
    pub(super) file: usize,
    pub(super) line: u64,
}

impl ImportArgs {
    pub(super) fn report(&self, settings: &Settings, answer: &BulkAnswer, began: Instant) -> Result {
        let took = began.elapsed();
        if settings.json {
            let mut json = serde_json::to_value(answer).map_err(std::io::Error::from)?;
            json["elapsedMs"] = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into();
            return print_json(&json);
        }
        let BulkAnswer { total, created, updated, unchanged, ended, .. } = answer;
        let records = if *total == 1 { "record" } else { "records" };
        let ended = if *ended > 0 { format!(", ended {ended}") } else { String::new() };
        let verb = if self.dry_run { "would import" } else { "imported" };
        #[expect(clippy::cast_precision_loss, reason = "a rate that people read")]
        // At least 1 ms, since a tiny import can take no measurable time and the rate would be infinite.
        let rate = *total as f64 / took.as_secs_f64().max(0.001);
        print_line(format!(
            "{verb} {total} {records} (created {created}, updated {updated}, unchanged {unchanged}{ended}) in {:.2} s ({rate:.0} records/s)",
            took.as_secs_f64(),
        ))?;
        for line in details(answer) {
            print_line(format!("  {line}"))?;
        }
        Ok(())
    }
}

/// What the counts of the records of the input do not say.
fn details(answer: &BulkAnswer) -> Vec<String> {
    let mut lines = Vec::new();
    let changes = answer.changes.text();
    if !changes.is_empty() {
        lines.push(format!("in the directory: {changes}"));
    }
    if answer.made_count > 0 {
        lines.push(format!("made: {}", listed(&answer.made, answer.made_count)));
    }
    if !answer.kept_as_attributes.is_empty() {
        let fields: Vec<String> = answer.kept_as_attributes.iter().map(KeptAsAttribute::text).collect();
        lines.push(format!("kept as attributes: {}", listed(&fields, answer.kept_as_attributes_count)));
    }
    if answer.second_parents_count > 0 {
        let units = listed(&answer.second_parents, answer.second_parents_count);
        lines.push(format!("warning: another parent was added, and the old one kept, of {units}"));
    }
    lines
}

/// The first texts of a list that has `count` entries.
fn listed(texts: &[String], count: u64) -> String {
    let shown = &texts[..texts.len().min(LISTED_MAX)];
    let more = count.saturating_sub(shown.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The failure that lists the refused records, with the advice to merge if that would help.
pub(super) fn nothing_changed(
    report: &Report<RecordPosition>,
    names: &[String],
    upsert_helps: bool,
) -> Failure {
    let mut lines = vec![report.summary("records")];
    for refusal in report.named.iter().take(LISTED_MAX) {
        let RecordPosition { file, line } = refusal.place;
        lines.push(format!("  {} line {line}: {}", names[file], refusal.detail));
    }
    if report.count > LISTED_MAX {
        // A server names only some of the refused records, so `--json` may not have all of them either.
        let hint = if report.count > report.named.len() {
            format!("use --json to list the first {}", report.named.len())
        } else {
            "use --json to list all".to_owned()
        };
        lines.push(format!("  and {} more; {hint}", report.count - LISTED_MAX));
    }
    if upsert_helps {
        lines.push(upsert_advice("--mode upsert"));
    }
    let refused = report.named.iter().map(|refusal| {
        let RecordPosition { file, line } = refusal.place;
        json!({ "file": names[file], "line": line, "code": refusal.code, "detail": refusal.detail })
    });
    let refused: Vec<Value> = refused.collect();
    Failure::Refused {
        message: lines.join("\n"),
        members: json!({
            "code": "refused", "total": report.total, "refusedCount": report.count, "refused": refused
        }),
    }
}
