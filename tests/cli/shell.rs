//! What surrounds the commands: settings and their sources, help, completion in shells, manual pages.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::process::clade;
use crate::support::{Folder, Server};

/// The settings that `clade config show` prints, as `key`, `value` and `source`.
fn settings(folder: &Folder, variables: &[(&str, &str)], args: &[&str]) -> Vec<(String, Value, String)> {
    let shown = folder.clade_with(variables, &[&["config", "show", "--json"], args].concat()).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let settings = shown["settings"].as_array().unwrap().iter();
    settings.map(|it| (text(&it["key"]), it["value"].clone(), text(&it["source"]))).collect()
}

#[test]
fn each_setting_is_shown_with_its_source() {
    let folder = Folder::new();
    folder.write("clade.toml", "rate_limit = 70\n[graphql]\nbatch = 3\n");
    let all =
        settings(&folder, &[("CLADE_LISTEN", "[::1]:80"), ("CLADE_RATE_LIMIT", "")], &["--data", "x.redb"]);
    let of = |key: &str| {
        let (_, value, source) = all.iter().find(|(name, ..)| name == key).unwrap().clone();
        (value, source.rsplit('/').next().unwrap().to_owned())
    };
    assert_eq!(of("listen"), (json!("[::1]:80"), "CLADE_LISTEN".to_owned()));
    assert_eq!(of("rate_limit"), (json!(70), "clade.toml".to_owned()));
    assert_eq!(of("graphql.batch"), (json!(3), "clade.toml".to_owned()));
    assert_eq!(of("graphql.timeout"), (json!(30), "default".to_owned()));
    assert_eq!(of("data"), (json!("x.redb"), "--data".to_owned()));
    assert_eq!(of("tls_cert").0, Value::Null);
    let origins =
        [("CLADE_CORS_ORIGIN", "https://a.example,https://b.example"), ("CLADE_SERVER", "http://x")];
    let all = settings(&folder, &origins, &["--data", "x.redb"]);
    let of = |key: &str| all.iter().find(|(name, ..)| name == key).unwrap().clone();
    assert_eq!(of("cors_origin").1, json!(["https://a.example", "https://b.example"]));
    assert_eq!(of("server").2, "CLADE_SERVER; not used, as data applies");
    // What it prints is a settings file that sets the same.
    let shown = folder.clade(&["config", "show"]).ok();
    folder.write("again.toml", &shown);
    let again = folder.clade(&["config", "show", "--config", "again.toml"]).ok();
    let values = |text: &str| -> Vec<String> {
        text.lines().skip(1).map(|line| line.split(" # ").next().unwrap().trim().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&shown));
}

#[test]
fn the_settings_file_is_found_by_flag_variable_and_in_the_users_folder() {
    let folder = Folder::new();
    for name in ["flag.toml", "variable.toml", "clade/clade.toml"] {
        fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
        folder.write(name, format!("listen = {name:?}\n"));
    }
    let home = folder.root().to_str().unwrap().to_owned();
    let users = ("XDG_CONFIG_HOME", home.as_str());
    let variable = ("CLADE_CONFIG", "variable.toml");
    let listen = |variables: &[(&str, &str)], args: &[&str]| {
        let all = settings(&folder, variables, args);
        all.into_iter().find(|(key, ..)| key == "listen").unwrap().1
    };
    assert_eq!(listen(&[], &[]), json!("127.0.0.1:7171"));
    assert_eq!(listen(&[users], &[]), json!("clade/clade.toml"));
    assert_eq!(listen(&[users, variable], &[]), json!("variable.toml"));
    assert_eq!(listen(&[users, variable], &["--config", "flag.toml"]), json!("flag.toml"));
    folder.write("clade.toml", "listen = \"here\"\n");
    assert_eq!(listen(&[users], &[]), json!("here"));
    let refusal = folder.clade(&["tree", "--config", "nowhere.toml"]).refusal(2);
    assert!(refusal.contains("the settings file nowhere.toml does not exist"), "{refusal}");
    folder.write("clade.toml", "rate_limitt = 7\n");
    assert!(folder.clade(&["--help"]).ok().contains("Usage: clade"), "help needs no settings");
}

#[test]
fn the_sample_of_a_settings_file_has_every_setting() {
    let folder = Folder::new();
    let sample = fs::read_to_string("deploy/clade.toml").unwrap();
    // The comments that are prose have a blank after the sign.
    let lines = sample.lines().filter(|line| !line.starts_with("# "));
    let lines: Vec<_> = lines.map(|line| line.trim_start_matches('#')).collect();
    folder.write("clade.toml", lines.join("\n"));
    let all = settings(&folder, &[], &[]);
    let missing: Vec<_> = all.iter().filter(|(_, _, source)| !source.contains("clade.toml")).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Defaults in the sample are the defaults.
    let nowhere = Folder::new();
    let defaults: BTreeSet<_> = settings(&nowhere, &[], &[])
        .into_iter()
        .filter(|(_, value, _)| !value.is_null())
        .map(|(key, value, _)| format!("{key} = {value}"))
        .collect();
    let of_sample: BTreeSet<_> = all.into_iter().map(|(key, value, _)| format!("{key} = {value}")).collect();
    assert!(defaults.is_subset(&of_sample), "{:?}", defaults.difference(&of_sample).collect::<Vec<_>>());
}

#[test]
fn a_certificate_comes_with_its_key_from_the_same_source() {
    let folder = Folder::new();
    folder.write("clade.toml", "tls_cert = \"own.pem\"\ntls_key = \"own.key\"\n");
    let refusal = folder.clade(&["serve", "--demo", "--tls-cert", "other.pem"]).refusal(2);
    assert!(refusal.contains("--tls-key"), "{refusal}");
}

#[test]
fn shells_complete_keys_of_a_store_and_of_a_server() {
    let folder = Folder::new();
    folder.write("corp.ndjson", "{\"kind\":\"orgUnit\",\"name\":\"Retail\",\"type\":\"business\"}\n");
    folder.clade(&["import", "corp.ndjson"]).ok();
    let complete = |variables: &[(&str, &str)]| {
        let mut asked = folder.command(clade());
        asked.env("COMPLETE", "fish").envs(variables.iter().copied()).args(["--", "clade", "tree", "Re"]);
        String::from_utf8(asked.output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete(&[]), "Retail\tRetail (business)\n");
    let people = "{\"kind\":\"person\",\"email\":\"reva@corp.example\",\"displayName\":\"Reva\"}\n";
    folder.write("people.ndjson", people);
    folder.clade(&["import", "people.ndjson"]).ok();
    let mut asked = folder.command(clade());
    asked.env("COMPLETE", "fish").args(["--", "clade", "show", "Re"]);
    let offered = String::from_utf8(asked.output().unwrap().stdout).unwrap();
    assert_eq!(offered, "Retail\tRetail (business)\nreva@corp.example\tReva\n");
    let server = Server::start();
    server.bulk("", r#"{"kind":"orgUnit","name":"Research","type":"team"}"#).ok();
    let url = format!("http://{}", server.address);
    let offered = complete(&[("CLADE_SERVER", &url), ("CLADE_TOKEN", server.token.as_str())]);
    assert_eq!(offered, "Research\tResearch (team)\n");
    assert_eq!(complete(&[("CLADE_SERVER", "http://127.0.0.1:1"), ("CLADE_TOKEN", "x")]), "", "and no error");
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.clade(&["completions", shell]).ok().contains("clade"), "{shell}");
    }
    assert!(folder.clade(&["completions", "tcsh"]).refusal(2).contains("bash"));
}

#[test]
fn every_command_has_a_manual_page_and_only_flags_that_it_uses() {
    let folder = Folder::new();
    folder.clade(&["man", "--output-dir", "man1"]).ok();
    let page = fs::read_to_string(folder.path("man1/clade-import.1")).unwrap();
    assert!(page.contains("dry\\-run"), "{page}");
    assert!(folder.clade(&["man", "token", "create"]).ok().contains("clade token create"));
    assert!(!folder.path("man1/clade-help.1").exists());
    assert!(folder.clade(&["man", "improt"]).refusal(2).contains("import"));
    let has = |command: &str, flag: &str| folder.clade(&[command, "-h"]).ok().contains(flag);
    assert_eq!([has("tree", "--data"), has("tree", "--server"), has("tree", "Examples:")], [true; 3]);
    assert_eq!(
        [has("demo-data", "--data"), has("openapi", "--data"), has("serve", "--server <")],
        [false; 3]
    );
}
