//! The records of a JSON file: the items of an array at the top level, read one at a time.
//!
//! Invariant: memory is needed for one item. An input that ends in the middle of the array is an error.

use std::io::{BufReader, Read};

use crate::error::Error;

/// The items of a JSON array as texts without line breaks, each with the number of the line where it begins.
pub(crate) struct JsonItems<R> {
    bytes: std::io::Bytes<BufReader<R>>,
    line: u64,
    /// A byte that was read too early.
    next: Option<u8>,
    is_begun: bool,
    is_end: bool,
    max_bytes: usize,
}

impl<R: Read> JsonItems<R> {
    /// The items of the array in `reader`, each of at most `max_bytes`.
    pub(crate) fn new(reader: R, max_bytes: usize) -> Self {
        let bytes = BufReader::with_capacity(1 << 16, reader).bytes();
        Self { bytes, line: 1, next: None, is_begun: false, is_end: false, max_bytes }
    }

    fn byte(&mut self) -> Result<Option<u8>, Error> {
        if let Some(byte) = self.next.take() {
            return Ok(Some(byte));
        }
        let byte = self.bytes.next().transpose();
        let byte = byte.map_err(|why| Error::malformed(format!("the file cannot be read: {why}")))?;
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    /// The next byte that is no white space.
    fn visible(&mut self) -> Result<Option<u8>, Error> {
        loop {
            match self.byte()? {
                Some(byte) if byte.is_ascii_whitespace() => {}
                other => return Ok(other),
            }
        }
    }

    fn item(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let cut = || Error::malformed("the file ends in the middle of the array");
        let first = match (self.is_begun, self.visible()?) {
            (false, Some(b'[')) => {
                self.is_begun = true;
                match self.visible()? {
                    Some(b']') => return self.end(),
                    first => first.ok_or_else(cut)?,
                }
            }
            (false, _) => return Err(Error::malformed("the file is not a JSON array; it must begin with [")),
            (true, Some(b',')) => self.visible()?.ok_or_else(cut)?,
            (true, Some(b']')) => return self.end(),
            (true, None) => return Err(cut()),
            (true, Some(_)) => return Err(Error::malformed("a comma or ] must follow an item of the array")),
        };
        let line = self.line;
        let mut text = vec![first];
        let (mut depth, mut in_string, mut is_escaped) = (0_u32, false, false);
        let mut byte = first;
        loop {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && !in_string && matches!(byte, b'}' | b']' | b'"') {
                return Ok(Some((line, text)));
            }
            byte = self.byte()?.ok_or_else(cut)?;
            // A number or a word ends where the next token begins.
            if depth == 0 && !in_string && (matches!(byte, b',' | b']') || byte.is_ascii_whitespace()) {
                self.next = Some(byte);
                return Ok(Some((line, text)));
            }
            if text.len() == self.max_bytes {
                return Err(Error::malformed(format!("an item is longer than {} bytes", self.max_bytes)));
            }
            let is_line_break = matches!(byte, b'\n' | b'\r');
            if is_line_break && in_string {
                return Err(Error::malformed("a text has a line break; in JSON it is written as \\n"));
            }
            // Outside strings, line breaks are white space.
            text.push(if is_line_break { b' ' } else { byte });
        }
    }

    fn end(&mut self) -> Result<Option<(u64, Vec<u8>)>, Error> {
        match self.visible()? {
            None => Ok(None),
            Some(_) => Err(Error::malformed("there is more after the end of the array")),
        }
    }
}

impl<R: Read> Iterator for JsonItems<R> {
    type Item = (u64, Result<Vec<u8>, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_end {
            return None;
        }
        match self.item() {
            Ok(Some((line, text))) => Some((line, Ok(text))),
            Ok(None) => {
                self.is_end = true;
                None
            }
            Err(why) => {
                self.is_end = true;
                Some((self.line, Err(why)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(u64, Option<String>)> {
        let text_of = |bytes| String::from_utf8(bytes).unwrap();
        JsonItems::new(text.as_bytes(), 30).map(|(line, item)| (line, item.ok().map(text_of))).collect()
    }

    #[test]
    fn items_are_read_one_by_one() {
        let some = |line, text: &str| (line, Some(text.to_owned()));
        assert_eq!(items(" [ ] "), []);
        assert_eq!(
            items("[{\"a\":\n \"}\\\"]\"},\n[1,[2]], 7 ,\"x\"\n]"),
            [some(1, "{\"a\":  \"}\\\"]\"}"), some(3, "[1,[2]]"), some(3, "7"), some(3, "\"x\"")]
        );
        for broken in [
            "",
            "{}",
            "[1",
            "[1,",
            "[{\"a\":1}",
            "[1 2]",
            "[1] x",
            "[{\"a\": \"x\ny\"}]",
            "[{\"a\": \"x\\\r\ny\"}]",
            "[{\"a\": \"much too long for this limit\"}]",
        ] {
            assert_eq!(items(broken).last().unwrap().1, None, "{broken}");
        }
    }
}
