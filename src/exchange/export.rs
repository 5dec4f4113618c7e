//! Export of all visible records in a form that an import reads: units, people, projects, then the mappings.
//!
//! Level fields and totals are left out: placements are exported as mappings, and the rest is derived from them.

use std::array;
use std::io::{self, Write};
use std::iter::{once, once_with};
use std::sync::Arc;

use crate::directory::View;
use crate::exchange::csv;
use crate::exchange::format::Format;
use crate::exchange::ndjson::KINDS;
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::Mapping;
use crate::wire::column::{AppearsIn, Cell, Column, Show, write_members};
use crate::wire::columns::{Columns, CsvColumn};
use crate::wire::level::UNITS;
use crate::wire::row::Row;
use crate::wire::unit::PARENTS;
use crate::wire::{mapping, person, project, unit};

/// Minimum size of a piece in bytes; it ends after the record that reaches it.
// Pieces are the chunks of a streamed response: large enough to amortize their cost, and only one is in memory.
const PIECE_BYTES: usize = 64 << 10;

/// Writes all records of `view` to `out`, one per line; [`Format::Json`] as one array.
///
/// # Errors
/// The I/O error of `out`.
pub fn export(view: &View, format: Format, out: &mut impl Write) -> io::Result<()> {
    let mut export = Export::new(view.clone(), format, ExportSelection::default());
    while let Some(piece) = export.next_chunk() {
        out.write_all(&piece)?;
    }
    Ok(())
}

/// The records of an export.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ExportSelection {
    /// Records of one kind only, with all their fields: what the other records would say of them is in none of the file.
    pub(crate) kind: Option<ExportKind>,
    /// Records of this unit and below it only.
    pub(crate) within: Option<EntityId>,
    /// Whether CSV begins with a byte order mark.
    pub(crate) has_mark: bool,
}

/// A kind of record in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExportKind {
    OrgUnit,
    Person,
    Project,
    Mapping,
}

impl ExportKind {
    /// Their names, in the order of an export.
    pub(crate) const NAMES: [&'static str; 4] = KINDS;

    /// The kind with this name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        let all = [Self::OrgUnit, Self::Person, Self::Project, Self::Mapping];
        all.into_iter().zip(KINDS).find(|(_, name)| name.eq_ignore_ascii_case(word)).map(|(kind, _)| kind)
    }
}

/// An export that is produced piece by piece.
pub(crate) struct Export {
    view: View,
    format: Format,
    has_mark: bool,
    /// Whether all records are of one kind, with all columns of it.
    is_one_kind: bool,
    sections: [Section; 4],
    csv: Vec<CsvColumn>,
    /// Number of records written so far.
    count: usize,
    /// The remaining records, each with the index of its section; `None` after the last piece.
    records: Option<Box<dyn Iterator<Item = (usize, Stored)> + Send>>,
}

/// A kind of record and its exported columns.
struct Section {
    kind: &'static str,
    fields: Vec<&'static Column>,
}

/// A reference to a record that is yet to be written.
enum Stored {
    Entity(EntityId),
    Mapping(Arc<Mapping>),
}

impl Export {
    /// An export of the selected records of `view`.
    pub(crate) fn new(view: View, format: Format, selection: ExportSelection) -> Self {
        let ExportSelection { kind, within, has_mark } = selection;
        // Narrowed for finding records alone: lists of units in their fields must be complete.
        let found = within.map_or_else(|| view.clone(), |unit| view.within(&[unit]));
        let wanted = move |section: usize| kind.is_none_or(|kind| kind as usize == section);
        // The order of dependencies: mappings refer to the others, so a reader need not sort the file.
        let tables = [&*unit::COLUMNS, &person::COLUMNS, &project::COLUMNS, &mapping::COLUMNS];
        let sections = array::from_fn(|at| {
            let mut fields = tables[at].in_exports();
            if kind.is_some() {
                fields.extend([None, Some(&UNITS), Some(&UNITS), None][at]);
                fields.extend([Some(&PARENTS), None, None, None][at]);
            }
            Section { kind: KINDS[at], fields }
        });
        let csv = match kind {
            Some(kind) => tables[kind as usize].csv.clone(),
            None => columns(&tables),
        };
        let kinds = [Kind::OrgUnit, Kind::Person, Kind::Project];
        let last = kinds.len();
        // Lazily: the ids of a kind are collected when its turn comes, so the first piece does not wait for all of them
        // and memory is needed for one kind at a time.
        let entities = {
            let found = found.clone();
            let kinds = kinds.into_iter().enumerate().filter(move |(section, _)| wanted(*section));
            kinds.flat_map(move |(section, kind)| {
                let ids = found.all(kind).clone().into_iter();
                ids.map(move |id| (section, Stored::Entity(EntityId(id))))
            })
        };
        let mappings = {
            let of_view = move || found.mappings().into_iter().cloned().collect::<Vec<_>>();
            let mappings = wanted(last).then(|| once_with(of_view));
            mappings.into_iter().flatten().flatten().map(move |mapping| (last, Stored::Mapping(mapping)))
        };
        let records: Box<dyn Iterator<Item = _> + Send> = Box::new(entities.chain(mappings));
        let is_one_kind = kind.is_some();
        Self { view, format, has_mark, is_one_kind, sections, csv, count: 0, records: Some(records) }
    }

    /// The next piece, or `None` after the last.
    pub(crate) fn next_chunk(&mut self) -> Option<Vec<u8>> {
        // Taken out of `self`, which `write` borrows as a whole, and put back if records remain.
        let mut records = self.records.take()?;
        let mut out = Vec::new();
        if self.count == 0 {
            self.head(&mut out);
        }
        for (section, stored) in &mut records {
            self.write(section, &stored, &mut out);
            if out.len() >= PIECE_BYTES {
                self.records = Some(records);
                return Some(out);
            }
        }
        self.tail(&mut out);
        Some(out)
    }

    fn head(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Json => out.push(b'['),
            Format::Csv => {
                if self.has_mark {
                    out.extend_from_slice(csv::MARK);
                }
                csv::header(once("kind").chain(self.csv.iter().map(|column| &*column.name)), out);
            }
            Format::Ndjson => {}
        }
    }

    fn write(&mut self, section: usize, stored: &Stored, out: &mut Vec<u8>) {
        let Section { kind, fields } = &self.sections[section];
        let row = match stored {
            Stored::Entity(id) => Row::entity(&self.view, *id),
            Stored::Mapping(mapping) => Row::mapping(&self.view, mapping),
        };
        // `None` is a mapping one end of which is outside the scope of the view.
        let Some(row) = row else { return };
        match self.format {
            Format::Csv if self.is_one_kind => {
                let cells = self.csv.iter().map(|column| (column.show)(&row));
                csv::record(once(Some(Cell::Text(kind))).chain(cells), out);
            }
            Format::Csv => {
                // All kinds share one header. A column of the same name (`externalId`) belongs to another table for
                // each kind, so the field is looked up by name in the table of this record.
                let cell = |column: &CsvColumn| {
                    let own = fields.iter().find(|field| field.name == column.field.name);
                    own.and_then(|field| column_of(field, column)(&row))
                };
                csv::record(once(Some(Cell::Text(kind))).chain(self.csv.iter().map(cell)), out);
            }
            Format::Json | Format::Ndjson => {
                if self.format == Format::Json && self.count > 0 {
                    out.extend(b",\n");
                }
                // The kind comes first, for people who read the file.
                out.extend_from_slice(b"{\"kind\":\"");
                out.extend_from_slice(kind.as_bytes());
                out.extend_from_slice(b"\",");
                write_members(&row, fields.iter().copied(), out);
                out.push(b'}');
                if self.format == Format::Ndjson {
                    out.push(b'\n');
                }
            }
        }
        self.count += 1;
    }

    fn tail(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend(b"]\n");
        }
    }
}

/// The columns of a CSV export after `kind`: first those of a single kind of record, then those of several.
fn columns(tables: &[&Columns]) -> Vec<CsvColumn> {
    let all = || tables.iter().flat_map(|table| &table.csv);
    let exported =
        |column: &&CsvColumn| matches!(column.field.shown, AppearsIn::Everywhere | AppearsIn::InExports);
    let uses = |column: &CsvColumn| all().filter(exported).filter(|it| it.name == column.name).count();
    let mut columns: Vec<CsvColumn> = Vec::new();
    // Shared columns (external id, attributes, stamps) come last, so that the names that identify a record are on the
    // left of a spreadsheet. Quadratic, but there are only about forty columns.
    for is_shared in [false, true] {
        for column in all().filter(exported).filter(|column| (uses(column) > 1) == is_shared) {
            if columns.iter().all(|known| known.name != column.name) {
                columns.push(column.clone());
            }
        }
    }
    columns
}

/// The function that reads a column from a record of the kind that `field` belongs to.
fn column_of(field: &Column, column: &CsvColumn) -> Show {
    // A field with members has one CSV column for each, so the column and not the field knows which member it is.
    if field.members.is_empty() && field.in_csv.is_empty() { field.show } else { column.show }
}
