//! Import cycles: files that import each other, directly or through others.
//!
//! Invariant: the list below equals the cycles of the code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use crate::source::{absolute, blanked, is_in, module, paths, texts, without_tests};

/// An allowed import cycle.
struct Allowed {
    /// The folders of its modules.
    within: &'static [&'static str],
    /// The number of modules.
    files: usize,
    because: &'static str,
}

/// The allowed cycles, largest first. Remove those that are gone, and lower the counts of those that shrank.
const ALLOWED: &[Allowed] = &[
    Allowed {
        within: &["server/graphql/filter", "server/graphql/types"],
        files: 11,
        because: "GraphQL's types name each other: a unit has people, and a person has units",
    },
    Allowed {
        within: &["graph"],
        files: 8,
        because: "children implement parts of `Graph`, which has them as fields",
    },
    Allowed {
        within: &["error", "model"],
        files: 3,
        because: "one enum names unit types, and keys and levels are refused by it",
    },
    Allowed {
        within: &["directory"],
        files: 2,
        because: "a child implements a part of `Directory`, and its answer is re-exported",
    },
    Allowed { within: &["store/record"], files: 2, because: "a record and its first version" },
];

/// For each module, the modules that its code imports outside tests. A path resolves to its longest module prefix.
fn imports<'f>(files: impl IntoIterator<Item = (&'f Path, &'f str)>) -> BTreeMap<String, BTreeSet<String>> {
    let is_test = |name: &str| name.split('/').any(|part| part == "tests");
    let texts: BTreeMap<String, &str> = files
        .into_iter()
        .map(|(path, text)| (module(path), text))
        .filter(|(name, _)| !matches!(name.as_str(), "lib" | "main") && !is_test(name))
        .collect();
    let longest = |path: &str| {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.rev().map(|end| &path[..end]).find(|name| texts.contains_key(*name)).map(str::to_owned)
    };
    let named = |own: &str, text: &str| {
        let paths = paths(&blanked(without_tests(text)));
        let named = paths.iter().filter_map(|path| longest(&absolute(path, own)));
        named.filter(|name| name != own).collect()
    };
    texts.iter().map(|(own, text)| (own.clone(), named(own, text))).collect()
}

/// The cycles, each with the names of its modules, the largest first.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<&str>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let nodes: BTreeMap<&str, _> = imports.keys().map(|name| (name.as_str(), graph.add_node(name))).collect();
    for (own, named) in imports {
        for name in named {
            graph.add_edge(nodes[own.as_str()], nodes[name.as_str()], ());
        }
    }
    let mut circles: Vec<Vec<&str>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|circle| circle.len() > 1)
        .map(|circle| circle.into_iter().map(|node| graph[node]).collect())
        .collect();
    for circle in &mut circles {
        circle.sort_unstable();
    }
    circles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    circles
}

/// The differences between the cycles and the list.
fn complaints(circles: &[Vec<&str>], allowed: &[Allowed]) -> Vec<String> {
    let mut left: Vec<&Allowed> = allowed.iter().collect();
    let is_it = |circle: &[&str], allowed: &Allowed| {
        circle.iter().all(|module| allowed.within.iter().any(|folder| is_in(module, folder)))
    };
    // Exact matches come first, so that a row is not used up by another cycle.
    let mut changed = Vec::new();
    for circle in circles {
        match left.iter().position(|one| one.files == circle.len() && is_it(circle, one)) {
            Some(at) => {
                left.remove(at);
            }
            None => changed.push(circle),
        }
    }
    let mut complaints = Vec::new();
    for circle in changed {
        let (files, names) = (circle.len(), circle.join(" "));
        match left.iter().position(|one| is_it(circle, one)) {
            None => complaints.push(format!("a circle of {files} that is not on the list: {names}")),
            Some(at) => {
                let Allowed { within, files: listed, because } = left.remove(at);
                let within = within.join(", ");
                complaints.push(format!(
                    "the circle within {within} ({because}) is of {files}, and the list says {listed}: {names}"
                ));
            }
        }
    }
    complaints.extend(left.iter().map(|gone| {
        let Allowed { within, files, because } = gone;
        format!("no circle of {files} is within {} any more ({because})", within.join(", "))
    }));
    complaints
}

#[test]
fn import_cycles_are_those_on_the_list() {
    let files = texts("src");
    let imports = imports(files.iter().map(|(path, text)| (path.as_path(), text.as_str())));
    let complaints = complaints(&circles(&imports), ALLOWED);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn a_cycle_is_detected() {
    let files = [
        ("src/a.rs", "use crate::b::{c, D};"),
        ("src/b.rs", "use self::c::C;"),
        ("src/b/c.rs", "// use crate::d::D;\nfn of() -> crate::a::A {}\n#[cfg(test)]\nuse crate::d::D;"),
        ("src/d.rs", "use super::a::A;"),
    ];
    let imports = imports(files.map(|(path, text)| (Path::new(path), text)));
    assert_eq!(circles(&imports), [["a", "b", "b/c"]]);
}

#[test]
fn the_list_of_cycles_must_be_exact() {
    const LISTED: &[Allowed] = &[
        Allowed { within: &["x"], files: 3, because: "x" },
        Allowed { within: &["x", "y"], files: 2, because: "y" },
    ];
    let told = |circles: &[&[&str]]| {
        complaints(&circles.iter().map(|circle| circle.to_vec()).collect::<Vec<_>>(), LISTED).len()
    };
    assert_eq!(told(&[&["x", "x/a", "x/b"], &["x/c", "y"]]), 0);
    assert_eq!(told(&[&["x", "x/a", "x/b"], &["x/c", "x/d"]]), 0);
    // One is gone, one has grown, one is new.
    assert_eq!(told(&[&["x", "x/a", "x/b"]]), 1);
    assert_eq!(told(&[&["x", "x/a", "x/b", "x/c"], &["x/d", "y"]]), 1);
    assert_eq!(told(&[&["x", "x/a", "x/b"], &["x/c", "y"], &["xy", "z"]]), 1);
}
