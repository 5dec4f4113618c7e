//! The order in which commands that come together are carried out: what is named before what names it.
//!
//! A file may say things in any order. Its refusals still name the lines where they stand.

use std::collections::HashMap;

use crate::model::command::{Command, UnitFields};
use crate::model::key::{Name, UnitKey};
use crate::model::reference::UnitRef;

/// Puts commands, each with its line, in the order in which they can succeed: units, each after its parents, then
/// people, projects, and what maps them. Where nothing decides, as they came.
#[must_use]
pub fn in_order<L: Copy>(mut commands: Vec<(L, Command)>) -> Vec<(L, Command)> {
    commands.sort_by_key(|(_, command)| rank(command));
    let places = parents_first(&commands);
    let mut taken: Vec<_> = commands.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| taken.get_mut(place).and_then(Option::take)).collect()
}

pub(super) fn rank(command: &Command) -> usize {
    match command {
        Command::CreateUnit(_) => 0,
        Command::CreatePerson(_) => 1,
        Command::CreateProject(_) => 2,
        _ => 3,
    }
}

fn unit_of(command: &Command) -> Option<&UnitFields> {
    if let Command::CreateUnit(create) = command { Some(&create.fields) } else { None }
}

/// The places of all commands; of units, parents before children. A unit among its own ancestors keeps its place,
/// for the directory to refuse.
fn parents_first<L>(commands: &[(L, Command)]) -> Vec<usize> {
    let mut called: HashMap<&str, usize> = HashMap::new();
    for (place, (_, command)) in commands.iter().enumerate() {
        let Some(unit) = unit_of(command) else { continue };
        for name in [unit.name.as_ref().map(Name::as_str), unit.key.as_ref().map(UnitKey::as_str)] {
            name.and_then(|name| called.insert(name, place));
        }
    }
    let mut is_seen = vec![false; commands.len()];
    let mut places = Vec::with_capacity(commands.len());
    for begin in 0..commands.len() {
        // Each step is a place, and whether its parents have been looked at.
        let mut steps = vec![(begin, false)];
        while let Some((place, is_ready)) = steps.pop() {
            if is_ready {
                places.push(place);
            } else if !std::mem::replace(&mut is_seen[place], true) {
                steps.push((place, true));
                let parents = unit_of(&commands[place].1).and_then(|unit| unit.parents.as_deref());
                let named = parents.unwrap_or_default().iter().rev().filter_map(last_name);
                steps.extend(named.filter_map(|name| called.get(name)).map(|parent| (*parent, false)));
            }
        }
    }
    places
}

/// What a reference to a unit of the same file may be its key or name.
fn last_name(reference: &UnitRef) -> Option<&str> {
    match reference {
        UnitRef::Text(text) => Some(text.as_str()),
        UnitRef::Path(names) => names.last().map(String::as_str),
        UnitRef::Key(key) => Some(key.as_str()),
        UnitRef::ExternalId(_) | UnitRef::Id(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::IfExists;
    use crate::server::rest::lines::command_of_line;

    fn ordered(lines: &[&str]) -> Vec<usize> {
        let read = |line: &&str| command_of_line(line.as_bytes(), IfExists::Refuse).unwrap();
        in_order(lines.iter().map(read).enumerate().collect()).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn what_is_named_comes_first() {
        let lines = [
            r#"{"kind":"mapping","attribute1":"p","attribute2":"a@b"}"#,
            r#"{"kind":"project","projectId":"p","projectName":"P"}"#,
            r#"{"kind":"person","email":"a@b"}"#,
            r#"{"kind":"orgUnit","name":"Team","parents":["Web", ["Corp", "Ops"]]}"#,
            r#"{"kind":"orgUnit","name":"Web","parent":"Corp"}"#,
            r#"{"kind":"orgUnit","name":"Corp"}"#,
            r#"{"kind":"orgUnit","name":"Ops","parent":"Corp"}"#,
        ];
        assert_eq!(ordered(&lines), [5, 4, 6, 3, 2, 1, 0]);
    }

    #[test]
    fn a_unit_among_its_own_ancestors_is_left_to_the_directory() {
        let lines = [
            r#"{"kind":"orgUnit","name":"A","parent":"B"}"#,
            r#"{"kind":"orgUnit","name":"B","parent":"A"}"#,
            r#"{"kind":"orgUnit","name":"C","parent":"C"}"#,
        ];
        assert_eq!(ordered(&lines), [1, 0, 2]);
    }
}
