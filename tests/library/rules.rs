//! The seven rules of the model, each by small cases: no cycles, each entity counts once, level paths, derived level
//! fields, references to units, ends of mappings, deletion and history.

mod changes;
mod hierarchy;
mod levels;
mod references;

use clade::model::command::LinkUnits;
use clade::model::{Email, EntityId};
use clade::{Directory, View};

/// An organization of units, from lines such as `Corp > Retail, Web`: a parent and its children.
fn org(lines: &[&str]) -> Directory {
    let directory = Directory::in_memory().unwrap();
    for line in lines {
        let (parent, children) = line.split_once(" > ").unwrap();
        for child in children.split(", ") {
            directory.apply(LinkUnits::new(parent, child)).unwrap();
        }
    }
    directory
}

fn person(view: &View, email: &str) -> EntityId {
    view.person_by_email(&Email::parse(email).unwrap()).unwrap()
}

fn keys(view: &View, ids: Vec<EntityId>) -> Vec<String> {
    ids.into_iter().map(|id| view.label(id)).collect()
}
