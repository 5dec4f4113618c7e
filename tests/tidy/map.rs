//! `ARCHITECTURE.md` lists the same module boundaries, files and dependencies as the code.

use std::fs;
use std::path::Path;

use crate::walls::MAY_USE;

#[test]
fn the_map_has_the_same_boundaries() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let rows: Vec<Vec<&str>> = map
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let documented = rows.iter().map(|row| {
        let module = row[1].trim_matches('`').rsplit("src/").next().unwrap().trim_end_matches('/');
        (module.to_owned(), row[3].to_owned())
    });
    let top = MAY_USE.iter().filter(|(module, _)| !module.contains('/'));
    let allowed = top.map(|(module, row)| {
        let may = if row.is_empty() { "nothing".to_owned() } else { row.join(", ") };
        ((*module).to_owned(), may)
    });
    assert_eq!(documented.collect::<Vec<_>>(), allowed.collect::<Vec<_>>());
}

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
    let mut documented: Vec<_> = first_cells
        .flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`').to_owned()))
        .collect();
    depended.sort();
    documented.sort();
    assert_eq!(documented, depended);
}
