//! `FindingConnection`: what is worth a look about the data.

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

/// What kind of thing was found. None is damage: each is for someone who knows the organisation to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::query::doctor::FindingCode")]
pub(crate) enum FindingCode {
    /// Units of one level that have the same name, without case.
    SameNameInLevel,
    /// A person who is placed in no unit.
    UnplacedPerson,
    /// A project that is placed in no unit.
    UnplacedProject,
    /// A unit of any type with no unit, no person and no project beneath it.
    EmptyTeam,
    /// A unit directly beneath one that is more than one level above it. Types that are no level do not count.
    LevelSkip,
    /// A project whose owner has an email that no person has.
    UnknownOwner,
    /// Projects that have a repository at the same url, in whatever spelling.
    RepositoryClaimedTwice,
    /// People who are likely one: their emails are the same without what follows a `+`; or without that and `.`, `_`
    /// and `-`, and they have the same external id, or first and last name.
    PersonSpelledTwice,
    /// A mapping that holds, of a record that has ended.
    MappingToEnded,
}

/// One thing that is worth a look.
#[derive(Clone, Description)]
pub(crate) struct Finding {
    view: View,
    finding: Record,
}

/// A record that a finding is about.
#[derive(Clone, SimpleObject)]
pub(crate) struct FindingRecord {
    /// What kind of record.
    kind: RecordKind,
    /// Its key; of a mapping, its id as REST has it.
    key: Metered<String>,
    /// What people call it, where it has a name.
    name: Option<Metered<String>>,
    /// Its global id.
    id: Metered<ID>,
    /// The record itself; null for a mapping of a record that has ended.
    node: Option<Node>,
}

/// How many findings there are of one code.
#[derive(Clone, SimpleObject)]
pub(crate) struct FindingCount {
    /// The code.
    code: FindingCode,
    /// How many there are in all.
    count: usize,
}

/// One finding of a list, with its cursor.
#[derive(SimpleObject)]
pub(crate) struct FindingEdge {
    /// The finding.
    node: Finding,
    /// Where this edge stands in the list.
    cursor: Metered<String>,
}

/// A page of findings, with the count of all.
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
        let work = || {
            let findings = doctor(view, &codes);
            let page = findings.page(view, after.as_deref(), first)?;
            Ok(Self::of(view, &findings, page))
        };
        Budget::of(context)?.look(view, cost(view, &codes), work).await
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

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.page.first().map(Finding::cursor),
            end_cursor: self.page.last().map(Finding::cursor),
        }
    }

    /// How many findings the whole list has.
    async fn total_count(&self) -> usize {
        self.total
    }

    /// How many there are of each code that was looked for, also where that is none.
    async fn counts(&self) -> &[FindingCount] {
        &self.counts
    }
}

#[Object(use_type_description)]
impl Finding {
    /// What kind of thing was found.
    async fn code(&self) -> FindingCode {
        self.finding.code.into()
    }

    /// What was found, in a sentence.
    async fn message(&self) -> Metered<String> {
        Metered(self.finding.message(&self.view))
    }

    /// The records that it is about, the first 20.
    async fn records(&self, context: &Context<'_>) -> Result<Vec<FindingRecord>> {
        let record = |shown: finding::FoundRecord| FindingRecord {
            kind: shown.kind.map_or(RecordKind::Mapping, RecordKind::from),
            key: Metered(shown.key),
            name: shown.name.map(Metered),
            id: Metered(ID(shown.id)),
            node: shown.entity.and_then(|id| Node::at(&self.view, id)),
        };
        list_of(context, finding::records(&self.view, &self.finding).map(record).collect())
    }

    /// How many records it is about.
    async fn record_count(&self) -> usize {
        self.finding.about.len()
    }
}

impl Finding {
    fn cursor(&self) -> String {
        self.finding.cursor(&self.view)
    }
}
