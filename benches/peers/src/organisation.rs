//! The organization as plain numbered records, read from the NDJSON lines that Clade imports.
//!
//! A record's number is its position among the records of its kind. It is the peers' primary key, and results are
//! compared by it.

use std::collections::HashMap;

use serde::Deserialize;

use crate::Result;

/// All records that are loaded into a peer.
#[derive(Debug, Default)]
pub(crate) struct Organisation {
    pub(crate) units: Vec<Unit>,
    pub(crate) people: Vec<Person>,
    pub(crate) projects: Vec<Project>,
    /// Pairs of parent and child, sorted.
    pub(crate) unit_parents: Vec<(u32, u32)>,
    /// Pairs of unit and project, sorted.
    pub(crate) project_units: Vec<(u32, u32)>,
    /// Pairs of unit and person, sorted.
    pub(crate) person_units: Vec<(u32, u32)>,
    /// Pairs of project and person, sorted.
    pub(crate) memberships: Vec<(u32, u32)>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Unit {
    pub(crate) key: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) level: String,
    #[serde(default)]
    parents: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) display_name: String,
    pub(crate) external_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Project {
    #[serde(rename = "projectId")]
    pub(crate) id: String,
    #[serde(rename = "projectName")]
    pub(crate) name: String,
    #[serde(rename = "projectOwner")]
    pub(crate) owner: Owner,
    pub(crate) external_id: String,
    pub(crate) assets: Assets,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Owner {
    pub(crate) email: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Assets {
    pub(crate) repositories: Vec<Repository>,
    pub(crate) services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) platform: String,
    pub(crate) url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) identifier: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Line {
    OrgUnit(Unit),
    Person(Person),
    Project(Project),
    Mapping(Mapping),
}

#[derive(Deserialize)]
struct Mapping {
    #[serde(rename = "mappingType")]
    kind: String,
    attribute1: String,
    attribute2: String,
}

/// Numbers by key, while the lines are read.
#[derive(Default)]
struct Numbers {
    units: HashMap<String, u32>,
    people: HashMap<String, u32>,
    projects: HashMap<String, u32>,
}

impl Organisation {
    /// Reads the lines. Each may refer only to records of lines before it.
    pub(crate) fn read(lines: &[u8]) -> Result<Self> {
        let mut read = Self::default();
        let mut numbers = Numbers::default();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            read.enter(serde_json::from_slice(line)?, &mut numbers)?;
        }
        for pairs in
            [&mut read.unit_parents, &mut read.project_units, &mut read.person_units, &mut read.memberships]
        {
            pairs.sort_unstable();
        }
        Ok(read)
    }

    fn enter(&mut self, line: Line, numbers: &mut Numbers) -> Result<()> {
        match line {
            Line::OrgUnit(unit) => {
                let number = enter(&mut numbers.units, &unit.key, self.units.len())?;
                for parent in &unit.parents {
                    self.unit_parents.push((find(&numbers.units, parent)?, number));
                }
                self.units.push(unit);
            }
            Line::Person(person) => {
                enter(&mut numbers.people, &person.email, self.people.len())?;
                self.people.push(person);
            }
            Line::Project(project) => {
                enter(&mut numbers.projects, &project.id, self.projects.len())?;
                self.projects.push(project);
            }
            Line::Mapping(Mapping { kind, attribute1, attribute2 }) => match kind.as_str() {
                "project-org" => self
                    .project_units
                    .push((find(&numbers.units, &attribute2)?, find(&numbers.projects, &attribute1)?)),
                "people-org" => self
                    .person_units
                    .push((find(&numbers.units, &attribute2)?, find(&numbers.people, &attribute1)?)),
                "project-people" => self
                    .memberships
                    .push((find(&numbers.projects, &attribute1)?, find(&numbers.people, &attribute2)?)),
                other => return Err(format!("mapping type {other}: no peer has a table for it").into()),
            },
        }
        Ok(())
    }

    /// Number of units, people and projects.
    pub(crate) fn entities(&self) -> usize {
        self.units.len() + self.people.len() + self.projects.len()
    }

    /// Number of placements and memberships; edges between units are not counted.
    pub(crate) fn mappings(&self) -> usize {
        self.project_units.len() + self.person_units.len() + self.memberships.len()
    }

    /// All units of a level.
    pub(crate) fn of_level(&self, level: &str) -> Vec<u32> {
        numbered(&self.units).filter(|(_, unit)| unit.level == level).map(|(number, _)| number).collect()
    }

    /// The parent of each unit. Fails if a unit has two: generated units have at most one, which the SQL for moves
    /// requires.
    pub(crate) fn parents(&self) -> Result<Vec<Option<u32>>> {
        let mut parents = vec![None; self.units.len()];
        for (parent, child) in &self.unit_parents {
            if parents[*child as usize].replace(*parent).is_some() {
                return Err(format!("{} has two parents", self.units[*child as usize].key).into());
            }
        }
        Ok(parents)
    }
}

/// The records with their numbers.
pub(crate) fn numbered<T>(records: &[T]) -> impl Iterator<Item = (u32, &T)> {
    (0_u32..).zip(records)
}

fn enter(numbers: &mut HashMap<String, u32>, key: &str, next: usize) -> Result<u32> {
    let number = u32::try_from(next)?;
    match numbers.insert(key.to_owned(), number) {
        None => Ok(number),
        Some(_) => Err(format!("{key} is defined twice").into()),
    }
}

fn find(numbers: &HashMap<String, u32>, key: &str) -> Result<u32> {
    numbers.get(key).copied().ok_or_else(|| format!("{key} is referred to before it is defined").into())
}
