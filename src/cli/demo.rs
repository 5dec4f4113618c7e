//! The sample organization of `serve --demo`: Aurora, a fictitious maker of bicycles and lamps.
//!
//! A few hundred records with all five levels, teams with two parents, custom unit types, repositories, services, and
//! names in several scripts.

use std::fmt::Write;

use serde_json::json;

use crate::cli::Result;
use crate::exchange::commands_of_lines;
use crate::model::command::Command;

/// Units: key, type, and keys of the parents.
// Keys with `&`, `/` and non-ASCII letters are deliberate: they show what paths, URLs and shells have to escape.
const UNITS: &[(&str, &str, &[&str])] = &[
    ("Aurora", "organization", &[]),
    ("Bikes", "business", &["Aurora"]),
    ("Lamps", "business", &["Aurora"]),
    ("Shared Services", "business", &["Aurora"]),
    ("Drive Train", "department", &["Bikes"]),
    ("Frames", "department", &["Bikes"]),
    ("R&D", "department", &["Bikes", "Lamps"]),
    ("Optics", "department", &["Lamps"]),
    ("Production 東京", "department", &["Lamps"]),
    ("Platform", "department", &["Shared Services"]),
    ("Security & Trust", "department", &["Shared Services"]),
    ("Gears", "group", &["Drive Train"]),
    ("Motors", "group", &["Drive Train"]),
    ("Materials", "group", &["Frames"]),
    ("Lenses", "group", &["Optics"]),
    ("Cloud", "group", &["Platform"]),
    ("Data", "group", &["Platform"]),
    ("Gearbox", "team", &["Gears"]),
    ("Derailleur", "team", &["Gears"]),
    ("E-Motor", "team", &["Motors"]),
    ("Firmware", "team", &["Motors", "R&D"]),
    ("Carbon", "team", &["Materials"]),
    ("Steel", "team", &["Materials"]),
    ("Glas & Licht", "team", &["Lenses"]),
    ("Prisma", "team", &["Lenses", "R&D"]),
    ("組立", "team", &["Production 東京"]),
    ("Qualité", "team", &["Production 東京"]),
    ("Kubernetes/Runtime", "team", &["Cloud"]),
    ("Kubernetes/Storage", "team", &["Cloud"]),
    ("Warehouse", "team", &["Data"]),
    ("Insights", "team", &["Data", "R&D"]),
    ("Identity", "team", &["Security & Trust"]),
    ("Checkout", "team", &["Bikes", "Lamps"]),
    ("Night Riders", "tribe", &["Aurora"]),
    ("Commuters", "squad", &["Night Riders"]),
    ("Randonneurs", "squad", &["Night Riders"]),
];

/// Projects: id, name, the unit it is placed in, and a second unit if it has one.
const PROJECTS: &[(&str, &str, &str, Option<&str>)] = &[
    ("gearbox", "Gearbox", "Gearbox", None),
    ("shift-map", "Shift Map", "Gearbox", Some("Derailleur")),
    ("derailleur-sim", "Derailleur Simulator", "Derailleur", None),
    ("e-motor", "E-Motor Control", "E-Motor", Some("Firmware")),
    ("bootloader", "Bootloader", "Firmware", None),
    ("ride-modes", "Ride Modes", "Firmware", Some("Commuters")),
    ("layup", "Carbon Layup Planner", "Carbon", None),
    ("steel-quotes", "Steel Quotes", "Steel", None),
    ("lens-design", "Linsenrechner", "Glas & Licht", None),
    ("prisma", "Prisma", "Prisma", None),
    ("beam-shaper", "Beam Shaper", "Prisma", Some("Glas & Licht")),
    ("assembly-line", "組立ライン", "組立", None),
    ("controle-qualite", "Contrôle qualité", "Qualité", Some("組立")),
    ("runtime", "Container Runtime", "Kubernetes/Runtime", None),
    ("volumes", "Volumes", "Kubernetes/Storage", Some("Kubernetes/Runtime")),
    ("warehouse", "Data Warehouse", "Warehouse", None),
    ("insights", "Insights", "Insights", Some("Warehouse")),
    ("lamp-telemetry", "Lamp Telemetry", "Insights", None),
    ("login", "Login", "Identity", None),
    ("audit", "Audit Trail", "Identity", None),
    ("checkout", "Checkout", "Checkout", None),
    ("price-list", "Price List", "Checkout", None),
    ("night-map", "Night Map", "Commuters", Some("Randonneurs")),
    ("brevet", "Brevet Cards", "Randonneurs", None),
];

const NAMES: &[(&str, &str)] = &[
    ("Ada", "Lindqvist"),
    ("Bilal", "Haddad"),
    ("Chiara", "Ferri"),
    ("Dmitri", "Orlov"),
    ("Élodie", "Marchand"),
    ("Finn", "O’Brien"),
    ("Grace", "Okonkwo"),
    ("花子", "山田"),
    ("Ines", "Pereira"),
    ("Jörg", "Müller"),
    ("Kaveh", "رضایی"),
    ("Łucja", "Wójcik"),
    ("Mei", "陈"),
    ("Noor", "van Dijk"),
    ("Olga", "Новикова"),
    ("Priya", "शर्मा"),
    ("Quentin", "Dubois"),
    ("Ravi", "Iyer"),
    ("Søren", "Kjær"),
    ("Tamar", "კაპანაძე"),
    ("Uma", "Nair"),
    ("Víctor", "Ibáñez"),
    ("Wanjiru", "Kamau"),
    ("Ximena", "Rojas"),
    ("Yuki", "佐藤"),
    ("Zofia", "Nowak"),
    ("Αλέξης", "Παππάς"),
    ("דנה", "לוי"),
    ("Emre", "Yılmaz"),
    ("Hoa", "Nguyễn"),
];
const PEOPLE: usize = 120;

/// The commands that create the sample, read by the same code as every import.
pub(super) fn commands() -> Result<Vec<Command>> {
    Ok(commands_of_lines(lines().as_bytes())?)
}

fn lines() -> String {
    let mut lines = String::new();
    let mut line =
        |record: serde_json::Value| writeln!(lines, "{record}").expect("a string takes every line");
    for (key, unit_type, parents) in UNITS {
        line(json!({ "kind": "orgUnit", "key": key, "name": key, "type": unit_type, "parents": parents }));
    }
    let teams = teams();
    // No random numbers: the sample must be the same on every machine, since documentation and tests quote it.
    for number in 0..PEOPLE {
        let (first, last) = NAMES[number % NAMES.len()];
        line(json!({
            "kind": "person", "email": email(number), "firstName": first, "lastName": last,
            "displayName": format!("{first} {last}"), "externalId": format!("hr-{number:03}"),
            "site": (["Malmö", "Torino", "東京", "Nairobi"][number % 4]),
        }));
        line(placed("people-org", &email(number), teams[number % teams.len()]));
        if number % 10 == 3 {
            line(placed("people-org", &email(number), ["Commuters", "Randonneurs"][number / 10 % 2]));
        }
    }
    for (number, (id, name, team, second)) in PROJECTS.iter().enumerate() {
        let platform = ["github.com", "gitlab.com", "github.com"][number % 3];
        let mut repositories = vec![json!({ "url": format!("https://{platform}/aurora/{id}.git") })];
        if number % 4 == 0 {
            repositories.push(json!({ "url": format!("https://{platform}/aurora/{id}-docs.git") }));
        }
        let services = if number % 2 == 0 {
            json!([{
                "name": format!("{id} api"), "identifier": format!("{id}-api"),
                "dependencies": { "needs": ["login-api"] },
            }])
        } else {
            json!([])
        };
        // Factors that share no divisor with the 120 people (7, 11) spread owners and members over all of them.
        let owner = number * 7 % PEOPLE;
        let (first, last) = NAMES[owner % NAMES.len()];
        line(json!({
            "kind": "project", "projectId": id, "projectName": name, "externalId": format!("pm-{number:02}"),
            "projectOwner": { "firstName": first, "lastName": last, "email": email(owner) },
            "assets": { "repositories": repositories, "services": services },
        }));
        for unit in std::iter::once(team).chain(second) {
            line(placed("project-org", id, unit));
        }
        for member in 0..3 + number % 5 {
            let person = email((number * 5 + member * 11) % PEOPLE);
            line(json!({
                "kind": "mapping", "mappingType": "project-people", "attribute1": id, "attribute2": person,
            }));
        }
    }
    lines
}

/// The keys of the units of type `team`: every person is placed in one of them, some in a squad as well.
fn teams() -> Vec<&'static str> {
    UNITS.iter().filter(|(_, unit_type, _)| *unit_type == "team").map(|(key, ..)| *key).collect()
}

fn email(number: usize) -> String {
    format!("rider{number:03}@aurora.example")
}

fn placed(mapping_type: &str, record: &str, unit: &str) -> serde_json::Value {
    json!({ "kind": "mapping", "mappingType": mapping_type, "attribute1": record, "attribute2": unit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;

    #[test]
    fn the_sample_imports_without_refusals() {
        let directory = Directory::in_memory().unwrap();
        directory.apply(commands().unwrap()).unwrap();
        let totals = directory.view().org_unit("Aurora").unwrap().totals();
        assert_eq!((totals.units, totals.people, totals.projects), (35, 120, 24));
    }
}
