//! Character encodings of files: bytes in any encoding become UTF-8.
//!
//! Invariant: no byte is replaced. What is not valid in its encoding is an error.

use std::io::{self, ErrorKind, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// Bytes that are decoded at once.
const CHUNK_BYTES: usize = 1 << 15;

/// The encoding with this name, such as `windows-1252`, `utf-16le` or `shift_jis`.
pub(crate) fn encoding_named(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.trim().as_bytes())
}

/// `reader` as UTF-8, without a byte order mark. A byte order mark names the encoding; without one it is `encoding`, or
/// UTF-8, whose bytes are not examined here.
///
/// # Errors
/// The error of reading the first bytes.
pub(crate) fn decoded(
    mut reader: Box<dyn Read>,
    encoding: Option<&'static Encoding>,
) -> io::Result<Box<dyn Read>> {
    let mut begin = Vec::new();
    reader.by_ref().take(3).read_to_end(&mut begin)?;
    let (encoding, mark) = Encoding::for_bom(&begin).unwrap_or((encoding.unwrap_or(UTF_8), 0));
    let rest = io::Cursor::new(begin.split_off(mark)).chain(reader);
    if encoding == UTF_8 {
        return Ok(Box::new(rest));
    }
    let decoder = encoding.new_decoder_without_bom_handling();
    Ok(Box::new(DecodedText { rest, decoder, text: io::Cursor::new(Vec::new()), is_end: false }))
}

/// A reader of UTF-8 over bytes of another encoding.
struct DecodedText<R> {
    rest: R,
    decoder: Decoder,
    /// Decoded text that was not read yet.
    text: io::Cursor<Vec<u8>>,
    is_end: bool,
}

impl<R: Read> DecodedText<R> {
    fn decode_more(&mut self) -> io::Result<()> {
        let mut bytes = vec![0; CHUNK_BYTES];
        let count = self.rest.read(&mut bytes)?;
        self.is_end = count == 0;
        let needed =
            self.decoder.max_utf8_buffer_length_without_replacement(count).unwrap_or(CHUNK_BYTES * 4);
        let mut text = vec![0; needed];
        let (result, _, written) =
            self.decoder.decode_to_utf8_without_replacement(&bytes[..count], &mut text, self.is_end);
        if let DecoderResult::Malformed(..) = result {
            let encoding = self.decoder.encoding().name();
            return Err(io::Error::new(ErrorKind::InvalidData, format!("the file is not in {encoding}")));
        }
        text.truncate(written);
        self.text = io::Cursor::new(text);
        Ok(())
    }
}

impl<R: Read> Read for DecodedText<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.text.read(out)?;
            if count > 0 || out.is_empty() || self.is_end {
                return Ok(count);
            }
            self.decode_more()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &'static [u8], encoding: Option<&str>) -> io::Result<String> {
        let encoding = encoding.map(|name| encoding_named(name).unwrap());
        let mut text = String::new();
        decoded(Box::new(bytes), encoding)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn encodings_are_told_by_their_mark_or_by_name() {
        assert_eq!(text_of(b"\xef\xbb\xbfk\xc3\xb6", None).unwrap(), "kö");
        assert_eq!(text_of(b"\xff\xfek\0\xf6\0", None).unwrap(), "kö");
        assert_eq!(text_of(b"\xfe\xff\0k\0\xf6", Some("windows-1252")).unwrap(), "kö");
        assert_eq!(text_of(b"k\xf6 \x80", Some("windows-1252")).unwrap(), "kö €");
        assert_eq!(text_of(b"k", None).unwrap(), "k");
        assert_eq!(text_of(b"", Some("latin1")).unwrap(), "");
        assert!(text_of(b"\xff\xfek", None).is_err(), "half a character");
        assert_eq!(encoding_named("klingon"), None);
    }
}
