//! Backward compatibility: stores of every released format, checked in with their expected contents, can be opened.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Folder;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/storage/released_formats").join(name)
}

/// The whole content of a store as lines.
fn told(folder: &Folder, data: &str) -> String {
    let export = folder.clade(&["export", "--data", data]).ok();
    let tokens = folder.clade(&["token", "list", "--json", "--data", data]).ok();
    let check = folder.clade(&["check", "--data", data]).ok();
    // Data-quality findings are not part of the format.
    let check = check.split("the data-quality checks").next().unwrap_or_default();
    format!("{export}{tokens}{check}")
}

#[test]
fn a_store_of_format_1_opens_and_is_written() {
    let folder = Folder::new();
    fs::copy(kept("v1.redb"), folder.path("v1.redb")).unwrap();
    assert_eq!(told(&folder, "v1.redb"), fs::read_to_string(kept("v1.txt")).unwrap());
    folder.write("unit.ndjson", r#"{"kind":"orgUnit","name":"New","parent":"Corp"}"#);
    folder.clade(&["import", "unit.ndjson", "--data", "v1.redb"]).ok();
    let check = folder.clade(&["check", "--data", "v1.redb"]).ok();
    assert!(check.contains("the store is intact\n"), "{check}");
}

/// Creates the store of the current format, once, before its release:
/// `cargo test --test storage released_formats -- --ignored`.
#[test]
#[ignore = "writes into the repository"]
fn make_the_store_of_the_present_format() {
    let folder = Folder::new();
    folder.write("v1.ndjson", ORGANISATION);
    let run = |args: &[&str]| folder.clade(&[args, &["--data", "v1.redb"]].concat()).ok();
    run(&["import", "v1.ndjson"]);
    let changes = r#"mutation {
        updatePerson(input: { id: "ada@corp.example", displayName: "Ada L." }) { person { email } }
        moveOrgUnit(id: "Guild", to: "Lab") { orgUnit { key } }
        deletePerson(input: { id: "gone@corp.example" }) { deletedId }
    }"#;
    run(&["query", changes]);
    run(&["token", "create", "--role", "admin", "--description", "kept"]);
    run(&["token", "create", "--role", "write", "--expires", "2999-12-31"]);
    let tokens = run(&["token", "list"]);
    run(&["token", "revoke", tokens.split_whitespace().next().unwrap()]);
    fs::create_dir_all(kept("")).unwrap();
    fs::write(kept("v1.txt"), told(&folder, "v1.redb")).unwrap();
    fs::copy(folder.path("v1.redb"), kept("v1.redb")).unwrap();
}

/// Every kind of record, every field, every level, and custom types and names.
const ORGANISATION: &str = r#"{"kind":"orgUnit","key":"Corp","name":"The Corp","type":"organization","externalId":"hr-1"}
{"kind":"orgUnit","key":"R&D","name":"R&D","type":"business","parents":["Corp"],"attributes":{"site":{"city":"Malmö"},"codes":[1,2.5,null,true]}}
{"kind":"orgUnit","key":"Lab","name":"研究","type":"department","parents":["R&D"]}
{"kind":"orgUnit","key":"a/b","name":"a/b","type":"group","parents":["Lab"]}
{"kind":"orgUnit","key":"Team","name":"Team","type":"team","parents":["a/b","Corp"]}
{"kind":"orgUnit","key":"Guild","name":"Guild","type":"tribe","parents":["Corp"]}
{"kind":"person","email":"Ada@corp.example","firstName":"Ada","lastName":"Lovelace","displayName":"Ada","externalId":"p-1","shoe":37}
{"kind":"person","email":"gone@corp.example"}
{"kind":"project","projectId":"shop","projectName":"Shop","projectOwner":{"firstName":"Ada","lastName":"L","email":"ada@corp.example"},"externalId":"pm-1","stage":"beta","assets":{"repositories":[{"name":"shop","platform":"github","url":"https://github.com/corp/shop.git"}],"services":[{"name":"Shop API","identifier":"shop-api","externalId":"s-1","dependencies":{"needs":["login"]}}]}}
{"kind":"mapping","mappingType":"people-org","attribute1":"ada@corp.example","attribute2":"Team","relationship":"many-to-one","source":"hr"}
{"kind":"mapping","mappingType":"people-org","attribute1":"gone@corp.example","attribute2":"Team"}
{"kind":"mapping","mappingType":"project-org","attribute1":"shop","attribute2":"Team"}
{"kind":"mapping","mappingType":"project-people","attribute1":"shop","attribute2":"ada@corp.example","share":0.5}
"#;
