//! The header of a CSV file: which column has which field.
//!
//! Invariant: each field has one column. Names are the same without case, blanks, `_` and `-`.

use crate::error::Error;
use crate::exchange::kept::{bare, fields_of};
use crate::exchange::ndjson::KINDS;

/// Fields that all records have, besides those of their kind.
const COMMON: [&str; 11] = [
    "op",
    "children",
    "createdAt",
    "updatedAt",
    "revision",
    "validFrom",
    "validTo",
    "level",
    "totals",
    "id",
    "placements",
];
/// Members of objects that have columns of their own.
const MEMBERS: [(&str, &[&str]); 1] = [("projectOwner", &["firstName", "lastName", "email"])];
/// The members of `assets`, which are columns under their own names.
const ASSETS: [&str; 2] = ["repositories", "services"];

/// What the cells of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnTarget {
    pub(super) field: String,
    /// The member of the field, if it is an object.
    pub(super) member: Option<String>,
}

impl ColumnTarget {
    fn name(&self) -> String {
        match &self.member {
            Some(member) => format!("{}.{member}", self.field),
            None => self.field.clone(),
        }
    }
}

/// A header given to a field: `email="Work Email"`.
#[derive(Debug, Clone)]
pub(crate) struct ColumnMapping {
    pub(crate) field: String,
    pub(crate) header: String,
}

impl ColumnMapping {
    /// Parses `field=header`.
    ///
    /// # Errors
    /// What is missing, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((field, header)) if !field.trim().is_empty() && !header.trim().is_empty() => {
                Ok(Self { field: field.trim().to_owned(), header: header.trim().to_owned() })
            }
            _ => Err("must be a field and the name of a column, such as email=\"Work Email\"".to_owned()),
        }
    }
}

/// The targets of all columns; `None` for a column without a name.
pub(super) fn targets(
    names: &[String],
    kind: Option<&str>,
    mapped: &[ColumnMapping],
) -> Result<Vec<Option<ColumnTarget>>, Error> {
    for mapping in mapped {
        if !names.iter().any(|name| bare(name) == bare(&mapping.header)) {
            let detail = format!(
                "there is no column {:?} for {}; the columns are {}",
                mapping.header,
                mapping.field,
                names.join(", ")
            );
            return Err(Error::malformed(detail));
        }
    }
    let known = known_fields(kind);
    let targets: Vec<Option<ColumnTarget>> = names
        .iter()
        .map(|name| {
            let mapping = mapped.iter().find(|mapping| bare(&mapping.header) == bare(name));
            let name = mapping.map_or(&**name, |mapping| &mapping.field);
            (!name.is_empty()).then(|| target(name, &known))
        })
        .collect();
    for (at, target) in targets.iter().enumerate() {
        let Some(target) = target else { continue };
        for (before, other) in targets[..at].iter().enumerate() {
            let Some(other) = other.as_ref().filter(|other| overlap(target, other)) else { continue };
            return Err(Error::malformed(format!(
                "the columns {:?} ({}) and {:?} ({}) both give {}; rename or remove one",
                names[before],
                before + 1,
                names[at],
                at + 1,
                if target.member.is_none() { target.name() } else { other.name() },
            )));
        }
    }
    Ok(targets)
}

/// Whether two columns give the same field, or one of them a member of the other.
fn overlap(one: &ColumnTarget, other: &ColumnTarget) -> bool {
    one.field == other.field && (one.member == other.member || one.member.is_none() || other.member.is_none())
}

fn known_fields(kind: Option<&str>) -> Vec<&'static str> {
    let kind = kind.and_then(|kind| KINDS.into_iter().find(|known| known.eq_ignore_ascii_case(kind.trim())));
    let mut known = Vec::new();
    match kind {
        Some(kind) => known.extend(fields_of(kind)),
        None => known.extend(KINDS.into_iter().flat_map(fields_of)),
    }
    known.extend(COMMON);
    if kind.is_none_or(|kind| kind == "project") {
        known.extend(ASSETS);
    }
    known
}

fn target(name: &str, known: &[&'static str]) -> ColumnTarget {
    let find = |name: &str, known: &[&'static str]| {
        let same = known.iter().find(|field| **field == name);
        same.or_else(|| known.iter().find(|field| bare(field) == bare(name))).copied()
    };
    if let Some(field) = find(name, known) {
        if ASSETS.contains(&field) {
            return ColumnTarget { field: "assets".to_owned(), member: Some(field.to_owned()) };
        }
        return ColumnTarget { field: field.to_owned(), member: None };
    }
    match name.split_once('.') {
        Some((field, member)) => {
            let field = find(field, known).unwrap_or(field);
            let members = MEMBERS.into_iter().find(|(object, _)| *object == field);
            let member = members.and_then(|(_, members)| find(member, members)).unwrap_or(member);
            ColumnTarget { field: field.to_owned(), member: Some(member.to_owned()) }
        }
        None => ColumnTarget { field: name.to_owned(), member: None },
    }
}
