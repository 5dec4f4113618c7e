//! Reference model of queries: tests each record by itself and walks every path.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use clade::model::Level;
use clade::model::text::{Collated, bare, fold};
use clade::query::{Bucket, FacetBy, Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest};
use clade::{EntityId, Kind, View};

use super::organisation::{Node, Org};

/// The texts by which an untyped search finds a record.
const OWN: [Field; 10] = [
    Field::Key,
    Field::Name,
    Field::Email,
    Field::FirstName,
    Field::LastName,
    Field::DisplayName,
    Field::ProjectId,
    Field::Url,
    Field::Identifier,
    Field::ExternalId,
];

/// A filter, with units by their indexes.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    All,
    And(Vec<Ask>),
    Or(Vec<Ask>),
    Not(Box<Ask>),
    Within(Vec<usize>),
    DirectlyIn(Vec<usize>),
    Text(Field, TextTest),
    AnyText(String),
    Related(Relation, Box<Ask>),
}

/// The part of an organization that a view contains.
pub(crate) struct Twin<'o> {
    pub(crate) org: &'o Org,
    pub(crate) ids: &'o [EntityId],
    /// The scope: this unit and its subtree.
    pub(crate) scope: Option<usize>,
}

impl Ask {
    pub(crate) fn filter(&self, twin: &Twin<'_>) -> Filter {
        let all = |asks: &[Ask]| asks.iter().map(|ask| ask.filter(twin)).collect();
        let units = |units: &[usize]| units.iter().map(|unit| twin.ids[twin.unit(*unit)]).collect();
        match self {
            Self::All => Filter::All,
            Self::And(asks) => Filter::And(all(asks)),
            Self::Or(asks) => Filter::Or(all(asks)),
            Self::Not(ask) => Filter::Not(Box::new(ask.filter(twin))),
            Self::Within(within) => Filter::Within(units(within)),
            Self::DirectlyIn(within) => Filter::DirectlyIn(units(within)),
            Self::Text(field, test) => Filter::Text(*field, test.clone()),
            Self::AnyText(text) => Filter::AnyText(text.clone()),
            Self::Related(relation, ask) => Filter::Related(*relation, Box::new(ask.filter(twin))),
        }
    }
}

/// A text as normalized for equality in a field; `None` if no record can have it.
fn compared(field: Field, text: &str) -> Option<String> {
    let trimmed = text.trim().to_lowercase();
    match field {
        Field::Email | Field::OwnerEmail => Some(trimmed),
        Field::Type => match trimmed.as_str() {
            "" => None,
            "root" => Some("organization".to_owned()),
            "application" => Some("department".to_owned()),
            _ => Some(trimmed),
        },
        // Of the spellings that these organisations use.
        Field::Url => {
            let bare = trimmed.trim_start_matches("https://").trim_start_matches("git@").replace(':', "/");
            Some(bare.trim_end_matches('/').trim_end_matches(".git").to_owned())
        }
        Field::ExternalId | Field::Platform | Field::Identifier => Some(text.to_owned()),
        _ => Some(fold(text).into_owned()),
    }
}

impl Twin<'_> {
    fn node(&self, at: usize) -> &Node {
        &self.org.nodes[at]
    }

    /// Maps any number to the index of a unit.
    pub(crate) fn unit(&self, drawn: usize) -> usize {
        drawn % self.org.of_kind(Kind::OrgUnit).count()
    }

    fn text(&self, at: usize, field: Field) -> Option<&str> {
        self.node(at).texts.get(&field).map(String::as_str)
    }

    fn holders(&self, at: usize) -> &[usize] {
        &self.node(self.node(at).project.unwrap_or(at)).holders
    }

    pub(crate) fn is_beneath(&self, at: usize, unit: usize) -> bool {
        self.holders(at).iter().any(|holder| *holder == unit || self.is_beneath(*holder, unit))
    }

    pub(crate) fn sees(&self, at: usize) -> bool {
        self.scope.is_none_or(|scope| at == scope || self.is_beneath(at, scope))
    }

    /// All visible records of a kind.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = usize> + '_ {
        self.org.of_kind(kind).filter(|at| self.sees(*at))
    }

    fn neighbours(&self, at: usize, relation: Relation) -> Vec<usize> {
        let node = self.node(at);
        let is_neighbour = |other: &usize| match (node.kind, relation) {
            (Kind::Project, Relation::Member) => node.members.contains(other),
            (Kind::Project, Relation::Repository | Relation::Service) => {
                self.node(*other).project == Some(at)
            }
            (Kind::Person, Relation::Project) => self.node(*other).members.contains(&at),
            (Kind::Repository | Kind::Service, Relation::Project) => node.project == Some(*other),
            _ => false,
        };
        self.all(relation.leads_to()).filter(is_neighbour).collect()
    }

    fn passes(&self, at: usize, ask: &Ask) -> bool {
        match ask {
            Ask::All => true,
            Ask::And(asks) => asks.iter().all(|ask| self.passes(at, ask)),
            Ask::Or(asks) => asks.iter().any(|ask| self.passes(at, ask)),
            Ask::Not(ask) => !self.passes(at, ask),
            Ask::Within(units) => units
                .iter()
                .map(|unit| self.unit(*unit))
                .any(|unit| self.sees(unit) && self.is_beneath(at, unit)),
            Ask::DirectlyIn(units) => units
                .iter()
                .map(|unit| self.unit(*unit))
                .any(|unit| self.sees(unit) && self.holders(at).contains(&unit)),
            Ask::Text(field, test) => self.text_passes(at, *field, test),
            Ask::AnyText(text) => {
                let assets =
                    [Relation::Repository, Relation::Service].map(|relation| self.neighbours(at, relation));
                let owner_email = self.text(at, Field::OwnerEmail);
                let owner = self.node(at).owner_names.iter().map(String::as_str).chain(owner_email);
                self.is_found(at, text)
                    || owner.into_iter().any(|own| bare(own).contains(&*bare(text)))
                    || assets.iter().flatten().any(|asset| self.is_found(*asset, text))
            }
            Ask::Related(relation, ask) => {
                self.neighbours(at, *relation).iter().any(|other| self.passes(*other, ask))
            }
        }
    }

    fn text_passes(&self, at: usize, field: Field, test: &TextTest) -> bool {
        let own = self.text(at, field);
        let own_bare = own.map(bare);
        let equals = |wanted: &String| own.is_some_and(|own| compared(field, own) == compared(field, wanted));
        match test {
            TextTest::Eq(wanted) => equals(wanted),
            TextTest::In(wanted) => wanted.iter().any(equals),
            TextTest::Contains(part) => own_bare.is_some_and(|own| own.contains(&*bare(part))),
            TextTest::StartsWith(start) => own_bare.is_some_and(|own| own.starts_with(&*bare(start))),
            TextTest::IsNull(is_null) => own.is_none() == *is_null,
        }
    }

    /// Whether one of its own texts contains `part`.
    pub(crate) fn is_found(&self, at: usize, part: &str) -> bool {
        let texts = OWN.into_iter().filter_map(|field| self.text(at, field));
        texts.into_iter().any(|text| bare(text).contains(&*bare(part)))
    }

    pub(crate) fn select(&self, kind: Kind, ask: &Ask) -> Vec<usize> {
        self.all(kind).filter(|at| self.passes(*at, ask)).collect()
    }

    pub(crate) fn numbers(&self, kind: Kind, ask: &Ask) -> Vec<u32> {
        self.select(kind, ask).into_iter().map(|at| self.ids[at].0).collect()
    }

    /// The values of a node in a dimension: key, label, unit.
    fn values(&self, at: usize, by: FacetBy) -> Vec<(String, String, Option<usize>)> {
        let of = |nodes: Vec<usize>, field: Field| -> Vec<_> {
            let texts = nodes.into_iter().filter_map(|node| self.text(node, field));
            texts.map(|text| (compared(field, text).unwrap(), text.to_owned(), None)).collect()
        };
        match by {
            FacetBy::Level(level) => self.units_above(at, level),
            FacetBy::Platform if self.node(at).kind == Kind::Repository => of(vec![at], Field::Platform),
            FacetBy::Platform => of(self.neighbours(at, Relation::Repository), Field::Platform),
            FacetBy::Owner => of(vec![at], Field::OwnerEmail),
            FacetBy::Member => of(self.neighbours(at, Relation::Member), Field::Email),
            FacetBy::Project => of(self.neighbours(at, Relation::Project), Field::ProjectId),
            FacetBy::Type => of(vec![at], Field::Type),
        }
    }

    fn units_above(&self, at: usize, level: Level) -> Vec<(String, String, Option<usize>)> {
        let is_one = |unit: &usize| {
            self.text(*unit, Field::Type) == Some(level.as_str()) && self.is_beneath(at, *unit)
        };
        let text = |unit, field| self.text(unit, field).unwrap().to_owned();
        self.all(Kind::OrgUnit)
            .filter(is_one)
            .map(|unit| (text(unit, Field::Key), text(unit, Field::Name), Some(unit)))
            .collect()
    }

    pub(crate) fn facet(&self, kind: Kind, ask: &Ask, by: FacetBy) -> Vec<Bucket> {
        let mut counted: BTreeMap<String, Bucket> = BTreeMap::new();
        for at in self.select(kind, ask) {
            let values: BTreeMap<_, _> =
                self.values(at, by).into_iter().map(|(is, shown, unit)| (is, (shown, unit))).collect();
            for (is, (value, unit)) in values {
                let unit = unit.map(|unit| self.ids[unit]);
                counted.entry(is).or_insert(Bucket { value, unit, count: 0 }).count += 1;
            }
        }
        let mut buckets: Vec<_> = counted.into_iter().collect();
        buckets.sort_by(|(key, bucket), (other_key, other)| {
            (Reverse(bucket.count), &bucket.value, key).cmp(&(Reverse(other.count), &other.value, other_key))
        });
        buckets.into_iter().map(|(_, bucket)| bucket).collect()
    }

    fn compare(&self, view: &View, order: Order, a: usize, b: usize) -> Ordering {
        let turned = |ordering: Ordering| if order.descending { ordering.reverse() } else { ordering };
        let by_key = || self.node(a).key.cmp(&self.node(b).key);
        let updated = |at: usize| view.entity(self.ids[at]).unwrap().stamps.updated_at;
        match order.by {
            OrderBy::Created => turned(a.cmp(&b)),
            OrderBy::Updated => turned(updated(a).cmp(&updated(b))).then_with(by_key),
            OrderBy::Field(field) => {
                let text = |at| self.text(at, field).map(Collated::from);
                match (text(a), text(b)) {
                    (Some(a), Some(b)) => turned(a.cmp(&b)),
                    (a, b) => a.is_none().cmp(&b.is_none()),
                }
                .then_with(by_key)
            }
        }
    }

    pub(crate) fn sorted(&self, view: &View, mut nodes: Vec<usize>, order: Order) -> Vec<usize> {
        nodes.sort_by(|a, b| self.compare(view, order, *a, *b));
        nodes
    }

    /// The requested page of `sorted` between two nodes, and whether there is a next and a previous page.
    pub(crate) fn page(
        &self,
        view: &View,
        order: Order,
        sorted: &[usize],
        (after, before): (Option<usize>, Option<usize>),
        request: &PageRequest,
    ) -> (Vec<usize>, bool, bool) {
        let is_after = |at: &usize| after.is_none_or(|after| self.compare(view, order, *at, after).is_gt());
        let is_before =
            |at: &usize| before.is_none_or(|before| self.compare(view, order, *at, before).is_lt());
        let mut start = sorted.iter().filter(|at| !is_after(at)).count();
        let mut page: Vec<usize> =
            sorted.iter().copied().filter(|at| is_after(at) && is_before(at)).collect();
        page.truncate(request.first.unwrap_or(usize::MAX));
        let surplus = page.len().saturating_sub(request.last.unwrap_or(usize::MAX));
        page.drain(..surplus);
        start += surplus;
        let end = start + page.len();
        (page, end < sorted.len(), start > 0)
    }

    /// Every unit beneath `top`, with the way down to it: of all ways the shortest, of those the first in order of
    /// names. Ways sorted are a tree as it is read.
    pub(crate) fn ways_down(&self, top: usize) -> Vec<Vec<usize>> {
        let mut best: BTreeMap<usize, Vec<(Collated<'_>, String, usize)>> = BTreeMap::new();
        let mut open = vec![(top, Vec::new())];
        while let Some((unit, way)) = open.pop() {
            for child in self.all(Kind::OrgUnit).filter(|child| self.holders(*child).contains(&unit)) {
                let text = |field| self.text(child, field).unwrap();
                let mut longer = way.clone();
                longer.push((Collated::from(text(Field::Name)), text(Field::Key).to_owned(), child));
                open.push((child, longer.clone()));
                let known = best.entry(child).or_insert_with(|| longer.clone());
                if (longer.len(), &longer) < (known.len(), known) {
                    *known = longer;
                }
            }
        }
        let mut ways: Vec<_> = best.into_values().collect();
        ways.sort();
        ways.into_iter().map(|way| way.into_iter().map(|(_, _, unit)| unit).collect()).collect()
    }
}
