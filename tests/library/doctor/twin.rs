//! Reference model of the findings: compares every pair of records, which is quadratic but simple.

use super::organisation::{Org, Person};

/// A code, and the keys of its records in order.
pub(crate) type Told = (&'static str, Vec<String>);

const LEVELS: [&str; 5] = ["organization", "business", "department", "group", "team"];

fn level(of_type: &str) -> Option<usize> {
    LEVELS.iter().position(|level| *level == of_type)
}

pub(crate) fn findings(org: &Org) -> Vec<Told> {
    let mut told = Vec::new();
    units(org, &mut told);
    people(org, &mut told);
    projects(org, &mut told);
    told.sort();
    told
}

fn units(org: &Org, told: &mut Vec<Told>) {
    let key = |at: usize| org.units[at].key.clone();
    let all = 0..org.units.len();
    let same = |one: usize, other: usize| {
        let (one, other) = (&org.units[one], &org.units[other]);
        level(one.of_type).is_some()
            && one.of_type == other.of_type
            && one.name.to_lowercase() == other.name.to_lowercase()
    };
    for group in groups(all.len(), same) {
        told.push(("same-name-in-level", group.into_iter().map(key).collect()));
    }
    for (at, unit) in org.units.iter().enumerate() {
        let is_parent = org.units.iter().any(|other| other.parents.contains(&at));
        let is_home = org.people.iter().map(|it| &it.homes).chain(org.projects.iter().map(|it| &it.homes));
        if !is_parent && !is_home.into_iter().any(|homes| homes.contains(&at)) {
            told.push(("empty-team", vec![key(at)]));
        }
        let skipping = unit.parents.iter().filter(|parent| {
            let (above, here) = (level(org.units[**parent].of_type), level(unit.of_type));
            above.zip(here).is_some_and(|(above, here)| here > above + 1)
        });
        let skipping: Vec<_> = skipping.map(|parent| key(*parent)).collect();
        if !skipping.is_empty() {
            told.push(("level-skip", [vec![key(at)], skipping].concat()));
        }
    }
}

fn people(org: &Org, told: &mut Vec<Told>) {
    let key = |at: usize| org.people[at].email.to_lowercase();
    for (at, person) in org.people.iter().enumerate() {
        if person.homes.is_empty() {
            told.push(("unplaced-person", vec![key(at)]));
        }
    }
    let same = |one: usize, other: usize| are_one(&org.people[one], &org.people[other]);
    for group in groups(org.people.len(), same) {
        told.push(("person-spelled-twice", group.into_iter().map(key).collect()));
    }
}

fn are_one(one: &Person, other: &Person) -> bool {
    let split = |person: &Person| {
        let email = person.email.to_lowercase();
        let (local, domain) = email.split_once('@').unwrap();
        let before_plus = local.split('+').next().unwrap();
        let local = if before_plus.is_empty() { local } else { before_plus };
        let bare: String = local.chars().filter(|letter| !"._-".contains(*letter)).collect();
        let bare = if bare.is_empty() { local.to_owned() } else { bare };
        (format!("{local}@{domain}"), format!("{bare}@{domain}"))
    };
    let names = |person: &Person| {
        let [first, last] = person.names;
        first.zip(last).map(|(first, last)| (first.to_lowercase(), last.to_lowercase()))
    };
    let ((mailbox, bare), (other_mailbox, other_bare)) = (split(one), split(other));
    let has_same_id = one.external_id.is_some() && one.external_id == other.external_id;
    let has_same_names = names(one).is_some() && names(one) == names(other);
    mailbox == other_mailbox || (bare == other_bare && (has_same_id || has_same_names))
}

fn projects(org: &Org, told: &mut Vec<Told>) {
    for project in &org.projects {
        if project.homes.is_empty() {
            told.push(("unplaced-project", vec![project.id.clone()]));
        }
        let is_owner = |person: &Person, email: &str| person.email.to_lowercase() == email.to_lowercase();
        if project.owner.is_some_and(|email| !org.people.iter().any(|person| is_owner(person, email))) {
            told.push(("unknown-owner", vec![project.id.clone()]));
        }
    }
    let urls = org.projects.iter().flat_map(|project| project.urls.iter().map(|(_, url)| url));
    let mut seen = Vec::new();
    for url in urls {
        if seen.contains(&url) {
            continue;
        }
        seen.push(url);
        let claims = org.projects.iter().filter(|project| project.urls.iter().any(|(_, own)| own == url));
        let claims: Vec<_> = claims.map(|project| project.id.clone()).collect();
        if claims.len() > 1 {
            told.push(("repository-claimed-twice", claims));
        }
    }
}

/// The connected components of pairs of equal records, if larger than one.
fn groups(count: usize, same: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..count).collect();
    for one in 0..count {
        for other in 0..one {
            if same(one, other) {
                let (from, to) = (group[one].max(group[other]), group[one].min(group[other]));
                group.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
            }
        }
    }
    let all = (0..count).map(|of| (0..count).filter(|at| group[*at] == of).collect::<Vec<_>>());
    all.filter(|group| group.len() > 1).collect()
}
