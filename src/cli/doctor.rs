//! The data-quality checks ("doctor") of `clade check`: fetches the findings from a server and prints them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::{Failure, Result, print_line};
use crate::query::FindingCode;
use crate::server::limits::FINDINGS_MAX;

/// Findings of each code that are printed without `--all`.
pub(super) const EXAMPLES_MAX: usize = 3;

/// Fetches all findings from a server, page by page, or at most [`EXAMPLES_MAX`] of each code.
///
/// The result has the shape of one REST response without a cursor.
pub(super) fn fetch(client: &Client, all: bool) -> Result<Value> {
    let mut report = json!({ "count": 0, "counts": {}, "data": [] });
    // One request per code: pages are sorted by code, so the first page of all codes could be filled by one of them
    // and show no examples of the others.
    for code in FindingCode::NAMES {
        let limit = if all { FINDINGS_MAX } else { EXAMPLES_MAX };
        let mut page = get(client, code, limit, None)?;
        let count = page["counts"][code].as_u64().unwrap_or_default();
        report["count"] = json!(report["count"].as_u64().unwrap_or_default() + count);
        report["counts"][code] = json!(count);
        append(&mut report, &mut page);
        while let Some(cursor) = page["cursor"].as_str().filter(|_| all) {
            page = get(client, code, limit, Some(cursor))?;
            append(&mut report, &mut page);
        }
    }
    Ok(report)
}

fn get(client: &Client, code: &str, limit: usize, cursor: Option<&str>) -> Result<Value> {
    // A cursor is opaque to clients, so nothing is assumed about its characters.
    let after = cursor.map(|cursor| format!("&cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)));
    let path = format!("/api/v2/data/doctor?code={code}&limit={limit}{}", after.unwrap_or_default());
    serde_json::from_reader(client.get(&path)?)
        .map_err(|why| Failure::refused(format!("the findings cannot be read: {why}")))
}

fn append(report: &mut Value, page: &mut Value) {
    if let (Some(all), Some(more)) = (report["data"].as_array_mut(), page["data"].as_array_mut()) {
        all.append(more);
    }
}

/// Prints each code with its count and the findings that `report` lists of it.
pub(super) fn print(report: &Value) -> Result {
    let findings = report["data"].as_array().map_or(&[][..], Vec::as_slice);
    match report["count"].as_u64().unwrap_or_default() {
        0 => return print_line("the data-quality checks found nothing"),
        1 => print_line("the data-quality checks have 1 finding for you to judge:")?,
        count => print_line(format!("the data-quality checks have {count} findings for you to judge:"))?,
    }
    for code in FindingCode::NAMES {
        let count = report["counts"][code].as_u64().unwrap_or_default();
        if count == 0 {
            continue;
        }
        print_line(format!("  {code}: {count}"))?;
        let listed: Vec<_> = findings.iter().filter(|finding| finding["code"] == code).collect();
        for finding in &listed {
            print_line(format!("    {}", finding["message"].as_str().unwrap_or_default()))?;
        }
        // Saturating: a server's data may change between two pages, so a list can be longer than its count.
        let more = count.saturating_sub(listed.len() as u64);
        if more > 0 {
            print_line(format!("    and {more} more: use --all to list them"))?;
        }
    }
    Ok(())
}
