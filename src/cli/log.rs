//! `clade log`: prints the audit log, newest entry first.

use std::io::Write;

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cli::log_text::{change_lines, list, summary_lines};
use crate::cli::pager::Output;
use crate::cli::printable::printable;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, print_json};
use crate::directory::AuditRequest;
use crate::error::Error;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::query::with_similar;
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::wire::change::LogRecord;
use crate::wire::log_request::LogConditions;

const MINUTE_MS: i64 = 60_000;

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Only commits at this moment or later: a date, an RFC 3339 timestamp, or an age such as 7d, 12h or 30m
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only commits before this moment
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only changes of this actor: local, token:ID, jwt:SUBJECT, or the id or description of a token
    #[arg(long, value_name = "ACTOR")]
    by: Option<String>,
    /// Only changes of a unit and of everything below it
    #[arg(long, value_name = "UNIT", visible_alias = "within")]
    unit: Option<String>,
    /// Only changes of one record and of its mappings: a key such as ada@corp.example, or KIND:KEY where several kinds
    /// of records have the key. KIND is orgUnit, person, project, repository, service, mapping or token
    #[arg(long, value_name = "[KIND:]KEY")]
    record: Option<String>,
    /// List each change with its fields before and after, instead of one line for each commit
    #[arg(short, long)]
    verbose: bool,
    /// Start at this revision and go back in time [default: the newest]
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,
    /// Maximum number of log entries (commits)
    #[arg(long, value_name = "N", default_value_t = LOG_ENTRIES_DEFAULT as u64, value_parser = up_to(LOG_ENTRIES_MAX))]
    limit: u64,
    /// Maximum number of changes to list of each change set
    #[arg(long, value_name = "N", default_value_t = LOG_CHANGES_DEFAULT as u64, value_parser = up_to(LOG_CHANGES_MAX))]
    changes: u64,
}

fn up_to(most: usize) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=most as u64)
}

/// Parses a date, a timestamp, or an age.
fn moment(text: &str) -> Result<Timestamp, String> {
    let age = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let minutes = match unit {
            "m" => 1,
            "h" => 60,
            "d" => 24 * 60,
            "w" => 7 * 24 * 60,
            _ => return None,
        };
        let age = number.parse::<u32>().ok().map(i64::from)? * minutes * MINUTE_MS;
        Some(Timestamp::now().later_by(-age))
    };
    Timestamp::parse(text).or_else(age).ok_or_else(|| {
        "use a date such as 2026-11-24, a timestamp such as 2026-11-24T08:30:00Z, or an age such as 7d, 12h or 30m"
            .to_owned()
    })
}

impl LogArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let log = match Target::existing(settings)? {
            Target::Store(directory) => {
                let request = AuditRequest {
                    // --from is inclusive, `before` is exclusive.
                    before: self.from.map(|from| Revision(from).next()),
                    entries: usize::try_from(self.limit).unwrap_or(LOG_ENTRIES_MAX),
                    changes: usize::try_from(self.changes).unwrap_or(LOG_CHANGES_MAX),
                    since: self.since,
                    until: self.until,
                    ..AuditRequest::default()
                };
                let conditions = LogConditions {
                    by: self.by.as_deref(),
                    within: self.unit.as_deref(),
                    record: self.record.as_deref(),
                    ..LogConditions::default()
                };
                let request = conditions.applied_to(request, &directory.view()).map_err(usage)?;
                let found = directory.audit(&request);
                let found = found.map_err(|refusal| with_similar(&directory.view(), refusal))?;
                // Converted to JSON even for the text, so that local and remote logs are printed by the same code.
                serde_json::to_value(LogRecord::of(&found, &directory.view()))
            }
            Target::Server(client) => serde_json::from_reader(client.get(&self.path())?),
        };
        let log = log.map_err(|why| Failure::refused(format!("the log cannot be read: {why}")))?;
        if settings.json {
            return print_json(&log);
        }
        let mut out = Output::of(settings);
        for entry in list(&log["data"]) {
            let lines = if self.verbose { change_lines(entry) } else { summary_lines(entry) };
            for line in lines {
                writeln!(out, "{}", printable(&line))?;
            }
        }
        out.finish()?;
        if let Some(next) = log["next"].as_u64() {
            // `next` is an exclusive bound as well, hence the 1.
            eprintln!("there are older entries; continue with --from {}", next.saturating_sub(1));
        }
        Ok(())
    }

    fn path(&self) -> String {
        let conditions = [
            ("before", self.from.map(|from| from.saturating_add(1).to_string())),
            ("since", self.since.map(|since| since.to_string())),
            ("until", self.until.map(|until| until.to_string())),
            ("by", self.by.clone()),
            ("within", self.unit.clone()),
            ("record", self.record.clone()),
        ];
        let mut path = format!("/api/v2/data/log?limit={}&changes={}", self.limit, self.changes);
        for (name, value) in conditions {
            if let Some(value) = value {
                path.extend(["&", name, "="]);
                path.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
            }
        }
        path
    }
}

/// A condition that cannot be parsed is wrong usage.
fn usage(refusal: Error) -> Failure {
    match refusal.field() {
        Some(_) => Failure::Usage(refusal.to_string()),
        None => refusal.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_timestamps_or_ages() {
        assert_eq!(moment("2026-11-24"), Ok(Timestamp::from_millis(1_795_478_400_000)));
        let now = Timestamp::now();
        let day_ago = moment("1d").unwrap();
        assert!(day_ago < now && now.later_by(-25 * 60 * MINUTE_MS) < day_ago);
        assert!(moment("2w").unwrap() < moment("36h").unwrap());
        for refused in ["", "d", "7", "7y", "-1d", "1.5h", "ö", "yesterday"] {
            assert!(moment(refused).is_err(), "{refused}");
        }
    }
}
