//! Rows, written out: one list in any format, piece by piece, so that a long one needs no more memory than
//! a short one.

use std::io;
use std::vec;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use crate::directory::View;
use crate::exchange::{Format, csv};
use crate::server::admission::work::{BodyChunks, RequestWork};
use crate::server::response::problem::Result;
use crate::server::rest::resource::Resource;
use crate::wire::column::{Column, CsvColumn, RowObject};

/// A list of about so many bytes is whole before it is sent, and takes room by its size.
const WHOLE_BYTES: usize = 1 << 20;
/// About how many bytes of a longer one are written at a time.
const PIECE_BYTES: usize = 64 << 10;

/// The matches to be answered with.
#[derive(Debug)]
pub(super) struct Rows<I> {
    /// How many matches there are in all.
    pub count: u64,
    /// Those to be shown.
    pub items: Vec<I>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// How rows are written.
#[derive(Debug, Clone)]
pub(super) struct RowFormat {
    /// In which format.
    pub format: Format,
    /// The fields to be shown in JSON, in the record's order.
    pub fields: Vec<&'static Column>,
    /// The columns to be shown in CSV.
    pub csv: Vec<&'static CsvColumn>,
}

/// A list that was begun: whole, or with more to come.
pub(super) struct StartedList {
    format: Format,
    first: Bytes,
    rest: Option<Box<dyn BodyChunks>>,
}

impl StartedList {
    /// Writes a list, or as much of it as is sent in one piece.
    pub(super) fn begin<R: Resource>(view: View, rows: Rows<R::Item>, shape: RowFormat) -> Self {
        let format = shape.format;
        let mut text = ListBody::<R>::new(view, rows, shape);
        let first = text.write_on(WHOLE_BYTES).unwrap_or_default();
        let is_whole = text.place == ListPosition::End;
        let rest = (!is_whole).then(|| Box::new(text) as Box<dyn BodyChunks>);
        Self { format, first, rest }
    }

    /// As an answer; what is not whole is streamed, and keeps `view` until it was taken.
    pub(super) fn into_response(self, work: &RequestWork, view: &View) -> Result<Response> {
        let media_type = HeaderValue::from_static(self.format.media_type());
        let body = match self.rest {
            None => Body::from(self.first),
            Some(rest) => work.stream(view, self.first, rest)?,
        };
        Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
    }
}

/// The text of a list, piece by piece.
struct ListBody<R: Resource> {
    view: View,
    shape: RowFormat,
    count: u64,
    items: vec::IntoIter<R::Item>,
    next: Option<String>,
    place: ListPosition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListPosition {
    Head,
    First,
    Middle,
    End,
}

impl<R: Resource> ListBody<R> {
    fn new(view: View, rows: Rows<R::Item>, shape: RowFormat) -> Self {
        let Rows { count, items, next } = rows;
        Self { view, shape, count, items: items.into_iter(), next, place: ListPosition::Head }
    }

    fn head(&self, out: &mut Vec<u8>) {
        match self.shape.format {
            Format::Json => out.extend(format!("{{\"count\":{},\"data\":[", self.count).bytes()),
            Format::Csv => csv::line(self.shape.csv.iter().map(|column| &column.name), out),
            Format::Ndjson => {}
        }
    }

    fn tail(&self) -> Vec<u8> {
        match (self.shape.format, &self.next) {
            (Format::Json, Some(next)) => {
                format!("],\"cursor\":{}}}", Value::from(next.as_str())).into_bytes()
            }
            (Format::Json, None) => b"]}".to_vec(),
            (Format::Csv | Format::Ndjson, _) => Vec::new(),
        }
    }

    fn write(&self, item: &R::Item, is_first: bool, out: &mut Vec<u8>) {
        // What the writer ended since the page was made is still in this view; a record is always there.
        let Some(row) = R::row(&self.view, item) else { return };
        match self.shape.format {
            Format::Csv => {
                let cells = self.shape.csv.iter().map(|column| csv::cell((column.show)(&row).as_ref()));
                csv::line(cells, out);
            }
            Format::Json | Format::Ndjson => {
                if self.shape.format == Format::Json && !is_first {
                    out.push(b',');
                }
                write_json(&RowObject { row: &row, columns: &self.shape.fields }, out);
                if self.shape.format == Format::Ndjson {
                    out.push(b'\n');
                }
            }
        }
    }
}

impl<R: Resource> BodyChunks for ListBody<R> {
    fn next_piece(&mut self) -> Option<io::Result<Bytes>> {
        self.write_on(PIECE_BYTES).map(Ok)
    }
}

impl<R: Resource> ListBody<R> {
    /// What comes next, about so many bytes of it.
    fn write_on(&mut self, bytes: usize) -> Option<Bytes> {
        let mut out = Vec::new();
        if self.place == ListPosition::Head {
            self.head(&mut out);
            self.place = ListPosition::First;
        }
        if self.place == ListPosition::End {
            return None;
        }
        while out.len() < bytes {
            let Some(item) = self.items.next() else {
                out.extend(self.tail());
                self.place = ListPosition::End;
                break;
            };
            self.write(&item, self.place == ListPosition::First, &mut out);
            self.place = ListPosition::Middle;
        }
        Some(out.into())
    }
}

/// Writes a record as JSON.
fn write_json(record: &RowObject<'_, '_>, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, record);
    written.expect("a record's names are texts and its numbers finite, and memory takes all writes");
}
