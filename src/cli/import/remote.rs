//! Import into a running server: all records in one gzip-compressed bulk request.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use ureq::SendBody;

use crate::cli::client::Client;
use crate::cli::import::reading::{each_item, each_line, each_row, warn_of_empty};
use crate::cli::import::report::{RecordPosition, nothing_changed};
use crate::cli::import::{ImportArgs, Mode};
use crate::cli::records::{FileFormat, RecordFile};
use crate::cli::{Failure, Result};
use crate::error::Error;
use crate::exchange::{BulkAnswer, RecordRefusal, Report};

impl ImportArgs {
    /// Sends every record to the server in one bulk request.
    // One request, because only that is applied as a whole or not at all.
    pub(super) fn send(
        &self,
        client: &Client,
        sources: Vec<RecordFile>,
        names: &[String],
    ) -> Result<BulkAnswer> {
        // NDJSON repeats its field names on every line, so even the fastest level shrinks it a lot.
        let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
        // The server numbers the lines of the request; this maps its line n + 1 to a line of a file.
        let mut positions = Vec::new();
        let mut report = Report::with_limit(usize::MAX);
        for (file, source) in sources.into_iter().enumerate() {
            let (name, before) = (source.name.clone(), positions.len());
            let mut write = |line: u64, text: Vec<u8>| {
                positions.push(RecordPosition { file, line });
                compressed.write_all(&text)?;
                compressed.write_all(b"\n")
            };
            match source.format {
                FileFormat::Ndjson => {
                    // Lines are sent unparsed: the server reads them with the same code and reports errors by line.
                    each_line(source, |line, text| Ok(write(line, text)?), <[u8]>::to_vec)?;
                }
                FileFormat::Json => each_item(source, |line, text| Ok(write(line, text)?), <[u8]>::to_vec)?,
                // CSV is converted to NDJSON here, since one bulk request has one format and --kind is local.
                FileFormat::Csv => each_row(
                    source,
                    self.reading.csv(),
                    |line, record: Result<Map<String, Value>, Error>| {
                        match record {
                            Ok(record) => write(line, Value::Object(record).to_string().into_bytes())?,
                            Err(why) => report.add(|| RecordRefusal::of(RecordPosition { file, line }, &why)),
                        }
                        Ok(())
                    },
                    Ok,
                )?,
            }
            if positions.len() == before {
                warn_of_empty(&name);
            }
        }
        // Rows that are no records cannot be sent. The server would refuse the others together with them.
        if report.count > 0 {
            report.total = report.count + positions.len();
            return Err(nothing_changed(&report, names, false));
        }
        let body = compressed.finish()?;
        let mode = if self.mode == Mode::Upsert { "upsert" } else { "insert" };
        let (dry_run, strict, new_units) = (self.dry_run, self.refusing.strict, !self.refusing.no_new_units);
        let path =
            format!("/api/v2/data/bulk?mode={mode}&dryRun={dry_run}&strict={strict}&newUnits={new_units}");
        let response =
            client.post_gzip(&path, "application/x-ndjson", SendBody::from_reader(&mut body.as_slice()));
        let response = response.map_err(|failure| refused_by_server(failure, &positions, names))?;
        serde_json::from_value(response)
            .map_err(|why| Failure::refused(format!("the server's answer cannot be read: {why}")))
    }
}

/// The server's refusal, with the line numbers of the request translated to those of the files.
fn refused_by_server(failure: Failure, positions: &[RecordPosition], names: &[String]) -> Failure {
    let Failure::Refused { message, members } = failure else { return failure };
    // Without a list of lines it is another error, such as a missing permission or a body that is too large.
    let Some(lines) = members["refused"].as_array() else { return Failure::Refused { message, members } };
    let mut report = Report::with_limit(usize::MAX);
    for refused in lines.iter().filter_map(|line| refusal(line, positions)) {
        report.add(|| refused);
    }
    report.total = positions.len();
    // The server lists only the first refusals, but counts all.
    let count = members["refusedCount"].as_u64().and_then(|count| usize::try_from(count).ok());
    report.count = count.unwrap_or(report.count);
    nothing_changed(&report, names, members["mergingHelps"] == true)
}

fn refusal(refused: &Value, positions: &[RecordPosition]) -> Option<RecordRefusal<RecordPosition>> {
    let line = usize::try_from(refused["line"].as_u64()?).ok()?;
    Some(RecordRefusal {
        place: *positions.get(line.checked_sub(1)?)?,
        code: refused["code"].as_str()?.to_owned().into(),
        detail: refused["detail"].as_str()?.to_owned(),
        extensions: Map::new(),
    })
}
