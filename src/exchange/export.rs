//! Everything in sight, in the form that an import takes again: units, people, projects, then what maps them.
//!
//! Level fields and totals are left out, because placements are mappings here, and an import derives the rest.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::directory::View;
use crate::exchange::csv;
use crate::exchange::format::Format;
use crate::model::entity::{EntityId, Kind};
use crate::model::level::Level;
use crate::wire::mapping::MappingRecord;
use crate::wire::person::PersonRecord;
use crate::wire::project::ProjectRecord;
use crate::wire::unit::UnitRecord;

/// What an answer says of a unit or a mapping and an import finds out by itself.
const DERIVED: [&str; 8] = ["level", "parents", "totals", "id", "parent", "parentType", "child", "childType"];

/// The columns of an export as CSV: those of all kinds together.
const COLUMNS: &[&str] = &[
    "kind",
    "key",
    "name",
    "type",
    "email",
    "firstName",
    "lastName",
    "displayName",
    "projectId",
    "projectName",
    "projectOwner.firstName",
    "projectOwner.lastName",
    "projectOwner.email",
    "assets",
    "attribute1",
    "attribute2",
    "mappingType",
    "relationship",
    "source",
    "externalId",
    "attributes",
    "validFrom",
    "validTo",
    "createdAt",
    "updatedAt",
    "revision",
];

/// Writes everything in sight to `out`, one record a line; [`Format::Json`] as one array.
///
/// # Errors
/// What `out` refuses.
pub fn export(view: &View, format: Format, out: &mut impl Write) -> io::Result<()> {
    let mut lines = Lines { format, out, count: 0 };
    lines.begin()?;
    for id in view.all(Kind::OrgUnit).iter().map(EntityId) {
        lines.write("orgUnit", UnitRecord::of(view, id).as_ref())?;
    }
    for id in view.all(Kind::Person).iter().map(EntityId) {
        lines.write("person", PersonRecord::of(view, id).as_ref())?;
    }
    for id in view.all(Kind::Project).iter().map(EntityId) {
        lines.write("project", ProjectRecord::of(view, id).as_ref())?;
    }
    for mapping in view.mappings() {
        lines.write("mapping", MappingRecord::of(view, mapping).as_ref())?;
    }
    lines.end()
}

struct Lines<'w, W> {
    format: Format,
    out: &'w mut W,
    count: usize,
}

impl<W: Write> Lines<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        match self.format {
            Format::Json => self.out.write_all(b"["),
            Format::Csv => self.csv_line(COLUMNS.iter()),
            Format::Ndjson => Ok(()),
        }
    }

    fn write(&mut self, kind: &'static str, record: Option<&impl Serialize>) -> io::Result<()> {
        let Some(record) = record else { return Ok(()) };
        let Value::Object(members) = serde_json::to_value(record)? else { return Ok(()) };
        let members: Map<String, Value> = members.into_iter().filter(|(name, _)| is_kept(name)).collect();
        self.count += 1;
        match self.format {
            Format::Csv => {
                let mut members = members;
                members.insert("kind".to_owned(), kind.into());
                let record = Value::Object(members);
                self.csv_line(COLUMNS.iter().map(|column| csv::cell(&record, column)))
            }
            Format::Json | Format::Ndjson => {
                if self.format == Format::Json && self.count > 1 {
                    self.out.write_all(b",\n")?;
                }
                serde_json::to_writer(&mut *self.out, &Line { kind, members: &members })?;
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

/// The kind first: people read these files from the left.
#[derive(Serialize)]
struct Line<'m> {
    kind: &'static str,
    #[serde(flatten)]
    members: &'m Map<String, Value>,
}

fn is_kept(name: &str) -> bool {
    !DERIVED.contains(&name) && Level::ALL.into_iter().all(|level| level.as_str() != name)
}
