//! Property test of the closures: after random changes, every query of the hierarchy equals a reference model that
//! only follows edges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clade::graph::Graph;
use clade::model::command::{
    Beneath, Command, Create, Delete, DeleteUnit, EndRef, IfExists, MappingFields, MoveUnit, Patch,
};
use clade::model::command::{PersonRef, ProjectFields, ProjectRef, RepositoryFields, UnitFields, Update};
use clade::model::{
    CreateOrgUnit, CreatePerson, CreateProject, Email, EntityId, IntoCommand, Kind, MappingType, ProjectId,
    RepoUrl, Revision, UnitRef,
};
use clade::store::Store;
use clade::{Directory, View};
use proptest::prelude::*;

/// Few names, so that most changes affect an existing record.
const NAMES: u8 = 9;

#[derive(Debug, Clone)]
enum Step {
    Unit(u8),
    Person(u8),
    Project(u8),
    Repositories(u8, u8),
    Hold(Node, Node),
    Release(Node, Node),
    Parents(u8, Vec<u8>),
    Move(u8, u8),
    End(Node),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Unit(u8),
    Person(u8),
    Project(u8),
    Repository(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES;
    let unit = (0..NAMES).prop_map(Node::Unit);
    let held = prop_oneof![
        3 => (0..NAMES).prop_map(Node::Unit),
        1 => (0..NAMES).prop_map(Node::Person),
        1 => (0..NAMES).prop_map(Node::Project),
    ];
    prop_oneof![
        4 => name.clone().prop_map(Step::Unit),
        2 => name.clone().prop_map(Step::Person),
        2 => name.clone().prop_map(Step::Project),
        2 => (name.clone(), 0..4_u8).prop_map(|(project, count)| Step::Repositories(project, count)),
        12 => (unit.clone(), held.clone()).prop_map(|(holder, held)| Step::Hold(holder, held)),
        4 => (unit, held.clone()).prop_map(|(holder, held)| Step::Release(holder, held)),
        4 => (name.clone(), prop::collection::vec(0..4_u8, 0..5))
            .prop_map(|(unit, parents)| Step::Parents(unit, parents)),
        4 => (name.clone(), name).prop_map(|(unit, to)| Step::Move(unit, to)),
        2 => held.prop_map(Step::End),
    ]
}

/// The reference model: the records and their parent edges, nothing else.
#[derive(Debug, Default, Clone)]
struct Twin {
    nodes: BTreeSet<Node>,
    edges: BTreeSet<(Node, Node)>,
}

impl Twin {
    fn held_by(&self, holder: Node) -> impl Iterator<Item = Node> + '_ {
        self.edges.iter().filter(move |(upper, _)| *upper == holder).map(|(_, lower)| *lower)
    }

    fn holders_of(&self, held: Node) -> Vec<Node> {
        self.edges.iter().filter(|(_, lower)| *lower == held).map(|(upper, _)| *upper).collect()
    }

    fn beneath(&self, upper: Node) -> BTreeSet<Node> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![upper];
        while let Some(node) = waiting.pop() {
            waiting.extend(self.held_by(node).filter(|lower| found.insert(*lower)));
        }
        found
    }

    fn remove(&mut self, node: Node) {
        if matches!(node, Node::Project(_)) {
            for asset in self.held_by(node).collect::<Vec<_>>() {
                self.nodes.remove(&asset);
            }
        }
        self.nodes.remove(&node);
        self.edges.retain(|(upper, lower)| {
            *upper != node && *lower != node && self.nodes.contains(upper) && self.nodes.contains(lower)
        });
    }

    /// Applies the step if it is allowed; returns whether it is.
    fn take(&mut self, step: &Step) -> bool {
        match *step {
            Step::Unit(n) => self.nodes.insert(Node::Unit(n)),
            Step::Person(n) => self.nodes.insert(Node::Person(n)),
            Step::Project(n) => self.nodes.insert(Node::Project(n)),
            Step::Repositories(project, count) => {
                let known = self.nodes.contains(&Node::Project(project));
                for n in (0..4).filter(|_| known) {
                    let asset = Node::Repository(project, n);
                    self.remove(asset);
                    if n < count {
                        self.nodes.insert(asset);
                        self.edges.insert((Node::Project(project), asset));
                    }
                }
                known
            }
            Step::Hold(holder, held) => {
                let known = self.nodes.contains(&holder) && self.nodes.contains(&held);
                let cycle = holder == held || self.beneath(held).contains(&holder);
                known && !cycle && self.edges.insert((holder, held))
            }
            Step::Release(holder, held) => self.edges.remove(&(holder, held)),
            Step::Parents(unit, ref parents) => {
                let unit = Node::Unit(unit);
                let parents: BTreeSet<Node> = parents.iter().map(|n| Node::Unit(*n)).collect();
                let beneath = self.beneath(unit);
                let known = self.nodes.contains(&unit) && parents.is_subset(&self.nodes);
                if !known || parents.contains(&unit) || !parents.is_disjoint(&beneath) {
                    return false;
                }
                self.edges.retain(|(_, lower)| *lower != unit);
                self.edges.extend(parents.into_iter().map(|parent| (parent, unit)));
                true
            }
            Step::Move(unit, to) => {
                let (unit, to) = (Node::Unit(unit), Node::Unit(to));
                let known = self.nodes.contains(&unit) && self.nodes.contains(&to);
                let parents = self.holders_of(unit);
                if !known || parents.len() > 1 {
                    return false;
                }
                if parents.first() == Some(&to) {
                    return true;
                }
                if unit == to || self.beneath(unit).contains(&to) {
                    return false;
                }
                self.edges.insert((to, unit));
                if let Some(from) = parents.first() {
                    self.edges.remove(&(*from, unit));
                }
                true
            }
            Step::End(node) => {
                let known = self.nodes.contains(&node);
                if matches!(node, Node::Unit(_)) {
                    let (uppers, lowers) = (self.holders_of(node), self.held_by(node).collect::<Vec<_>>());
                    let lifted = uppers.iter().flat_map(|upper| lowers.iter().map(|lower| (*upper, *lower)));
                    self.edges.extend(lifted.collect::<Vec<_>>());
                }
                self.remove(node);
                known
            }
        }
    }
}

fn label(node: Node) -> String {
    match node {
        Node::Unit(n) => format!("u{n}"),
        Node::Person(n) => format!("p{n}@x"),
        Node::Project(n) => format!("j{n}"),
        Node::Repository(project, n) => format!("https://h/j{project}/r{n}"),
    }
}

fn id(view: &View, node: Node) -> Option<EntityId> {
    match node {
        Node::Unit(_) => view.find_unit(&UnitRef::Text(label(node))).ok(),
        Node::Person(_) => view.person_by_email(&Email::parse(&label(node)).unwrap()),
        Node::Project(_) => view.project_by_id(&ProjectId::parse(&label(node)).unwrap()),
        Node::Repository(..) => view.repositories_at(&RepoUrl::parse(&label(node)).unwrap()).pop(),
    }
}

/// The step as a command; `None` if it refers to a mapping that cannot be named.
fn command(view: &View, step: &Step) -> Option<Command> {
    Some(match *step {
        Step::Unit(n) => CreateOrgUnit::new(&label(Node::Unit(n)), "team").into_command().unwrap(),
        Step::Person(n) => CreatePerson::new(&label(Node::Person(n))).into_command().unwrap(),
        Step::Project(n) => CreateProject::new(&label(Node::Project(n)), "name").into_command().unwrap(),
        Step::Repositories(project, count) => {
            let url = |n| RepoUrl::parse(&label(Node::Repository(project, n))).unwrap();
            let repositories = (0..count).map(|n| RepositoryFields::at(url(n)).unwrap()).collect();
            Command::UpdateProject(Update {
                target: ProjectRef::ProjectId(ProjectId::parse(&label(Node::Project(project))).unwrap()),
                fields: ProjectFields { repositories: Patch::Set(repositories), ..ProjectFields::default() },
                if_revision: None,
            })
        }
        Step::Hold(holder, held) => {
            let (mapping_type, from, to) = match held {
                Node::Unit(_) => (MappingType::ParentChild, holder, held),
                Node::Person(_) => (MappingType::PeopleOrg, held, holder),
                _ => (MappingType::ProjectOrg, held, holder),
            };
            let fields = MappingFields {
                mapping_type: Some(mapping_type),
                from: Some(EndRef::Text(label(from))),
                to: Some(EndRef::Text(label(to))),
                ..MappingFields::default()
            };
            Command::CreateMapping(Create { fields, if_exists: IfExists::Refuse })
        }
        Step::Release(holder, held) => {
            let target = view.mapping_between(id(view, holder)?, id(view, held)?)?.id;
            Command::DeleteMapping(Delete { target, if_revision: None })
        }
        Step::Parents(unit, ref parents) => {
            let parents = parents.iter().map(|n| UnitRef::Text(label(Node::Unit(*n)))).collect();
            Command::UpdateUnit(Update {
                target: UnitRef::Text(label(Node::Unit(unit))),
                fields: UnitFields { parents: Some(parents), ..UnitFields::default() },
                if_revision: None,
            })
        }
        Step::Move(unit, to) => Command::MoveUnit(MoveUnit {
            unit: UnitRef::Text(label(Node::Unit(unit))),
            to: UnitRef::Text(label(Node::Unit(to))),
            from: None,
            if_revision: None,
        }),
        Step::End(node) => match node {
            Node::Unit(_) => {
                let (target, beneath) = (UnitRef::Text(label(node)), Beneath::Lift);
                Command::DeleteUnit(DeleteUnit { target, if_revision: None, beneath })
            }
            Node::Person(_) => {
                let target = PersonRef::Email(Email::parse(&label(node)).unwrap());
                Command::DeletePerson(Delete { target, if_revision: None })
            }
            _ => {
                let target = ProjectRef::ProjectId(ProjectId::parse(&label(node)).unwrap());
                Command::DeleteProject(Delete { target, if_revision: None })
            }
        },
    })
}

fn compare(view: &View, twin: &Twin) {
    let ids: BTreeMap<Node, EntityId> =
        twin.nodes.iter().map(|node| (*node, id(view, *node).expect("it is there"))).collect();
    let count: u64 = Kind::ALL.iter().map(|kind| view.all(*kind).len()).sum();
    assert_eq!(count, twin.nodes.len() as u64, "nothing else is there");
    for unit in twin.nodes.iter().filter(|node| matches!(node, Node::Unit(_))) {
        let beneath = twin.beneath(*unit);
        for kind in Kind::ALL {
            let expected: BTreeSet<u32> = beneath
                .iter()
                .filter(|node| {
                    kind == match node {
                        Node::Unit(_) => Kind::OrgUnit,
                        Node::Person(_) => Kind::Person,
                        Node::Project(_) => Kind::Project,
                        Node::Repository(..) => Kind::Repository,
                    }
                })
                .map(|node| ids[node].0)
                .collect();
            let answered: BTreeSet<u32> = view.below(ids[unit], kind).iter().collect();
            assert_eq!(answered, expected, "{kind} beneath {unit:?}");
        }
        for other in &twin.nodes {
            assert_eq!(view.contains(ids[unit], ids[other]), beneath.contains(other), "{unit:?} {other:?}");
        }
        let narrowed = view.within(&[ids[unit]]);
        for other in &twin.nodes {
            let seen = other == unit || beneath.contains(other);
            assert_eq!(narrowed.entity(ids[other]).is_some(), seen, "{other:?} within {unit:?}");
        }
    }
    for node in &twin.nodes {
        let answered = view.ancestors(ids[node]);
        let expected: BTreeSet<EntityId> = twin
            .nodes
            .iter()
            .filter(|upper| matches!(upper, Node::Unit(_)) && twin.beneath(**upper).contains(node))
            .map(|upper| ids[upper])
            .collect();
        assert_eq!(answered.iter().copied().collect::<BTreeSet<_>>(), expected, "above {node:?}");
        assert_eq!(answered.len(), expected.len(), "each once");
        for (at, upper) in answered.iter().enumerate() {
            let later = &answered[at + 1..];
            assert!(later.iter().all(|lower| !view.contains(*lower, *upper)), "root first");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_what_the_edges_say(steps in prop::collection::vec(step(), 1..90)) {
        let directory = Directory::in_memory().unwrap();
        let mut twin = Twin::default();
        for step in &steps {
            let before = directory.view();
            let may = twin.clone().take(step);
            let Some(command) = command(&before, step) else {
                prop_assert!(!may, "{:?} names nothing that is there", step);
                continue;
            };
            let outcome = directory.apply(command);
            prop_assert_eq!(outcome.is_ok(), may, "{:?}: {:?}", step, outcome.err());
            if may {
                twin.take(step);
            } else {
                prop_assert_eq!(directory.view().revision(), before.revision(), "a refusal changes nothing");
            }
        }
        compare(&directory.view(), &twin);
        prop_assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    }

    #[test]
    fn a_set_is_applied_wholly_or_not_at_all(steps in prop::collection::vec(step(), 1..40), more in prop::collection::vec(step(), 1..12)) {
        let directory = Directory::in_memory().unwrap();
        for step in &steps {
            if let Some(command) = command(&directory.view(), step) {
                let _refused_or_not = directory.apply(command);
            }
        }
        let before = directory.view();
        let commands: Vec<_> = more.iter().filter_map(|step| command(&before, step)).collect();
        let tried = directory.dry_run(commands.clone());
        prop_assert_eq!(before.differences(&directory.view()), Vec::<String>::new());
        match (directory.apply(commands), tried) {
            (Ok(applied), Ok(tried)) => prop_assert_eq!(applied.outcomes.len(), tried.outcomes.len()),
            (Err(refusal), Err(tried)) => {
                prop_assert_eq!(refusal.to_string(), tried.to_string());
                prop_assert_eq!(before.differences(&directory.view()), Vec::<String>::new());
            }
            (applied, tried) => prop_assert!(false, "{:?} but tried {:?}", applied.err(), tried.err()),
        }
        prop_assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    }

    #[test]
    fn the_log_replays_to_the_same_graph(steps in prop::collection::vec(step(), 1..60)) {
        let directory = Directory::with_store(Store::in_memory().unwrap()).unwrap();
        for step in &steps {
            if let Some(command) = command(&directory.view(), step) {
                let _refused_or_not = directory.apply(command);
            }
        }
        let mut replayed = Graph::default();
        for batch in directory.log(Revision(1)).unwrap() {
            replayed.apply_batch(&batch.unwrap());
        }
        let replayed = View::of(Arc::new(replayed));
        prop_assert_eq!(directory.view().differences(&replayed), Vec::<String>::new());
        prop_assert_eq!(replayed.broken_rules(), Vec::<String>::new());
    }
}
