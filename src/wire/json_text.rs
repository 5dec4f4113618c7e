//! JSON text, appended to a buffer.

use serde::Serialize;

use crate::model::time::Timestamp;

/// Appends a string with its quotes.
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    // Nearly every text of a directory needs no escape, and is copied at once. All bytes are looked at, without a branch
    // for each, which the compiler turns into vector instructions.
    let special = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if text.bytes().fold(0, |any, byte| any | special(byte)) != 0 {
        return value(text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Appends a time, as a string with its quotes.
pub(crate) fn time(time: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    time.append_to(out);
    out.push(b'"');
}

/// Appends any value.
pub(crate) fn value(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    written.expect("records have text keys and finite numbers only, and writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_written_as_by_serde_json() {
        let long = "x".repeat(100);
        for example in ["", "plain", "é ü \u{1F600}", "say \"x\"", "a\\b", "tab\t", "nul\0", "\u{7f}", &long]
        {
            for text in [example.to_owned(), format!("{long}{example}{long}")] {
                let mut out = Vec::new();
                super::text(&text, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }
    }
}
