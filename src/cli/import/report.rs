//! What an import did, or which records were refused, for people and for programs.

use std::time::Instant;

use serde_json::{Value, json};

use crate::cli::import::ImportArgs;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say, say_json};
use crate::exchange::{Counts, Report, merging_advice};

/// Refused records that are shown one by one.
const SHOWN_MAX: usize = 20;

/// Where a record stands.
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
            return say_json(&json!({
                "dryRun": self.dry_run, "total": total, "created": created, "updated": updated,
                "unchanged": unchanged, "elapsedMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            }));
        }
        let verb = if self.dry_run { "would import" } else { "imported" };
        #[expect(clippy::cast_precision_loss, reason = "a rate that people read")]
        let rate = *total as f64 / took.as_secs_f64().max(0.001);
        say(format!(
            "{verb} {total} records (created {created}, updated {updated}, unchanged {unchanged}) in {:.2} s ({rate:.0} records/s)",
            took.as_secs_f64(),
        ))
    }
}

/// The failure that names every refused record; with the advice to merge where that helps.
pub(super) fn nothing_changed(
    report: &Report<RecordPosition>,
    names: &[String],
    merging_helps: bool,
) -> Failure {
    let mut lines = vec![report.summary("records")];
    for refusal in report.named.iter().take(SHOWN_MAX) {
        let RecordPosition { file, line } = refusal.place;
        lines.push(format!("  {} line {line}: {}", names[file], refusal.detail));
    }
    if report.count > SHOWN_MAX {
        let where_to_look = if report.count > report.named.len() {
            format!("--json lists the first {}", report.named.len())
        } else {
            "--json lists them all".to_owned()
        };
        lines.push(format!("  and {} more; {where_to_look}", report.count - SHOWN_MAX));
    }
    if merging_helps {
        lines.push(merging_advice("--mode upsert"));
    }
    let refused = report.named.iter().map(|refusal| {
        let RecordPosition { file, line } = refusal.place;
        json!({ "file": names[file], "line": line, "code": refusal.code, "detail": refusal.detail })
    });
    let refused: Vec<Value> = refused.collect();
    Failure::Refused {
        message: lines.join("\n"),
        facts: json!({
            "code": "refused", "total": report.total, "refusedCount": report.count, "refused": refused
        }),
    }
}
