//! `clade import`: counts, input formats, and errors by line.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::Folder;
use crate::support::process::{clade, packed};
use crate::target::{CORP, PICTURE, Target};

#[test]
fn import_counts_what_it_did() {
    for target in Target::both() {
        target.folder.write("corp.ndjson", CORP);
        let tried = target.run(&["import", "corp.ndjson", "--dry-run", "--json"]).json();
        assert_eq!((&tried["dryRun"], &tried["created"]), (&json!(true), &json!(12)), "{tried}");
        assert!(!target.folder.names().contains(&"corp.redb".to_owned()), "a dry run makes no store");
        let done = target.run(&["import", "corp.ndjson"]).ok();
        assert!(done.starts_with("imported 12 records (created 12, updated 0, unchanged 0)"), "{done}");
        let again = target.run(&["import", "corp.ndjson", "--mode", "upsert", "--json"]).json();
        assert_eq!((&again["total"], &again["unchanged"]), (&json!(12), &json!(12)), "{again}");
    }
}

#[test]
fn import_tells_what_it_did_besides() {
    for target in Target::with_corp() {
        target.folder.write("new.csv", "email,manager,team\nx@corp.example,ada@corp.example,Nope\n");
        let import = |more: &[&str]| {
            target.run(&[&["import", "new.csv", "--kind", "person", "--mode", "upsert"], more].concat())
        };
        let refusal = import(&["--strict"]).refusal(1);
        assert!(refusal.contains("new.csv line 2: \"manager\" is not a field of person"), "{refusal}");
        let refusal = import(&["--no-new-units"]).refusal(1);
        assert!(refusal.contains("team names the unit \"Nope\", which does not exist"), "{refusal}");
        for dry in [&["--dry-run"][..], &[]] {
            let done = import(dry).ok();
            for said in [
                "imported 1 record (",
                "\n  in the directory: units 1 created; people 1 created; mappings 1 created\n",
                "\n  made: unit Nope (team, no parent)\n",
                "\n  kept as attributes: manager (1 person)\n",
            ] {
                assert!(done.replace("would import", "imported").contains(said), "{said}: {done}");
            }
        }
    }
}

#[test]
fn import_reads_packed_files_csv_and_standard_input() {
    for target in Target::both() {
        target.folder.write("units.ndjson.gz", packed(&CORP.lines().take(5).collect::<Vec<_>>().join("\n")));
        target.folder.write("people.csv", "email,displayName\nada@corp.example,'=Ada\nbob@corp.example,\n");
        let options = ["--kind", "person", "--json"];
        let done = target.run(&[&["import", "units.ndjson.gz", "people.csv"], &options[..]].concat()).json();
        assert_eq!(done["created"], 7, "{done}");
        let ada = target.exported().into_iter().find(|record| record["email"] == "ada@corp.example").unwrap();
        assert_eq!(ada["displayName"], "=Ada");
    }
    let folder = Folder::new();
    let mut import = folder.command(clade());
    import.args(["import", "-", "--data", "corp.redb"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut import = import.spawn().unwrap();
    import.stdin.take().unwrap().write_all(CORP.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    assert_eq!(folder.clade(&["tree", "--data", "corp.redb"]).ok(), PICTURE);
}

#[test]
fn import_names_every_refused_line_and_changes_nothing() {
    let first = r#"{"kind":"orgUnit","name":"A"}
{"kind":"orgUnit","name":"B","parent":"A"
not JSON at all
{"kind":"person","email":"nobody"}"#;
    let second = b"\n[1]\n{\"kind\":\"orgUnit\",\"name\":\"\xff\"}\n";
    for target in Target::both() {
        target.folder.write("first.ndjson", first);
        target.folder.write("second.ndjson", second);
        let refusal = target.run(&["import", "first.ndjson", "second.ndjson"]).refusal(1);
        assert!(
            refusal.starts_with("error: nothing was changed: 5 of 6 records were refused\n"),
            "{refusal}"
        );
        for said in [
            "first.ndjson line 2: the line is not JSON: EOF while parsing an object at column 41",
            "first.ndjson line 3: the line is not JSON",
            "first.ndjson line 4: email \"nobody\" must look like name@domain",
            "second.ndjson line 2: a line must be a JSON object, not an array",
            "second.ndjson line 3: the line is not UTF-8 at byte 26",
        ] {
            assert!(refusal.contains(said), "{said}: {refusal}");
        }
        assert!(
            !target.folder.names().contains(&"corp.redb".to_owned()),
            "what cannot be read makes no store"
        );
    }
}

#[test]
fn import_refuses_duplicates_and_cycles_within_one_file() {
    let lines = r#"{"kind":"orgUnit","name":"A"}
{"kind":"orgUnit","name":"A"}
{"kind":"mapping","parent":"A","child":"A"}
{"kind":"mapping","parent":"A","child":"B"}
{"kind":"mapping","parent":"B","child":"C"}
{"kind":"mapping","parent":"C","child":"A"}
{"kind":"mapping","mappingType":"people-org","attribute1":"x@y","attribute2":"A"}"#;
    for target in Target::both() {
        let told = refused_lines(&target, lines);
        let code = |line: u64| told.iter().find(|refused| refused["line"] == line).map(|it| &it["code"]);
        for (line, expected) in [(2, "duplicate"), (3, "self-parent"), (6, "cycle"), (7, "unknown-person")] {
            assert_eq!(code(line).and_then(Value::as_str), Some(expected), "{told:?}");
        }
        let cycle = told.iter().find(|refused| refused["line"] == 6).unwrap()["detail"].as_str().unwrap();
        assert!(cycle.contains("C > A > B > C"), "{cycle}");
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(target.folder.names(), ["bad.ndjson"], "what is refused makes no store");
        let refusal = target.run(&["import", "bad.ndjson"]).refusal(1);
        assert!(!refusal.contains("upsert"), "merging would hide it: {refusal}");
    }
}

#[test]
fn import_of_what_exists_says_how_to_merge_it() {
    for target in Target::with_corp() {
        let refusal = target.run(&["import", "corp.ndjson"]).refusal(1);
        assert!(refusal.contains("exists already\n"), "{refusal}");
        assert!(refusal.trim_end().ends_with("\nto merge into what exists: --mode upsert"), "{refusal}");
    }
}

#[test]
fn import_counts_all_refused_records_also_those_that_a_server_does_not_name() {
    let lines = "{\"kind\":\"person\",\"email\":\"nobody\"}\n".repeat(10_050);
    for target in Target::both() {
        target.folder.write("many.ndjson", &lines);
        let refusal = target.run(&["import", "many.ndjson"]).refusal(1);
        assert!(refusal.contains("10050 of 10050 records were refused\n"), "{refusal}");
        assert!(refusal.contains("and 10030 more; use --json"), "{refusal}");
    }
}

#[test]
fn import_names_every_line_of_units_above_each_other() {
    let lines = r#"{"kind":"orgUnit","name":"P","parent":"Q"}
{"kind":"orgUnit","name":"Q","parent":"R"}
{"kind":"orgUnit","name":"R","parent":"P"}"#;
    for target in Target::both() {
        let told = refused_lines(&target, lines);
        assert_eq!(
            told.iter().map(|refused| refused["line"].as_u64()).collect::<Vec<_>>(),
            [1, 2, 3].map(Some)
        );
        for refused in &told {
            assert_eq!(refused["code"], "cycle");
            assert!(refused["detail"].as_str().unwrap().contains("P > R > Q > P"), "{refused}");
        }
    }
}

/// The errors of an import by line. Checks that nothing was changed.
fn refused_lines(target: &Target, lines: &str) -> Vec<Value> {
    target.folder.write("bad.ndjson", lines);
    let ran = target.run(&["import", "bad.ndjson", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let told = told["refused"].as_array().unwrap().clone();
    assert_eq!(told.iter().filter(|refused| refused["file"] == "bad.ndjson").count(), told.len());
    let exported = target.run(&["export"]);
    assert_eq!(exported.out, "", "{exported:?}");
    told
}

#[test]
fn a_line_has_a_maximum_length() {
    let folder = Folder::new();
    let long =
        format!("{{\"kind\":\"person\",\"email\":\"a@x.example\",\"note\":\"{}\"}}", "x".repeat(2 << 20));
    folder.write("long.ndjson", format!("{{\"kind\":\"person\",\"email\":\"b@x.example\"}}\n{long}\n"));
    let refusal = folder.clade(&["import", "long.ndjson", "--data", "corp.redb"]).refusal(1);
    assert!(refusal.contains("long.ndjson line 2 is longer than 1048576 bytes"), "{refusal}");
}

/// Imports a file of people, and returns what is printed.
fn import_people(target: &Target, name: &str, more: &[&str]) -> String {
    target.run(&[&["import", name, "--kind", "person", "--mode", "upsert"], more].concat()).ok()
}

#[test]
fn import_reads_files_as_spreadsheets_and_systems_write_them() {
    for target in Target::both() {
        target.folder.write(
            "semicolon.csv",
            "Email;First Name;team;\r\nlea@corp;Lea;Ost;\r\nkim@corp;Kim;\"West; Sued\"\r\n;;;\r\n",
        );
        target.folder.write("excel.csv", b"\xef\xbb\xbfsep=|\r\nemail|team\r\nmax@corp|Ost\r\n");
        target.folder.write("old.csv", b"email,lastName\njo@corp,M\xfcller\n");
        target.folder.write(
            "wide.tsv",
            "email\tteam\nwi@corp\tOst\n".encode_utf16().flat_map(u16::to_le_bytes).fold(
                vec![0xff, 0xfe],
                |mut all, byte| {
                    all.push(byte);
                    all
                },
            ),
        );
        target.folder.write("array.json", "[\n{\"email\": \"ar@corp\",\n \"kind\": \"person\", \"externalId\": 7},\n{\"kind\": \"person\", \"email\": \"ra@corp\"}]\n");
        target.folder.write("lines.json", "{\"kind\":\"person\",\"email\":\"li@corp\"}\n");
        target.folder.write("mapped.csv", "Work Email,Teams\nma@corp,Ost+West\n");
        let done = import_people(&target, "semicolon.csv", &[]);
        assert!(done.contains("created 2,") && done.contains("unit West; Sued (team, no parent)"), "{done}");
        for name in ["excel.csv", "wide.tsv", "array.json", "lines.json"] {
            import_people(&target, name, &[]);
        }
        let refusal = target.run(&["import", "old.csv", "--kind", "person"]).refusal(1);
        assert!(refusal.contains("old.csv line 2: the line is not UTF-8; name the encoding"), "{refusal}");
        import_people(&target, "old.csv", &["--encoding", "windows-1252"]);
        import_people(
            &target,
            "mapped.csv",
            &["--map", "email=work email", "--map", "team=Teams", "--list-separator", "+"],
        );
        let exported = target.exported();
        let person = |email: &str| exported.iter().find(|it| it["email"] == email).unwrap_or(&Value::Null);
        assert_eq!(
            (&person("jo@corp")["lastName"], &person("ar@corp")["externalId"]),
            (&json!("Müller"), &json!("7"))
        );
        let placed = |unit: &str| {
            let of =
                exported.iter().filter(|it| it["mappingType"] == "people-org" && it["attribute2"] == unit);
            let mut emails: Vec<_> = of.map(|it| it["attribute1"].as_str().unwrap().to_owned()).collect();
            emails.sort();
            emails
        };
        assert_eq!(placed("Ost"), ["lea@corp", "ma@corp", "max@corp", "wi@corp"]);
        assert_eq!(placed("West"), ["ma@corp"]);
    }
}

#[test]
fn rows_of_one_person_add_up_and_take_nothing_away() {
    for target in Target::both() {
        target.folder.write("hr.csv", "email,organization,team\nann@corp,Corp,Red\nann@corp,Corp,Blue\n");
        target.folder.write("row.csv", "email,organization,team\nann@corp,Corp,Blue\n");
        target.folder.write("other.csv", "email,firstName\nann@corp,Ann\nann@corp,Anna\n");
        let placed = || {
            let exported = target.exported();
            exported.iter().filter(|it| it["mappingType"] == "people-org").count()
        };
        import_people(&target, "hr.csv", &[]);
        assert_eq!(placed(), 2);
        for name in ["hr.csv", "row.csv"] {
            let done = import_people(&target, name, &[]);
            assert!(done.contains("unchanged 1)"), "{done}");
        }
        assert_eq!(placed(), 2);
        let refusal = target.run(&["import", "other.csv", "--kind", "person", "--mode", "upsert"]).refusal(1);
        assert!(
            refusal.contains(
                "other.csv line 3: firstName of \"ann@corp\" is \"Ann\" in line 2, and \"Anna\" here"
            ),
            "{refusal}"
        );
    }
}

#[test]
fn import_says_what_is_wrong_with_a_file() {
    for target in Target::both() {
        for (name, text, said) in [
            (
                "people.csv",
                "email\na@b\n",
                "people.csv: kind is required; for a file of people alone: --kind person",
            ),
            (
                "twice.csv",
                "kind,firstName,First Name\nperson,A,B\n",
                "the columns \"firstName\" (2) and \"First Name\" (3) both give firstName",
            ),
            (
                "cut.csv",
                "kind,email\nperson,\"a@b\n",
                "cut.csv line 2: the file ends in the middle of a cell",
            ),
            (
                "cut.json",
                "[{\"kind\":\"person\"",
                "cut.json line 1: the file ends in the middle of the array",
            ),
            ("people.txt", "kind,email\nperson,a@b\n", "people.txt was read as NDJSON"),
            (
                "gone.ndjson",
                "{\"kind\":\"person\",\"email\":\"a@b\",\"deleted\":true}\n",
                "deleted \"true\" is a reserved word",
            ),
        ] {
            target.folder.write(name, text);
            let refusal = target.run(&["import", name]).refusal(1);
            assert!(refusal.contains(said), "{said}: {refusal}");
        }
        target.folder.write("empty.csv", "email\n");
        let ran = target.run(&["import", "empty.csv", "--kind", "person"]);
        assert_eq!(
            (ran.code, ran.err.contains("warning: empty.csv holds no records")),
            (Some(0), true),
            "{ran:?}"
        );
        target.folder.write("several.csv", "email,team\na@b,Red;Blue\n");
        let ran = target.run(&["import", "several.csv", "--kind", "person", "--dry-run"]);
        assert!(ran.err.contains("\"Red;Blue\"") && ran.err.contains("--list-separator"), "{ran:?}");
    }
}

#[test]
fn options_that_do_not_apply_are_refused() {
    for target in Target::both() {
        target.folder.write("people.ndjson", "{\"kind\":\"person\",\"email\":\"a@b\"}\n");
        target.folder.write("people.json", "[{\"kind\":\"person\",\"email\":\"a@b\"}]");
        for (files, option, value, said) in [
            (&["people.ndjson"][..], "--separator", ";", "people.ndjson is read as NDJSON"),
            (&["people.json"], "--list-separator", ";", "people.json is read as JSON"),
            (&["people.ndjson"], "--map", "email=Mail", "people.ndjson is read as NDJSON"),
            (&["people.ndjson", "--history"], "--separator", ";", "--history"),
            (&["people.ndjson", "--history"], "--list-separator", ";", "--history"),
            (&["people.ndjson", "--history"], "--map", "email=Mail", "--history"),
            (&["people.ndjson", "--history"], "--encoding", "utf-8", "--history"),
        ] {
            let refusal = target.run(&[&["import"], files, &[option, value]].concat()).refusal(2);
            assert!(refusal.contains(option) && refusal.contains(said), "{option}: {refusal}");
        }
    }
}

#[test]
fn import_prints_an_example_that_it_reads() {
    for target in Target::both() {
        let example = target.folder.clade(&["import", "--example"]).ok();
        assert_eq!(example.lines().count(), 6);
        target.folder.write("my.ndjson", &example);
        let done = target.run(&["import", "my.ndjson"]).ok();
        assert!(done.starts_with("imported 6 records (created 6, "), "{done}");
    }
}
