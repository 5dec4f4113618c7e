//! The model: an island of the organization, and what a correct server answers about it.
//!
//! An island is an organization with two departments, three teams that move between them, and three people that move
//! between the teams. No operation concerns two islands, so each island has a history of its own.

use std::fmt;

use crate::search::Model;

pub(crate) const PEOPLE: usize = 3;
pub(crate) const TEAMS: usize = 3;
pub(crate) const DEPARTMENTS: usize = 2;

/// A unit of an island.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Root,
    Department(usize),
    Team(usize),
}

/// The team to place a person in, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) Option<usize>);

/// A request about one island. A name is a number that is written only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    Create { person: usize, name: u64, team: Option<usize> },
    Patch { person: usize, name: Option<u64>, team: Option<Place>, if_revision: Option<u64> },
    Delete { person: usize, if_revision: Option<u64> },
    Move { team: usize, to: usize },
    Read { person: usize },
    Totals(Unit),
    List(Unit),
}

/// A person as a response shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: u64,
    pub(crate) team: Option<usize>,
    pub(crate) department: Option<usize>,
    pub(crate) revision: u64,
    pub(crate) updated_at: String,
}

/// An answer, by its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A change was made.
    Done,
    /// The person, or that there is none.
    Person(Option<Record>),
    Totals {
        people: u64,
        units: u64,
    },
    List(Vec<(usize, Record)>),
    /// Refused: the person exists.
    Exists,
    /// Refused: there is no such person.
    Absent,
    /// Refused: the person has another revision.
    Mismatch,
    /// The change may have been made, or not.
    Unknown,
    /// Nothing that a server should answer.
    Odd(String),
}

/// A request with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) request: Request,
    pub(crate) answer: Answer,
}

impl Request {
    /// Whether it is a request for a change.
    pub(crate) fn is_write(&self) -> bool {
        !matches!(self, Self::Read { .. } | Self::Totals(_) | Self::List(_))
    }
}

/// The revision of a record: known once an answer has shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Revision {
    min: u64,
    is_exact: bool,
}

impl Revision {
    /// After a change. Several changes may be committed together and share a revision, but not with an earlier commit that
    /// an answer has shown.
    fn changed(self) -> Self {
        Self { min: self.min + u64::from(self.is_exact), is_exact: false }
    }

    fn seen(self, revision: u64) -> Option<Self> {
        let fits = if self.is_exact { revision == self.min } else { revision >= self.min };
        fits.then_some(Self { min: revision, is_exact: true })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Person {
    is_there: bool,
    name: u64,
    team: Option<usize>,
    revision: Revision,
}

/// The state of an island. At first there are no people, and all teams are in the first department.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Island {
    people: [Person; PEOPLE],
    departments: [usize; TEAMS],
}

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Exists,
    Absent,
    Mismatch,
}

impl Island {
    /// The outcomes that a change may have, each with the state after it. There are two where a condition names a revision
    /// and no answer has shown the person's.
    fn outcomes(&self, request: &Request) -> Vec<(Outcome, Self)> {
        match *request {
            Request::Create { person, name, team } => {
                if self.people[person].is_there {
                    return vec![(Outcome::Exists, self.clone())];
                }
                vec![(Outcome::Done, self.with(person, |new| (new.name, new.team) = (name, team)))]
            }
            Request::Patch { person, name, team, if_revision } => {
                self.if_allowed(person, if_revision, || {
                    let now = &self.people[person];
                    let (name, Place(team)) = (name.unwrap_or(now.name), team.unwrap_or(Place(now.team)));
                    if (name, team) == (now.name, now.team) {
                        return self.clone();
                    }
                    self.with(person, |new| (new.name, new.team) = (name, team))
                })
            }
            Request::Delete { person, if_revision } => self.if_allowed(person, if_revision, || {
                self.with(person, |new| *new = Person { revision: new.revision, ..Person::default() })
            }),
            Request::Move { team, to } => {
                let mut after = self.clone();
                after.departments[team] = to;
                vec![(Outcome::Done, after)]
            }
            Request::Read { .. } | Request::Totals(_) | Request::List(_) => Vec::new(),
        }
    }

    fn with(&self, person: usize, change: impl FnOnce(&mut Person)) -> Self {
        let mut after = self.clone();
        let new = &mut after.people[person];
        new.is_there = true;
        new.revision = new.revision.changed();
        change(new);
        after
    }

    fn if_allowed(
        &self,
        person: usize,
        if_revision: Option<u64>,
        change: impl FnOnce() -> Self,
    ) -> Vec<(Outcome, Self)> {
        let now = &self.people[person];
        let Some(required) = if_revision else {
            let is_there = now.is_there;
            return vec![if is_there { (Outcome::Done, change()) } else { (Outcome::Absent, self.clone()) }];
        };
        if !now.is_there {
            // REST evaluates the condition first, as RFC 9110 has it, and GraphQL looks up the person first.
            return vec![(Outcome::Absent, self.clone()), (Outcome::Mismatch, self.clone())];
        }
        let mut outcomes = Vec::new();
        if !now.revision.is_exact || now.revision.min != required {
            outcomes.push((Outcome::Mismatch, self.clone()));
        }
        if now.revision.seen(required).is_some() {
            let mut known = self.clone();
            known.people[person].revision = Revision { min: required, is_exact: true };
            let mut after = change();
            let is_changed = after.people[person] != now.clone();
            let revision = known.people[person].revision;
            after.people[person].revision = if is_changed { revision.changed() } else { revision };
            outcomes.push((Outcome::Done, after));
        }
        outcomes
    }

    fn contains(&self, unit: Unit, team: usize) -> bool {
        match unit {
            Unit::Root => true,
            Unit::Department(department) => self.departments[team] == department,
            Unit::Team(other) => team == other,
        }
    }

    fn members(&self, unit: Unit) -> Vec<usize> {
        let is_member =
            |person: &usize| self.people[*person].team.is_some_and(|team| self.contains(unit, team));
        (0..PEOPLE).filter(is_member).collect()
    }

    fn units(&self, unit: Unit) -> usize {
        let teams = (0..TEAMS).filter(|team| self.contains(unit, *team)).count();
        match unit {
            Unit::Root => DEPARTMENTS + teams,
            Unit::Department(_) => teams,
            Unit::Team(_) => 0,
        }
    }

    /// The state if `record` is what it has of the person.
    fn seen(&self, person: usize, record: &Record) -> Option<Self> {
        let now = &self.people[person];
        let department = now.team.map(|team| self.departments[team]);
        let is_same = (now.is_there, now.name, now.team, department)
            == (true, record.name, record.team, record.department);
        let revision = now.revision.seen(record.revision).filter(|_| is_same)?;
        let mut after = self.clone();
        after.people[person].revision = revision;
        Some(after)
    }

    fn answers(&self, request: &Request, answer: &Answer) -> Option<Self> {
        match (request, answer) {
            (
                Request::Read { person } | Request::Create { person, .. } | Request::Patch { person, .. },
                Answer::Person(found),
            ) => match found {
                Some(record) => self.seen(*person, record),
                None => (!self.people[*person].is_there).then(|| self.clone()),
            },
            (Request::Totals(unit), Answer::Totals { people, units }) => {
                let now = (self.members(*unit).len() as u64, self.units(*unit) as u64);
                (now == (*people, *units)).then(|| self.clone())
            }
            (Request::List(unit), Answer::List(found)) => {
                let mut listed: Vec<usize> = found.iter().map(|(person, _)| *person).collect();
                listed.sort_unstable();
                let is_same = listed == self.members(*unit);
                let mut each = found.iter();
                is_same.then(|| {
                    each.try_fold(self.clone(), |state, (person, record)| state.seen(*person, record))
                })?
            }
            _ => None,
        }
    }
}

impl Model for Island {
    type State = Self;
    type Op = Op;

    fn steps(state: &Self, op: &Op) -> Vec<Self> {
        let outcome = match &op.answer {
            Answer::Done => Outcome::Done,
            Answer::Exists => Outcome::Exists,
            Answer::Absent => Outcome::Absent,
            Answer::Mismatch => Outcome::Mismatch,
            Answer::Unknown => {
                let done = state.outcomes(&op.request).into_iter().map(|(_, after)| after);
                return done.filter(|after| after != state).chain([state.clone()]).collect();
            }
            Answer::Person(_) | Answer::Totals { .. } | Answer::List(_) => {
                return state.answers(&op.request, &op.answer).into_iter().collect();
            }
            Answer::Odd(_) => return Vec::new(),
        };
        let outcomes = state.outcomes(&op.request).into_iter();
        outcomes.filter(|(possible, _)| *possible == outcome).map(|(_, after)| after).collect()
    }

    fn with_unknown_outcome(op: &Op) -> Option<Op> {
        let changes = matches!(op.answer, Answer::Done | Answer::Unknown);
        changes.then(|| Op { request: op.request.clone(), answer: Answer::Unknown })
    }

    fn shows(answer: &Op, write: &Op) -> bool {
        let records: Vec<(usize, &Record)> = match (&answer.request, &answer.answer) {
            (
                Request::Read { person } | Request::Create { person, .. } | Request::Patch { person, .. },
                Answer::Person(Some(record)),
            ) => vec![(*person, record)],
            (_, Answer::List(found)) => found.iter().map(|(person, record)| (*person, record)).collect(),
            _ => Vec::new(),
        };
        let counts = matches!(answer.answer, Answer::Totals { .. } | Answer::List(_));
        match write.request {
            Request::Create { person, name, team } => {
                counts && team.is_some()
                    || records.iter().any(|(other, record)| *other == person && record.name == name)
            }
            Request::Patch { person, name, team, .. } => {
                counts && team.is_some()
                    || records.iter().any(|(other, record)| {
                        *other == person && (name == Some(record.name) || team == Some(Place(record.team)))
                    })
            }
            Request::Delete { person, .. } => {
                counts || answer.answer == Answer::Person(None) && answer.request == Request::Read { person }
            }
            Request::Move { team, to } => {
                let shown = (Some(team), Some(to));
                counts || records.iter().any(|(_, record)| (record.team, record.department) == shown)
            }
            Request::Read { .. } | Request::Totals(_) | Request::List(_) => false,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the organization"),
            Self::Department(department) => write!(f, "d{department}"),
            Self::Team(team) => write!(f, "t{team}"),
        }
    }
}

fn team_name(team: Option<usize>) -> String {
    team.map_or_else(|| "no team".to_owned(), |team| format!("t{team}"))
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = |if_revision: &Option<u64>| {
            if_revision.map(|revision| format!(" if at revision {revision}")).unwrap_or_default()
        };
        match self {
            Self::Create { person, name, team } => {
                write!(f, "create p{person} named {name} in {}", team_name(*team))
            }
            Self::Patch { person, name, team, if_revision } => {
                let name = name.map(|name| format!(" named {name}")).unwrap_or_default();
                let team = team.map(|team| format!(" in {}", team_name(team.0))).unwrap_or_default();
                write!(f, "patch p{person}{name}{team}{}", condition(if_revision))
            }
            Self::Delete { person, if_revision } => write!(f, "delete p{person}{}", condition(if_revision)),
            Self::Move { team, to } => write!(f, "move t{team} to d{to}"),
            Self::Read { person } => write!(f, "read p{person}"),
            Self::Totals(unit) => write!(f, "totals of {unit}"),
            Self::List(unit) => write!(f, "list of {unit}"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let department = self.department.map(|department| format!(" of d{department}")).unwrap_or_default();
        write!(f, "named {} in {}{department}, revision {}", self.name, team_name(self.team), self.revision)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Person(Some(record)) => write!(f, "{record}"),
            Self::Person(None) => f.write_str("no such person"),
            Self::Totals { people, units } => write!(f, "{people} people, {units} units"),
            Self::List(found) => {
                let found: Vec<_> =
                    found.iter().map(|(person, record)| format!("p{person} {record}")).collect();
                write!(f, "[{}]", found.join("; "))
            }
            Self::Exists => f.write_str("refused: it exists"),
            Self::Absent => f.write_str("refused: no such person"),
            Self::Mismatch => f.write_str("refused: another revision"),
            Self::Unknown => f.write_str("outcome unknown"),
            Self::Odd(text) => write!(f, "not an answer: {text}"),
        }
    }
}

impl fmt::Display for Island {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, person) in self.people.iter().enumerate().filter(|(_, person)| person.is_there) {
            let Revision { min, is_exact } = person.revision;
            let (name, team) = (person.name, team_name(person.team));
            write!(
                f,
                "p{at} named {name} in {team}, revision {min}{}; ",
                if is_exact { "" } else { " or later" }
            )?;
        }
        let teams =
            self.departments.iter().enumerate().map(|(team, department)| format!("t{team} in d{department}"));
        f.write_str(&teams.collect::<Vec<_>>().join(", "))
    }
}
