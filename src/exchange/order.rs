//! Dependency order of bulk commands (topological sort): records come before the records that refer to them.
//!
//! Invariant: a file may list records in any order, and refusals still name the original lines.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use crate::error::Error;
use crate::exchange::end::contradicting;
use crate::model::command::{Command, Patch, UnitFields};
use crate::model::key::{Name, UnitKey};
use crate::model::reference::UnitRef;

/// A value for each of several lines.
type PerLine<L, T> = Vec<(L, T)>;

/// Sorts commands, each with its line, into an order in which they can succeed: mappings that end, units and links between
/// units, parents first, then people, projects, the other mappings, and records that end. Otherwise the original order
/// is kept.
///
/// # Errors
/// The lines of units that form a cycle of parents by their keys; those that end a record which another line writes.
pub fn in_order<L: Copy>(
    mut commands: PerLine<L, Command>,
) -> Result<PerLine<L, Command>, PerLine<L, Error>> {
    let contradicting = contradicting(&commands);
    if !contradicting.is_empty() {
        return Err(contradicting);
    }
    // `sort_by_key` is stable, which keeps the original order within a stage.
    commands.sort_by_key(|(_, command)| stage(command));
    let begin = commands.partition_point(|(_, command)| stage(command) < Stage::Hierarchy);
    let end = commands.partition_point(|(_, command)| stage(command) <= Stage::Hierarchy);
    let hierarchy = &commands[begin..end];
    let above: Vec<&Command> = hierarchy.iter().map(|(_, command)| command).collect();
    let creators = Creators::of(&above);
    let (order, is_stuck) = parents_first(&above, &creators);
    if is_stuck && let Some(mut cycle) = cycle(&above, &creators) {
        // The path begins with the unit that is first in the file, so that the message does not depend on where the
        // search happened to find the cycle.
        let first = cycle.iter().enumerate().min_by_key(|(_, index)| **index).map_or(0, |(at, _)| at);
        cycle.rotate_left(first);
        let mut path: Vec<String> =
            cycle.iter().filter_map(|index| key_of(above[*index])).map(str::to_owned).collect();
        path.extend(path.first().cloned());
        cycle.sort_unstable();
        let refused = |index: usize| (hierarchy[index].0, Error::WouldCycle { path: path.clone() });
        return Err(cycle.into_iter().map(refused).collect());
    }
    // Only the commands of the hierarchy are cloned and replaced. They are few compared with people, projects and
    // mappings, which stay where they are.
    let ordered: Vec<_> = order.into_iter().map(|index| hierarchy[index].clone()).collect();
    commands.splice(begin..end, ordered);
    Ok(commands)
}

/// The groups of commands, in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    // First: a link that ends could otherwise close a cycle with a new one.
    EndMappings,
    // Links may create units, so they are sorted together with them.
    Hierarchy,
    People,
    Projects,
    Mappings,
    EndRecords,
    // Last: by then, other lines may have emptied them.
    EndUnits,
}

/// The group of a command.
pub(crate) fn stage(command: &Command) -> Stage {
    match command {
        Command::EndMapping(_) | Command::DeleteMapping(_) => Stage::EndMappings,
        Command::CreateUnit(_) | Command::LinkUnits(_) => Stage::Hierarchy,
        Command::CreatePerson(_) => Stage::People,
        Command::CreateProject(_) => Stage::Projects,
        Command::DeletePerson(_) | Command::DeleteProject(_) => Stage::EndRecords,
        Command::DeleteUnit(_) => Stage::EndUnits,
        _ => Stage::Mappings,
    }
}

fn unit_of(command: &Command) -> Option<&UnitFields> {
    if let Command::CreateUnit(create) = command { Some(&create.fields) } else { None }
}

/// The key of the unit that a command creates: as given, otherwise its name.
fn key_of(command: &Command) -> Option<&str> {
    let unit = unit_of(command)?;
    unit.key.as_ref().map(UnitKey::as_str).or(unit.name.as_ref().map(Name::as_str))
}

/// The indices of the commands that create units, by everything that a reference to a unit may contain.
#[derive(Default)]
struct Creators<'c> {
    keys: HashMap<&'c str, usize>,
    // External ids and names need not be unique; a reference then depends on all units that it may mean.
    external_ids: HashMap<&'c str, Vec<usize>>,
    names: HashMap<&'c str, Vec<usize>>,
    /// Links by the last name of their child: a link creates its child if nothing else does.
    links: HashMap<&'c str, Vec<usize>>,
}

impl<'c> Creators<'c> {
    fn of(commands: &[&'c Command]) -> Self {
        let mut creators = Self::default();
        for (index, command) in commands.iter().enumerate() {
            if let Some(key) = key_of(command) {
                // The first line of a key creates the unit; further ones change it (upsert).
                creators.keys.entry(key).or_insert(index);
            }
            if let Some(unit) = unit_of(command) {
                if let Patch::Set(id) = &unit.external_id {
                    creators.external_ids.entry(id.as_str()).or_default().push(index);
                }
                if let Some(name) = &unit.name {
                    creators.names.entry(name.as_str()).or_default().push(index);
                }
            }
            if let Command::LinkUnits(link) = command
                && let Some(name) = last_name(&link.child.reference)
            {
                creators.links.entry(name).or_default().push(index);
            }
        }
        creators
    }

    /// The command that creates the unit whose key equals the reference.
    fn of_key(&self, reference: &UnitRef) -> Option<usize> {
        let key = match reference {
            UnitRef::Text(text) => text.as_str(),
            UnitRef::Key(key) => key.as_str(),
            UnitRef::Path(_) | UnitRef::ExternalId(_) | UnitRef::Id(_) => return None,
        };
        self.keys.get(key).copied()
    }

    /// The commands that create units which a reference may mean.
    // In the order in which the directory resolves references: key, external id, path, name. A different order here
    // would make a unit wait for the wrong one.
    fn of_unit(&self, reference: &UnitRef) -> Vec<usize> {
        if let Some(index) = self.of_key(reference) {
            return vec![index];
        }
        // A unit with a key and no name takes its key as name, so keys are names as well.
        let named = |name: &str| self.names.get(name).cloned().or_else(|| Some(vec![*self.keys.get(name)?]));
        let found = match reference {
            UnitRef::ExternalId(id) => self.external_ids.get(id.as_str()).cloned(),
            UnitRef::Text(text) => {
                let external = self.external_ids.get(text.as_str()).cloned();
                // The whole text before its last part, since a name may contain a slash itself.
                external.or_else(|| named(text)).or_else(|| named(last_name(reference)?))
            }
            UnitRef::Path(_) => last_name(reference).and_then(named),
            UnitRef::Key(_) | UnitRef::Id(_) => None,
        };
        found.unwrap_or_default()
    }

    /// The commands that must be applied before a command.
    fn needed_by(&self, command: &Command) -> Vec<usize> {
        match command {
            Command::CreateUnit(create) => {
                let parents = create.fields.parents.as_deref().unwrap_or_default();
                parents.iter().flat_map(|parent| self.creators_or_links(parent)).collect()
            }
            Command::LinkUnits(link) => {
                let mut needed = self.creators_or_links(&link.parent.reference);
                needed.extend(self.of_unit(&link.child.reference));
                needed
            }
            _ => Vec::new(),
        }
    }

    fn creators_or_links(&self, reference: &UnitRef) -> Vec<usize> {
        let creators = self.of_unit(reference);
        if !creators.is_empty() {
            return creators;
        }
        let text = if let UnitRef::Text(text) = reference { self.links.get(text.as_str()) } else { None };
        text.or_else(|| self.links.get(last_name(reference)?)).cloned().unwrap_or_default()
    }
}

/// The last name of a reference that may be a path.
fn last_name(reference: &UnitRef) -> Option<&str> {
    match reference {
        UnitRef::Text(text) => text.rsplit('/').next().map(str::trim),
        UnitRef::Path(names) => names.last().map(String::as_str),
        UnitRef::Key(_) | UnitRef::ExternalId(_) | UnitRef::Id(_) => None,
    }
}

/// The indices of all commands, each after those that it needs, otherwise in the original order; and whether some had
/// to come before a command that they need (a cycle, at least by names).
// Kahn's algorithm with a heap, not a queue: it yields the smallest free index, which keeps the original order.
fn parents_first(commands: &[&Command], creators: &Creators) -> (Vec<usize>, bool) {
    // The number of unmet dependencies of each command.
    let mut open = vec![0_usize; commands.len()];
    let mut dependents = vec![Vec::new(); commands.len()];
    for (index, command) in commands.iter().enumerate() {
        // A set, because two references may lead to the same command, which must be counted once. A command that seems
        // to need itself has no order to wait for; the directory decides what its reference means.
        let needed: BTreeSet<usize> =
            creators.needed_by(command).into_iter().filter(|it| *it != index).collect();
        open[index] = needed.len();
        for it in needed {
            dependents[it].push(index);
        }
    }
    let mut free: BinaryHeap<Reverse<usize>> =
        open.iter().enumerate().filter(|(_, open)| **open == 0).map(|(index, _)| Reverse(index)).collect();
    let mut left: BTreeSet<usize> = (0..commands.len()).collect();
    let mut order = Vec::with_capacity(commands.len());
    let mut is_stuck = false;
    while let Some(first_left) = left.first().copied() {
        // Nothing is free in a cycle. The first command that is left then goes anyway, so that the directory, which
        // knows what references really mean, can accept or refuse it.
        let index = free.pop().map_or(first_left, |Reverse(index)| index);
        // A command that was taken out of order becomes free again when the commands that it needed are done.
        if !left.remove(&index) {
            continue;
        }
        is_stuck |= open[index] > 0;
        order.push(index);
        for dependent in &dependents[index] {
            open[*dependent] = open[*dependent].saturating_sub(1);
            if open[*dependent] == 0 {
                free.push(Reverse(*dependent));
            }
        }
    }
    (order, is_stuck)
}

/// The indices of units that form a cycle, each the parent of the next, and the last of the first.
// By keys alone: a key means the same unit whatever the store contains, while a name may refer to a unit of the store,
// so a cycle of names need not be one.
fn cycle(commands: &[&Command], creators: &Creators) -> Option<Vec<usize>> {
    let parents = |index: usize| {
        let parents = unit_of(commands[index]).and_then(|unit| unit.parents.as_deref()).unwrap_or_default();
        parents.iter().filter_map(|parent| creators.of_key(parent)).filter(move |parent| *parent != index)
    };
    // Depth-first search with an explicit stack, since chains of parents in a file may be long. Finished units are
    // not searched again, which keeps it linear.
    let mut is_done = vec![false; commands.len()];
    for begin in 0..commands.len() {
        let mut path = vec![(begin, parents(begin).collect::<Vec<_>>())];
        while let Some((index, next)) = path.last_mut() {
            let Some(parent) = next.pop() else {
                is_done[*index] = true;
                path.pop();
                continue;
            };
            if let Some(at) = path.iter().position(|(index, _)| *index == parent) {
                return Some(path[at..].iter().rev().map(|(index, _)| *index).collect());
            }
            if !is_done[parent] {
                path.push((parent, parents(parent).collect()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ndjson::command_of_line;
    use crate::model::command::IfExists;

    fn read(lines: &[&str]) -> Vec<(usize, Command)> {
        let read = |line: &&str| command_of_line(line.as_bytes(), IfExists::Refuse).unwrap();
        lines.iter().map(read).enumerate().collect()
    }

    fn ordered(lines: &[&str]) -> Vec<usize> {
        in_order(read(lines)).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn referenced_records_come_first() {
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
    fn references_by_key_win_over_names_and_paths() {
        let lines = [
            r#"{"kind":"orgUnit","key":"a","name":"A","parents":["gh:x", "Corp/Web", "Corp"]}"#,
            r#"{"kind":"orgUnit","key":"w","name":"Web","parent":"Corp"}"#,
            r#"{"kind":"orgUnit","key":"x","name":"X","externalId":"gh:x"}"#,
            r#"{"kind":"orgUnit","key":"other","name":"Corp","parent":"a"}"#,
            r#"{"kind":"orgUnit","key":"Corp","name":"Corporation"}"#,
        ];
        assert_eq!(ordered(&lines), [2, 4, 1, 0, 3]);
    }

    #[test]
    fn links_are_sorted_top_down_before_placements() {
        let lines = [
            r#"{"kind":"person","email":"a@b","organization":"Corp","team":"Shop"}"#,
            r#"{"kind":"mapping","parent":"Web","child":"Shop"}"#,
            r#"{"kind":"mapping","parent":"Corp","child":"Web"}"#,
            r#"{"kind":"orgUnit","name":"Corp"}"#,
        ];
        assert_eq!(ordered(&lines), [3, 2, 1, 0]);
    }

    #[test]
    fn a_repeated_line_waits_for_its_own_parents() {
        let lines = [
            r#"{"kind":"orgUnit","name":"A"}"#,
            r#"{"kind":"orgUnit","name":"A","parent":"B"}"#,
            r#"{"kind":"orgUnit","name":"B","parent":"A"}"#,
        ];
        assert_eq!(ordered(&lines), [0, 2, 1]);
    }

    #[test]
    fn a_cycle_of_keys_is_refused_with_its_path() {
        let lines = [
            r#"{"kind":"orgUnit","name":"D","parent":"C"}"#,
            r#"{"kind":"orgUnit","name":"A","parent":"C"}"#,
            r#"{"kind":"orgUnit","name":"B","parent":"A"}"#,
            r#"{"kind":"orgUnit","name":"C","parents":["Root","B"]}"#,
        ];
        let refused = in_order(read(&lines)).unwrap_err();
        assert_eq!(refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3]);
        let Error::WouldCycle { path } = &refused[0].1 else { panic!("{refused:?}") };
        assert_eq!(*path, ["A", "B", "C", "A"]);
    }

    #[test]
    fn a_cycle_of_names_is_left_to_the_directory() {
        let lines = [
            r#"{"kind":"orgUnit","key":"a","name":"A","parent":"B"}"#,
            r#"{"kind":"orgUnit","key":"b","name":"B","parent":"A"}"#,
            r#"{"kind":"orgUnit","name":"C","parent":"C"}"#,
        ];
        assert_eq!(ordered(&lines), [2, 0, 1]);
    }
}
