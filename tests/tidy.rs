//! The walls between the rooms: one crate has none of its own. `ARCHITECTURE.md` is the map of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may name, as the map has it.
const MAY_USE: &[(&str, &[&str])] = &[
    ("cli", &["server", "wire", "exchange", "directory", "access", "query", "model"]),
    ("server", &["wire", "exchange", "directory", "access", "query", "model"]),
    ("exchange", &["wire", "directory", "query", "model"]),
    ("wire", &["directory", "query", "model"]),
    ("directory", &["graph", "store", "model"]),
    ("query", &["graph", "model"]),
    ("access", &["model"]),
    ("graph", &["model"]),
    ("store", &["model"]),
    ("model", &[]),
];
/// What stands beside the rooms, and may be named by all of them.
const BESIDE: &str = "error";

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What a package of its own was built into.
            if !path.ends_with("target") {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room of a file under `src`: `src/graph.rs` and all of `src/graph/` are `graph`.
fn room(path: &Path) -> String {
    let first = path.strip_prefix("src").unwrap().iter().next().unwrap();
    Path::new(first).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// What follows each `crate::` in `text`: a name, or nothing for a group.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// Every wall that the files break.
fn broken<'f>(files: impl IntoIterator<Item = (&'f Path, &'f str)>) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files {
        let (file, own) = (path.display(), room(path));
        if matches!(own.as_str(), "lib" | "main") {
            continue;
        }
        let row = MAY_USE.iter().find(|(room, _)| *room == own).map(|(_, row)| *row);
        let row = if own == BESIDE { Some(["model"].as_slice()) } else { row };
        let Some(row) = row else {
            broken.push(format!("{file}: {own} is no room of the map"));
            continue;
        };
        for name in named(text) {
            if name.is_empty() {
                broken.push(format!("{file}: a grouped `crate::{{…}}` hides what it names"));
            } else if name != own && name != BESIDE && !row.contains(&name) {
                broken.push(format!("{file}: {own} may not name `crate::{name}`"));
            }
        }
    }
    broken
}

#[test]
fn arrows_between_rooms_point_down_only() {
    let files: Vec<_> = sources(Path::new("src"))
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap(), path))
        .collect();
    assert_eq!(
        broken(files.iter().map(|(text, path)| (path.as_path(), text.as_str()))),
        Vec::<String>::new()
    );
}

#[test]
fn a_broken_wall_is_seen() {
    let seen = |path: &str, text: &str| broken([(Path::new(path), text)]);
    assert_eq!(seen("src/store/load.rs", "use crate::model::key::Email;\nuse crate::store::log;").len(), 0);
    assert_eq!(seen("src/model/key.rs", "use crate::graph::View;").len(), 1);
    assert_eq!(seen("src/server.rs", "fn of(graph: &crate::graph::Graph) {}").len(), 1);
    assert_eq!(seen("src/query/page.rs", "use crate::{graph::View, store::Store};").len(), 1);
    assert_eq!(seen("src/cli/tree.rs", "use crate::View;").len(), 1);
    assert_eq!(seen("src/util.rs", "").len(), 1);
}

#[test]
fn every_file_says_what_lives_in_it() {
    let folders = ["src", "tests", "benches", "examples"];
    let silent: Vec<_> = folders
        .iter()
        .flat_map(|folder| sources(Path::new(folder)))
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn the_map_tells_the_same_walls() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let rows: Vec<Vec<&str>> = map
        .lines()
        .skip_while(|line| !line.starts_with("| room |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let told = rows.iter().map(|row| {
        let room = row[1].trim_matches('`').rsplit("src/").next().unwrap().trim_end_matches('/');
        (room.to_owned(), row[3].to_owned())
    });
    let held = MAY_USE.iter().map(|(room, row)| {
        let may = if row.is_empty() { "nothing".to_owned() } else { row.join(", ") };
        ((*room).to_owned(), may)
    });
    assert_eq!(told.collect::<Vec<_>>(), held.collect::<Vec<_>>());
}

/// Whatever looks like a path in the map is there.
#[test]
fn every_file_on_the_map_exists() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let words = map.split('`').skip(1).step_by(2).filter(|word| !word.contains([' ', ':', '{']));
    let is_path =
        |word: &&str| word.ends_with('/') || Path::new(word).extension().is_some_and(|end| end == "rs");
    let paths: Vec<_> = words.filter(is_path).collect();
    assert!(paths.len() > 20, "the map names files");
    let is_there =
        |path: &&str| ["", "src/", "src/server/"].iter().any(|at| Path::new(at).join(path).exists());
    let missing: Vec<_> = paths.into_iter().filter(|path| !is_there(path)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_dependency_is_on_the_map_with_its_reason() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let mut depended: Vec<_> = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect();
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let (_, table) = map.split_once("## Dependencies").unwrap();
    let first_cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let mut told: Vec<_> = first_cells
        .flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`').to_owned()))
        .collect();
    depended.sort();
    told.sort();
    assert_eq!(told, depended);
}
