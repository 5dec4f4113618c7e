//! `clade tree`: the hierarchy with its rolled-up totals.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, IsTerminal};

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::tree_text::{self, Line};
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::View;
use crate::model::entity::{EntityId, Kind};

#[derive(Debug, Args)]
pub(super) struct Tree {
    /// Where to begin: a key, an external id, a path or a unique name; else at every root
    unit: Option<String>,
    /// At most so many levels down
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
}

/// A unit as REST answers it, as far as the picture needs it.
#[derive(Debug, Clone, Deserialize)]
struct Unit {
    key: String,
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    parents: Vec<String>,
    totals: Totals,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Totals {
    units: u64,
    people: u64,
    projects: u64,
}

/// All units, and who is beneath whom.
struct Forest {
    units: HashMap<String, Unit>,
    children: HashMap<String, Vec<String>>,
}

impl Tree {
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
                        let path = format!("/api/v2/data/units/{}?fields=key", encoded(unit));
                        let found: Value = serde_json::from_reader(client.get(&path)?)
                            .map_err(|why| Failure::refused(why.to_string()))?;
                        Some(found["key"].as_str().unwrap_or(unit).to_owned())
                    }
                    None => None,
                };
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
        if settings.json {
            let trees: Vec<Value> = begins.iter().map(|key| forest.json(key, self.depth)).collect();
            return say_json(&json!(trees));
        }
        if begins.is_empty() {
            eprintln!("there are no units yet; clade import FILE brings some");
        }
        let lines: Vec<Line> = begins.iter().flat_map(|key| forest.lines(key, self.depth)).collect();
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        for line in tree_text::drawn(&lines, colours) {
            say(line)?;
        }
        Ok(())
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn units_of(view: &View) -> Vec<Unit> {
    let unit = |id: EntityId| {
        let record = view.entity(id)?.as_org_unit()?;
        let totals = view.totals(id);
        Some(Unit {
            key: record.key.as_str().to_owned(),
            name: record.name.as_str().to_owned(),
            type_name: record.unit_type.as_str().to_owned(),
            parents: view.parents(id).into_iter().map(|parent| view.label(parent)).collect(),
            totals: Totals { units: totals.units, people: totals.people, projects: totals.projects },
        })
    };
    view.all(Kind::OrgUnit).iter().map(EntityId).filter_map(unit).collect()
}

impl Forest {
    fn of(units: Vec<Unit>) -> Self {
        let mut children: HashMap<String, Vec<String>> = HashMap::new();
        let mut by_name: Vec<&Unit> = units.iter().collect();
        by_name.sort_by_cached_key(|unit| (unit.name.to_lowercase(), unit.key.clone()));
        for unit in by_name {
            for parent in &unit.parents {
                children.entry(parent.clone()).or_default().push(unit.key.clone());
            }
        }
        Self { units: units.into_iter().map(|unit| (unit.key.clone(), unit)).collect(), children }
    }

    fn roots(&self) -> Vec<String> {
        let mut roots: Vec<&Unit> = self.units.values().filter(|unit| unit.parents.is_empty()).collect();
        roots.sort_by_cached_key(|unit| (unit.name.to_lowercase(), unit.key.clone()));
        roots.into_iter().map(|unit| unit.key.clone()).collect()
    }

    fn children(&self, key: &str) -> &[String] {
        self.children.get(key).map_or(&[], Vec::as_slice)
    }

    /// The lines of one tree, top down. A unit with several parents is drawn under each, and opened the first time.
    fn lines(&self, begin: &str, depth: Option<usize>) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut opened = HashSet::new();
        // Each step is a unit, its depth, and for each level above whether more siblings follow.
        let mut steps = vec![(begin.to_owned(), Vec::<bool>::new())];
        while let Some((key, follows)) = steps.pop() {
            let Some(unit) = self.units.get(&key) else { continue };
            let children = self.children(&key);
            let is_again = unit.parents.len() > 1 && !opened.insert(key.clone()) && !children.is_empty();
            let is_cut = depth.is_some_and(|depth| follows.len() >= depth) && !children.is_empty();
            let note = match (is_again, is_cut) {
                (true, _) => "shown above".to_owned(),
                (_, true) => format!("{} units beneath", unit.totals.units),
                _ => String::new(),
            };
            lines.push(Line {
                follows: follows.clone(),
                name: unit.name.clone(),
                unit_type: unit.type_name.clone(),
                parents: unit.parents.len(),
                note,
                people: unit.totals.people,
                projects: unit.totals.projects,
            });
            if !is_again && !is_cut {
                for (at, child) in children.iter().enumerate().rev() {
                    let mut follows = follows.clone();
                    follows.push(at + 1 < children.len());
                    steps.push((child.clone(), follows));
                }
            }
        }
        lines
    }

    fn json(&self, key: &str, depth: Option<usize>) -> Value {
        let Some(unit) = self.units.get(key) else { return Value::Null };
        let children: Vec<Value> = match depth {
            Some(0) => Vec::new(),
            _ => self
                .children(key)
                .iter()
                .map(|child| self.json(child, depth.map(|depth| depth - 1)))
                .collect(),
        };
        json!({
            "key": unit.key, "name": unit.name, "type": unit.type_name,
            "totals": { "units": unit.totals.units, "people": unit.totals.people, "projects": unit.totals.projects },
            "children": children,
        })
    }
}
