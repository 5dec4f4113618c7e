//! `clade find`: searches all records by their texts, best match first.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::describe::{Described, RECORD};
use crate::cli::pager::Output;
use crate::cli::printable::printable;
use crate::cli::settings::Settings;
use crate::cli::{Result, ask, print_json};

const QUERY: &str = "query ($text: String!, $kinds: [NodeKind!], $within: ID, $first: Int) {
    search(text: $text, kinds: $kinds, within: $within, first: $first) { score matched node { ...record } } }";

#[derive(Debug, Args)]
pub(super) struct FindArgs {
    /// The text to search for, in keys, names, emails and URLs; typos are tolerated
    text: String,
    /// Only records of this kind; can be repeated
    #[arg(long, value_enum)]
    kind: Vec<KindArg>,
    /// Only records below this unit: a key, external id, path or unique name
    #[arg(long, value_name = "UNIT", visible_alias = "within")]
    unit: Option<String>,
    /// Maximum number of results
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArg {
    Unit,
    Person,
    Project,
    Repository,
    Service,
}

impl KindArg {
    fn as_enum(self) -> &'static str {
        match self {
            Self::Unit => "ORG_UNIT",
            Self::Person => "PERSON",
            Self::Project => "PROJECT",
            Self::Repository => "REPOSITORY",
            Self::Service => "SERVICE",
        }
    }
}

impl FindArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let kinds: Vec<&str> = self.kind.iter().map(|kind| kind.as_enum()).collect();
        let kinds = if kinds.is_empty() { Value::Null } else { json!(kinds) };
        let variables =
            json!({ "text": self.text, "kinds": kinds, "within": self.unit, "first": self.limit });
        let found = ask::data(settings, &format!("{QUERY}{RECORD}"), variables)?;
        let hits = found["search"].as_array().cloned().unwrap_or_default();
        if settings.json {
            let records = hits.iter().map(|hit| {
                let mut record = Described::of(&hit["node"]).to_json();
                record["matched"] = hit["matched"].clone();
                record["score"] = hit["score"].clone();
                record
            });
            return print_json(&records.collect());
        }
        if hits.is_empty() {
            eprintln!("nothing matches {:?}", self.text);
        }
        let mut out = Output::of(settings);
        for hit in &hits {
            writeln!(out, "{}", printable(&Described::of(&hit["node"]).line()))?;
        }
        out.finish()
    }
}
