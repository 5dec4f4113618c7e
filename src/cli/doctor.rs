//! What the doctor says of the data, as `clade check` shows it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::{Failure, Result, say};
use crate::query::FindingCode;
use crate::server::limits::FINDINGS_MAX;

/// So many findings of each code are examples enough.
pub(super) const EXAMPLES: usize = 3;

/// All findings of a server, page by page, or some examples of each code.
pub(super) fn ask(client: &Client, all: bool) -> Result<Value> {
    let mut told = json!({ "count": 0, "counts": {}, "data": [] });
    for code in FindingCode::WORDS {
        let limit = if all { FINDINGS_MAX } else { EXAMPLES };
        let mut page = get(client, code, limit, None)?;
        let count = page["counts"][code].as_u64().unwrap_or_default();
        told["count"] = json!(told["count"].as_u64().unwrap_or_default() + count);
        told["counts"][code] = json!(count);
        take(&mut told, &mut page);
        while let Some(cursor) = page["cursor"].as_str().filter(|_| all) {
            page = get(client, code, limit, Some(cursor))?;
            take(&mut told, &mut page);
        }
    }
    Ok(told)
}

fn get(client: &Client, code: &str, limit: usize, cursor: Option<&str>) -> Result<Value> {
    let after = cursor.map(|cursor| format!("&cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC)));
    let path = format!("/api/v2/data/doctor?code={code}&limit={limit}{}", after.unwrap_or_default());
    serde_json::from_reader(client.get(&path)?)
        .map_err(|why| Failure::refused(format!("the findings cannot be read: {why}")))
}

fn take(told: &mut Value, page: &mut Value) {
    if let (Some(all), Some(more)) = (told["data"].as_array_mut(), page["data"].as_array_mut()) {
        all.append(more);
    }
}

/// Each code with its count and its findings, as far as `told` has them.
pub(super) fn show(told: &Value) -> Result {
    let findings = told["data"].as_array().map_or(&[][..], Vec::as_slice);
    match told["count"].as_u64().unwrap_or_default() {
        0 => return say("the doctor finds nothing about the data"),
        1 => say("the doctor finds 1 thing about the data, for you to judge:")?,
        count => say(format!("the doctor finds {count} things about the data, for you to judge:"))?,
    }
    for code in FindingCode::WORDS {
        let count = told["counts"][code].as_u64().unwrap_or_default();
        if count == 0 {
            continue;
        }
        say(format!("  {code}: {count}"))?;
        let shown: Vec<_> = findings.iter().filter(|finding| finding["code"] == code).collect();
        for finding in &shown {
            say(format!("    {}", finding["message"].as_str().unwrap_or_default()))?;
        }
        let more = count.saturating_sub(shown.len() as u64);
        if more > 0 {
            say(format!("    and {more} more: --all lists them"))?;
        }
    }
    Ok(())
}
