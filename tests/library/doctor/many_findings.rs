//! Tens of thousands of records with thousands of findings: counts and pages.

use std::fmt::Write as _;

use clade::exchange::commands_of_lines;
use clade::query::doctor::{FindingCode, doctor};
use serde_json::json;

use crate::support::Server;

const TEAMS: usize = 3_000;
const PEOPLE: usize = 17_000;
const PROJECTS: usize = 10_000;

/// Teams of one name, people of whom every second has no place and each third is another's spelling, projects that
/// nobody knows the owner of and that all claim one repository.
fn lines() -> String {
    let mut lines = String::from(r#"{"kind":"orgUnit","key":"corp","name":"Corp","type":"organization"}"#);
    lines.push('\n');
    for at in 0..TEAMS {
        writeln!(lines, r#"{{"kind":"orgUnit","key":"t{at}","name":"Team","type":"team","parent":"corp"}}"#)
            .unwrap();
    }
    for at in 0..PEOPLE {
        let local = if at % 3 == 2 { format!("p{}+{at}", at - 1) } else { format!("p{at}") };
        writeln!(lines, r#"{{"kind":"person","email":"{local}@corp.example"}}"#).unwrap();
        if at % 2 == 0 {
            let team = at % (TEAMS / 2);
            writeln!(
                lines,
                r#"{{"kind":"mapping","attribute1":"{local}@corp.example","attribute2":"t{team}"}}"#
            )
            .unwrap();
        }
    }
    for at in 0..PROJECTS {
        writeln!(lines, r#"{{"kind":"project","projectId":"x{at}","projectName":"X","projectOwner":{{"email":"no{at}@one"}},"assets":{{"repositories":[{{"url":"https://h/one"}},{{"url":"https://h/{}"}}]}}}}"#, at / 2).unwrap();
    }
    lines
}

#[test]
fn thousands_of_findings_are_counted_and_come_by_pages() {
    let server = Server::start();
    server.directory.apply(commands_of_lines(lines().as_bytes()).unwrap()).unwrap();
    let view = server.directory.view();
    let findings = doctor(&view, &[]);
    let counts: Vec<_> = findings.counts().map(|(_, count)| count).collect();
    // People with an even number are in the teams of the first half, of which those with an even number get some.
    let (empty, spelled) = (TEAMS - TEAMS / 4, PEOPLE / 3);
    assert_eq!(counts, [1, PEOPLE / 2, PROJECTS, empty, TEAMS, PROJECTS, PROJECTS / 2 + 1, spelled, 0, 0]);
    let all = findings.all().len();
    let largest = &findings.of(FindingCode::SameNameInLevel)[0];
    assert_eq!(largest.about.len(), TEAMS);
    assert!(largest.message(&view).ends_with(", and 2995 more"), "{}", largest.message(&view));

    let (mut seen, mut path) = (0, "/doctor?code=person-spelled-twice&limit=1000".to_owned());
    loop {
        let page = server.get(&path);
        let link = page.header("link");
        let page = page.ok();
        let data = page["data"].as_array().unwrap();
        assert_eq!(page["count"], spelled);
        assert!(data.iter().all(|finding| finding["records"].as_array().unwrap().len() <= 20));
        seen += data.len();
        let Some(cursor) = page["cursor"].as_str() else { break };
        assert!(link.contains(cursor) && link.ends_with("rel=\"next\""), "{link}");
        path = format!("/doctor?code=person-spelled-twice&limit=1000&cursor={cursor}");
    }
    assert_eq!(seen, spelled);
    let query =
        "{ doctor(first: 1000) { totalCount pageInfo { hasNextPage } nodes { message recordCount } } }";
    let answer = &server.data(query)["doctor"];
    assert_eq!((&answer["totalCount"], &answer["pageInfo"]["hasNextPage"]), (&json!(all), &json!(true)));
    assert_eq!(answer["nodes"].as_array().unwrap().len(), 1000);
}
