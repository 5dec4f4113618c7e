//! The files of `deploy/` refer only to flags, variables, commands, metrics and files that exist.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use toml::Table;

use crate::metrics::told;
use crate::support::{Folder, Server};

/// The identifiers in a text that begin with `start`.
fn words<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_name(c)).filter(|word| word.starts_with(start) && word.len() > start.len()).collect()
}

/// The arguments of `clade` in a line, without brackets and quotes.
fn arguments(line: &str) -> Vec<String> {
    let plain = line.replace(['[', ']', '"', ','], " ");
    plain.split_whitespace().map(str::to_owned).collect()
}

/// Whether the image's build context contains this file: the last matching line of the ignore file decides.
fn is_in_context(ignore: &str, path: &str) -> bool {
    let is_about = |pattern: &str| pattern == "*" || Path::new(path).starts_with(pattern);
    let last = ignore.lines().rfind(|line| is_about(line.strip_prefix('!').unwrap_or(line)));
    last.is_none_or(|line| line.starts_with('!'))
}

/// The paths at which Cargo looks for a target.
fn target_paths(kind: &str, target: &Table) -> Vec<String> {
    if let Some(path) = target.get("path") {
        return vec![path.as_str().unwrap().to_owned()];
    }
    let folder = match kind {
        "bin" => "src/bin",
        "bench" => "benches",
        "example" => "examples",
        _ => "tests",
    };
    let name = target["name"].as_str().unwrap();
    vec![format!("{folder}/{name}.rs"), format!("{folder}/{name}/main.rs")]
}

#[test]
fn the_dashboard_queries_existing_metrics() {
    let server = Server::organisation();
    server.data("query A { revision }");
    server.get("/nowhere").problem(404, "not-found");
    let told = told(&server);
    let text = fs::read_to_string("deploy/grafana/dashboard.json").unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        targets
    });
    let mut asked = 0;
    for target in targets {
        let query = target["expr"].as_str().unwrap();
        let names = [words(query, "clade_"), words(query, "process_")].concat();
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(told.tells(name), "{name} is no metric: {query}");
            asked += 1;
        }
        let open = query.matches(['(', '{', '[']).count();
        assert_eq!(open, query.matches([')', '}', ']']).count(), "{query}");
    }
    assert!(asked > 20, "{asked}");
    let ids: Vec<&Value> = dashboard["panels"].as_array().unwrap().iter().map(|panel| &panel["id"]).collect();
    let numbered: Vec<Value> = (1..=ids.len()).map(|id| json!(id)).collect();
    assert_eq!(ids, numbered.iter().collect::<Vec<_>>());
}

#[test]
fn environment_variables_exist() {
    let folder = Folder::new();
    let help = [folder.clade(&["serve", "--help"]).ok(), folder.clade(&["query", "--help"]).ok()].concat();
    let known = words(&help, "CLADE_");
    for file in ["Dockerfile", "clade.service", "compose.yaml", "prometheus.yml"] {
        let text = fs::read_to_string(format!("deploy/{file}")).unwrap();
        for name in words(&text, "CLADE_") {
            assert!(known.contains(&name), "{file}: {name} is no variable of clade");
        }
    }
}

#[test]
fn commands_and_flags_exist() {
    let folder = Folder::new();
    let takes = |arguments: &[String]| {
        let mut command: Vec<&str> =
            arguments.iter().map(String::as_str).take_while(|argument| !argument.starts_with("--")).collect();
        command.push("--help");
        let help = folder.clade(&command).ok();
        for flag in arguments.iter().filter(|argument| argument.starts_with("--")) {
            assert!(help.contains(&format!("{flag} ")), "{command:?} has no {flag}");
        }
    };
    let dockerfile = fs::read_to_string("deploy/Dockerfile").unwrap();
    let health =
        dockerfile.lines().find_map(|line| line.split_once("CMD [\"/usr/local/bin/clade\", ")).unwrap();
    takes(&arguments(health.1));
    let start = dockerfile.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    takes(&arguments(start));
    let service = fs::read_to_string("deploy/clade.service").unwrap();
    let start =
        service.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/clade ")).unwrap();
    takes(&arguments(start));
}

#[test]
fn the_image_context_has_every_cargo_target() {
    let ignore = fs::read_to_string("deploy/Dockerfile.dockerignore").unwrap();
    let manifest: Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    let mut seen = 0;
    for kind in ["bin", "bench", "example", "test"] {
        for target in manifest.get(kind).and_then(toml::Value::as_array).into_iter().flatten() {
            let target = target.as_table().unwrap();
            let paths = target_paths(kind, target);
            let path = paths.iter().find(|path| fs::exists(path).unwrap()).unwrap();
            assert!(is_in_context(&ignore, path), "{path} stays out of the image's context");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
    for needed in ["Cargo.toml", "Cargo.lock", "src/lib.rs"] {
        assert!(is_in_context(&ignore, needed), "{needed}");
    }
    for kept_out in ["corp.redb", "deploy/clade-token", "target/debug/clade", "benches/peers/Cargo.toml"] {
        assert!(!is_in_context(&ignore, kept_out), "{kept_out}");
    }
}

/// Address, port, token file and mounts agree between Prometheus, Compose and the Dockerfile.
#[test]
fn prometheus_scrapes_the_address_of_the_server() {
    let prometheus = fs::read_to_string("deploy/prometheus.yml").unwrap();
    let compose = fs::read_to_string("deploy/compose.yaml").unwrap();
    let dockerfile = fs::read_to_string("deploy/Dockerfile").unwrap();
    assert!(prometheus.contains("metrics_path: /metrics") && prometheus.contains("\"clade:7171\""));
    assert!(dockerfile.contains("CLADE_LISTEN=0.0.0.0:7171") && dockerfile.contains("EXPOSE 7171"));
    assert!(prometheus.contains("/run/secrets/clade-token") && compose.contains("secrets: [clade-token]"));
    for mounted in ["prometheus.yml", "grafana/provisioning", "grafana/dashboard.json", "Dockerfile"] {
        assert!(compose.contains(mounted) && fs::exists(format!("deploy/{mounted}")).unwrap(), "{mounted}");
    }
}
