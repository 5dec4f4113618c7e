//! `clade create`, `update`, `move`, `rename` and `end`: changes of one record.

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use serde_json::{Map, Value, json};

use crate::cli::change::{ChangeFlags, Existing, apply, existing};
use crate::cli::field_args::{FieldArg, fields};
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, completions};

#[derive(Debug, Args)]
pub(super) struct CreateRecordArgs {
    #[command(subcommand)]
    record: NewRecord,
}

#[derive(Debug, Subcommand)]
enum NewRecord {
    /// Create a unit
    Unit {
        /// Its name
        name: String,
        /// Its type: organization, business, department, group, team, or any other word [default: the level below the
        /// parent]
        #[arg(long = "type", value_name = "TYPE")]
        unit_type: Option<String>,
        #[command(flatten)]
        rest: NewRecordArgs,
    },
    /// Create a person
    Person {
        /// The email address
        email: String,
        #[command(flatten)]
        rest: NewRecordArgs,
    },
    /// Create a project
    Project {
        /// The project id
        id: String,
        /// Its name [default: the id]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        rest: NewRecordArgs,
    },
}

#[derive(Debug, Args)]
struct NewRecordArgs {
    /// Other fields: FIELD=TEXT, or FIELD:=JSON. Fields that Clade does not define are kept as attributes
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<FieldArg>,
    /// The unit to place it under (key, external id, path or unique name); can be repeated
    #[arg(long, value_name = "UNIT", add = ArgValueCompleter::new(completions::units))]
    under: Vec<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// The record: a unit (key, path or unique name), an email or a project id; or KIND:KEY
    #[arg(add = ArgValueCompleter::new(completions::records))]
    record: String,
    /// The fields to change: FIELD=TEXT, FIELD:=JSON, or FIELD= to remove it. Fields that Clade does not define are kept
    /// as attributes
    #[arg(value_name = "FIELD=VALUE", required = true)]
    fields: Vec<FieldArg>,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    /// The record: a unit (key, path or unique name), an email or a project id; or KIND:KEY
    #[arg(add = ArgValueCompleter::new(completions::records))]
    record: String,
    /// The unit to move it to
    #[arg(long, value_name = "UNIT", add = ArgValueCompleter::new(completions::units))]
    to: String,
    /// The unit that it leaves; required if it is in several
    #[arg(long, value_name = "UNIT", add = ArgValueCompleter::new(completions::units))]
    from: Option<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Debug, Args)]
pub(super) struct RenameArgs {
    /// The record: a unit (key, path or unique name), an email or a project id; or KIND:KEY
    #[arg(add = ArgValueCompleter::new(completions::records))]
    record: String,
    /// The new name: of a person the display name. Keys stay as they are; `clade update` changes them
    name: String,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Debug, Args)]
pub(super) struct EndArgs {
    /// The record: a unit (key, path or unique name), an email or a project id; or KIND:KEY
    #[arg(add = ArgValueCompleter::new(completions::records))]
    record: String,
    /// What becomes of the child units, people and projects of a unit
    #[arg(long, value_enum, default_value_t = ChildrenArg::Refuse)]
    children: ChildrenArg,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChildrenArg {
    /// Refuse if there are any
    Refuse,
    /// Place them under the unit's parents
    Lift,
    /// Delete child units that no other unit holds; people and projects stay
    End,
}

impl CreateRecordArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let (kind, change, place, mut given, rest) = match self.record {
            NewRecord::Unit { name, unit_type, rest } => {
                ("orgUnit", "createOrgUnit", "parents", json!({ "name": name, "type": unit_type }), rest)
            }
            NewRecord::Person { email, rest } => {
                ("person", "createPerson", "units", json!({ "email": email }), rest)
            }
            NewRecord::Project { id, name, rest } => {
                let name = name.unwrap_or_else(|| id.clone());
                ("project", "createProject", "units", json!({ "projectId": id, "projectName": name }), rest)
            }
        };
        let NewRecordArgs { fields: args, under, flags } = rest;
        let (fields, notes) = fields(kind, args)?;
        if !under.is_empty() {
            given[place] = under.into();
        }
        let mut input: Map<String, Value> = given.as_object().cloned().unwrap_or_default();
        input.retain(|_, value| !value.is_null());
        if let Some(twice) = fields.keys().find(|name| input.contains_key(*name)) {
            return Err(Failure::Usage(format!("{twice} is given twice")));
        }
        input.extend(fields);
        apply(settings, &json!({ change: input }), &flags, &notes, None)
    }
}

impl UpdateArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let record = existing(settings, &self.record)?;
        let (kind, change) = record.change("update");
        let (fields, notes) = fields(kind, self.fields)?;
        apply(settings, &json!({ change: record.input(fields) }), &self.flags, &notes, None)
    }
}

impl RenameArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let record = existing(settings, &self.record)?;
        let (kind, change) = record.change("update");
        let field = match kind {
            "orgUnit" => "name",
            "person" => "displayName",
            _ => "projectName",
        };
        let fields = [(field.to_owned(), self.name.into())].into_iter().collect();
        apply(settings, &json!({ change: record.input(fields) }), &self.flags, &[], None)
    }
}

impl MoveArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let record = existing(settings, &self.record)?;
        let to = unit(settings, &self.to)?;
        let from = self.from.as_deref().map(|from| unit(settings, from)).transpose()?;
        // A root has no parent to leave.
        let change = if record.kind == "ORG_UNIT" && !record.units.is_empty() {
            json!({ "moveOrgUnit": { "id": record.id, "to": to.id, "from": from.map(|from| from.id) } })
        } else {
            let units = units_after(&record, &to.key, from.as_ref().map(|from| &*from.key))?;
            let (kind, change) = record.change("update");
            let field = if kind == "orgUnit" { "parents" } else { "units" };
            let mut input = record.input([(field.to_owned(), units.into())].into_iter().collect());
            // The whole list is written: a place that another client added meanwhile must not be lost.
            input.insert("ifRevision".to_owned(), record.version.clone().into());
            json!({ change: input })
        };
        apply(settings, &change, &self.flags, &[], None)
    }
}

impl EndArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let record = existing(settings, &self.record)?;
        let (kind, change) = record.change("delete");
        let mut input = json!({ "id": record.id });
        match (kind, self.children) {
            ("orgUnit", children) => input["children"] = format!("{children:?}").to_uppercase().into(),
            (_, ChildrenArg::Refuse) => {}
            _ => {
                return Err(Failure::Usage(format!("--children is for units; {:?} is a {kind}", record.key)));
            }
        }
        apply(settings, &json!({ change: input }), &self.flags, &[], Some(&record))
    }
}

impl Existing {
    /// The kind as records in files have it, and the member of `ChangeInput` for a change of it.
    fn change(&self, verb: &str) -> (&'static str, String) {
        let (kind, name) = match &*self.kind {
            "ORG_UNIT" => ("orgUnit", "OrgUnit"),
            "PERSON" => ("person", "Person"),
            _ => ("project", "Project"),
        };
        (kind, format!("{verb}{name}"))
    }

    /// The input of an update with these fields.
    fn input(&self, mut fields: Map<String, Value>) -> Map<String, Value> {
        fields.insert("id".to_owned(), self.id.clone().into());
        fields
    }
}

fn unit(settings: &Settings, text: &str) -> Result<Existing> {
    let bare = text.strip_prefix("unit:").or_else(|| text.strip_prefix("orgUnit:")).unwrap_or(text);
    existing(settings, &format!("unit:{bare}"))
}

/// The units of a record after it has left one of them for another.
fn units_after(record: &Existing, to: &str, from: Option<&str>) -> Result<Vec<String>> {
    let Existing { key, units, .. } = record;
    let left = match (from, &units[..]) {
        (Some(from), units) if !units.iter().any(|unit| unit == from) => {
            return Err(Failure::refused(format!(
                "{key:?} is not in {from:?}; it is in: {}",
                units.join(", ")
            )));
        }
        (Some(from), _) => Some(from),
        (None, []) => None,
        (None, [only]) => Some(only.as_str()),
        (None, several) => {
            let several = several.join(", ");
            return Err(Failure::Usage(format!(
                "{key:?} is in several units; say with --from which it leaves: {several}"
            )));
        }
    };
    let mut after: Vec<String> = units.iter().filter(|unit| Some(unit.as_str()) != left).cloned().collect();
    if !after.iter().any(|unit| unit == to) {
        after.push(to.to_owned());
    }
    Ok(after)
}
