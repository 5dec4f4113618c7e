//! REST bulk import and export: one atomic change set, errors by line, NDJSON, CSV and gzip, and round trips.

use std::io::Write;

use clade::exchange::{Format, export};
use serde_json::{Value, json};

use crate::support::Server;

const CORP: &str = r#"
{"kind":"mapping","attribute1":"p1","attribute2":"ada@corp","mappingType":"project-people"}
{"kind":"mapping","attribute1":"ada@corp","attribute2":"Web"}
{"kind":"orgUnit","name":"Web","type":"team","parent":"Corp"}

{"kind":"orgUnit","name":"Corp","type":"organization"}
{"kind":"person","email":"ada@corp","lastName":"=A"}
{"kind":"project","projectId":"p1","projectName":"One","projectOwner":{"email":"ada@corp"},"assets":{"repositories":[{"url":"https://github.com/Corp/one"}],"services":[]},"organization":"Corp"}
"#;

#[test]
fn many_records_are_made_at_once_in_any_order() {
    let server = Server::start();
    let dry = server.bulk("?dryRun=true", CORP).ok();
    assert_eq!(counts(&dry), json!([true, 6, 6, 0, 0]));
    assert_eq!(server.get("/people").ok()["count"], 0);
    let done = server.bulk("", CORP).ok();
    assert_eq!(counts(&done), json!([false, 6, 6, 0, 0]));
    assert_eq!(dry["changes"], done["changes"]);
    assert_eq!(server.keys("/units/Corp/people", "email"), ["ada@corp"]);
    let again = server.bulk("?mode=upsert", CORP).ok();
    assert_eq!(counts(&again), json!([false, 6, 0, 0, 6]));
    let twice = server.bulk("?mode=insert", CORP).problem(422, "refused");
    assert_eq!(twice["refused"].as_array().unwrap().len(), 6);
    let detail = twice["detail"].as_str().unwrap();
    assert!(detail.ends_with("exists already; to merge into what exists: mode=upsert"), "{detail}");
    let person = r#"{"kind":"person","email":"bob@corp"}"#;
    let in_one = server.bulk("", &format!("{person}\n{person}")).problem(422, "refused");
    assert!(!in_one["detail"].as_str().unwrap().contains("upsert"), "merging would hide it: {in_one}");
    assert_eq!(server.bulk("", "\n \n").ok()["total"], 0);
}

/// The numbers of an answer, by what was done with the lines.
fn counts(answer: &Value) -> Value {
    ["dryRun", "total", "created", "updated", "unchanged"].map(|name| answer[name].clone()).to_vec().into()
}

/// The same answer to a dry run, and then to the request itself.
fn foreseen(server: &Server, query: &str, lines: &str) -> Value {
    let mut dry = server.bulk(&format!("{query}&dryRun=true"), lines).ok();
    let done = server.bulk(query, lines).ok();
    dry["dryRun"] = json!(false);
    assert_eq!(dry, done, "a dry run foresees everything");
    done
}

#[test]
fn an_answer_counts_what_happened_to_records_that_no_line_names() {
    let server = Server::start();
    server
        .bulk(
            "",
            r#"{"kind":"orgUnit","name":"Corp","type":"organization"}
{"kind":"orgUnit","name":"T1","type":"team"}
{"kind":"person","email":"ann@corp.example","team":"T1"}"#,
        )
        .ok();
    let row = r#"{"kind":"person","email":"ann@corp.example","organization":"Corp","department":"Dep","team":"T1"}"#;
    let done = foreseen(&server, "?mode=upsert", row);
    assert_eq!(counts(&done), json!([false, 1, 0, 1, 0]));
    assert_eq!(done["changes"]["units"], json!({"created": 1, "updated": 0, "moved": 1, "ended": 0}));
    assert_eq!(done["changes"]["people"], json!({"created": 0, "updated": 0, "moved": 0, "ended": 0}));
    assert_eq!(done["changes"]["mappings"]["created"], 2);
    assert_eq!(
        (&done["made"], &done["madeCount"]),
        (&json!(["unit Dep (department, beneath Corp)"]), &json!(1))
    );
    let revision = server.data("{ revision }");
    let again = server.bulk("?mode=upsert", row).ok();
    assert_eq!(counts(&again), json!([false, 1, 0, 0, 1]));
    assert_eq!(server.data("{ revision }"), revision, "unchanged means that there is no new revision");
}

#[test]
fn an_answer_tells_of_units_that_names_have_made() {
    let server = Server::start();
    let done = server.bulk("", r#"{"kind":"person","email":"ann@corp.example","team":"Nope"}"#).ok();
    assert_eq!(done["made"], json!(["unit Nope (team, no parent)"]));
    let lines = r#"{"kind":"person","email":"bob@corp.example","team":"Nope"}
{"kind":"person","email":"eve@corp.example","organization":"Corp","team":"Nop"}
{"kind":"mapping","parent":"Nope","child":"New"}"#;
    let problem = server.bulk("?newUnits=false", lines).problem(422, "refused");
    assert_eq!(refused(&problem), [(2, "unknown-unit"), (3, "unknown-unit")]);
    assert_eq!(problem["refused"][0]["field"], "organization");
    assert_eq!(server.bulk("?newUnits=false", lines.lines().next().unwrap()).ok()["created"], 1);
}

#[test]
fn a_write_of_one_record_tells_of_units_that_its_names_have_made() {
    let server = Server::start();
    let answer = server.post("/people", &json!({"email": "ann@corp.example", "team": "Straße; 1"}));
    assert_eq!(answer.header("clade-made"), "unit Stra%C3%9Fe%3B 1 (team, no parent)");
    let answer = server.json("PATCH", "/people/ann@corp.example", &json!({"firstName": "Ann"}));
    assert_eq!(answer.header("clade-made"), "", "nothing was made");
    let change = r#"mutation { createPerson(input: {email: "bob@corp.example", organization: "Corp", team: "Nop"}) {
        summary { made units { created } people { created } } } }"#;
    let expected = json!({
        "made": ["unit Corp (organization, no parent)", "unit Nop (team, beneath Corp)"],
        "units": {"created": 2}, "people": {"created": 1},
    });
    assert_eq!(server.data(change)["createPerson"]["summary"], expected);
}

#[test]
fn fields_that_are_kept_as_attributes_are_told_once_each_or_refused() {
    let server = Server::start();
    let lines = r#"{"kind":"person","email":"ann@corp.example","manager":"bob@corp.example","First Name":"Ann"}
{"kind":"person","email":"bob@corp.example","manager":null,"attributes":{"floor":2}}
{"kind":"orgUnit","name":"Corp","manager":"x"}"#;
    let problem = server.bulk("?strict=true", lines).problem(422, "refused");
    assert_eq!(refused(&problem), [(1, "unknown-field"), (2, "unknown-field"), (3, "unknown-field")]);
    assert_eq!(problem["refused"][0]["field"], "manager");
    let done = server.bulk("", lines).ok();
    assert_eq!(
        done["keptAsAttributes"],
        json!([
            {"field": "manager", "kind": "person", "records": 2},
            {"field": "manager", "kind": "orgUnit", "records": 1},
            {"field": "First Name", "kind": "person", "records": 1, "didYouMean": "firstName"},
        ])
    );
    let own = r#"{"kind":"person","email":"c@corp.example","attributes":{"floor":2}}"#;
    assert_eq!(server.bulk("?strict=true", own).ok()["keptAsAttributes"], json!([]));
    let both = r#"{"kind":"person","email":"twice@corp","attributes":{"manager":1},"manager":2}"#;
    let problem = server.bulk("?strict=true", both).problem(422, "refused");
    assert!(problem["detail"].as_str().unwrap().contains("manager"), "{problem}");
    let many: Vec<String> = (0..120).map(|at| format!("\"x{at}\":1")).collect();
    let many = format!(r#"{{"kind":"person","email":"many@corp",{}}}"#, many.join(","));
    let done = server.bulk("", &many).ok();
    assert_eq!(done["keptAsAttributes"].as_array().unwrap().len(), 100);
    assert_eq!(done["keptAsAttributesCount"], 120);
}

#[test]
fn a_second_parent_is_warned_of() {
    let server = Server::start();
    server
        .bulk(
            "",
            r#"{"kind":"orgUnit","name":"A"}
{"kind":"orgUnit","name":"B"}
{"kind":"orgUnit","name":"C","parent":"A"}
{"kind":"mapping","parent":"B","child":"D"}
{"kind":"mapping","parent":"A","child":"D"}"#,
        )
        .ok();
    let done = foreseen(&server, "?mode=upsert", r#"{"kind":"mapping","parent":"B","child":"C"}"#);
    assert_eq!(done["secondParents"], json!(["unit C (beneath A, B)"]));
    let again = server.bulk("?mode=upsert", r#"{"kind":"mapping","parent":"B","child":"C"}"#).ok();
    assert_eq!((&again["secondParentsCount"], &again["unchanged"]), (&json!(0), &json!(1)));
}

#[test]
fn units_are_a_list_of_references() {
    let server = Server::start();
    server
        .bulk(
            "",
            r#"{"kind":"orgUnit","name":"Corp","type":"organization"}
{"kind":"orgUnit","key":"r","name":"Red","type":"team","parents":["Corp"]}
{"kind":"orgUnit","key":"b","name":"Blue","type":"team","parents":["Corp"]}
{"kind":"person","email":"ann@corp.example","units":["r",["Corp","Blue"]]}
{"kind":"project","projectId":"p","projectName":"P","units":["r"],"team":"Red"}"#,
        )
        .ok();
    assert_eq!(server.keys("/units/b/people", "email"), ["ann@corp.example"]);
    assert_eq!(server.keys("/units/r/people", "email"), ["ann@corp.example"]);
    assert_eq!(server.keys("/units/r/projects", "projectId"), ["p"]);
    let other = r#"{"kind":"person","email":"ann@corp.example","units":["r"],"team":"Blue"}"#;
    let problem = server.bulk("?mode=upsert", other).problem(422, "refused");
    assert_eq!(
        (&problem["refused"][0]["field"], &problem["refused"][0]["code"]),
        (&json!("team"), &json!("invalid"))
    );
    server.json("PATCH", "/people/ann@corp.example", &json!({"units": ["b"]})).ok();
    assert_eq!(server.keys("/units/r/people", "email"), Vec::<String>::new());
    server.json("PATCH", "/people/ann@corp.example", &json!({"units": null})).ok();
    assert_eq!(server.keys("/units/b/people", "email"), Vec::<String>::new());
}

fn refused(problem: &Value) -> Vec<(u64, &str)> {
    let lines = problem["refused"].as_array().expect("a refusal names its lines");
    lines
        .iter()
        .map(|line| (line["line"].as_u64().unwrap_or_default(), line["code"].as_str().unwrap_or_default()))
        .collect()
}

#[test]
fn every_refused_line_is_named_and_nothing_is_done() {
    let server = Server::start();
    let unreadable =
        "{\"kind\":\"person\",\"email\":\"a@b\"}\n{\n\n{\"kind\":\"person\"}\n[]\n{\"kind\":\"dog\"}\n";
    let problem = server.bulk("", unreadable).problem(400, "refused");
    assert_eq!(refused(&problem), [(2, "malformed"), (4, "missing-field"), (5, "invalid"), (6, "invalid")]);
    assert_eq!((&problem["total"], &problem["refusedCount"]), (&json!(5), &json!(4)));

    let unknown = "{\"kind\":\"mapping\",\"attribute1\":\"p9\",\"attribute2\":\"a@b\",\"mappingType\":\"project-people\"}\n\
        {\"kind\":\"person\",\"email\":\"a@b\"}\n{\"kind\":\"person\",\"email\":\"A@b\"}\n";
    let problem = server.bulk("", unknown).problem(422, "refused");
    assert_eq!(refused(&problem), [(1, "unknown-project"), (3, "duplicate")]);
    let dry = server.bulk("?dryRun=true", unknown).problem(422, "refused");
    assert_eq!(refused(&dry), refused(&problem));

    let single = server.bulk("", "\n{\"kind\":\"mapping\",\"attribute1\":\"p9\",\"attribute2\":\"a@b\"}");
    assert_eq!(refused(&single.problem(422, "refused"))[0].0, 2);
    assert_eq!(server.get("/people").ok()["count"], 0);
}

#[test]
fn a_cycle_across_lines_is_refused() {
    let server = Server::start();
    let lines = "{\"kind\":\"mapping\",\"parent\":\"A\",\"child\":\"B\"}\n{\"kind\":\"mapping\",\"parent\":\"B\",\"child\":\"C\"}\n{\"kind\":\"mapping\",\"parent\":\"C\",\"child\":\"A\"}";
    let problem = server.bulk("", lines).problem(422, "refused");
    assert_eq!(refused(&problem), [(3, "cycle")]);
    assert_eq!(server.get("/units").ok()["count"], 0);
}

#[test]
fn units_above_each_other_are_refused_with_their_path() {
    let server = Server::start();
    let lines = "{\"kind\":\"orgUnit\",\"name\":\"A\",\"parent\":\"C\"}\n\
        {\"kind\":\"orgUnit\",\"name\":\"Top\"}\n\
        {\"kind\":\"orgUnit\",\"name\":\"B\",\"parents\":[\"Top\",\"A\"]}\n\
        {\"kind\":\"orgUnit\",\"name\":\"C\",\"parent\":\"B\"}\n";
    for mode in ["", "?mode=upsert", "?dryRun=true"] {
        let problem = server.bulk(mode, lines).problem(422, "refused");
        assert_eq!(refused(&problem), [(1, "cycle"), (3, "cycle"), (4, "cycle")]);
        assert_eq!(problem["refused"][0]["path"], json!(["A", "B", "C", "A"]));
    }
    let itself = "{\"kind\":\"orgUnit\",\"name\":\"A\",\"parent\":\"A\"}";
    assert_eq!(refused(&server.bulk("", itself).problem(422, "refused")), [(1, "self-parent")]);
    server.bulk("", "{\"kind\":\"orgUnit\",\"name\":\"A\"}").ok();
    let turned = "{\"kind\":\"orgUnit\",\"name\":\"A\"}\n{\"kind\":\"orgUnit\",\"name\":\"B\",\"parent\":\"A\"}\n\
        {\"kind\":\"orgUnit\",\"key\":\"A\",\"parent\":\"B\"}";
    assert_eq!(refused(&server.bulk("?mode=upsert", turned).problem(422, "refused")), [(3, "cycle")]);
    assert_eq!(server.keys("/units", "key"), ["A"]);
}

#[test]
fn a_hierarchy_of_links_may_come_in_any_order() {
    let server = Server::start();
    let lines = r#"
{"kind":"person","email":"ada@corp","organization":"Corp","business":"Web","team":"Shop"}
{"kind":"mapping","parent":"Web","child":"Shop","childType":"team"}
{"kind":"mapping","parent":"Corp","parentType":"root","child":"Web","childType":"business"}
"#;
    assert_eq!(server.bulk("", lines).ok()["created"], 3);
    assert_eq!(server.keys("/units", "key"), ["Corp", "Web", "Shop"]);
    assert_eq!(server.keys("/units/Web/people", "email"), ["ada@corp"]);
}

#[test]
fn an_unreadable_line_in_the_middle_is_named_by_its_number() {
    let server = Server::start();
    let fine = "{\"kind\":\"person\",\"email\":\"a@b\"}";
    for (bad, code, words) in [
        (
            &b"{\"kind\":\"person\","[..],
            "malformed",
            "the line is not JSON: EOF while parsing a value at column 17",
        ),
        (b"{\"kind\":\"person\",\"email\":\"\xff\"}", "malformed", "the line is not UTF-8 at byte 26"),
        (b"{\"kind\":\"person\",\"email\":\"c@d\",\"email\":\"e@f\"}", "malformed", "given twice"),
        (b"{\"kind\":\"person\",\"email\":\"\\ud800\"}", "malformed", "column"),
        (b"\"person\"", "invalid", "object"),
        (b"{\"email\":\"c@d\"}", "missing-field", "kind"),
        (b"{\"kind\":7}", "invalid", "kind"),
    ] {
        let body = [fine.as_bytes(), b"\r\n", bad, b"\r\n", fine.as_bytes()].concat();
        let headers = [("content-type", "application/x-ndjson")];
        let answer = server.send("POST", "/bulk", &headers, Some(&body));
        let problem = answer.value();
        assert_eq!(refused(&problem), [(2, code)], "{problem}");
        let detail = problem["refused"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
        assert_eq!(problem["total"], 3);
    }
    assert_eq!(server.get("/people").ok()["count"], 0);
    let marked = format!("\u{feff}{fine}\r\n");
    assert_eq!(server.bulk("", &marked).ok()["created"], 1, "a mark before the first line is no part of it");
}

#[test]
fn all_refused_lines_are_counted_and_the_first_are_named() {
    let server = Server::start();
    let problem = server.bulk("", &"x\n".repeat(20_000)).problem(400, "refused");
    assert_eq!((&problem["refusedCount"], &problem["total"]), (&json!(20_000), &json!(20_000)));
    assert_eq!(problem["refused"].as_array().unwrap().len(), 10_000);
}

#[test]
fn only_ndjson_is_accepted_plain_or_gzip() {
    let server = Server::start();
    for content_type in ["text/plain", "application/json", "application/json-seq"] {
        let headers = [("content-type", content_type)];
        server.send("POST", "/bulk", &headers, Some(CORP.as_bytes())).problem(415, "unsupported-media-type");
    }
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(CORP.as_bytes()).unwrap();
    let zipped = zip.finish().unwrap();
    let send = |encoding: &str, body: &[u8]| {
        let headers = [("content-type", "application/x-ndjson"), ("content-encoding", encoding)];
        server.send("POST", "/bulk", &headers, Some(body))
    };
    assert_eq!(send("gzip", &zipped).ok()["created"], 6);
    send("gzip", CORP.as_bytes()).problem(400, "malformed");
    send("br", &zipped).problem(415, "unsupported-media-type");
    server.bulk("?mode=replace", CORP).problem(400, "invalid");
    server.bulk("?dryrun=true", CORP).problem(400, "unknown-parameter");
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read_as_records() {
    let server = Server::start();
    let line = format!("{{\"kind\":\"person\",\"email\":\"a@b\",\"note\":\"{}\"}}\n", "x".repeat(1 << 20));
    let problem = server.bulk("", &line.repeat(65)).problem(413, "too-large");
    assert_eq!(problem["limit"], 64 << 20);
}

#[test]
fn an_export_is_an_import() {
    let server = Server::start();
    server.bulk("", CORP).ok();
    let written = |server: &Server| {
        let mut out = Vec::new();
        export(&server.directory.view(), Format::Ndjson, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let file = written(&server);
    assert!(file.lines().all(|line| line.starts_with("{\"kind\":\"")), "{file}");
    let other = Server::start();
    assert_eq!(other.bulk("", &file).ok()["created"], file.lines().count());
    let plain = |file: &str| -> Vec<Value> {
        let lines = file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|mut record| {
                for name in ["createdAt", "updatedAt", "validFrom", "validTo", "revision"] {
                    record.as_object_mut().unwrap().remove(name);
                }
                record
            })
            .collect()
    };
    assert_eq!(plain(&written(&other)), plain(&file));
    assert_eq!(server.bulk("?mode=upsert", &file).ok()["unchanged"], file.lines().count());
}

#[test]
fn an_export_is_streamed_in_every_format_plain_or_zipped() {
    let server = Server::start();
    let people: Vec<_> =
        (0..3_000).map(|n| format!("{{\"kind\":\"person\",\"email\":\"p{n}@corp\"}}")).collect();
    server.bulk("", &people.join("\n")).ok();
    for (format, media_type, lines) in [
        ("ndjson", "application/x-ndjson", 3_000),
        ("csv", "text/csv; charset=utf-8", 3_001),
        ("json", "application/json", 3_000),
    ] {
        for encoding in ["identity", "gzip"] {
            let path = format!("/bulk?format={format}");
            let answer = server.send("GET", &path, &[("accept-encoding", encoding)], None);
            assert_eq!((answer.status, answer.header("content-type").as_str()), (200, media_type));
            assert_eq!(answer.text().lines().count(), lines, "{format} {encoding}");
        }
    }
    assert_eq!(server.send("GET", "/bulk", &[("accept", "text/csv")], None).text().lines().count(), 3_001);
    let backup = server.send("GET", "/backup", &[("accept-encoding", "gzip")], None);
    assert!(backup.status == 200 && !backup.body.is_empty());
}

#[test]
fn a_csv_export_says_the_same() {
    use clade::exchange::{command_of_record, records_of_csv};
    use clade::model::command::IfExists;

    let server = Server::start();
    server.bulk("", CORP).ok();
    let mut csv = Vec::new();
    export(&server.directory.view(), Format::Csv, &mut csv).unwrap();
    let commands: Vec<_> = records_of_csv(csv.as_slice())
        .unwrap()
        .map(|(_, record)| command_of_record(record.unwrap(), IfExists::Merge).unwrap())
        .collect();
    let total = commands.len();
    let applied = server.directory.dry_run(commands).unwrap();
    let unchanged =
        applied.outcomes.iter().filter(|it| it.effect == clade::model::command::Effect::Unchanged);
    assert_eq!(unchanged.count(), total);
}

#[test]
fn more_lines_than_one_request_may_have_are_refused_together() {
    let server = Server::start();
    let lines = "{}\n".repeat(250_001);
    let problem = server.bulk("", &lines).problem(413, "too-large");
    assert_eq!(problem["limit"], 250_000);
    assert!(problem["detail"].as_str().unwrap().contains("250000 lines"), "{problem}");
}

#[test]
fn a_line_may_end_its_record() {
    let server = Server::start();
    server
        .bulk(
            "",
            r#"{"kind":"orgUnit","key":"corp","name":"Corp"}
{"kind":"orgUnit","key":"a","name":"A","parent":"corp"}
{"kind":"orgUnit","key":"b","name":"B","parent":"a"}
{"kind":"orgUnit","key":"c","name":"C","parent":"b"}
{"kind":"person","email":"ann@corp.example","units":["c"]}
{"kind":"person","email":"bob@corp.example","units":["c","a"]}
{"kind":"project","projectId":"p","projectName":"P"}
{"kind":"mapping","attribute1":"p","attribute2":"bob@corp.example"}"#,
        )
        .ok();
    let refusal = server.bulk("", r#"{"kind":"orgUnit","key":"b","op":"end"}"#).problem(422, "refused");
    assert_eq!(refused(&refusal), [(1, "not-empty")]);
    let gone = r#"{"kind":"person","email":"eve@corp.example","op":"end"}"#;
    assert_eq!(refused(&server.bulk("", gone).problem(422, "refused")), [(1, "not-found")]);
    let both = "{\"kind\":\"person\",\"email\":\"ann@corp.example\",\"op\":\"end\"}\n{\"kind\":\"person\",\"email\":\"Ann@corp.example\"}";
    assert_eq!(refused(&server.bulk("?mode=upsert", both).problem(422, "refused")), [(1, "invalid")]);

    let done = foreseen(
        &server,
        "?mode=upsert",
        r#"{"kind":"orgUnit","key":"b","name":"B","op":"end","children":"refuse"}
{"kind":"orgUnit","key":"c","op":"end"}
{"kind":"person","email":"ann@corp.example","op":"end"}
{"kind":"mapping","attribute1":"bob@corp.example","attribute2":"c","op":"end"}
{"kind":"mapping","attribute1":"p","attribute2":"bob@corp.example","op":"end"}"#,
    );
    assert_eq!(
        (&done["ended"], &done["updated"]),
        (&json!(5), &json!(0)),
        "children first, whatever the order"
    );
    assert_eq!(done["changes"]["units"]["ended"], 2);
    assert_eq!(done["changes"]["people"], json!({"created": 0, "updated": 0, "moved": 1, "ended": 1}));
    assert_eq!(server.keys("/units", "key"), ["corp", "a"]);
    assert_eq!(server.keys("/units/a/people", "email"), ["bob@corp.example"]);
    let lifted = r#"{"kind":"orgUnit","name":"A","op":"end","children":"lift"}"#;
    assert_eq!(server.bulk("", lifted).ok()["ended"], 1);
    assert_eq!(server.keys("/units/corp/people", "email"), ["bob@corp.example"]);
}

#[test]
fn a_line_that_ends_what_another_writes_is_refused() {
    let server = Server::start();
    server.bulk("", CORP).ok();
    for (end, write) in [
        (r#""orgUnit","key":"web""#, r#""orgUnit","key":"WEB","name":"Web""#),
        (r#""orgUnit","name":"web""#, r#""orgUnit","name":"Web","type":"team","parent":"Corp""#),
        (
            r#""mapping","attribute1":"ada@corp","attribute2":"web""#,
            r#""mapping","attribute1":"Ada@corp","attribute2":"Web""#,
        ),
        (
            r#""mapping","attribute1":"ada@corp","attribute2":"p1""#,
            r#""mapping","attribute1":"p1","attribute2":"ada@corp""#,
        ),
        (r#""mapping","parent":"Corp","child":"web""#, r#""mapping","parent":"corp","child":"Web""#),
        (r#""person","email":"ü@bücher.example""#, r#""person","email":"ü@xn--bcher-kva.example""#),
    ] {
        let lines = format!("{{\"kind\":{write}}}\n{{\"kind\":{end},\"op\":\"end\"}}");
        let problem = server.bulk("?mode=upsert", &lines).problem(422, "refused");
        assert_eq!(refused(&problem), [(2, "invalid")], "{problem}");
        assert!(problem.to_string().contains("contradicts another line"), "{problem}");
    }
    let reversed = r#"{"kind":"mapping","parent":"Corp","child":"Web","op":"end"}
{"kind":"mapping","parent":"Web","child":"Corp"}"#;
    let done = server.bulk("?mode=upsert&dryRun=true", reversed).ok();
    assert_eq!(done["ended"], 1, "{done}");
}

#[test]
fn a_csv_has_a_file_name_and_a_mark_for_excel() {
    let server = Server::start();
    server.bulk("", "{\"kind\":\"person\",\"email\":\"ann@corp.example\",\"team\":\"Ost\"}").ok();
    for (path, name) in [
        ("/people?format=csv", "people"),
        ("/units/Ost/people?format=csv", "people"),
        ("/bulk?format=csv", "directory"),
        ("/bulk?format=csv&kind=person", "person"),
    ] {
        let answer = server.get(path);
        let file = answer.header("content-disposition");
        assert!(file.starts_with(&format!("attachment; filename=\"{name}-20")), "{file}");
        assert!(file.ends_with(".csv\""), "{file}");
        let marked = server.get(&format!("{path}&excel=1")).text();
        assert_eq!(marked, format!("\u{feff}{}", answer.text()), "{path}");
    }
    assert_eq!(server.get("/people").header("content-disposition"), "");
    server.get("/people?excel=1").problem(422, "invalid");
    server.get("/bulk?excel=1").problem(422, "invalid");
    let units = server.get("/people?format=csv&fields=email,units").text();
    assert_eq!(units, "email,units\r\nann@corp.example,Ost\r\n");
    server.get("/people?fields=units").problem(422, "invalid");
}
