//! The order in which commands that come together are carried out: what is named before what names it.
//!
//! A file may say things in any order. Its refusals still name the lines where they stand.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use crate::error::Error;
use crate::model::command::{Command, Patch, UnitFields};
use crate::model::key::{Name, UnitKey};
use crate::model::reference::UnitRef;

/// Something for each of several lines.
type PerLine<L, T> = Vec<(L, T)>;

/// Puts commands, each with its line, in the order in which they can succeed: units and links between them, each
/// after what is above it, then people, projects, and what maps them. Where nothing decides, as they came.
///
/// # Errors
/// The lines of units that are each beneath the next by their keys, and the last beneath the first.
pub fn in_order<L: Copy>(
    mut commands: PerLine<L, Command>,
) -> Result<PerLine<L, Command>, PerLine<L, Error>> {
    commands.sort_by_key(|(_, command)| rank(command));
    let hierarchy = commands.partition_point(|(_, command)| rank(command) == 0);
    let above: Vec<&Command> = commands[..hierarchy].iter().map(|(_, command)| command).collect();
    let makers = Makers::of(&above);
    let (places, is_stuck) = parents_first(&above, &makers);
    if is_stuck && let Some(mut cycle) = cycle(&above, &makers) {
        // Told from the unit that comes first.
        let first = cycle.iter().enumerate().min_by_key(|(_, place)| **place).map_or(0, |(at, _)| at);
        cycle.rotate_left(first);
        let mut path: Vec<String> =
            cycle.iter().filter_map(|place| key_of(above[*place])).map(str::to_owned).collect();
        path.extend(path.first().cloned());
        cycle.sort_unstable();
        let refused = |place: usize| (commands[place].0, Error::WouldCycle { path: path.clone() });
        return Err(cycle.into_iter().map(refused).collect());
    }
    // Units are few among many, and the many stay where they are.
    let ordered: Vec<_> = places.into_iter().map(|place| commands[place].clone()).collect();
    commands.splice(..hierarchy, ordered);
    Ok(commands)
}

pub(crate) fn rank(command: &Command) -> usize {
    match command {
        Command::CreateUnit(_) | Command::LinkUnits(_) => 0,
        Command::CreatePerson(_) => 1,
        Command::CreateProject(_) => 2,
        _ => 3,
    }
}

fn unit_of(command: &Command) -> Option<&UnitFields> {
    if let Command::CreateUnit(create) = command { Some(&create.fields) } else { None }
}

/// The key that a unit is given; its name, where it says none.
fn key_of(command: &Command) -> Option<&str> {
    let unit = unit_of(command)?;
    unit.key.as_ref().map(UnitKey::as_str).or(unit.name.as_ref().map(Name::as_str))
}

/// Which commands make the units that others name, by place, in the ways in which a reference is tried.
#[derive(Default)]
struct Makers<'c> {
    keys: HashMap<&'c str, usize>,
    external_ids: HashMap<&'c str, Vec<usize>>,
    names: HashMap<&'c str, Vec<usize>>,
    /// The links that a unit is the child of: where nothing else makes it, they do.
    links: HashMap<&'c str, Vec<usize>>,
}

impl<'c> Makers<'c> {
    fn of(commands: &[&'c Command]) -> Self {
        let mut makers = Self::default();
        for (place, command) in commands.iter().enumerate() {
            if let Some(key) = key_of(command) {
                // A line that comes again changes what the first has made.
                makers.keys.entry(key).or_insert(place);
            }
            if let Some(unit) = unit_of(command) {
                if let Patch::Set(id) = &unit.external_id {
                    makers.external_ids.entry(id.as_str()).or_default().push(place);
                }
                if let Some(name) = &unit.name {
                    makers.names.entry(name.as_str()).or_default().push(place);
                }
            }
            if let Command::LinkUnits(link) = command
                && let Some(name) = last_name(&link.child.reference)
            {
                makers.links.entry(name).or_default().push(place);
            }
        }
        makers
    }

    /// The command that makes the unit with the key that a reference is.
    fn of_key(&self, reference: &UnitRef) -> Option<usize> {
        let key = match reference {
            UnitRef::Text(text) => text.as_str(),
            UnitRef::Key(key) => key.as_str(),
            UnitRef::Path(_) | UnitRef::ExternalId(_) | UnitRef::Id(_) => return None,
        };
        self.keys.get(key).copied()
    }

    /// The commands that make units which a reference may name.
    fn of_unit(&self, reference: &UnitRef) -> Vec<usize> {
        if let Some(place) = self.of_key(reference) {
            return vec![place];
        }
        let named = |name: &str| self.names.get(name).cloned().or_else(|| Some(vec![*self.keys.get(name)?]));
        let found = match reference {
            UnitRef::ExternalId(id) => self.external_ids.get(id.as_str()).cloned(),
            UnitRef::Text(text) => {
                let external = self.external_ids.get(text.as_str()).cloned();
                external.or_else(|| named(text)).or_else(|| named(last_name(reference)?))
            }
            UnitRef::Path(_) => last_name(reference).and_then(named),
            UnitRef::Key(_) | UnitRef::Id(_) => None,
        };
        found.unwrap_or_default()
    }

    /// What must be done before a command.
    fn needed_by(&self, command: &Command) -> Vec<usize> {
        match command {
            Command::CreateUnit(create) => {
                let parents = create.fields.parents.as_deref().unwrap_or_default();
                parents.iter().flat_map(|parent| self.made_or_linked(parent)).collect()
            }
            Command::LinkUnits(link) => {
                let mut needed = self.made_or_linked(&link.parent.reference);
                needed.extend(self.of_unit(&link.child.reference));
                needed
            }
            _ => Vec::new(),
        }
    }

    fn made_or_linked(&self, reference: &UnitRef) -> Vec<usize> {
        let made = self.of_unit(reference);
        if !made.is_empty() {
            return made;
        }
        let text = if let UnitRef::Text(text) = reference { self.links.get(text.as_str()) } else { None };
        text.or_else(|| self.links.get(last_name(reference)?)).cloned().unwrap_or_default()
    }
}

/// The name at the end of a reference that may be a path.
fn last_name(reference: &UnitRef) -> Option<&str> {
    match reference {
        UnitRef::Text(text) => text.rsplit('/').next().map(str::trim),
        UnitRef::Path(names) => names.last().map(String::as_str),
        UnitRef::Key(_) | UnitRef::ExternalId(_) | UnitRef::Id(_) => None,
    }
}

/// All places, each after what it needs and else as they came; and whether some were never free to go. Those keep
/// their place, for the directory to judge.
fn parents_first(commands: &[&Command], makers: &Makers) -> (Vec<usize>, bool) {
    let mut open = vec![0_usize; commands.len()];
    let mut dependents = vec![Vec::new(); commands.len()];
    for (place, command) in commands.iter().enumerate() {
        let needed: BTreeSet<usize> =
            makers.needed_by(command).into_iter().filter(|it| *it != place).collect();
        open[place] = needed.len();
        for it in needed {
            dependents[it].push(place);
        }
    }
    let mut free: BinaryHeap<Reverse<usize>> =
        open.iter().enumerate().filter(|(_, open)| **open == 0).map(|(place, _)| Reverse(place)).collect();
    let mut left: BTreeSet<usize> = (0..commands.len()).collect();
    let mut places = Vec::with_capacity(commands.len());
    let mut is_stuck = false;
    while let Some(first_left) = left.first().copied() {
        let place = free.pop().map_or(first_left, |Reverse(place)| place);
        if !left.remove(&place) {
            continue;
        }
        is_stuck |= open[place] > 0;
        places.push(place);
        for dependent in &dependents[place] {
            open[*dependent] = open[*dependent].saturating_sub(1);
            if open[*dependent] == 0 {
                free.push(Reverse(*dependent));
            }
        }
    }
    (places, is_stuck)
}

/// Units that are each directly above the next, and the last above the first. Only keys tell: they name one unit,
/// whatever the directory holds.
fn cycle(commands: &[&Command], makers: &Makers) -> Option<Vec<usize>> {
    let parents = |place: usize| {
        let parents = unit_of(commands[place]).and_then(|unit| unit.parents.as_deref()).unwrap_or_default();
        parents.iter().filter_map(|parent| makers.of_key(parent)).filter(move |parent| *parent != place)
    };
    let mut is_done = vec![false; commands.len()];
    for begin in 0..commands.len() {
        let mut way = vec![(begin, parents(begin).collect::<Vec<_>>())];
        while let Some((place, next)) = way.last_mut() {
            let Some(parent) = next.pop() else {
                is_done[*place] = true;
                way.pop();
                continue;
            };
            if let Some(at) = way.iter().position(|(place, _)| *place == parent) {
                return Some(way[at..].iter().rev().map(|(place, _)| *place).collect());
            }
            if !is_done[parent] {
                way.push((parent, parents(parent).collect()));
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
    fn a_unit_is_named_in_many_ways_and_its_key_goes_before() {
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
    fn links_go_from_the_top_down_and_before_what_is_placed() {
        let lines = [
            r#"{"kind":"person","email":"a@b","organization":"Corp","team":"Shop"}"#,
            r#"{"kind":"mapping","parent":"Web","child":"Shop"}"#,
            r#"{"kind":"mapping","parent":"Corp","child":"Web"}"#,
            r#"{"kind":"orgUnit","name":"Corp"}"#,
        ];
        assert_eq!(ordered(&lines), [3, 2, 1, 0]);
    }

    #[test]
    fn a_line_that_comes_again_waits_for_its_own_parents() {
        let lines = [
            r#"{"kind":"orgUnit","name":"A"}"#,
            r#"{"kind":"orgUnit","name":"A","parent":"B"}"#,
            r#"{"kind":"orgUnit","name":"B","parent":"A"}"#,
        ];
        assert_eq!(ordered(&lines), [0, 2, 1]);
    }

    #[test]
    fn units_above_each_other_are_refused_with_their_way() {
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
    fn a_cycle_that_names_alone_make_is_left_to_the_directory() {
        let lines = [
            r#"{"kind":"orgUnit","key":"a","name":"A","parent":"B"}"#,
            r#"{"kind":"orgUnit","key":"b","name":"B","parent":"A"}"#,
            r#"{"kind":"orgUnit","name":"C","parent":"C"}"#,
        ];
        assert_eq!(ordered(&lines), [2, 0, 1]);
    }
}
