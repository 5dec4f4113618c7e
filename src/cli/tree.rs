//! `clade tree`: prints the hierarchy of units with the totals of each subtree, as text or JSON.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::pager::Output;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::tree_walk::{ColumnTotals, Forest, TreeShape, TreeSort, UnitRow};
use crate::cli::{Failure, Result, completions, tree_json, tree_text};
use crate::directory::View;
use crate::model::entity::{EntityId, Kind};
use crate::query::with_similar;

#[derive(Debug, Args)]
pub(super) struct TreeArgs {
    /// The unit to start at: a key, external id, path or unique name [default: all roots]
    #[arg(add = ArgValueCompleter::new(completions::units))]
    unit: Option<String>,
    /// Maximum number of levels below the start
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// The order of the units below each unit
    #[arg(long, value_enum, default_value_t)]
    sort: TreeSort,
    /// Only units with at least this many people in their subtree
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_people: u64,
    /// Only units of this type, such as team, and the units above them; can be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// List the people of each unit
    #[arg(long)]
    people: bool,
}

impl TreeArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let (mut units, begin) = match Target::existing(settings)? {
            Target::Store(directory) => {
                let view = directory.view();
                let begin = match &self.unit {
                    Some(unit) => {
                        let found = view.org_unit(unit.as_str());
                        let found = found.map_err(|refusal| with_similar(&view, refusal))?;
                        Some(found.key.as_str().to_owned())
                    }
                    None => None,
                };
                let mut units = units_of(&view);
                if self.people {
                    let emails = |unit: EntityId| {
                        let people = view.directly_below(unit, Kind::Person).iter();
                        people.map(|person| view.label(EntityId(person))).collect()
                    };
                    for (unit, id) in units.iter_mut().zip(view.all(Kind::OrgUnit)) {
                        unit.people = Some(emails(EntityId(id)));
                    }
                }
                (units, begin)
            }
            Target::Server(client) => {
                let begin = match &self.unit {
                    Some(unit) => {
                        let path = format!("/api/v2/data/units/{}", encoded(unit));
                        let found: Value = serde_json::from_reader(client.get(&path)?)
                            .map_err(|why| Failure::refused(why.to_string()))?;
                        Some(found["key"].as_str().unwrap_or(unit).to_owned())
                    }
                    None => None,
                };
                // All units, even for a subtree: NDJSON is one response without pages, and the tree needs the parents
                // of every unit.
                let mut units = Vec::new();
                for line in BufReader::new(client.get("/api/v2/data/units?format=ndjson")?).lines() {
                    let unit: UnitRow =
                        serde_json::from_str(&line?).map_err(|why| Failure::refused(why.to_string()))?;
                    units.push(unit);
                }
                if self.people {
                    let mut people = people_of(&client)?;
                    for unit in &mut units {
                        unit.people = Some(people.remove(&unit.key).unwrap_or_default());
                    }
                }
                (units, begin)
            }
        };
        for people in units.iter_mut().filter_map(|unit| unit.people.as_mut()) {
            people.sort_by_cached_key(|email| email.to_lowercase());
        }
        let shape = TreeShape { sort: self.sort, people_min: self.min_people, types: self.types };
        let forest = Forest::of(units, &shape);
        let begins = begin.map_or_else(|| forest.roots(), |key| vec![key]);
        let nodes = forest.nodes(&begins, self.depth);
        let is_terminal = io::stdout().is_terminal();
        let mut out = Output::of(settings);
        if settings.json {
            tree_json::write(nodes, &mut out)?;
            return out.finish();
        }
        if begins.is_empty() {
            eprintln!("the store has no units yet; add some with: clade import FILE");
        }
        // https://no-color.org: the variable counts when it is present.
        let colors = is_terminal && std::env::var_os("NO_COLOR").is_none();
        for line in tree_text::render(&tree_text::lines(nodes), colors) {
            writeln!(out, "{line}")?;
        }
        out.finish()
    }
}

/// The emails of the people of a server, by the key of the unit that they are placed in.
fn people_of(client: &Client) -> Result<HashMap<String, Vec<String>>> {
    let mut people: HashMap<String, Vec<String>> = HashMap::new();
    let path = "/api/v2/data/mappings?mappingType=people-org&fields=attribute1,attribute2&format=ndjson";
    for line in BufReader::new(client.get(path)?).lines() {
        let mapping: Value = serde_json::from_str(&line?).map_err(|why| Failure::refused(why.to_string()))?;
        let text = |name: &str| mapping[name].as_str().unwrap_or_default().to_owned();
        people.entry(text("attribute2")).or_default().push(text("attribute1"));
    }
    Ok(people)
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// All units of a view, in the form in which REST returns them.
fn units_of(view: &View) -> Vec<UnitRow> {
    let unit = |id: EntityId| {
        let record = view.entity(id)?.as_org_unit()?;
        let totals = view.totals(id);
        Some(UnitRow {
            key: record.key.as_str().to_owned(),
            name: record.name.as_str().to_owned(),
            unit_type: record.unit_type.as_str().to_owned(),
            parents: view.parents(id).into_iter().map(|parent| view.label(parent)).collect(),
            people: None,
            totals: ColumnTotals { units: totals.units, people: totals.people, projects: totals.projects },
        })
    };
    view.all(Kind::OrgUnit).iter().map(EntityId).filter_map(unit).collect()
}
