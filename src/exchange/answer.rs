//! The answer to a bulk change: what was done with the records of the input, and to all others.
//!
//! Bulk requests send it as JSON; an import prints it, whether it comes from a server or from the store itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::{Applied, OrgUnitNode, RecordCounts, View, WriteSummary};
use crate::exchange::kept::{KeptField, KeptFields, similar_field};
use crate::exchange::report::Counts;
use crate::model::entity::EntityId;

/// The result of a bulk request, or of its dry run.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BulkAnswer {
    /// Whether this was a dry run, so that nothing was written.
    pub(crate) dry_run: bool,
    /// The number of records in the body.
    pub(crate) total: usize,
    /// The number of records created.
    pub(crate) created: usize,
    /// The number of records changed, or whose units or parents changed.
    pub(crate) updated: usize,
    /// The number of records that already had these values. If all have, there is no new revision.
    pub(crate) unchanged: usize,
    /// The number of records deleted.
    #[serde(default)]
    pub(crate) ended: usize,
    /// What was done to all records of the directory, also to those that no line names.
    #[serde(default)]
    pub(crate) changes: DirectoryChanges,
    /// The first 100 units that were created because a name or path led to them.
    #[serde(default)]
    pub(crate) made: Vec<String>,
    /// The number of units that were created because a name or path led to them.
    #[serde(default)]
    pub(crate) made_count: u64,
    /// The first 100 fields that no record of their kind has, those of the most records first. They were kept as attributes.
    #[serde(default)]
    pub(crate) kept_as_attributes: Vec<KeptAsAttribute>,
    /// The number of fields that were kept as attributes.
    #[serde(default)]
    pub(crate) kept_as_attributes_count: u64,
    /// The first 100 units that kept a parent and got another by a mapping, with all their parents.
    #[serde(default)]
    pub(crate) second_parents: Vec<String>,
    /// The number of units that kept a parent and got another by a mapping.
    #[serde(default)]
    pub(crate) second_parents_count: u64,
}

/// What was done to the records of the directory, by kind.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct DirectoryChanges {
    units: KindChanges,
    people: KindChanges,
    projects: KindChanges,
    repositories: KindChanges,
    services: KindChanges,
    mappings: KindChanges,
}

/// What was done to the records of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct KindChanges {
    /// The number of records created.
    created: u64,
    /// The number of records with a new revision.
    updated: u64,
    /// The number of records that got or lost a unit directly above them.
    moved: u64,
    /// The number of records deleted.
    ended: u64,
}

/// A field that was kept as an attribute.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptAsAttribute {
    /// The name of the field.
    field: String,
    /// The kind of its records.
    kind: String,
    /// The number of records that have it.
    records: u64,
    /// The field that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    did_you_mean: Option<String>,
}

impl BulkAnswer {
    /// The answer for a change set, with the unknown fields of its input.
    pub(crate) fn of(applied: &Applied, kept: KeptFields, dry_run: bool) -> Self {
        let Counts { total, created, updated, unchanged, ended } = Counts::of(&applied.outcomes);
        let Applied { view, summary, .. } = applied;
        let (kept_as_attributes_count, kept) = kept.into_fields();
        Self {
            dry_run,
            total,
            created,
            updated,
            unchanged,
            ended,
            changes: DirectoryChanges::of(summary),
            made: made_units(view, summary),
            made_count: summary.made_count,
            kept_as_attributes: kept.into_iter().map(KeptAsAttribute::of).collect(),
            kept_as_attributes_count,
            second_parents: second_parents(view, summary),
            second_parents_count: summary.second_parents_count,
        }
    }
}

impl DirectoryChanges {
    fn of(summary: &WriteSummary) -> Self {
        Self {
            units: KindChanges::of(summary.units),
            people: KindChanges::of(summary.people),
            projects: KindChanges::of(summary.projects),
            repositories: KindChanges::of(summary.repositories),
            services: KindChanges::of(summary.services),
            mappings: KindChanges::of(summary.mappings),
        }
    }

    /// The numbers that are not zero, such as "units 1 created, 1 moved; mappings 2 created". Empty if all are.
    pub(crate) fn text(&self) -> String {
        let kinds = [
            ("units", self.units),
            ("people", self.people),
            ("projects", self.projects),
            ("repositories", self.repositories),
            ("services", self.services),
            ("mappings", self.mappings),
        ];
        let of_kind = |(name, counts): (&str, KindChanges)| {
            let KindChanges { created, updated, moved, ended } = counts;
            let words = [(created, "created"), (updated, "updated"), (moved, "moved"), (ended, "ended")];
            let told = words.into_iter().filter(|(count, _)| *count > 0);
            let told: Vec<String> = told.map(|(count, word)| format!("{count} {word}")).collect();
            (!told.is_empty()).then(|| format!("{name} {}", told.join(", ")))
        };
        kinds.into_iter().filter_map(of_kind).collect::<Vec<_>>().join("; ")
    }
}

impl KindChanges {
    fn of(RecordCounts { created, updated, moved, ended }: RecordCounts) -> Self {
        Self { created, updated, moved, ended }
    }
}

impl KeptAsAttribute {
    fn of(KeptField { kind, name, records }: KeptField) -> Self {
        let did_you_mean = similar_field(kind, &name).map(str::to_owned);
        Self { field: name, kind: kind.to_owned(), records, did_you_mean }
    }

    /// In a sentence: "manager (70000 people)".
    pub(crate) fn text(&self) -> String {
        let Self { field, kind, records, did_you_mean } = self;
        let (one, many) = match &**kind {
            "orgUnit" => ("unit", "units"),
            "person" => ("person", "people"),
            "project" => ("project", "projects"),
            _ => ("mapping", "mappings"),
        };
        let noun = if *records == 1 { one } else { many };
        let hint = did_you_mean.as_ref().map_or_else(String::new, |name| format!("; did you mean {name}?"));
        format!("{field} ({records} {noun}{hint})")
    }
}

/// The units that were created by name, each as "unit Nope (team, no parent)".
pub(crate) fn made_units(view: &View, summary: &WriteSummary) -> Vec<String> {
    let text = |unit: OrgUnitNode<'_>| {
        let above = unit.parents().next();
        let above = above.map_or_else(|| "no parent".to_owned(), |above| format!("beneath {}", above.name));
        format!("unit {} ({}, {above})", unit.name, unit.unit_type)
    };
    each_unit(view, &summary.made, text)
}

/// The units that got a second parent, each as "Etcd: Core, Clients".
pub(crate) fn second_parents(view: &View, summary: &WriteSummary) -> Vec<String> {
    let text = |unit: OrgUnitNode<'_>| {
        let parents: Vec<String> = unit.parents().map(|parent| parent.name.to_string()).collect();
        format!("unit {} (beneath {})", unit.name, parents.join(", "))
    };
    each_unit(view, &summary.second_parents, text)
}

fn each_unit(view: &View, units: &[EntityId], text: impl Fn(OrgUnitNode<'_>) -> String) -> Vec<String> {
    units.iter().filter_map(|unit| OrgUnitNode::at(view, *unit)).map(text).collect()
}
