//! List bodies: rows serialized as JSON, CSV or NDJSON, chunk by chunk.
//!
//! Invariant: a streamed list takes the memory of one chunk, however long it is.

use std::io;
use std::vec;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use crate::directory::View;
use crate::exchange::{Format, csv};
use crate::server::admission::work::{BodyChunks, RequestWork};
use crate::server::response::compress::Sent;
use crate::server::response::problem::Result;
use crate::server::response_cache::Cached;
use crate::server::rest::resource::Resource;
use crate::wire::column::{Column, write_object};
use crate::wire::columns::CsvColumn;
use crate::wire::row::LevelCache;

/// A list up to about this size, in bytes, is complete before it is sent; a longer one is streamed.
// A complete body counts against the memory budget with its size; a stream counts as a fixed number of bytes and keeps its revision in memory.
const COMPLETE_MAX_BYTES: usize = 1 << 20;
/// The approximate size of a streamed chunk, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// A page of matches.
#[derive(Debug)]
pub(super) struct Rows<I> {
    /// The number of all matches, on all pages.
    pub count: u64,
    /// The matches of this page.
    pub items: Vec<I>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// How rows are serialized.
#[derive(Debug, Clone)]
pub(super) struct RowFormat {
    /// The format.
    pub format: Format,
    /// The fields in JSON, in the record's order.
    pub fields: Vec<&'static Column>,
    /// The columns in CSV.
    pub csv: Vec<&'static CsvColumn>,
    /// Whether CSV begins with a byte order mark, without which Excel does not take it for UTF-8.
    pub has_mark: bool,
}

/// A list body that is complete, or whose first chunk is.
pub(super) struct StartedList {
    format: Format,
    first: Bytes,
    rest: Option<Box<dyn BodyChunks>>,
}

impl StartedList {
    /// Serializes a list up to [`COMPLETE_MAX_BYTES`].
    pub(super) fn begin<R: Resource>(view: View, rows: Rows<R::Item>, row_format: RowFormat) -> Self {
        let format = row_format.format;
        let mut text = ListBody::<R>::new(view, rows, row_format);
        let first = text.write_chunk(COMPLETE_MAX_BYTES).unwrap_or_default();
        let is_complete = text.position == ListPosition::End;
        let rest = (!is_complete).then(|| Box::new(text) as Box<dyn BodyChunks>);
        Self { format, first, rest }
    }

    /// A list that is complete.
    pub(super) fn complete(format: Format, text: Vec<u8>) -> Self {
        Self { format, first: text.into(), rest: None }
    }

    /// The response to keep in the cache; `None` if the list is not complete.
    pub(super) fn cached(&self, headers: impl Iterator<Item = (HeaderName, HeaderValue)>) -> Option<Cached> {
        if self.rest.is_some() {
            return None;
        }
        let media_type = HeaderValue::from_static(self.format.media_type());
        let headers = headers.chain([(header::CONTENT_TYPE, media_type)]).collect();
        Some(Cached { sent: Sent::plain(self.first.to_vec()), headers, operation: None })
    }

    /// The response. What is not complete is streamed, and keeps `view` until the client has read it.
    pub(super) fn into_response(self, work: &RequestWork, view: &View) -> Result<Response> {
        let media_type = HeaderValue::from_static(self.format.media_type());
        let body = match self.rest {
            None => Body::from(self.first),
            Some(rest) => work.stream(view, self.first, rest)?,
        };
        Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
    }
}

/// Serializes a list chunk by chunk.
struct ListBody<R: Resource> {
    view: View,
    levels: LevelCache,
    row_format: RowFormat,
    count: u64,
    items: vec::IntoIter<R::Item>,
    next: Option<String>,
    position: ListPosition,
}

/// How far a list is written. `First` and `Middle` differ by the comma before the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListPosition {
    Head,
    First,
    Middle,
    End,
}

impl<R: Resource> ListBody<R> {
    fn new(view: View, rows: Rows<R::Item>, row_format: RowFormat) -> Self {
        let Rows { count, items, next } = rows;
        let (items, position) = (items.into_iter(), ListPosition::Head);
        Self { view, levels: LevelCache::default(), row_format, count, items, next, position }
    }

    fn head(&self, out: &mut Vec<u8>) {
        match self.row_format.format {
            Format::Json => out.extend(format!("{{\"count\":{},\"data\":[", self.count).bytes()),
            Format::Csv => {
                if self.row_format.has_mark {
                    out.extend_from_slice(csv::MARK);
                }
                csv::header(self.row_format.csv.iter().map(|column| &column.name), out);
            }
            Format::Ndjson => {}
        }
    }

    fn tail(&self) -> Vec<u8> {
        match (self.row_format.format, &self.next) {
            (Format::Json, Some(next)) => {
                format!("],\"cursor\":{}}}", Value::from(next.as_str())).into_bytes()
            }
            (Format::Json, None) => b"]}".to_vec(),
            // CSV and NDJSON have nothing to put a cursor in; for them the `Link` header has it.
            (Format::Csv | Format::Ndjson, _) => Vec::new(),
        }
    }

    fn write(&self, item: &R::Item, is_first: bool, out: &mut Vec<u8>) {
        // Never skips a record: the items come from this same view, which later deletions do not change.
        let Some(row) = R::row(&self.view, item) else { return };
        let row = row.with_level_cache(&self.levels);
        match self.row_format.format {
            Format::Csv => csv::record(self.row_format.csv.iter().map(|column| (column.show)(&row)), out),
            Format::Json | Format::Ndjson => {
                if self.row_format.format == Format::Json && !is_first {
                    out.push(b',');
                }
                write_object(&row, self.row_format.fields.iter().copied(), out);
                if self.row_format.format == Format::Ndjson {
                    out.push(b'\n');
                }
            }
        }
    }
}

impl<R: Resource> BodyChunks for ListBody<R> {
    fn next_chunk(&mut self) -> Option<io::Result<Bytes>> {
        self.write_chunk(CHUNK_BYTES).map(Ok)
    }
}

impl<R: Resource> ListBody<R> {
    /// The next chunk, of about `bytes` bytes; `None` at the end.
    fn write_chunk(&mut self, bytes: usize) -> Option<Bytes> {
        let mut out = Vec::new();
        // The head is written together with the first rows, so that no chunk is tiny.
        if self.position == ListPosition::Head {
            self.head(&mut out);
            self.position = ListPosition::First;
        }
        if self.position == ListPosition::End {
            return None;
        }
        while out.len() < bytes {
            let Some(item) = self.items.next() else {
                out.extend(self.tail());
                self.position = ListPosition::End;
                break;
            };
            self.write(&item, self.position == ListPosition::First, &mut out);
            self.position = ListPosition::Middle;
        }
        Some(out.into())
    }
}
