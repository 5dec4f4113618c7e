//! Command-line commands on a store and against a server: output, exit codes, refused arguments, and settings from
//! flags, environment variables and the settings file.

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::process::clade;
use crate::support::{Folder, Server};
use crate::target::{CORP, PICTURE, Target, read, records};

#[test]
fn an_export_can_be_imported_and_is_the_same() {
    for format in ["ndjson", "csv"] {
        for target in Target::with_corp() {
            let before = target.exported();
            assert_eq!(before.len(), 5 + 2 + 1 + 9, "parents are mappings: {before:?}");
            let file = format!("all.{format}");
            assert_eq!(target.run(&["export", "--format", format, "-o", &file]).ok(), "");
            assert_eq!(target.run(&["export", "--format", format]).ok(), read(&target.folder, &file));
            target.folder.clade(&["import", &file, "--data", "second.redb"]).ok();
            assert_eq!(records(&target.folder.clade(&["export", "--data", "second.redb"]).ok()), before);
            let unchanged = target.run(&["import", &file, "--mode", "upsert", "--json"]).json();
            assert_eq!(unchanged["unchanged"], 17, "{unchanged}");
        }
    }
}

#[test]
fn an_export_of_one_kind_has_all_of_its_records_and_can_be_imported() {
    let more = "{\"kind\":\"person\",\"email\":\"ada@corp.example\",\"units\":[\"Corp\",\"Site\"]}\n\
        {\"kind\":\"orgUnit\",\"key\":\"Site\",\"name\":\"Site; Old\",\"type\":\"team\"}\n\
        {\"kind\":\"project\",\"projectId\":\"x\",\"projectName\":\"X\",\"assets\":{\"repositories\":[{\"url\":\"https://github.com/o/a\"},{\"url\":\"https://github.com/o/b.git\"}],\"services\":[{\"identifier\":\"s1\"}]}}\n\
        {\"kind\":\"project\",\"projectId\":\"y\",\"projectName\":\"Y\",\"assets\":{\"repositories\":[{\"name\":\"odd\",\"url\":\"https://github.com/o/c\"}],\"services\":[{\"name\":\"S\",\"dependencies\":[1]}]}}\n";
    for target in Target::with_corp() {
        target.folder.write("more.ndjson", more);
        target.run(&["import", "more.ndjson", "--mode", "upsert"]).ok();
        let before = target.exported();
        for format in ["csv", "ndjson", "json"] {
            for kind in ["orgUnit", "person", "project", "mapping"] {
                let file = format!("{kind}.{format}");
                target.run(&["export", "--kind", kind, "--format", format, "-o", &file]).ok();
                let done = target.run(&["import", &file, "--mode", "upsert", "--json", "--strict"]).json();
                assert!(
                    done["total"].as_u64() > Some(0) && done["total"] == done["unchanged"],
                    "{file}: {done}"
                );
                std::fs::remove_file(target.folder.path(&file)).unwrap();
            }
        }
        assert_eq!(target.exported(), before);
        let csv = target.run(&["export", "--kind", "project", "--format", "csv"]).ok();
        assert!(csv.contains(",https://github.com/o/a;https://github.com/o/b.git,s1,"), "{csv}");
        let people = target.run(&["export", "--kind", "person", "--unit", "Site", "--format", "csv"]).ok();
        let lines: Vec<_> = people.lines().collect();
        assert!(lines.len() == 2 && lines[1].starts_with("person,ada@corp.example,"), "{people}");
        assert!(lines[1].contains(",Corp;Site,"), "all units of a person, not only those below: {people}");
        target.run(&["export", "--unit", "Nowhere"]).refusal(1);
        target.run(&["export", "--kind", "dog"]).refusal(2);
    }
}

#[test]
fn nothing_from_a_store_controls_the_terminal() {
    let folder = Folder::new();
    let hostile = "\u{1b}]0;pwn\u{7}\u{9b}31m\u{202e}";
    let person = serde_json::json!({ "kind": "person", "email": "f@x.example", hostile: "x" });
    folder.write("f.ndjson", person.to_string());
    folder.clade(&["import", "f.ndjson", "--data", "corp.redb"]).ok();
    for args in [&["log"][..], &["log", "--json"], &["check"], &["tree"]] {
        let shown = folder.clade(&[args, &["--data", "corp.redb"]].concat()).ok();
        let acts =
            |letter: char| letter.is_control() && letter != '\n' && letter != '\t' || letter == '\u{202e}';
        assert!(!shown.chars().any(acts), "{args:?}: {shown:?}");
    }
    let log = folder.clade(&["log", "-v", "--data", "corp.redb"]).ok();
    assert!(log.contains(r"\u{1b}]0;pwn\u{7}"), "{log}");
}

#[test]
fn a_store_and_its_copies_are_readable_by_their_owner_only() {
    let folder = Folder::new();
    folder.write("corp.ndjson", CORP);
    for (data, args) in [
        ("corp.redb", &["import", "corp.ndjson"][..]),
        ("corp.redb", &["backup", "copy.redb"]),
        ("restored.redb", &["restore", "copy.redb"]),
        ("corp.redb", &["export", "--history", "-o", "history"]),
        ("again.redb", &["import", "--history", "history"]),
        ("corp.redb", &["export", "-o", "records"]),
    ] {
        folder.clade(&[args, &["--data", data]].concat()).ok();
    }
    let mode = |name: &str| folder.path(name).metadata().unwrap().mode() & 0o777;
    folder.write("empty.redb", "");
    assert_ne!(mode("empty.redb"), 0o600);
    folder.clade(&["import", "corp.ndjson", "--data", "empty.redb"]).ok();
    for name in ["corp.redb", "copy.redb", "restored.redb", "history", "again.redb", "records", "empty.redb"]
    {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[test]
fn results_are_never_written_over_a_file() {
    for target in Target::with_corp() {
        target.folder.write("mine", "precious");
        for args in [&["export", "-o", "mine"][..], &["backup", "mine"]] {
            let refusal = target.run(args).refusal(1);
            assert!(refusal.contains("mine") && refusal.contains("nothing is overwritten"), "{refusal}");
        }
        let refusal = target.run(&["export", "-o", "nowhere/x"]).refusal(1);
        assert!(refusal.contains("there is no such folder"), "{refusal}");
        assert_eq!(read(&target.folder, "mine"), "precious");
        assert!(!target.folder.names().iter().any(|name| name.contains(".part")), "nothing half is left");
    }
}

#[test]
fn tree_prints_text_and_json() {
    for target in Target::with_corp() {
        assert_eq!(target.run(&["tree"]).ok(), PICTURE);
        assert_eq!(target.run(&["tree", "Corp"]).ok(), PICTURE);
        let cut = target.run(&["tree", "Corp/R&D", "--depth", "1"]).ok();
        assert!(cut.contains("└─ 研究 lab  tribe, 2 parents (… 1 unit below)"), "{cut}");
        for name in ["a/b", "研究 lab", "Ops/研究 lab"] {
            assert!(target.run(&["tree", name]).ok().contains("\n研究 lab  tribe"), "{name}");
        }
        let trees = target.run(&["tree", "--json"]).json();
        let corp = &trees[0];
        assert_eq!(corp["totals"], json!({ "units": 4, "people": 2, "projects": 1 }));
        let lab = |at: usize| &corp["children"][at]["children"][0];
        assert_eq!((&lab(0)["key"], &lab(0)["children"][0]["key"]), (&json!("a/b"), &json!("inner")));
        assert_eq!((&lab(1)["omitted"], &lab(1)["children"]), (&json!("shown above"), &json!([])));
        let refusal = target.run(&["tree", "Nix"]).refusal(1);
        assert!(refusal.contains("\"Nix\""), "{refusal}");
    }
}

#[test]
fn wide_deep_and_tangled_hierarchies_are_drawn() {
    let unit = |key: &str, parents: &[String]| {
        format!("{}\n", json!({ "kind": "orgUnit", "name": key, "type": "squad", "parents": parents }))
    };
    let mut lines = unit("Wide", &[]);
    for child in 0..2_000 {
        lines += &unit(&format!("child {child}"), &["Wide".to_owned()]);
    }
    lines += &unit("Deep 0", &[]);
    for level in 1..=400 {
        lines += &unit(&format!("Deep {level}"), &[format!("Deep {}", level - 1)]);
    }
    lines += &unit("Tangled", &[]);
    let mut above = vec!["Tangled".to_owned()];
    for level in 1..=40 {
        let level = [format!("a{level}"), format!("b{level}")];
        for key in &level {
            lines += &unit(key, &above);
        }
        above = level.to_vec();
    }
    let folder = Folder::new();
    folder.write("all.ndjson", lines);
    folder.clade(&["import", "all.ndjson", "--data", "all.redb"]).ok();
    for (root, beneath, lines) in [("Wide", 2_000, 2_001), ("Deep 0", 400, 401), ("Tangled", 80, 159)] {
        let drawn = folder.clade(&["tree", root, "--data", "all.redb"]).ok();
        assert_eq!(drawn.lines().count(), lines + 1, "{root}");
        let told = folder.clade(&["tree", root, "--data", "all.redb", "--json"]).ok();
        assert!(told.contains(&format!("\"units\":{beneath},")), "{root}");
        assert_eq!(told.matches("\"key\"").count(), lines, "{root}");
        assert_eq!(told.matches('{').count(), told.matches('}').count(), "{root}");
    }
    folder.clade(&["check", "--data", "all.redb"]).ok();
}

#[test]
fn query_answers_and_refuses() {
    for target in Target::with_corp() {
        let people = "query ($key: String!) { orgUnit(by: { key: $key }) { people { totalCount } } }";
        let answer = target.run(&["query", people, "--variables", r#"{"key":"Ops"}"#]).json();
        assert_eq!(answer["data"]["orgUnit"]["people"]["totalCount"], 2, "{answer}");
        target.folder.write("people.graphql", people);
        target.folder.write("variables.json", r#"{"key":"R&D"}"#);
        let answer = target.run(&["query", "@people.graphql", "--variables", "@variables.json"]).json();
        assert_eq!(answer["data"]["orgUnit"]["people"]["totalCount"], 1, "{answer}");
        let created =
            "mutation { createPerson(input: { email: \"new@corp.example\" }) { person { email } } }";
        let answer = target.run(&["query", created]).json();
        assert_eq!(answer["data"]["createPerson"]["person"]["email"], "new@corp.example", "{answer}");
        let again = target.run(&["query", created]);
        assert_eq!((again.code, again.err.as_str()), (Some(1), ""), "{again:?}");
        let again: Value = serde_json::from_str(&again.out).unwrap();
        assert_eq!(again["errors"][0]["extensions"]["code"], "duplicate");
        for (variables, why) in [("[1]", "must be a JSON object"), ("{", "is not valid JSON")] {
            let refusal = target.run(&["query", "{ roots { key } }", "--variables", variables]).refusal(2);
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    for target in Target::with_corp() {
        let made =
            target.run(&["token", "create", "--role", "write", "--description", "sync", "--json"]).json();
        let (secret, id) = (made["token"].as_str().unwrap(), made["record"]["tokenId"].as_str().unwrap());
        assert!(secret.starts_with(&format!("clade_{id}_")), "{made}");
        assert_eq!((&made["record"]["role"], &made["record"]["expiresAt"]), (&json!("WRITE"), &Value::Null));
        let expiring = target.run(&["token", "create", "--expires", "2999-01-31"]);
        assert_eq!(expiring.out.lines().count(), 1, "the secret alone, so that a script can take it");
        assert!(
            expiring.out.starts_with("clade_") && expiring.err.contains("shown only once"),
            "{expiring:?}"
        );

        let listed = target.run(&["token", "list"]).ok();
        let line = listed.lines().find(|line| line.starts_with(id)).unwrap();
        assert!(
            line.contains("write") && line.contains("does not expire") && line.ends_with("sync"),
            "{line}"
        );
        assert!(listed.contains("read   expires 2999-01-31T00:00:00.000Z"), "{listed}");
        assert!(!listed.contains(secret), "a secret is never shown again");

        assert_eq!(target.run(&["token", "revoke", secret]).ok(), format!("revoked {id}\n"));
        let tokens = target.run(&["token", "list", "--json"]).json();
        let revoked = tokens.as_array().unwrap().iter().find(|token| token["tokenId"] == id).unwrap();
        assert!(revoked["revokedAt"].is_string(), "{revoked}");
        for (args, code, why) in [
            (&["token", "revoke", "zzzzzzzz"][..], 1, "zzzzzzzz"),
            (&["token", "revoke", "short"], 1, "eight letters and digits"),
            (&["token", "revoke", "clade_aB3dE5gH_the_secret_part"], 1, "\"aB3dE5gH\""),
            (&["token", "create", "--expires", "soon"], 2, "2027-01-31"),
            (&["token", "create", "--role", "king"], 2, "read"),
        ] {
            let refusal = target.run(args).refusal(code);
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}

#[test]
fn check_finds_nothing_wrong_with_what_was_imported() {
    for target in Target::with_corp() {
        let said = target.run(&["check"]).ok();
        assert!(said.contains("9 entities, 9 mappings") && said.contains("the store is intact\n"), "{said}");
        let checked = target.run(&["check", "--json"]).json();
        assert_eq!((&checked["entities"], &checked["findings"]), (&json!(9), &json!([])), "{checked}");
    }
}

#[test]
fn a_backup_is_restored_where_nothing_is_yet() {
    for target in Target::with_corp() {
        let folder = &target.folder;
        assert_eq!(target.run(&["backup", "copy.redb"]).ok(), "wrote copy.redb\n");
        let copy = std::fs::read(folder.path("copy.redb")).unwrap();
        let done = folder.clade(&["restore", "copy.redb", "--data", "new.redb"]).ok();
        assert!(done.starts_with("restored new.redb from copy.redb, up to revision "), "{done}");
        assert_eq!(target.run(&["backup", "told.redb", "--json"]).json(), json!({ "file": "told.redb" }));
        let expired = ["token", "create", "--expires", "2020-01-01", "--data", "new.redb"];
        assert!(folder.clade(&expired).refusal(1).contains("must be in the future"));
        let valid = folder.clade(&["token", "create", "--data", "new.redb"]).ok();
        folder.clade(&["backup", "with-token.redb", "--data", "new.redb"]).ok();
        folder.clade(&["token", "revoke", valid.trim(), "--data", "new.redb"]).ok();
        let restore = ["restore", "with-token.redb", "--json", "--data"];
        let kept = folder.clade(&[&restore[..], &["kept.redb"]].concat()).json();
        let cleared = folder.clade(&[&restore[..], &["cleared.redb", "--revoke-tokens"]].concat()).json();
        let count = kept["validTokens"].as_u64().unwrap();
        assert!(count > 0 && kept["revokedTokens"] == 0, "{kept}");
        assert!(cleared["validTokens"] == 0 && cleared["revokedTokens"] == count, "{cleared}");
        let said = folder.clade(&["restore", "with-token.redb", "--data", "said.redb"]).ok();
        assert!(said.contains("also those that were revoked after the backup"), "{said}");
        let told = folder.clade(&["restore", "told.redb", "--data", "again.redb", "--json"]).json();
        assert!(told["file"] == "again.redb" && told["revision"].is_u64(), "{told}");
        assert_eq!(records(&folder.clade(&["export", "--data", "new.redb"]).ok()), target.exported());
        assert_eq!(std::fs::read(folder.path("copy.redb")).unwrap(), copy, "the backup is left alone");

        let refusal = folder.clade(&["restore", "copy.redb", "--data", "new.redb"]).refusal(1);
        assert!(refusal.contains("new.redb exists"), "{refusal}");
        folder.write("torn.redb", &copy[..copy.len() / 2]);
        folder.write("text", "no store");
        for (backup, why) in
            [("torn.redb", "torn.redb"), ("text", "text is not a store"), ("nix", "nix cannot be read")]
        {
            let refusal = folder.clade(&["restore", backup, "--data", "other.redb"]).refusal(1);
            assert!(refusal.contains(why) && !refusal.contains(".part"), "{refusal}");
        }
        assert!(!folder.names().iter().any(|name| name == "other.redb" || name.contains(".part")));
        let refusal = folder.clade(&["restore", "copy.redb", "--server", "http://127.0.0.1:1"]).refusal(2);
        assert!(refusal.contains("stop the server"), "{refusal}");
    }
}

#[test]
fn the_contracts_are_printed() {
    let [store, server] = Target::with_corp();
    let schema = store.run(&["schema"]).ok();
    assert!(schema.contains("type OrgUnit implements Node"), "{schema}");
    assert_eq!(server.run(&["schema"]).ok(), schema);
    let document = store.run(&["openapi"]).json();
    assert!(document["paths"]["/api/v2/data/people"].is_object());
    assert_eq!(server.run(&["openapi"]).json(), document);
}

#[test]
fn demo_data_can_be_imported() {
    let folder = Folder::new();
    folder.clade(&["demo-data", "--entities", "300", "--seed", "7", "-o", "made.ndjson"]).ok();
    assert_eq!(
        folder.clade(&["demo-data", "--entities", "300", "--seed", "7"]).ok(),
        read(&folder, "made.ndjson")
    );
    folder.clade(&["import", "made.ndjson", "--data", "made.redb"]).ok();
    folder.clade(&["check", "--data", "made.redb"]).ok();
}

#[test]
fn wrong_usage_and_refusals_have_different_exit_codes() {
    let folder = Folder::new();
    for (args, code, why) in [
        (&["frob"][..], 2, "unrecognized subcommand 'frob'"),
        (&["import"], 2, "FILE"),
        (&["tree", "--depth", "few"], 2, "--depth"),
        (&["tree", "--data", "a", "--server", "b"], 2, "cannot be used with"),
        (&["tree", "--server", "http://127.0.0.1:1"], 2, "set CLADE_TOKEN"),
        (&["serve", "--server", "http://127.0.0.1:1"], 2, "remove --server"),
        (&["serve", "--log", "a=b=c"], 2, "--log"),
        (&["serve", "--log", "verbose"], 2, "off, error, warn, info, debug or trace"),
        (&["tree"], 1, "there is no store at clade.redb"),
        (&["export", "--data", "nix.redb"], 1, "there is no store at nix.redb"),
        (&["import", "nix.ndjson"], 1, "nix.ndjson cannot be read"),
        (&["query", "@nix.graphql"], 1, "nix.graphql cannot be read"),
        (&["import", "x.ndjson", "--data", "nowhere/x.redb"], 1, "nowhere/x.redb: there is no such folder"),
    ] {
        folder.write("x.ndjson", r#"{"kind":"orgUnit","name":"X"}"#);
        let refusal = folder.clade(args).refusal(code);
        assert!(refusal.starts_with("error: ") && refusal.contains(why), "{args:?}: {refusal}");
    }
    assert_eq!(folder.names(), ["x.ndjson"]);
    let ran = folder.clade(&["tree", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told["code"]), (Some(1), &json!("store-failed")), "{told}");
}

#[test]
fn unreachable_servers_are_reported() {
    let folder = Folder::new();
    let server = Server::start();
    let url = format!("http://{}", server.address);
    for (token, url, why) in [
        ("clade_no", url.as_str(), "refused the token in CLADE_TOKEN"),
        (server.token.as_str(), "http://127.0.0.1:1", "cannot be reached"),
        (server.token.as_str(), "http://not a host", "is not a valid server URL"),
    ] {
        let refusal = folder.clade_with(&[("CLADE_TOKEN", token)], &["tree", "--server", url]).refusal(1);
        assert!(refusal.contains(why) && refusal.contains(url), "{refusal}");
    }
    let reader = server.token_with(clade::model::token::Role::Read);
    let tokens = [("CLADE_TOKEN", reader.as_str())];
    let refusal = folder.clade_with(&tokens, &["token", "create", "--server", &url]).refusal(1);
    assert!(refusal.contains("admin"), "{refusal}");
}

#[test]
fn flags_override_variables_and_variables_the_settings_file() {
    let folder = Folder::new();
    for name in ["flag", "variable", "file"] {
        folder.write("unit.ndjson", json!({ "kind": "orgUnit", "name": name }).to_string());
        folder.clade(&["import", "unit.ndjson", "--data", &format!("{name}.redb")]).ok();
    }
    let seen = |variables: &[(&str, &str)], args: &[&str]| {
        let trees = folder.clade_with(variables, &[&["tree", "--json"], args].concat()).json();
        trees[0]["key"].as_str().unwrap().to_owned()
    };
    let variable = [("CLADE_DATA", "variable.redb")];
    folder.write("clade.toml", "data = \"file.redb\"\n");
    assert_eq!(seen(&[], &[]), "file");
    assert_eq!(seen(&variable, &[]), "variable");
    assert_eq!(seen(&variable, &["--data", "flag.redb"]), "flag");
    // A server from a source of lower precedence is not contacted.
    let nobody = "http://127.0.0.1:1";
    assert_eq!(seen(&[("CLADE_SERVER", nobody)], &["--data", "flag.redb"]), "flag");
    folder.write("clade.toml", format!("server = {nobody:?}\n"));
    assert_eq!(seen(&variable, &[]), "variable");

    let server = Server::start();
    server.bulk("", r#"{"kind":"orgUnit","name":"served"}"#).ok();
    let url = format!("http://{}", server.address);
    let token = ("CLADE_TOKEN", server.token.as_str());
    assert_eq!(seen(&[token, variable[0]], &["--server", &url]), "served");
    assert_eq!(seen(&[token, ("CLADE_SERVER", &url)], &[]), "served");
    folder.write("clade.toml", format!("server = {url:?}\ndata = \"file.redb\"\n"));
    assert_eq!(seen(&[token], &[]), "served");

    for (text, why) in [("dta = \"x\"", "dta"), ("data = ", "clade.toml"), ("data = 7", "data")] {
        folder.write("clade.toml", text);
        let refusal = folder.clade(&["tree"]).refusal(2);
        assert!(refusal.contains("clade.toml") && refusal.contains(why), "{refusal}");
    }
}

#[test]
fn a_closed_output_pipe_is_no_failure() {
    let folder = Folder::new();
    folder.clade(&["demo-data", "--entities", "2000", "-o", "made.ndjson"]).ok();
    let mut all = folder.command(clade());
    all.args(["demo-data", "--entities", "20000"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut all = all.spawn().unwrap();
    drop(all.stdout.take());
    let output = all.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
