//! Commands that read records: `find`, `show`, `whoami`, and how they report what they do not find.

use std::io::{Read, Write};
use std::net::TcpListener;

use clade::model::token::Role;
use serde_json::json;

use crate::support::{Folder, Server};
use crate::target::{CORP, Target};

#[test]
fn find_lists_matches_with_their_units() {
    for target in Target::with_corp() {
        let found = target.run(&["find", "ada"]).ok();
        assert_eq!(found, "person      Ada@corp.example  Ada  in inner\n");
        let found = target.run(&["find", "shop", "--kind", "repository"]).ok();
        assert_eq!(found, "repository  https://h.example/shop.git  shop  in 研究 lab\n");
        let found = target.run(&["find", "shop", "--unit", "Ops", "--json"]).json();
        assert_eq!((&found[0]["kind"], &found[0]["key"]), (&json!("project"), &json!("shop")), "{found}");
        let none = target.run(&["find", "qqqq"]);
        assert!(none.code == Some(0) && none.out.is_empty() && none.err.contains("qqqq"), "{none:?}");
        assert!(target.run(&["find", "a", "--unit", "inne"]).refusal(1).contains("did you mean \"inner\"?"));
    }
}

#[test]
fn show_says_what_a_text_names() {
    for target in Target::with_corp() {
        let lab = "\
unit a/b  研究 lab
  type          tribe
  path          Corp > R&D
  path          Corp > Ops
  units         R&D (business), Ops (business)
  totals        1 unit, 1 person, 1 project, 1 repository, 0 services
";
        assert_eq!(target.run(&["show", "研究 lab"]).ok(), lab);
        let ada = "person Ada@corp.example  Ada\n  path          Corp > R&D > 研究 lab > inner\n";
        assert!(target.run(&["show", "ADA@corp.example"]).ok().starts_with(ada));
        let repository = target.run(&["show", "git@h.example:shop.git"]).ok();
        assert!(repository.starts_with("repository https://h.example/shop.git  shop\n"), "{repository}");
        assert!(repository.contains("\n  project       shop\n"), "{repository}");
        let shown = target.run(&["show", "shop", "--json"]).json();
        let expected = json!([["Corp", "R&D", "研究 lab", "Shop"], ["Corp", "Ops", "研究 lab", "Shop"]]);
        assert_eq!(shown[0]["paths"], expected, "{shown}");
        let refusal = target.run(&["show", "iner"]).refusal(1);
        assert!(refusal.contains("did you mean the unit \"inner\"?"), "{refusal}");
    }
}

#[test]
fn whoami_names_the_token_and_its_units() {
    let [store, server] = Target::with_corp();
    let local = store.run(&["whoami"]).ok();
    assert!(local.starts_with("local\n  role    admin\n  units   all\n  store   "), "{local}");
    assert_eq!(server.run(&["whoami", "--json"]).json()["role"], "ADMIN");

    let server = Server::organisation();
    let url = format!("http://{}/graphql", server.address);
    let folder = Folder::new();
    // Two tokens of one role and scope: the second answer must not be that of the first.
    for _ in 0..2 {
        let token = server.token_within(Role::Read, &["Bikes"]);
        let id = token.split('_').nth(1).unwrap();
        let said = folder.clade_with(&[("CLADE_TOKEN", &token)], &["whoami", "--server", &url]).ok();
        assert!(said.starts_with(&format!("token:{id}\n  role    read\n  units   Bikes\n")), "{said}");
    }
}

#[test]
fn what_is_not_found_is_reported_with_what_is_similar() {
    for target in Target::with_corp() {
        let refusal = target.run(&["tree", "iner"]).refusal(1);
        assert!(refusal.contains("there is no unit \"iner\"; did you mean \"inner\"?"), "{refusal}");
        let told = target.run(&["tree", "iner", "--json"]);
        let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        let similar = json!([{ "key": "inner", "name": "inner" }]);
        assert_eq!((&told["reference"], &told["similar"]), (&json!("iner"), &similar), "{told}");
        let refusal = target.run(&["tree", "ada@corp.example"]).refusal(1);
        assert!(refusal.contains("that is a person, in: \"inner\""), "{refusal}");
    }
}

#[test]
fn a_refusal_is_read_although_the_body_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let refuse_one = || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 200];
        stream.read_exact(&mut head).unwrap();
        let problem = r#"{"detail":"send a valid token"}"#;
        let head = format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n", problem.len());
        write!(stream, "{head}Connection: close\r\n\r\n{problem}").unwrap();
        // Closed with an unread request: the rest of what the client sends is answered by a reset.
    };
    let folder = Folder::new();
    folder.write("corp.ndjson", CORP.repeat(20_000));
    let asked = ["import", "corp.ndjson", "--server", &url];
    // The reset may overtake the response, which is lost then. A client that gives up when it cannot send never has it.
    let refusals = (0..20).map(|_| {
        std::thread::scope(|scope| {
            scope.spawn(refuse_one);
            folder.clade_with(&[("CLADE_TOKEN", "clade_x")], &asked).refusal(1)
        })
    });
    let refusals: Vec<String> =
        refusals.take_while(|refusal| !refusal.contains("send a valid token")).collect();
    assert!(refusals.len() < 20, "{refusals:?}");
}

#[test]
fn the_tree_is_sorted_and_shortened() {
    for target in Target::with_corp() {
        let tree = |args: &[&str]| {
            let drawn = target.run(&[&["tree"], args].concat()).ok();
            let lines =
                drawn.lines().skip(1).map(|line| line.split("   ").next().unwrap().trim_end().to_owned());
            lines.collect::<Vec<_>>()
        };
        let large = ["Corp  organization (… 1 unit left out)", "└─ Ops  business (… 1 unit left out)"];
        assert_eq!(tree(&["--min-people", "2"]), large);
        let types = tree(&["--type", "Business", "--sort", "projects"]);
        assert_eq!(
            types[1..],
            ["├─ Ops  business (… 1 unit left out)", "└─ R&D  business (… 1 unit left out)"]
        );
        let people = target.run(&["tree", "Ops", "--people"]).ok();
        assert!(people.contains("\n├─ bob@corp.example  person\n└─ 研究 lab"), "{people}");
        assert!(people.ends_with("\n      └─ Ada@corp.example  person\n"), "{people}");
        let trees = target.run(&["tree", "inner", "--people", "--json"]).json();
        assert_eq!(trees[0]["people"], json!(["Ada@corp.example"]));
        let trees = target.run(&["tree", "--type", "business", "--json"]).json();
        assert_eq!(trees[0]["children"][0]["leftOut"], 1, "{trees}");
    }
}
