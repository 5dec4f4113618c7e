//! `clade tree`: prints the hierarchy of units with the totals of each subtree, as text or JSON.

use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Write};

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::Value;

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::tree_walk::{ColumnTotals, Forest, UnitRow};
use crate::cli::{Failure, Result, completions, tree_json, tree_text};
use crate::directory::View;
use crate::model::entity::{EntityId, Kind};

#[derive(Debug, Args)]
pub(super) struct TreeArgs {
    /// The unit to start at: a key, external id, path or unique name [default: all roots]
    #[arg(add = ArgValueCompleter::new(completions::units))]
    unit: Option<String>,
    /// Maximum number of levels below the start
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
}

impl TreeArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let (units, begin) = match Target::existing(settings)? {
            Target::Store(directory) => {
                let view = directory.view();
                let begin = match &self.unit {
                    Some(unit) => Some(view.org_unit(unit.as_str())?.key.as_str().to_owned()),
                    None => None,
                };
                (units_of(&view), begin)
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
                    let unit =
                        serde_json::from_str(&line?).map_err(|why| Failure::refused(why.to_string()))?;
                    units.push(unit);
                }
                (units, begin)
            }
        };
        let forest = Forest::of(units);
        let begins = begin.map_or_else(|| forest.roots(), |key| vec![key]);
        let nodes = forest.nodes(&begins, self.depth);
        let is_terminal = io::stdout().is_terminal();
        let mut out = BufWriter::new(io::stdout().lock());
        if settings.json {
            tree_json::write(nodes, &mut out)?;
            return Ok(out.flush()?);
        }
        if begins.is_empty() {
            eprintln!("the store has no units yet; add some with: clade import FILE");
        }
        // https://no-color.org: the variable counts when it is present.
        let colors = is_terminal && std::env::var_os("NO_COLOR").is_none();
        for line in tree_text::render(&tree_text::lines(nodes), colors) {
            writeln!(out, "{line}")?;
        }
        Ok(out.flush()?)
    }
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
            totals: ColumnTotals { units: totals.units, people: totals.people, projects: totals.projects },
        })
    };
    view.all(Kind::OrgUnit).iter().map(EntityId).filter_map(unit).collect()
}
