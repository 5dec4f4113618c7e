//! The result of an import: counts and rate, or the refused records with file and line, as text or JSON.

use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::import::ImportArgs;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::exchange::{Counts, Report, upsert_advice};

/// Maximum number of refused records in the text; `--json` lists more.
const LISTED_MAX: usize = 20;

/// The position of a record: the index of its file among the arguments, and the number of its line, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordPosition {
    pub(super) file: usize,
    pub(super) line: u64,
}

impl ImportArgs {
    pub(super) fn report(&self, settings: &Settings, counts: &Counts, began: Instant) -> Result {
        let took = began.elapsed();
        let Counts { total, created, updated, unchanged } = counts;
        if settings.json {
            return print_json(&json!({
                "dryRun": self.dry_run, "total": total, "created": created, "updated": updated,
                "unchanged": unchanged, "elapsedMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            }));
        }
        let verb = if self.dry_run { "would import" } else { "imported" };
        #[expect(clippy::cast_precision_loss, reason = "a rate that people read")]
        // At least 1 ms, since a tiny import can take no measurable time and the rate would be infinite.
        let rate = *total as f64 / took.as_secs_f64().max(0.001);
        print_line(format!(
            "{verb} {total} records (created {created}, updated {updated}, unchanged {unchanged}) in {:.2} s ({rate:.0} records/s)",
            took.as_secs_f64(),
        ))
    }
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
