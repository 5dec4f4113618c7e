//! `FindingConnection`: findings of the data-quality checks (the field `doctor`).

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use crate::directory::View;
use crate::query::doctor::{Finding as Record, FindingCode as Code, FindingPage, Findings, cost, doctor};
use crate::server::graphql::execution::budget::{self, Budget, list_of};
use crate::server::graphql::execution::limits::PAGE_DEFAULT;
use crate::server::graphql::types::connection::{PageInfo, page_size};
use crate::server::graphql::types::log::RecordKind;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::Node;
use crate::server::response::problem::Result;
use crate::wire::finding;

/// Code of a data-quality finding. A finding is never store corruption. Someone who knows the organization judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::query::doctor::FindingCode")]
pub(crate) enum FindingCode {
    /// Units of the same level with the same name, ignoring case.
    SameNameInLevel,
    /// A person in no unit.
    UnplacedPerson,
    /// A project in no unit.
    UnplacedProject,
    /// A unit of any type without units, people and projects below it.
    EmptyTeam,
    /// A parent and child more than one level apart. Types other than the five levels are ignored.
    LevelSkip,
    /// A project whose owner's email belongs to no person.
    UnknownOwner,
    /// Several projects with a repository at the same URL, in any spelling.
    RepositoryClaimedTwice,
    /// Probable duplicates: people whose emails are equal without the `+` suffix; or without it and `.`, `_`, `-`, if
    /// their external ids or their first and last names are equal, too.
    PersonSpelledTwice,
    /// An active mapping of a deleted record.
    MappingToEnded,
    /// Units below one parent, or people, whose names or emails differ only in characters that look alike, as a Latin `a`
    /// and a Cyrillic one.
    LookAlike,
}

/// One data-quality finding.
#[derive(Clone, Description)]
pub(crate) struct Finding {
    view: View,
    finding: Record,
}

/// A record that a finding is about.
#[derive(Clone, SimpleObject)]
pub(crate) struct FindingRecord {
    /// The kind of the record.
    kind: RecordKind,
    /// The record's key. For a mapping, its UUID.
    key: Metered<String>,
    /// The record's name. Null if it has none.
    name: Option<Metered<String>>,
    /// The global id of the record.
    // Not `id`: clients with a normalized cache take that for the id of this object, which is none of its own.
    node_id: Metered<ID>,
    /// The record. Null for a mapping of a deleted record.
    // A `Mapping` node would have to resolve `from` and `to`, which are non-null, and one end no longer exists.
    node: Option<Node>,
}

/// Number of findings with one code.
#[derive(Clone, SimpleObject)]
pub(crate) struct FindingCount {
    /// The code.
    code: FindingCode,
    /// Number of findings, on all pages.
    count: usize,
}

/// A finding in a list, with its cursor.
#[derive(SimpleObject)]
pub(crate) struct FindingEdge {
    /// The finding.
    node: Finding,
    /// Opaque cursor of this edge.
    cursor: Metered<String>,
}

/// A page of findings, with the total counts.
#[derive(Description)]
pub(crate) struct FindingConnection {
    counts: Vec<FindingCount>,
    total: usize,
    page: Vec<Finding>,
    has_next: bool,
    has_previous: bool,
}

impl FindingConnection {
    pub(in crate::server) async fn new(
        context: &Context<'_>,
        view: &View,
        codes: Option<Vec<FindingCode>>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Self> {
        let first = page_size("first", first)?.unwrap_or(PAGE_DEFAULT);
        let codes: Vec<Code> = codes.unwrap_or_default().into_iter().map(Code::from).collect();
        // Paging belongs to the metered work: the checks are run anew for each page, since nothing keeps the findings.
        let work = || {
            let findings = doctor(view, &codes);
            let page = findings.page(view, after.as_deref(), first)?;
            Ok(Self::of(view, &findings, page))
        };
        Budget::of(context)?.run_read(view, cost(view, &codes), work).await
    }

    fn of(view: &View, findings: &Findings, page: FindingPage<'_>) -> Self {
        let count = |(code, count): (Code, usize)| FindingCount { code: code.into(), count };
        let finding = |finding: &Record| Finding { view: view.clone(), finding: finding.clone() };
        Self {
            counts: findings.counts().map(count).collect(),
            total: findings.all().len(),
            page: page.findings.iter().map(finding).collect(),
            has_next: page.has_next,
            has_previous: page.has_previous,
        }
    }
}

#[Object(use_type_description)]
impl FindingConnection {
    /// The findings of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<Finding>> {
        budget::page_of(context, self.page.len())?;
        Ok(self.page.clone())
    }

    /// The findings of this page, each with its cursor.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<FindingEdge>> {
        budget::page_of(context, self.page.len())?;
        let edge = |node: &Finding| FindingEdge { cursor: Metered(node.cursor()), node: node.clone() };
        Ok(self.page.iter().map(edge).collect())
    }

    /// Position of this page in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.page.first().map(Finding::cursor),
            end_cursor: self.page.last().map(Finding::cursor),
        }
    }

    /// Number of findings, on all pages.
    async fn total_count(&self) -> usize {
        self.total
    }

    /// Number of findings for each requested code, including codes with zero.
    async fn counts(&self) -> &[FindingCount] {
        &self.counts
    }
}

#[Object(use_type_description)]
impl Finding {
    /// The code of the finding.
    async fn code(&self) -> FindingCode {
        self.finding.code.into()
    }

    /// Description of the finding, one English sentence.
    async fn message(&self) -> Metered<String> {
        Metered(self.finding.message(&self.view))
    }

    /// The first 20 records that the finding concerns.
    async fn records(&self, context: &Context<'_>) -> Result<Vec<FindingRecord>> {
        let record = |found: finding::FoundRecord| FindingRecord {
            kind: found.kind.map_or(RecordKind::Mapping, RecordKind::from),
            key: Metered(found.key),
            name: found.name.map(Metered),
            node_id: Metered(ID(found.id)),
            node: found.entity.and_then(|id| Node::at(&self.view, id)),
        };
        list_of(context, finding::records(&self.view, &self.finding).map(record).collect())
    }

    /// Number of all records that the finding concerns.
    async fn record_count(&self) -> usize {
        self.finding.about.len()
    }
}

impl Finding {
    fn cursor(&self) -> String {
        self.finding.cursor(&self.view)
    }
}
