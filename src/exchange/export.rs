//! Everything in sight, in the form that an import takes again: units, people, projects, then what maps them.
//!
//! Level fields and totals are left out, because placements are mappings here, and an import derives the rest.

use std::io::{self, Write};
use std::iter::once;

use serde::Serialize;

use crate::directory::View;
use crate::exchange::csv;
use crate::exchange::format::Format;
use crate::model::entity::{EntityId, Kind};
use crate::wire::column::{Column, Columns, CsvColumn, Record, Show, Shown};
use crate::wire::row::Row;
use crate::wire::{mapping, person, project, unit};

/// Writes everything in sight to `out`, one record a line; [`Format::Json`] as one array.
///
/// # Errors
/// What `out` refuses.
pub fn export(view: &View, format: Format, out: &mut impl Write) -> io::Result<()> {
    let tables = [&*unit::COLUMNS, &person::COLUMNS, &project::COLUMNS, &mapping::COLUMNS];
    let csv = columns(&tables);
    let mut lines = Lines { format, csv: &csv, out, count: 0 };
    lines.begin()?;
    let kinds = [(Kind::OrgUnit, "orgUnit"), (Kind::Person, "person"), (Kind::Project, "project")];
    for ((kind, word), table) in kinds.into_iter().zip(tables) {
        let fields = table.in_files();
        for id in view.all(kind).iter().map(EntityId) {
            lines.write(word, Row::entity(view, id), &fields)?;
        }
    }
    let fields = mapping::COLUMNS.in_files();
    for mapping in view.mappings() {
        lines.write("mapping", Row::mapping(view, mapping), &fields)?;
    }
    lines.end()
}

/// The columns of an export as CSV, beside the kind: first those that one kind of record has, then those of several.
fn columns(tables: &[&Columns]) -> Vec<CsvColumn> {
    let all = || tables.iter().flat_map(|table| &table.csv);
    let kept = |column: &&CsvColumn| matches!(column.field.shown, Shown::Everywhere | Shown::InFiles);
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

struct Lines<'w, W> {
    format: Format,
    csv: &'w [CsvColumn],
    out: &'w mut W,
    count: usize,
}

impl<W: Write> Lines<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        match self.format {
            Format::Json => self.out.write_all(b"["),
            Format::Csv => self.csv_line(once("kind").chain(self.csv.iter().map(|column| &*column.name))),
            Format::Ndjson => Ok(()),
        }
    }

    fn write(
        &mut self,
        kind: &'static str,
        row: Option<Row<'_>>,
        fields: &[&'static Column],
    ) -> io::Result<()> {
        let Some(row) = row else { return Ok(()) };
        self.count += 1;
        match self.format {
            Format::Csv => {
                let cell = |column: &CsvColumn| {
                    let own = fields.iter().find(|field| field.name == column.field.name);
                    csv::cell(own.and_then(|field| column_of(field, column)(&row)).as_ref())
                };
                self.csv_line(once(kind.to_owned()).chain(self.csv.iter().map(cell)))
            }
            Format::Json | Format::Ndjson => {
                if self.format == Format::Json && self.count > 1 {
                    self.out.write_all(b",\n")?;
                }
                let record = Record { row: &row, columns: fields };
                serde_json::to_writer(&mut *self.out, &Line { kind, record })?;
                if self.format == Format::Ndjson { self.out.write_all(b"\n") } else { Ok(()) }
            }
        }
    }

    fn csv_line<C: AsRef<str>>(&mut self, cells: impl Iterator<Item = C>) -> io::Result<()> {
        let mut line = Vec::new();
        csv::line(cells, &mut line);
        self.out.write_all(&line)
    }

    fn end(&mut self) -> io::Result<()> {
        if self.format == Format::Json { self.out.write_all(b"]\n") } else { Ok(()) }
    }
}

/// How a kind of record shows a column that another may have too.
fn column_of(field: &Column, column: &CsvColumn) -> Show {
    if field.members.is_empty() { field.show } else { column.show }
}

/// The kind first: people read these files from the left.
#[derive(Serialize)]
struct Line<'r, 'v> {
    kind: &'static str,
    #[serde(flatten)]
    record: Record<'r, 'v>,
}
