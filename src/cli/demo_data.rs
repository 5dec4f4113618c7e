//! Made-up organisations of any size, the same for the same seed, as NDJSON that import takes.
//!
//! Five levels with a skewed fan-out; people in a team each; projects in one team, every twentieth in two; each
//! project with a repository, every fourth with a service, and with up to three members.

use std::io::{self, Write};

/// Of a thousand units, about so many are businesses, departments and groups; the rest are teams.
const BUSINESSES_PER_MILLE: u64 = 1;
const DEPARTMENTS_PER_MILLE: u64 = 10;
const GROUPS_PER_MILLE: u64 = 100;
/// Of a hundred entities, so many are units and people; the rest are projects.
const UNITS_PER_CENT: u64 = 1;
const PEOPLE_PER_CENT: u64 = 45;
/// One project in so many belongs to a second team.
const MATRIX_ONE_IN: u64 = 20;
/// One project in so many runs a service.
const SERVICE_ONE_IN: u64 = 4;
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
const PLATFORMS: [&str; 4] = ["github.com", "github.com", "gitlab.com", "git.corp.example"];

/// How large an organisation, and which one.
#[derive(Debug, Clone, Copy)]
pub struct DemoData {
    /// Units, people and projects together.
    pub entities: u64,
    /// Another seed gives another organisation.
    pub seed: u64,
}

/// How many units of each level there are; each level's come after those above it.
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
        let share = |per_mille: u64| (units * per_mille / 1000).max(1);
        let (businesses, departments, groups) = (
            share(BUSINESSES_PER_MILLE).max(2),
            share(DEPARTMENTS_PER_MILLE).max(2),
            share(GROUPS_PER_MILLE).max(2),
        );
        let people = self.entities * PEOPLE_PER_CENT / 100;
        let teams = units.saturating_sub(1 + businesses + departments + groups).max(2);
        let placed = 1 + businesses + departments + groups + teams + people;
        LevelSizes {
            businesses,
            departments,
            groups,
            teams,
            people,
            projects: self.entities.saturating_sub(placed),
        }
    }

    /// Writes one record a line: units, then people, then projects, then the mappings between them.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(self, out: &mut impl Write) -> io::Result<()> {
        let shape = self.shape();
        let mut dice = Dice(self.seed);
        units(out, &shape, &mut dice)?;
        for person in 0..shape.people {
            let (first, last) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
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
            let team = team_key(dice.below(shape.teams));
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
                // One each first, so that no unit above a team is empty.
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
    let owner = email(dice.below(shape.people.max(1)));
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
        let second = (team + 1 + dice.below(shape.teams - 1)) % shape.teams;
        mapping(out, "project-org", &key, &team_key(second))?;
    }
    let members = dice.below(MEMBERS_MAX + 1).min(shape.people);
    let first = dice.below(shape.people.max(1));
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

/// `SplitMix64`: the same numbers everywhere, for ever, which no crate's default generator promises.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to `limit - 1`.
    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    /// From 0 to `limit - 1`, the small ones more often: of four, the first comes up half of the time.
    fn skewed_below(&mut self, limit: u64) -> u64 {
        let even = u128::from(self.below(1 << 32));
        let squared = (even * even * u128::from(limit)) >> 64;
        u64::try_from(squared).unwrap_or(0)
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let at = self.below(words.len() as u64);
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
    fn has_as_many_entities_as_asked_for_and_is_the_same_each_time() {
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
