//! The queries of the comparison and the records that they target: the same for every peer.

use crate::Result;
use crate::organisation::Organisation;

/// Number of records that a cheap query targets in turn, so that the cache is not warm for a single one.
const TARGETS: usize = 512;
/// One project in this many is in the selection.
const SELECTED_ONE_IN: u64 = 10;
/// Page size.
pub(crate) const PAGE: usize = 50;

/// A query with its title in the table.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) asks: Asks,
}

/// The kind of a query with its targets. Units and projects are the organization's numbers.
#[derive(Debug, Clone)]
pub(crate) enum Asks {
    /// No query: the overhead of a call.
    Nothing,
    /// The projects below a unit, each once.
    Projects { unit: u32 },
    /// The numbers of projects and people below a unit, each counted once.
    Totals { unit: u32 },
    /// The number of projects below each child of a unit, each counted once per child.
    PerChild { unit: u32, of: Of },
    /// The units above a unit, root first.
    Ancestors { units: Vec<u32> },
    /// Whether a project is below a unit.
    Contains { pairs: Vec<(u32, u32)> },
    /// A project's record, by its id.
    Project { ids: Vec<String> },
    /// From a repository's url to its projects and their teams.
    Repository { urls: Vec<String> },
    /// Projects below a unit, with this member and this word in the name: first page and total count.
    OfMember { unit: u32, members: Vec<(String, String)> },
    /// Projects below a unit, with a repository on this platform and this word in the name: first page and total count.
    OnPlatform { unit: u32, platform: String, word: String },
    /// The number of projects whose name contains this, ignoring case.
    NameContains { text: String },
    /// Moves a unit to another parent; the next call moves it back.
    Move { unit: u32, from: u32, to: u32 },
    /// Inserts a new project into a team.
    Insert { team: u32, durable: bool },
}

/// Which projects are counted.
#[derive(Debug, Clone)]
pub(crate) enum Of {
    All,
    /// The projects of a selection: see [`is_selected`].
    Selection,
    /// The projects with this word in their name.
    Named(String),
}

/// Whether a project is in the selection: one in ten, pseudorandom.
pub(crate) fn is_selected(project: u32) -> bool {
    scatter(u64::from(project), u64::MAX).is_multiple_of(SELECTED_ONE_IN)
}

/// The id and the name of a project that a query inserts.
pub(crate) fn made_up(number: u32) -> (String, String) {
    (format!("new-{number}"), format!("Novel Thing {number}"))
}

impl Asks {
    /// The number of records that it targets in turn.
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

    /// Maximum number of calls in a row, for calls that leave records behind.
    pub(crate) fn calls_max(&self) -> usize {
        if matches!(self, Self::Insert { .. }) { 2_000 } else { usize::MAX }
    }

    /// The number of calls that restore the state together, and are measured together.
    pub(crate) fn calls_together(&self) -> usize {
        if matches!(self, Self::Move { .. }) { 2 } else { 1 }
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self, Self::Move { .. } | Self::Insert { .. })
    }
}

/// The records that the queries target.
pub(crate) struct Targets {
    /// The root.
    corp: u32,
    /// The largest business and the second largest.
    business: u32,
    other_business: u32,
    /// The median by size of the business's departments, and of the department's teams.
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
        let units_below = |upper: u32, level: &str| {
            let mut found = organisation.of_level(level);
            found.retain(|unit| above(*unit).any(|unit| unit == upper));
            found.sort_by_key(|unit| (std::cmp::Reverse(sizes[*unit as usize]), *unit));
            found
        };
        let middle = |units: &[u32]| {
            units
                .get(units.len() / 2)
                .copied()
                .ok_or("the organization is too small, use a larger --entities")
        };

        let corp = *organisation.of_level("organization").first().ok_or("there is no organization")?;
        let [business, other_business, ..] = units_below(corp, "business")[..] else {
            return Err("there are no two businesses".into());
        };
        let department = middle(&units_below(business, "department"))?;
        let team = middle(&units_below(department, "team"))?;

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

    /// Every read query, cheap or expensive.
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
            ("no query: the overhead of a call".to_owned(), Asks::Nothing),
            ("project ids of a team".to_owned(), Asks::Projects { unit: team }),
            ("project ids of a department".to_owned(), Asks::Projects { unit: department }),
            ("project ids of a business".to_owned(), Asks::Projects { unit: business }),
            ("projects and people of a department, counted".to_owned(), Asks::Totals { unit: department }),
            ("projects and people of a business, counted".to_owned(), Asks::Totals { unit: business }),
            ("projects per child of a business".to_owned(), per_child(Of::All)),
            ("the same within a 10 % selection".to_owned(), per_child(Of::Selection)),
            (format!("the same for those with `{}` in their name", word()), per_child(Of::Named(word()))),
            (
                "ancestors of a team".to_owned(),
                Asks::Ancestors { units: scattered(self.teams.len()).map(|at| self.teams[at]).collect() },
            ),
            ("is a project below a unit".to_owned(), Asks::Contains { pairs: pairs.collect() }),
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

    /// Every write, each with read queries that show its effect.
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
                question("insert a project into a team, without waiting for the disk", insert(false)),
                after_insert.clone(),
            ),
            (question("insert a project into a team, durably", insert(true)), after_insert),
        ]
    }
}

/// Up to [`TARGETS`] pseudorandom indexes less than `limit`, the same each time.
fn scattered(limit: usize) -> impl Iterator<Item = usize> {
    let count = if limit == 0 { 0 } else { TARGETS };
    (0..count).map(move |turn| usize::try_from(scatter(turn as u64, limit as u64)).unwrap_or(0))
}

/// A pseudorandom number less than `limit` for each number: the mixing step of `SplitMix64`.
fn scatter(number: u64, limit: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) % limit
}
