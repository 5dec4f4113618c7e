//! What is asked, and of which records: the same of everyone.

use crate::Result;
use crate::organisation::Organisation;

/// A cheap question is asked of so many records in turn, so that not one alone is warm.
const TARGETS: usize = 512;
/// One project in so many is in the selection.
const SELECTED_ONE_IN: u64 = 10;
/// A page has so many projects.
pub(crate) const PAGE: usize = 50;

/// A question as the table has it, and what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) asks: Asks,
}

/// What is asked. Units and projects are the organisation's numbers.
#[derive(Debug, Clone)]
pub(crate) enum Asks {
    /// Nothing: what it costs to call at all.
    Nothing,
    /// The projects beneath a unit, each once.
    Projects { unit: u32 },
    /// How many projects and people are beneath a unit, each counted once.
    Totals { unit: u32 },
    /// How many projects are beneath each child of a unit, each counted once a child.
    PerChild { unit: u32, of: Of },
    /// The units above a unit, root first.
    Ancestors { units: Vec<u32> },
    /// Whether a project is beneath a unit.
    Contains { pairs: Vec<(u32, u32)> },
    /// A project's record, by its id.
    Project { ids: Vec<String> },
    /// From a repository's url to its projects and their teams.
    Repository { urls: Vec<String> },
    /// Beneath a unit, with this member and this word in its name: the first page, and how many.
    OfMember { unit: u32, members: Vec<(String, String)> },
    /// Beneath a unit, with a repository on this platform and this word in its name: the first page, and how many.
    OnPlatform { unit: u32, platform: String, word: String },
    /// How many projects have this in their name, without case.
    NameContains { text: String },
    /// Puts a unit beneath another; the next call puts it back.
    Move { unit: u32, from: u32, to: u32 },
    /// Puts a new project into a team.
    Insert { team: u32, durable: bool },
}

/// Which projects are counted.
#[derive(Debug, Clone)]
pub(crate) enum Of {
    All,
    /// Those of a selection at hand: see [`is_selected`].
    Selection,
    /// Those with this word in their name.
    Named(String),
}

/// Whether a project is in the selection: one in ten, scattered.
pub(crate) fn is_selected(project: u32) -> bool {
    scatter(u64::from(project), u64::MAX).is_multiple_of(SELECTED_ONE_IN)
}

/// The id and the name of a project that a question puts in.
pub(crate) fn made_up(number: u32) -> (String, String) {
    (format!("new-{number}"), format!("Novel Thing {number}"))
}

impl Asks {
    /// How many records it is asked of in turn.
    pub(crate) fn targets(&self) -> usize {
        match self {
            Self::Ancestors { units } => units.len(),
            Self::Contains { pairs } => pairs.len(),
            Self::Project { ids } => ids.len(),
            Self::Repository { urls } => urls.len(),
            Self::OfMember { members, .. } => members.len(),
            _ => 1,
        }
    }

    /// How often it may be called in a row, where calls leave something behind.
    pub(crate) fn calls_max(&self) -> usize {
        if matches!(self, Self::Insert { .. }) { 2_000 } else { usize::MAX }
    }

    /// How many calls leave everything as it was, and are thus measured together.
    pub(crate) fn calls_together(&self) -> usize {
        if matches!(self, Self::Move { .. }) { 2 } else { 1 }
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self, Self::Move { .. } | Self::Insert { .. })
    }
}

/// The records that questions are about.
pub(crate) struct Targets {
    /// The root.
    corp: u32,
    /// The largest business, and the next.
    business: u32,
    other_business: u32,
    /// The middle one of the business's departments by size, and of the department's teams.
    department: u32,
    team: u32,
    /// All teams.
    teams: Vec<u32>,
    /// Members of projects of the business, each with a word of such a project's name.
    members: Vec<(String, String)>,
}

impl Targets {
    pub(crate) fn of(organisation: &Organisation) -> Result<Self> {
        let parents = organisation.parents()?;
        let above = |unit: u32| std::iter::successors(Some(unit), |unit| parents[*unit as usize]);
        let mut sizes = vec![0_u64; organisation.units.len()];
        for (unit, _) in &organisation.project_units {
            above(*unit).for_each(|unit| sizes[unit as usize] += 1);
        }
        let beneath = |upper: u32, level: &str| {
            let mut found = organisation.of_level(level);
            found.retain(|unit| above(*unit).any(|unit| unit == upper));
            found.sort_by_key(|unit| (std::cmp::Reverse(sizes[*unit as usize]), *unit));
            found
        };
        let middle =
            |units: &[u32]| units.get(units.len() / 2).copied().ok_or("the organisation is too small");

        let corp = *organisation.of_level("organization").first().ok_or("there is no organization")?;
        let [business, other_business, ..] = beneath(corp, "business")[..] else {
            return Err("there are no two businesses".into());
        };
        let department = middle(&beneath(business, "department"))?;
        let team = middle(&beneath(department, "team"))?;

        let mut is_inside = vec![false; organisation.projects.len()];
        for (unit, project) in &organisation.project_units {
            is_inside[*project as usize] |= above(*unit).any(|unit| unit == business);
        }
        let inside: Vec<_> =
            organisation.memberships.iter().filter(|(project, _)| is_inside[*project as usize]).collect();
        let members = scattered(inside.len()).map(|at| {
            let (project, person) = inside[at];
            let name = organisation.projects[*project as usize].name.to_lowercase();
            let word = name.split(' ').next().unwrap_or_default().to_owned();
            (organisation.people[*person as usize].email.clone(), word)
        });
        Ok(Self {
            corp,
            business,
            other_business,
            department,
            team,
            teams: organisation.of_level("team"),
            members: members.collect(),
        })
    }

    /// Every question that is read, cheap or dear.
    pub(crate) fn reads(&self, organisation: &Organisation) -> Vec<Question> {
        let Self { corp, business, other_business, department, team, .. } = *self;
        let per_child = |of| Asks::PerChild { unit: business, of };
        let projects = &organisation.projects;
        let project = |at: usize| &projects[at];
        let pairs = scattered(projects.len()).enumerate().map(|(turn, at)| {
            ([corp, business, other_business, department][turn % 4], u32::try_from(at).unwrap_or(0))
        });
        let urls = scattered(projects.len())
            .filter_map(|at| Some(project(at).assets.repositories.first()?.url.clone()));
        let word = || "quartz".to_owned();
        let rare = {
            let name = project(projects.len() / 2).name.to_lowercase();
            name.chars().skip(name.chars().count().saturating_sub(9)).collect::<String>()
        };
        let on_platform =
            Asks::OnPlatform { unit: business, platform: "gitlab.com".to_owned(), word: word() };
        [
            ("no question: what a call costs".to_owned(), Asks::Nothing),
            ("project ids of a team".to_owned(), Asks::Projects { unit: team }),
            ("project ids of a department".to_owned(), Asks::Projects { unit: department }),
            ("project ids of a business".to_owned(), Asks::Projects { unit: business }),
            ("projects and people of a department, counted".to_owned(), Asks::Totals { unit: department }),
            ("projects and people of a business, counted".to_owned(), Asks::Totals { unit: business }),
            ("projects per child of a business".to_owned(), per_child(Of::All)),
            ("the same under a 10 % selection".to_owned(), per_child(Of::Selection)),
            (format!("the same of those with `{}` in their name", word()), per_child(Of::Named(word()))),
            (
                "ancestors of a team".to_owned(),
                Asks::Ancestors { units: scattered(self.teams.len()).map(|at| self.teams[at]).collect() },
            ),
            ("is a project beneath a unit".to_owned(), Asks::Contains { pairs: pairs.collect() }),
            (
                "project by id".to_owned(),
                Asks::Project { ids: scattered(projects.len()).map(|at| project(at).id.clone()).collect() },
            ),
            ("repository url → project → team".to_owned(), Asks::Repository { urls: urls.collect() }),
            (
                "in a business, by member and word: page and total".to_owned(),
                Asks::OfMember { unit: business, members: self.members.clone() },
            ),
            (format!("in a business, by platform and `{}`: page and total", word()), on_platform),
            (format!("names that contain `{}`", word()), Asks::NameContains { text: word() }),
            (format!("names that contain `{rare}`"), Asks::NameContains { text: rare }),
        ]
        .into_iter()
        .map(|(title, asks)| Question { title, asks })
        .collect()
    }

    /// Every question that changes something, each with questions that show what it changed.
    pub(crate) fn writes(&self) -> Vec<(Question, Vec<Question>)> {
        let Self { business, other_business, department, team, corp, .. } = *self;
        let question = |title: &str, asks| Question { title: title.to_owned(), asks };
        let probe = |asks| Question { title: "afterwards".to_owned(), asks };
        let totals =
            |units: &[u32]| units.iter().map(|unit| probe(Asks::Totals { unit: *unit })).collect::<Vec<_>>();
        let after_move = totals(&[corp, business, other_business, department]);
        let mut after_insert = totals(&[corp, business, department, team]);
        after_insert.push(probe(Asks::Project { ids: vec![made_up(0).0] }));
        let insert = |durable| Asks::Insert { team, durable };
        vec![
            (
                question(
                    "move a department to another business",
                    Asks::Move { unit: department, from: business, to: other_business },
                ),
                after_move,
            ),
            (
                question("insert a project into a team, no wait for the disk", insert(false)),
                after_insert.clone(),
            ),
            (question("insert a project into a team, durably", insert(true)), after_insert),
        ]
    }
}

/// Up to [`TARGETS`] places below `limit`, the same each time, near no other.
fn scattered(limit: usize) -> impl Iterator<Item = usize> {
    let count = if limit == 0 { 0 } else { TARGETS };
    (0..count).map(move |turn| usize::try_from(scatter(turn as u64, limit as u64)).unwrap_or(0))
}

/// A number below `limit` for each number: the mixing step of `SplitMix64`.
fn scatter(number: u64, limit: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % limit
}
