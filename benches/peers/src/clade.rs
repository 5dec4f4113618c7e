//! Clade as a peer: a directory in this process, through its public API only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clade::exchange::command_of_line;
use clade::model::command::{
    Command, Create, Delete, IfExists, MoveUnit, Placement, ProjectFields, ProjectRef,
};
use clade::model::reference::UnitRef;
use clade::model::{Name, ProjectId, RepoUrl, UnitKey};
use clade::query::{Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest, page, select};
use clade::{Directory, EntityId, Kind, View};
use roaring::RoaringBitmap;

use crate::Result;
use crate::answer::{Answer, Record};
use crate::organisation::{Organisation, numbered};
use crate::peer::{Ask, Form, Peer};
use crate::questions::{Asks, Of, PAGE, Question, is_selected, made_up};
use crate::turn::Turn;

/// Number of lines per change set.
const LINES_TOGETHER: usize = 200_000;

pub(crate) struct Clade {
    directory: Directory,
    /// Whether writes wait for the disk: the directory is in a file, no longer in memory.
    is_durable: bool,
    folder: PathBuf,
    /// Clade's ids by the organization's numbers.
    units: Vec<EntityId>,
    projects: Vec<EntityId>,
    /// The organization's numbers by Clade's ids.
    numbers: HashMap<u32, u32>,
    selection: RoaringBitmap,
    /// The number of projects that queries inserted.
    inserted: u32,
}

impl Clade {
    pub(crate) fn load(lines: &[u8], organisation: &Organisation, folder: &Path) -> Result<Self> {
        let directory = Directory::in_memory()?;
        let lines: Vec<_> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        for lines in lines.chunks(LINES_TOGETHER) {
            let commands = lines.iter().map(|line| {
                command_of_line(line, IfExists::Refuse).map_err(|problem| format!("{problem:?}"))
            });
            directory.apply(commands.collect::<Result<Vec<_>, _>>()?)?;
        }
        let view = directory.view();
        let units = organisation
            .units
            .iter()
            .map(|unit| Ok(view.find_unit(&UnitRef::Key(UnitKey::parse(&unit.key)?))?));
        let units = units.collect::<Result<Vec<_>>>()?;
        let projects = organisation.projects.iter().map(|project| {
            let found = view.project_by_id(&ProjectId::parse(&project.id)?);
            found.ok_or_else(|| format!("Clade does not have project {}", project.id).into())
        });
        let projects = projects.collect::<Result<Vec<_>>>()?;
        let numbers =
            numbered(&units).chain(numbered(&projects)).map(|(number, id)| (id.0, number)).collect();
        let selection =
            numbered(&projects).filter(|(number, _)| is_selected(*number)).map(|(_, id)| id.0).collect();
        Ok(Self {
            directory,
            is_durable: false,
            folder: folder.to_owned(),
            units,
            projects,
            numbers,
            selection,
            inserted: 0,
        })
    }

    /// Moves the directory from memory to a file.
    fn become_durable(&mut self) -> Result<()> {
        if !self.is_durable {
            let file = self.folder.join("peers.redb");
            self.directory.backup(&file)?;
            self.directory = Directory::open_existing(&file)?;
            self.is_durable = true;
        }
        Ok(())
    }
}

impl Peer for Clade {
    fn name(&self) -> &'static str {
        "Clade"
    }

    fn described(&mut self) -> Result<String> {
        let manifest = include_str!("../../../Cargo.toml");
        let version = manifest.lines().find_map(|line| line.strip_prefix("version = "));
        Ok(format!("Clade {}, in process, in memory", version.unwrap_or("?").trim_matches('"')))
    }

    fn form_name(&self, _: Form) -> &'static str {
        ""
    }

    fn forms(&self, _: &Question) -> Vec<Form> {
        vec![Form::Plain]
    }

    fn ask<'p>(&'p mut self, question: &Question, _: Form) -> Result<Ask<'p>> {
        let unit = |number: u32| self.units[number as usize];
        match question.asks.clone() {
            Asks::Nothing => self.read(vec![()], |view, ()| {
                std::hint::black_box(view.revision());
                Ok(Answer::Done)
            }),
            Asks::Projects { unit: number } => self.read(vec![unit(number)], |view, unit| {
                Ok(Answer::Projects(view.below(*unit, Kind::Project).iter().collect()))
            }),
            Asks::Totals { unit: number } => self.read(vec![unit(number)], |view, unit| {
                let totals = view.totals(*unit);
                Ok(Answer::Totals { projects: totals.projects, people: totals.people })
            }),
            Asks::PerChild { unit: number, of } => self.prepare_per_child(unit(number), of),
            Asks::Ancestors { units } => self.read(units.into_iter().map(unit).collect(), |view, unit| {
                Ok(Answer::Units(view.ancestors(*unit).into_iter().map(|unit| unit.0).collect()))
            }),
            Asks::Contains { pairs } => {
                let pairs =
                    pairs.into_iter().map(|(upper, project)| (unit(upper), self.projects[project as usize]));
                self.read(pairs.collect(), |view, (upper, project)| {
                    Ok(Answer::Holds(view.contains(*upper, *project)))
                })
            }
            Asks::Project { ids } => self.read(ids, |view, id| Ok(Answer::Record(record(view, id)?))),
            Asks::Repository { urls } => self.read(urls, |view, url| Ok(Answer::Placed(placed(view, url)?))),
            Asks::OfMember { unit: number, members } => {
                let filters = members.into_iter().map(|(email, word)| {
                    let email = Filter::Text(Field::Email, TextTest::Eq(email));
                    inside(unit(number), Relation::Member, email, word)
                });
                self.read(filters.collect(), first_page)
            }
            Asks::OnPlatform { unit: number, platform, word } => {
                let platform = Filter::Text(Field::Platform, TextTest::Eq(platform));
                self.read(vec![inside(unit(number), Relation::Repository, platform, word)], first_page)
            }
            Asks::NameContains { text } => self.read(vec![named(text)], |view, filter| {
                Ok(Answer::Count(select(view, Kind::Project, filter).len()))
            }),
            Asks::Move { unit, from, to } => self.prepare_move(unit, from, to),
            Asks::Insert { team, durable } => self.prepare_insert(team, durable),
        }
    }

    fn normalized(&self, answer: Answer) -> Answer {
        let number = |id: u32| self.numbers.get(&id).copied().unwrap_or(u32::MAX);
        let numbers = |ids: Vec<u32>| ids.into_iter().map(number).collect();
        let translated = match answer {
            Answer::Projects(ids) => Answer::Projects(numbers(ids)),
            Answer::Units(ids) => Answer::Units(numbers(ids)),
            Answer::PerUnit(counts) => {
                Answer::PerUnit(counts.into_iter().map(|(id, count)| (number(id), count)).collect())
            }
            Answer::Placed(pairs) => Answer::Placed(
                pairs.into_iter().map(|(project, unit)| (number(project), number(unit))).collect(),
            ),
            Answer::Page { total, projects } => Answer::Page { total, projects: numbers(projects) },
            other => other,
        };
        translated.sorted()
    }

    fn undo(&mut self) -> Result<()> {
        let deletes = (0..self.inserted).map(|made| {
            let target = ProjectRef::ProjectId(ProjectId::parse(&made_up(made).0)?);
            Ok(Command::DeleteProject(Delete { target, if_revision: None }))
        });
        let deletes = deletes.collect::<Result<Vec<_>>>()?;
        if !deletes.is_empty() {
            self.directory.apply(deletes)?;
        }
        self.inserted = 0;
        Ok(())
    }
}

impl Clade {
    /// Runs the query on each target in turn, with a new view each time, as a request does.
    fn read<'p, T: 'p>(
        &'p self,
        targets: Vec<T>,
        mut question: impl FnMut(&View, &T) -> Result<Answer> + 'p,
    ) -> Result<Ask<'p>> {
        let mut targets = Turn::of(targets)?;
        Ok(Box::new(move || question(&self.directory.view(), targets.next())))
    }

    fn prepare_per_child(&self, unit: EntityId, of: Of) -> Result<Ask<'_>> {
        match of {
            Of::All => self.read(vec![unit], |view, unit| Ok(per_child(view, *unit, RoaringBitmap::len))),
            Of::Selection => self.read(vec![unit], |view, unit| {
                Ok(per_child(view, *unit, |projects| projects.intersection_len(&self.selection)))
            }),
            Of::Named(word) => {
                let filter = Filter::And(vec![Filter::Within(vec![unit]), named(word)]);
                self.read(vec![(unit, filter)], |view, (unit, filter)| {
                    let matches = select(view, Kind::Project, filter);
                    Ok(per_child(view, *unit, |projects| projects.intersection_len(&matches)))
                })
            }
        }
    }

    fn prepare_move(&self, unit: u32, from: u32, to: u32) -> Result<Ask<'_>> {
        let named = |number: u32| UnitRef::Id(self.units[number as usize]);
        let moves = [(from, to), (to, from)].map(|(from, to)| {
            let (from, to) = (Some(named(from)), named(to));
            Command::MoveUnit(MoveUnit { unit: named(unit), to, from, if_revision: None })
        });
        let mut moves = Turn::of(moves.into())?;
        Ok(Box::new(move || {
            self.directory.apply(moves.next().clone())?;
            Ok(Answer::Done)
        }))
    }

    fn prepare_insert(&mut self, team: u32, durable: bool) -> Result<Ask<'_>> {
        if durable {
            self.become_durable()?;
        }
        let Self { directory, inserted, units, .. } = self;
        let team = units[team as usize];
        Ok(Box::new(move || {
            let (id, name) = made_up(*inserted);
            *inserted += 1;
            let fields = ProjectFields {
                project_id: Some(ProjectId::parse(&id)?),
                name: Some(Name::parse(&name)?),
                placement: Placement::Units(vec![UnitRef::Id(team)]),
                ..ProjectFields::default()
            };
            directory.apply(Command::CreateProject(Create { fields, if_exists: IfExists::Refuse }))?;
            Ok(Answer::Done)
        }))
    }
}

/// The result of `count` over the projects below each child; children with zero are left out.
fn per_child(view: &View, unit: EntityId, count: impl Fn(&RoaringBitmap) -> u64) -> Answer {
    let children = view.directly_below(unit, Kind::OrgUnit);
    let counts = children.iter().map(|child| (child, count(view.below(EntityId(child), Kind::Project))));
    Answer::PerUnit(counts.filter(|(_, count)| *count > 0).collect())
}

fn record(view: &View, id: &str) -> Result<Option<Record>> {
    let found = view.project_by_id(&ProjectId::parse(id)?).and_then(|id| view.entity(id)?.as_project());
    Ok(found.map(|project| Record {
        name: project.name.as_str().to_owned(),
        owner: project.owner.as_ref().and_then(|owner| Some(owner.email.as_ref()?.as_str().to_owned())),
        external_id: project.external_id.as_ref().map(|id| id.as_str().to_owned()),
    }))
}

fn placed(view: &View, url: &str) -> Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    for repository in view.repositories_at(&RepoUrl::parse(url)?) {
        if let Some(project) = view.entity(repository).and_then(|entity| entity.owning_project()) {
            found.extend(view.parents(project).into_iter().map(|team| (project.0, team.0)));
        }
    }
    Ok(found)
}

fn named(text: String) -> Filter {
    Filter::Text(Field::Name, TextTest::Contains(text))
}

/// Below a unit, with a neighbour that passes a filter, and with a word in the name.
fn inside(unit: EntityId, relation: Relation, neighbour: Filter, word: String) -> Filter {
    Filter::And(vec![Filter::Within(vec![unit]), Filter::Related(relation, Box::new(neighbour)), named(word)])
}

fn first_page(view: &View, filter: &Filter) -> Result<Answer> {
    let matches = select(view, Kind::Project, filter);
    let request = PageRequest { first: Some(PAGE), ..PageRequest::default() };
    let page = page(view, &matches, Order { by: OrderBy::Created, descending: false }, &request)?;
    Ok(Answer::Page { total: matches.len(), projects: page.ids.into_iter().map(|id| id.0).collect() })
}
