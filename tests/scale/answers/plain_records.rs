//! The organization as plain records that know their neighbours, read from its NDJSON lines, without any index or
//! bitmap.

use std::collections::HashMap;

use clade::query::{Field, Relation};
use clade::{EntityId, Kind};
use serde_json::Value;

/// A record. Neighbours are indexes of [`Plain::records`].
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// Its internal number in the directory.
    pub(crate) id: EntityId,
    pub(crate) texts: Vec<(Field, String)>,
    /// The parent units; empty for an asset.
    pub(crate) above: Vec<usize>,
    /// The members of a project; the projects of a person.
    pub(crate) works: Vec<usize>,
    /// The assets of a project.
    pub(crate) assets: Vec<usize>,
    /// The project of an asset.
    pub(crate) project: Option<usize>,
    pub(crate) has_ended: bool,
}

/// All records, each kind in creation order.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub(crate) records: Vec<Record>,
    by_key: HashMap<String, usize>,
    by_id: HashMap<EntityId, usize>,
}

impl Plain {
    /// Reads NDJSON lines of an import.
    pub(crate) fn read(lines: &[u8]) -> Self {
        let mut plain = Self::default();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            plain.take(&serde_json::from_slice(line).unwrap());
        }
        plain
    }

    /// Adds one line.
    pub(crate) fn take(&mut self, line: &Value) {
        let text = |key: &str| line[key].as_str();
        match text("kind").unwrap() {
            "orgUnit" => {
                let fields = [(Field::Key, "key"), (Field::Name, "name"), (Field::Type, "type")];
                let unit = self.add(Kind::OrgUnit, line, &fields);
                self.by_key.insert(text("key").unwrap().to_owned(), unit);
                for parent in line["parents"].as_array().into_iter().flatten() {
                    let parent = self.by_key[parent.as_str().unwrap()];
                    self.records[unit].above.push(parent);
                }
            }
            "person" => {
                let fields = [
                    (Field::Email, "email"),
                    (Field::FirstName, "firstName"),
                    (Field::LastName, "lastName"),
                    (Field::DisplayName, "displayName"),
                    (Field::ExternalId, "externalId"),
                ];
                let person = self.add(Kind::Person, line, &fields);
                self.by_key.insert(text("email").unwrap().to_owned(), person);
            }
            "project" => self.take_project(line),
            "mapping" => {
                let [from, to] = ["attribute1", "attribute2"].map(|end| self.by_key[text(end).unwrap()]);
                match text("mappingType").unwrap() {
                    "parent-child" => self.records[to].above.push(from),
                    "project-people" => {
                        self.records[from].works.push(to);
                        self.records[to].works.push(from);
                    }
                    _ => self.records[from].above.push(to),
                }
            }
            kind => panic!("a line of {kind}"),
        }
    }

    fn take_project(&mut self, line: &Value) {
        let fields = [
            (Field::ProjectId, "projectId"),
            (Field::Name, "projectName"),
            (Field::ExternalId, "externalId"),
        ];
        let project = self.add(Kind::Project, line, &fields);
        self.by_key.insert(line["projectId"].as_str().unwrap().to_owned(), project);
        if let Some(email) = line["projectOwner"]["email"].as_str() {
            self.records[project].texts.push((Field::OwnerEmail, email.to_owned()));
        }
        let repository = [(Field::Name, "name"), (Field::Platform, "platform"), (Field::Url, "url")];
        let service = [(Field::Name, "name"), (Field::Identifier, "identifier")];
        for (kind, key, fields) in [
            (Kind::Repository, "repositories", repository.as_slice()),
            (Kind::Service, "services", service.as_slice()),
        ] {
            for line in line["assets"][key].as_array().into_iter().flatten() {
                let asset = self.add(kind, line, fields);
                self.records[asset].project = Some(project);
                self.records[project].assets.push(asset);
            }
        }
    }

    fn add(&mut self, kind: Kind, line: &Value, fields: &[(Field, &str)]) -> usize {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        let texts = fields.iter().filter_map(|(field, key)| Some((*field, text(key)?))).collect();
        let (above, works, assets) = (Vec::new(), Vec::new(), Vec::new());
        let place = self.records.len();
        let id = EntityId(u32::MAX);
        self.records.push(Record { kind, id, texts, above, works, assets, project: None, has_ended: false });
        place
    }

    /// The index of the record with this key.
    pub(crate) fn at(&self, key: &str) -> usize {
        self.by_key[key]
    }

    pub(crate) fn place_of(&self, id: EntityId) -> usize {
        self.by_id[&id]
    }

    /// Sets the number of a record in the directory.
    pub(crate) fn number(&mut self, at: usize, id: EntityId) {
        self.records[at].id = id;
        assert!(self.by_id.insert(id, at).is_none(), "two records have the number {}", id.0);
    }

    /// Deletes a record with its assets and all edges to it.
    pub(crate) fn end(&mut self, at: usize) {
        let ended = &mut self.records[at];
        ended.has_ended = true;
        let (kind, works, assets) =
            (ended.kind, std::mem::take(&mut ended.works), std::mem::take(&mut ended.assets));
        for other in works {
            self.records[other].works.retain(|work| *work != at);
        }
        for asset in assets {
            self.records[asset].has_ended = true;
        }
        if kind == Kind::OrgUnit {
            for record in &mut self.records {
                record.above.retain(|unit| *unit != at);
            }
        }
    }

    /// All records of a kind that are not deleted.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> + '_ {
        let is_one = move |record: &Record| record.kind == kind && !record.has_ended;
        (0..self.records.len()).filter(move |at| is_one(&self.records[*at]))
    }

    pub(crate) fn text(&self, at: usize, field: Field) -> Option<&str> {
        self.records[at].texts.iter().find(|(own, _)| *own == field).map(|(_, text)| &**text)
    }

    /// The parent units; for an asset, those of its project.
    pub(crate) fn above(&self, at: usize) -> &[usize] {
        &self.records[self.records[at].project.unwrap_or(at)].above
    }

    /// All ancestors, each once.
    pub(crate) fn ancestors(&self, at: usize) -> Vec<usize> {
        let mut ancestors = self.above(at).to_vec();
        let mut next = 0;
        while next < ancestors.len() {
            for unit in &self.records[ancestors[next]].above {
                if !ancestors.contains(unit) {
                    ancestors.push(*unit);
                }
            }
            next += 1;
        }
        ancestors
    }

    pub(crate) fn is_beneath(&self, at: usize, unit: usize) -> bool {
        self.above(at).iter().any(|above| *above == unit || self.is_beneath(*above, unit))
    }

    pub(crate) fn neighbours(&self, at: usize, relation: Relation) -> Vec<usize> {
        let record = &self.records[at];
        match (record.kind, relation) {
            (Kind::Project, Relation::Member) | (Kind::Person, Relation::Project) => record.works.clone(),
            (Kind::Project, Relation::Repository | Relation::Service) => {
                let is_wanted = |asset: &usize| self.records[*asset].kind == relation.leads_to();
                record.assets.iter().copied().filter(is_wanted).collect()
            }
            (Kind::Repository | Kind::Service, Relation::Project) => record.project.into_iter().collect(),
            _ => Vec::new(),
        }
    }
}
