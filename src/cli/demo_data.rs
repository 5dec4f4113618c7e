//! Generator of fictitious organizations of any size, as NDJSON that `clade import` reads. Also used by benchmarks.
//!
//! Five levels with a skewed fan-out. Each person is placed in one team; each project in one team, every twentieth in
//! two. Each project has a repository and up to three members; every fourth has a service.
//!
//! Invariant: the same size and seed give the same bytes, on every platform and in every version.

use std::io::{self, Write};

/// Shares of the unit types per thousand units; the rest are teams.
const BUSINESSES_PER_MILLE: u64 = 1;
const DEPARTMENTS_PER_MILLE: u64 = 10;
const GROUPS_PER_MILLE: u64 = 100;
/// Shares of units and people per hundred entities; the rest are projects.
const UNITS_PER_CENT: u64 = 1;
const PEOPLE_PER_CENT: u64 = 45;
/// Every n-th project is placed in a second team.
const MATRIX_ONE_IN: u64 = 20;
/// Every n-th project has a service.
const SERVICE_ONE_IN: u64 = 4;
/// Maximum number of members of a project.
const MEMBERS_MAX: u64 = 3;

const WORDS: [&str; 24] = [
    "Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbor", "Iris", "Juniper", "Kestrel",
    "Lagoon", "Maple", "Nimbus", "Onyx", "Pollen", "Quartz", "Raven", "Sierra", "Tundra", "Umber", "Violet",
    "Willow", "Zephyr",
];
const FIRST_NAMES: [&str; 16] = [
    "Ada", "Björn", "Chidi", "Dolores", "Emre", "Fatima", "Gael", "Hana", "Ivo", "Jun", "Kaveh", "Lucía",
    "Mei", "Noor", "Oleg", "Priya",
];
const LAST_NAMES: [&str; 16] = [
    "Abe", "Brandt", "Costa", "Dubois", "Eriksen", "Ferrari", "Gupta", "Haddad", "Ito", "Jansen", "Kowalski",
    "Lund", "Moreau", "Novak", "Okafor", "Park",
];
// `github.com` is listed twice, so that half of the repositories are on it and facets of platforms are uneven.
const PLATFORMS: [&str; 4] = ["github.com", "github.com", "gitlab.com", "git.corp.example"];

/// Size and seed of a fictitious organization.
#[derive(Debug, Clone, Copy)]
pub struct DemoData {
    /// Number of units, people and projects together.
    pub entities: u64,
    /// Seed of the random numbers: another seed gives another organization.
    pub seed: u64,
}

/// Number of units of each level, of people and of projects.
struct LevelSizes {
    businesses: u64,
    departments: u64,
    groups: u64,
    teams: u64,
    people: u64,
    projects: u64,
}

impl DemoData {
    fn shape(self) -> LevelSizes {
        let units = (self.entities * UNITS_PER_CENT / 100).max(5);
        // At least two units of each level, so that the smallest organization has siblings on every level too.
        let at_level = |per_mille: u64| (units * per_mille / 1000).max(2);
        let (businesses, departments, groups) =
            (at_level(BUSINESSES_PER_MILLE), at_level(DEPARTMENTS_PER_MILLE), at_level(GROUPS_PER_MILLE));
        let people = self.entities * PEOPLE_PER_CENT / 100;
        let teams = units.saturating_sub(1 + businesses + departments + groups).max(2);
        // The 1 is the organization at the root. Projects fill up what the minimums above leave of the total.
        let others = 1 + businesses + departments + groups + teams + people;
        LevelSizes {
            businesses,
            departments,
            groups,
            teams,
            people,
            projects: self.entities.saturating_sub(others),
        }
    }

    /// Writes one record per line: units, then people, then projects, then the mappings between them.
    ///
    /// # Errors
    /// The I/O error of `out`.
    pub fn write(self, out: &mut impl Write) -> io::Result<()> {
        let shape = self.shape();
        let mut dice = Dice(self.seed);
        units(out, &shape, &mut dice)?;
        for person in 0..shape.people {
            let (first, last) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
            // Formatted by hand, not by serde_json: no text here needs escaping, and up to some hundred million lines are
            // written.
            writeln!(
                out,
                r#"{{"kind":"person","email":"{}","firstName":"{first}","lastName":"{last}","displayName":"{first} {last}","externalId":"hr-{person}"}}"#,
                email(person)
            )?;
        }
        for project in 0..shape.projects {
            self::project(out, project, &shape, &mut dice)?;
        }
        for person in 0..shape.people {
            let team = team_key(dice.less_than(shape.teams));
            mapping(out, "people-org", &email(person), &team)?;
        }
        for project in 0..shape.projects {
            project_mappings(out, project, &shape, &mut dice)?;
        }
        Ok(())
    }
}

fn units(out: &mut impl Write, shape: &LevelSizes, dice: &mut Dice) -> io::Result<()> {
    writeln!(out, r#"{{"kind":"orgUnit","key":"corp","name":"Corp","type":"organization"}}"#)?;
    let levels = [
        ("business", "b", shape.businesses, "corp", 1),
        ("department", "d", shape.departments, "b", shape.businesses),
        ("group", "g", shape.groups, "d", shape.departments),
        ("team", "t", shape.teams, "g", shape.groups),
    ];
    for (level, prefix, count, parent_prefix, parents) in levels {
        for unit in 0..count {
            let name = format!("{} {} {unit}", dice.pick(&WORDS), dice.pick(&WORDS));
            let parent = if parent_prefix == "corp" {
                "corp".to_owned()
            } else if unit < parents {
                // The first children go to one parent each, so that no unit above a team is empty.
                format!("{parent_prefix}{unit}")
            } else {
                format!("{parent_prefix}{}", dice.skewed_below(parents))
            };
            writeln!(
                out,
                r#"{{"kind":"orgUnit","key":"{prefix}{unit}","name":"{name}","type":"{level}","parents":["{parent}"]}}"#
            )?;
        }
    }
    Ok(())
}

fn project(out: &mut impl Write, project: u64, shape: &LevelSizes, dice: &mut Dice) -> io::Result<()> {
    let (first, second, platform) = (dice.pick(&WORDS), dice.pick(&WORDS), dice.pick(&PLATFORMS));
    let owner = email(dice.less_than(shape.people.max(1)));
    let service = if project.is_multiple_of(SERVICE_ONE_IN) {
        format!(r#"{{"name":"svc {project}","identifier":"svc-{project}","dependencies":{{}}}}"#)
    } else {
        String::new()
    };
    writeln!(
        out,
        r#"{{"kind":"project","projectId":"p{project}","projectName":"{first} {second} {project}","projectOwner":{{"email":"{owner}"}},"externalId":"pm-{project}","assets":{{"repositories":[{{"name":"repo-{project}","platform":"{platform}","url":"https://{platform}/corp/repo-{project}.git"}}],"services":[{service}]}}}}"#
    )
}

fn project_mappings(
    out: &mut impl Write,
    project: u64,
    shape: &LevelSizes,
    dice: &mut Dice,
) -> io::Result<()> {
    let key = format!("p{project}");
    let team = dice.skewed_below(shape.teams);
    mapping(out, "project-org", &key, &team_key(team))?;
    if project.is_multiple_of(MATRIX_ONE_IN) {
        // An offset from 1 to teams - 1 never leads back to the first team, which would be a duplicate mapping.
        let second = (team + 1 + dice.less_than(shape.teams - 1)) % shape.teams;
        mapping(out, "project-org", &key, &team_key(second))?;
    }
    // Consecutive people from a random first one: distinct as long as there are as many people as members.
    let members = dice.less_than(MEMBERS_MAX + 1).min(shape.people);
    let first = dice.less_than(shape.people.max(1));
    for member in 0..members {
        mapping(out, "project-people", &key, &email((first + member) % shape.people))?;
    }
    Ok(())
}

fn mapping(out: &mut impl Write, mapping_type: &str, from: &str, to: &str) -> io::Result<()> {
    writeln!(
        out,
        r#"{{"kind":"mapping","mappingType":"{mapping_type}","attribute1":"{from}","attribute2":"{to}"}}"#
    )
}

fn email(person: u64) -> String {
    format!("person{person}@corp.example")
}

fn team_key(team: u64) -> String {
    format!("t{team}")
}

/// Random numbers by `SplitMix64`.
// A generator of our own: crates do not promise that their default one gives the same numbers in later versions.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A uniform number from 0 to `limit - 1`.
    fn less_than(&mut self, limit: u64) -> u64 {
        // The bias of a plain modulo is below 2^-30 for these limits, which is negligible here.
        self.roll() % limit.max(1)
    }

    /// A number from 0 to `limit - 1`, small ones more often: the lowest quarter comes up half of the time.
    fn skewed_below(&mut self, limit: u64) -> u64 {
        let uniform = u128::from(self.less_than(1 << 32));
        // The square of a uniform number from 0 to 1, times the limit, in fixed point: 32 + 32 fractional bits are
        // shifted out. Integers, so that no rounding can make the bytes of the same seed differ.
        let squared = (uniform * uniform * u128::from(limit)) >> 64;
        u64::try_from(squared).unwrap_or(0)
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let at = self.less_than(words.len() as u64);
        words[usize::try_from(at).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(entities: u64, seed: u64) -> Vec<String> {
        let mut out = Vec::new();
        DemoData { entities, seed }.write(&mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn has_the_requested_size_and_is_deterministic() {
        let first = lines(1_000, 7);
        assert_eq!(first, lines(1_000, 7));
        assert_ne!(first, lines(1_000, 8));
        let mappings = first.iter().filter(|line| line.contains(r#""kind":"mapping""#)).count();
        assert_eq!(first.len() - mappings, 1_000);
        for line in &first {
            let _parsed: serde_json::Value = serde_json::from_str(line).unwrap();
        }
    }
}
