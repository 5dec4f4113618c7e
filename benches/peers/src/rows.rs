//! The organization as rows of the peers' tables.

use crate::organisation::{Organisation, Project, numbered};
use crate::questions::is_selected;

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'o> {
    Number(u32),
    Text(&'o str),
}

/// A table with its columns and its rows, in the order of its primary key.
pub(crate) struct Table<'o> {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static str,
    pub(crate) rows: Box<dyn Iterator<Item = Vec<Cell<'o>>> + 'o>,
}

/// Every table that records are loaded into.
pub(crate) fn tables(organisation: &Organisation) -> Vec<Table<'_>> {
    use Cell::{Number, Text};
    let units = numbered(&organisation.units)
        .map(|(number, unit)| vec![Number(number), Text(&unit.key), Text(&unit.name), Text(&unit.level)]);
    let people = numbered(&organisation.people).map(|(number, person)| {
        vec![
            Number(number),
            Text(&person.email),
            Text(&person.first_name),
            Text(&person.last_name),
            Text(&person.display_name),
            Text(&person.external_id),
        ]
    });
    let projects = numbered(&organisation.projects).map(|(number, project)| {
        vec![
            Number(number),
            Text(&project.id),
            Text(&project.name),
            Text(&project.owner.email),
            Text(&project.external_id),
        ]
    });
    let repositories = of_projects(organisation, |project| &project.assets.repositories);
    let repositories = repositories.map(|(number, project, repository)| {
        vec![
            Number(number),
            Number(project),
            Text(&repository.name),
            Text(&repository.platform),
            Text(&repository.url),
        ]
    });
    let services = of_projects(organisation, |project| &project.assets.services);
    let services = services.map(|(number, project, service)| {
        vec![Number(number), Number(project), Text(&service.name), Text(&service.identifier)]
    });
    let selection =
        numbered(&organisation.projects).map(|(number, _)| number).filter(|number| is_selected(*number));
    vec![
        table("unit", "id, key, name, type", units),
        table("person", "id, email, first_name, last_name, display_name, external_id", people),
        table("project", "id, project_id, name, owner, external_id", projects),
        table("repository", "id, project, name, platform, url", repositories),
        table("service", "id, project, name, identifier", services),
        table("unit_parent", "parent, child", pairs(&organisation.unit_parents)),
        table("project_unit", "unit, project", pairs(&organisation.project_units)),
        table("person_unit", "unit, person", pairs(&organisation.person_units)),
        table("membership", "project, person", pairs(&organisation.memberships)),
        table("selection", "project", selection.map(|number| vec![Number(number)])),
    ]
}

fn table<'o>(
    name: &'static str,
    columns: &'static str,
    rows: impl Iterator<Item = Vec<Cell<'o>>> + 'o,
) -> Table<'o> {
    Table { name, columns, rows: Box::new(rows) }
}

fn pairs(pairs: &[(u32, u32)]) -> impl Iterator<Item = Vec<Cell<'_>>> {
    pairs.iter().map(|(left, right)| vec![Cell::Number(*left), Cell::Number(*right)])
}

/// The assets of all projects, each with its own number and its project's.
fn of_projects<'o, T: 'o>(
    organisation: &'o Organisation,
    assets: impl Fn(&'o Project) -> &'o Vec<T> + 'o,
) -> impl Iterator<Item = (u32, u32, &'o T)> {
    let all = numbered(&organisation.projects)
        .flat_map(move |(project, record)| assets(record).iter().map(move |asset| (project, asset)));
    (0_u32..).zip(all).map(|(number, (project, asset))| (number, project, asset))
}
