//! Formats of files that were detected from their names, for errors about files of another format.

use crate::cli::Failure;
use crate::cli::records::{FileFormat, RecordFile};

/// The files whose format was detected from their names, with the format.
pub(super) fn guessed_formats(sources: &[RecordFile]) -> Vec<(String, FileFormat)> {
    let guessed = sources.iter().filter(|source| source.is_guessed);
    guessed.map(|source| (source.name.clone(), source.format)).collect()
}

/// Adds how files were read, if one of them is not what its name says.
pub(super) fn with_formats(failure: Failure, guessed: &[(String, FileFormat)]) -> Failure {
    let Failure::Refused { mut message, members } = failure else { return failure };
    for (name, format) in guessed {
        let is_ndjson = *format == FileFormat::Ndjson;
        // Of a file in another format, the first line is not JSON already.
        if is_ndjson && message.contains(&format!("{name} line 1: the line is not JSON")) {
            let how = "was read as NDJSON, as its name ends in neither .csv nor .json";
            message = format!("{message}\n{name} {how}; --format csv reads it as CSV");
        }
    }
    Failure::Refused { message, members }
}
