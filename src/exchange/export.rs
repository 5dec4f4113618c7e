//! Everything in sight, in the form that an import takes again: units, people, projects, then what maps them.
//!
//! Level fields and totals are left out, because placements are mappings here, and an import derives the rest.

use std::array;
use std::io::{self, Write};
use std::iter::{once, once_with};
use std::sync::Arc;

use serde::Serialize;

use crate::directory::View;
use crate::exchange::csv;
use crate::exchange::format::Format;
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::Mapping;
use crate::wire::column::{Column, Columns, CsvColumn, RowObject, Show, ShownIn};
use crate::wire::row::Row;
use crate::wire::{mapping, person, project, unit};

/// About how many bytes are written at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Writes everything in sight to `out`, one record a line; [`Format::Json`] as one array.
///
/// # Errors
/// What `out` refuses.
pub fn export(view: &View, format: Format, out: &mut impl Write) -> io::Result<()> {
    let mut export = Export::new(view.clone(), format);
    while let Some(piece) = export.next_piece()? {
        out.write_all(&piece)?;
    }
    Ok(())
}

/// The same, piece by piece.
pub(crate) struct Export {
    view: View,
    format: Format,
    sections: [Section; 4],
    csv: Vec<CsvColumn>,
    /// How many were written.
    count: usize,
    /// Those to be written, each with the number of its section; none once the end was.
    records: Option<Box<dyn Iterator<Item = (usize, Stored)> + Send>>,
}

/// One kind of record.
struct Section {
    kind: &'static str,
    fields: Vec<&'static Column>,
}

/// What stands for a record until it is written.
enum Stored {
    Entity(EntityId),
    Mapping(Arc<Mapping>),
}

impl Export {
    /// An export of which nothing is written yet.
    pub(crate) fn new(view: View, format: Format) -> Self {
        let tables = [&*unit::COLUMNS, &person::COLUMNS, &project::COLUMNS, &mapping::COLUMNS];
        let words = ["orgUnit", "person", "project", "mapping"];
        let sections = array::from_fn(|at| Section { kind: words[at], fields: tables[at].in_files() });
        let kinds = [Kind::OrgUnit, Kind::Person, Kind::Project];
        let last = kinds.len();
        // Each kind is listed when its turn comes.
        let entities = {
            let view = view.clone();
            kinds.into_iter().enumerate().flat_map(move |(section, kind)| {
                let ids = view.all(kind).clone().into_iter();
                ids.map(move |id| (section, Stored::Entity(EntityId(id))))
            })
        };
        let mappings = {
            let view = view.clone();
            once_with(move || view.mappings().into_iter().cloned().collect::<Vec<_>>())
                .flatten()
                .map(move |mapping| (last, Stored::Mapping(mapping)))
        };
        let records: Box<dyn Iterator<Item = _> + Send> = Box::new(entities.chain(mappings));
        Self { view, format, sections, csv: columns(&tables), count: 0, records: Some(records) }
    }

    /// The next piece; none at the end.
    pub(crate) fn next_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(mut records) = self.records.take() else { return Ok(None) };
        let mut out = Vec::new();
        if self.count == 0 {
            self.head(&mut out);
        }
        for (section, stored) in &mut records {
            self.write(section, &stored, &mut out)?;
            if out.len() >= PIECE_BYTES {
                self.records = Some(records);
                return Ok(Some(out));
            }
        }
        self.tail(&mut out);
        Ok(Some(out))
    }

    fn head(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Json => out.push(b'['),
            Format::Csv => csv::line(once("kind").chain(self.csv.iter().map(|column| &*column.name)), out),
            Format::Ndjson => {}
        }
    }

    fn write(&mut self, section: usize, stored: &Stored, out: &mut Vec<u8>) -> io::Result<()> {
        let Section { kind, fields } = &self.sections[section];
        let row = match stored {
            Stored::Entity(id) => Row::entity(&self.view, *id),
            Stored::Mapping(mapping) => Row::mapping(&self.view, mapping),
        };
        let Some(row) = row else { return Ok(()) };
        match self.format {
            Format::Csv => {
                let cell = |column: &CsvColumn| {
                    let own = fields.iter().find(|field| field.name == column.field.name);
                    csv::cell(own.and_then(|field| column_of(field, column)(&row)).as_ref())
                };
                csv::line(once((*kind).to_owned()).chain(self.csv.iter().map(cell)), out);
            }
            Format::Json | Format::Ndjson => {
                if self.format == Format::Json && self.count > 0 {
                    out.extend(b",\n");
                }
                let record = RowObject { row: &row, columns: fields };
                serde_json::to_writer(&mut *out, &ExportLine { kind, record })?;
                if self.format == Format::Ndjson {
                    out.push(b'\n');
                }
            }
        }
        self.count += 1;
        Ok(())
    }

    fn tail(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend(b"]\n");
        }
    }
}

/// The columns of an export as CSV, beside the kind: first those that one kind of record has, then those of several.
fn columns(tables: &[&Columns]) -> Vec<CsvColumn> {
    let all = || tables.iter().flat_map(|table| &table.csv);
    let kept = |column: &&CsvColumn| matches!(column.field.shown, ShownIn::Everywhere | ShownIn::InFiles);
    let uses = |column: &CsvColumn| all().filter(kept).filter(|it| it.name == column.name).count();
    let mut columns: Vec<CsvColumn> = Vec::new();
    for is_shared in [false, true] {
        for column in all().filter(kept).filter(|column| (uses(column) > 1) == is_shared) {
            if columns.iter().all(|known| known.name != column.name) {
                columns.push(column.clone());
            }
        }
    }
    columns
}

/// How a kind of record shows a column that another may have too.
fn column_of(field: &Column, column: &CsvColumn) -> Show {
    if field.members.is_empty() { field.show } else { column.show }
}

/// The kind first: people read these files from the left.
#[derive(Serialize)]
struct ExportLine<'r, 'v> {
    kind: &'static str,
    #[serde(flatten)]
    record: RowObject<'r, 'v>,
}
