//! Module boundaries: which modules may import which. One crate has no such boundaries of its own.
//!
//! Paths in tests and comments count too: a file of `model` that names `crate::graph` is refused.

use std::path::Path;

use crate::source::{absolute, is_in, module, paths, texts, without_tests};

/// Each module with the modules that it may import, as in `ARCHITECTURE.md`.
pub(crate) const MAY_USE: &[(&str, &[&str])] = &[
    ("cli", &["server/app", "server/limits", "wire", "exchange", "directory", "access", "query", "model"]),
    ("server", &["wire", "exchange", "directory", "access", "query", "model"]),
    ("exchange", &["wire", "directory", "query", "model"]),
    ("wire", &["directory", "query", "model"]),
    ("directory", &["timeline", "graph", "store", "model"]),
    ("query", &["graph", "model"]),
    ("timeline", &["graph", "store", "model"]),
    ("access", &["model"]),
    ("graph", &["model"]),
    ("store", &["model"]),
    ("model", &[]),
];

/// Modules inside one of those above, lowest first. Each may name what the module around it may name, and all layers
/// before its own; those of one layer never name each other. Files that no layer names are free, and no layer may name
/// them.
const LAYERS: &[(&str, &[&[&str]])] = &[(
    "server",
    &[
        &["limits"],
        &["quota"],
        &["cache"],
        &["connection"],
        &["response"],
        &["metrics"],
        &["response_cache"],
        &["auth"],
        &["admission"],
        &["request"],
        &["rest", "graphql"],
        &["app"],
    ],
)];

/// Modules that all may import.
const BESIDE: &str = "error";

/// A module, and the modules that it may import.
struct Row {
    module: String,
    may: Vec<String>,
}

fn rows(may_use: &[(&str, &[&str])], layers: &[(&str, &[&[&str]])]) -> Vec<Row> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut rows = vec![Row { module: BESIDE.to_owned(), may: vec!["model".to_owned()] }];
    rows.extend(may_use.iter().map(|(module, may)| Row { module: (*module).to_owned(), may: owned(may) }));
    for (around, layers) in layers {
        let row = rows.iter().find(|row| row.module == *around);
        let mut may = row.unwrap_or_else(|| panic!("{around} has no row")).may.clone();
        for layer in *layers {
            let names: Vec<_> = layer.iter().map(|name| format!("{around}/{name}")).collect();
            rows.extend(names.iter().map(|name| Row { module: name.clone(), may: may.clone() }));
            may.extend(names);
        }
    }
    rows
}

/// The row of a module: the longest match wins.
fn row_of<'r>(rows: &'r [Row], module: &str) -> Option<&'r Row> {
    rows.iter().filter(|row| is_in(module, &row.module)).max_by_key(|row| row.module.len())
}

/// All imports that violate a boundary.
fn broken<'f>(rows: &[Row], files: impl IntoIterator<Item = (&'f Path, &'f str)>) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, text) in files {
        let (file, own) = (path.display(), module(path));
        if matches!(own.as_str(), "lib" | "main") {
            continue;
        }
        let Some(row) = row_of(rows, &own) else {
            broken.push(format!("{file}: {own} is not on the map"));
            continue;
        };
        if text.contains("crate::{") {
            broken.push(format!("{file}: a grouped `crate::{{…}}` hides what it names"));
        }
        // In a module for tests, `super` is the file itself.
        let relative = paths(without_tests(text)).into_iter().filter(|path| !path.starts_with("crate::"));
        let absolutes = paths(text).into_iter().filter(|path| path.starts_with("crate::"));
        for named in relative.chain(absolutes).map(|path| absolute(&path, &own)) {
            let may = [row.module.as_str(), BESIDE];
            let mut may = may.into_iter().chain(row.may.iter().map(String::as_str));
            if !named.is_empty() && !may.any(|may| is_in(&named, may)) {
                broken.push(format!("{file}: {} may not name `{named}`", row.module));
            }
        }
    }
    broken
}

#[test]
fn arrows_between_modules_point_down_only() {
    let files = texts("src");
    let files = files.iter().map(|(path, text)| (path.as_path(), text.as_str()));
    assert_eq!(broken(&rows(MAY_USE, LAYERS), files), Vec::<String>::new());
}

#[test]
fn a_violated_boundary_is_detected() {
    let rows = rows(MAY_USE, &[]);
    let seen = |path: &str, text: &str| broken(&rows, [(Path::new(path), text)]).len();
    assert_eq!(seen("src/store/load.rs", "use crate::model::key::Email;\nuse crate::store::log;"), 0);
    assert_eq!(seen("src/model/key.rs", "use crate::graph::View;"), 1);
    assert_eq!(
        seen("src/model/key.rs", "#[cfg(test)]\nmod tests { use super::*; use crate::graph::View; }"),
        1
    );
    assert_eq!(seen("src/model.rs", "use super::graph::View;"), 1);
    assert_eq!(seen("src/server.rs", "fn of(graph: &crate::graph::Graph) {}"), 1);
    assert_eq!(seen("src/query/page.rs", "use crate::{graph::View, model::Email};"), 1);
    assert_eq!(seen("src/cli/tree.rs", "use crate::View;"), 1);
    assert_eq!(seen("src/util.rs", ""), 1);
}

#[test]
fn a_row_may_be_a_path_and_list_paths() {
    let rows = rows(&[("cli", &["server/app"]), ("server", &["model"]), ("model", &[])], &[]);
    let seen = |path: &str, text: &str| broken(&rows, [(Path::new(path), text)]).len();
    assert_eq!(seen("src/cli/serve.rs", "use crate::server::app::{Router, state::State};"), 0);
    assert_eq!(seen("src/cli/serve.rs", "use crate::server::{app::Router, rest::Answer};"), 1);
    assert_eq!(seen("src/cli/serve.rs", "use crate::server::application::Router;"), 1);
}

#[test]
fn a_layer_imports_only_lower_ones() {
    let layers: &[&[&str]] = &[&["limits"], &["auth"], &["rest", "graphql"], &["app"]];
    let rows = rows(&[("server", &["model"]), ("model", &[])], &[("server", layers)]);
    let seen = |path: &str, text: &str| broken(&rows, [(Path::new(path), text)]).len();
    assert_eq!(seen("src/server/auth/caller.rs", "use crate::server::limits;\nuse super::token;"), 0);
    assert_eq!(seen("src/server/auth.rs", "use crate::model::Email;\npub(in crate::server) fn a() {}"), 0);
    assert_eq!(seen("src/server/auth.rs", "use super::rest::list;"), 1);
    assert_eq!(seen("src/server/rest/list.rs", "use super::super::graphql::Node;"), 1);
    assert_eq!(seen("src/server/graphql.rs", "use crate::server::{limits, rest::List, app};"), 2);
    assert_eq!(seen("src/server/app/router.rs", "use crate::server::{rest::List, graphql};"), 0);
    assert_eq!(seen("src/server/loose.rs", "use crate::server::app;"), 0);
    assert_eq!(seen("src/server/limits.rs", "use crate::server::loose;"), 1);
}
