//! `clade serve` as a process: startup output, admin token, demo mode, settings, health check, a full disk.

use std::fs::File;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::Folder;
use crate::support::process::{Ran, Running, clade};
use crate::support::socket::{Client, PROTOCOL};

/// Sends a request; returns status and body.
pub(crate) fn send(running: &Running, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", running.url()))
        .header("authorization", token)
        .header("content-type", "application/json");
    let mut response = match body {
        Value::Null => agent.run(request.body(()).unwrap()),
        body => agent.run(request.body(body.to_string()).unwrap()),
    }
    .unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[test]
fn the_first_serve_prints_an_admin_token_once() {
    let folder = Folder::new();
    let first = folder.serve(&["--data", "corp.redb"]);
    let token = first.token().expect("an admin token");
    assert!(first.greeting.contains(&format!("\nClade listens on {}\n", first.url())), "{}", first.greeting);
    let store = folder.path("corp.redb").canonicalize().unwrap();
    let made = format!("Made an empty store: {}\n", store.display());
    assert!(first.greeting.starts_with(&made), "{}", first.greeting);
    let unit = json!({ "name": "Corp" });
    assert_eq!(send(&first, &token, "POST", "/api/v2/data/units", &unit).0, 200);
    let made = json!({ "query": "mutation { createToken(input: { role: READ }) { token } }" });
    let (status, answer) = send(&first, &token, "POST", "/graphql", &made);
    assert!(status == 200 && answer["data"]["createToken"]["token"].is_string(), "{answer}");
    first.kill();

    let second = folder.serve(&["--data", "corp.redb"]);
    assert_eq!(second.token(), None, "{}", second.greeting);
    assert!(!second.greeting.contains("clade_"), "{}", second.greeting);
    for said in [
        format!("Store: {} (1 unit, 0 people, 0 projects)\n", store.display()),
        "clade token create --role admin\n".to_owned(),
        format!("Query page: {}/graphql", second.url()),
    ] {
        assert!(second.greeting.contains(&said), "{}", second.greeting);
    }
    assert_eq!(send(&second, &token, "GET", "/api/v2/data/people", &Value::Null).0, 200);
    assert_eq!(send(&second, "clade_none", "GET", "/api/v2/data/people", &Value::Null).0, 401);
}

#[test]
fn a_server_without_authentication_warns_once() {
    for level in ["warn", "off"] {
        let folder = Folder::new();
        let mut command = folder.command(clade());
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--auth", "none", "--log", level]);
        let _running = Running::start(command.stderr(File::create(folder.path("log")).unwrap()));
        let said = std::fs::read_to_string(folder.path("log")).unwrap();
        assert_eq!(said.matches("full access").count(), 1, "{level}: {said}");
    }
}

#[test]
fn a_store_with_tokens_prints_none() {
    let folder = Folder::new();
    let token = folder.clade(&["token", "create", "--data", "corp.redb"]).ok();
    let running = folder.serve(&["--data", "corp.redb"]);
    assert_eq!(running.token(), None);
    assert_eq!(send(&running, token.trim(), "GET", "/api/v2/data/people", &Value::Null).0, 200);
}

#[test]
fn introspection_and_suggestions_are_settings() {
    let folder = Folder::new();
    let asked = json!({ "query": "{ __schema { queryType { name } } }" });
    let is_told = |args: &[&str]| {
        let running = folder.serve(&[&["--demo"], args].concat());
        let token = running.token().expect("an admin token");
        let (_, one) = send(&running, &token, "POST", "/graphql", &asked);
        let (status, _) = send(&running, &token, "POST", "/graphql", &json!([asked, asked]));
        (one["data"].is_object(), status)
    };
    assert_eq!(is_told(&[]), (true, 400));
    assert_eq!(is_told(&["--introspection", "off", "--graphql-batch", "2"]), (false, 200));
    folder.write("clade.toml", "[graphql]\nintrospection = \"off\"\nbatch = 2\ntimeout = 5\n");
    assert_eq!(is_told(&[]), (false, 200));
    assert_eq!(is_told(&["--introspection", "on", "--graphql-batch", "0"]), (true, 400));
    for wrong in ["[graphql]\nintrospection = \"no\"", "[graphql]\ntimeout = 0", "[graphql]\nbatches = 1"] {
        folder.write("clade.toml", wrong);
        assert!(folder.clade(&["serve", "--demo"]).refusal(2).contains("clade.toml"), "{wrong}");
    }
}

#[test]
fn the_demo_prints_three_commands_and_they_work() {
    let folder = Folder::new();
    let mut running = folder.serve(&["--demo"]);
    let token = running.token().expect("an admin token");
    let said = running.says_until(" query ");
    assert!(!said.contains(&token), "the token is in no command: {said}");
    let commands: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("  ")).map(str::trim).collect();
    assert_eq!(commands.len(), 3, "{said}");
    let variables = [("CLADE_SERVER", running.url()), ("CLADE_TOKEN", token)];
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    let ran: Vec<String> = commands
        .iter()
        .filter(|command| has_curl || !command.starts_with("curl"))
        .map(|command| Ran::of(folder.command("sh").envs(variables.clone()).args(["-c", command])).ok())
        .collect();
    let expected = ["Aurora  organization", r#""team""#, r#""projectName": "Gearbox""#];
    for (out, expected) in ran.iter().zip(expected) {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    assert_eq!(folder.names(), Vec::<String>::new(), "a demo is in memory");
}

#[test]
fn a_demo_in_a_store_is_kept_and_not_created_twice() {
    let folder = Folder::new();
    let first = folder.serve(&["--demo", "--data", "demo.redb"]);
    let token = first.token().unwrap();
    let path = "/api/v2/data/people/rider000@aurora.example";
    assert_eq!(send(&first, &token, "DELETE", path, &Value::Null).0, 204);
    first.kill();
    let second = folder.serve(&["--demo", "--data", "demo.redb"]);
    assert_eq!(send(&second, &token, "GET", path, &Value::Null).0, 404);
    assert_eq!(send(&second, &token, "GET", "/api/v2/data/people", &Value::Null).1["count"], 119);
}

#[test]
fn a_demo_stays_out_of_the_store_that_a_standing_setting_names() {
    let folder = Folder::new();
    folder.write("clade.toml", "data = \"corp.redb\"\n");
    let running = folder.serve(&["--demo"]);
    let token = running.token().unwrap();
    assert_eq!(send(&running, &token, "GET", "/api/v2/data/people", &Value::Null).0, 200);
    assert_eq!(folder.names(), ["clade.toml"]);
}

#[test]
fn an_unavailable_address_is_reported() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let holder = TcpListener::bind(&taken);
    for (address, code, why) in [
        (
            taken.as_str(),
            1,
            "another process is using the address; stop it, or choose another address with --listen",
        ),
        ("nonsense", 2, "the address must look like 127.0.0.1:7171"),
        ("127.0.0.1:99999", 2, "the address must look like 127.0.0.1:7171"),
    ] {
        let refusal = folder.clade(&["serve", "--data", "corp.redb", "--listen", address]).refusal(code);
        assert!(refusal.contains(why) && refusal.contains(address), "{refusal}");
    }
    assert!(folder.names().is_empty(), "no store is made that nobody can reach");
    drop(holder);
    for (variable, value) in [("CLADE_AUTH", "none"), ("CLADE_JWT_ISSUER", "https://id.example")] {
        let mut command = folder.command(clade());
        command.args(["serve", "--data", "corp.redb", "--listen", "0.0.0.0:0"]).env(variable, value);
        assert_eq!(command.output().unwrap().status.code(), Some(2), "{variable}");
    }
    assert!(folder.names().is_empty(), "settings are checked before a store is made");
}

#[test]
fn settings_of_serve_come_from_flag_variable_and_file() {
    let folder = Folder::new();
    folder.write("clade.toml", "listen = \"from file\"\n");
    let refusal = folder.clade(&["serve", "--demo"]).refusal(2);
    assert!(refusal.contains("cannot listen on from file"), "{refusal}");
    let variable = [("CLADE_LISTEN", "from variable")];
    let refusal = folder.clade_with(&variable, &["serve", "--demo"]).refusal(2);
    assert!(refusal.contains("cannot listen on from variable"), "{refusal}");
    let refusal = folder.clade_with(&variable, &["serve", "--demo", "--listen", "from flag"]).refusal(2);
    assert!(refusal.contains("cannot listen on from flag"), "{refusal}");
    // The setting `server` is for the other commands.
    folder.write("clade.toml", "server = \"http://127.0.0.1:1\"\ndata = \"corp.redb\"\n");
    drop(folder.serve(&[]));
    assert!(folder.names().contains(&"corp.redb".to_owned()));
}

#[test]
fn the_log_goes_to_standard_error() {
    let folder = Folder::new();
    let mut command = folder.command(clade());
    folder.write("clade.toml", "log_format = \"json\"\n");
    let args = ["serve", "--demo", "--listen", "127.0.0.1:0", "--log", "info"];
    let mut child = command
        .args(args)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut line)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["level"], &line["fields"]["message"]), (&json!("INFO"), &json!("serving")), "{line}");
    assert!(line["fields"]["revision"].is_u64(), "numbers are numbers: {line}");
}

#[test]
fn the_size_of_the_response_cache_is_a_setting() {
    let folder = Folder::new();
    let statuses = |args: &[&str]| {
        let running = folder.serve(args);
        let token = running.token().expect("a demo has a token");
        let ask = || {
            let url = format!("{}/graphql?query=%7Brevision%7D", running.url());
            let response = ureq::get(url).header("authorization", &token).call().unwrap();
            let status = response.headers().get("cache-status");
            status.map_or_else(String::new, |status| status.to_str().unwrap().to_owned())
        };
        [ask(), ask()]
    };
    let kept = ["clade; fwd=miss; stored", "clade; hit"];
    assert_eq!(statuses(&["--demo"]), kept);
    assert_eq!(statuses(&["--demo", "--response-cache-mb", "0"]), ["", ""]);
    folder.write("clade.toml", "response_cache_mb = 0");
    assert_eq!(statuses(&["--demo"]), ["", ""]);
    assert_eq!(statuses(&["--demo", "--response-cache-mb", "1"]), kept);
}

#[test]
fn a_backup_uses_no_space_in_the_temporary_folder() {
    let folder = Folder::new();
    let mut command = folder.command(clade());
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "corp.redb"]);
    let running = Running::start(command.env("TMPDIR", folder.path("nowhere")));
    let token = running.token().unwrap();
    let asked = ["backup", "copy.redb", "--server", &running.url()];
    assert_eq!(folder.clade_with(&[("CLADE_TOKEN", &token)], &asked).ok(), "wrote copy.redb\n");
    assert_eq!(folder.names(), ["copy.redb", "corp.redb"], "nothing else is left");
    assert!(folder.clade(&["check", "--data", "copy.redb"]).ok().contains("the store is intact\n"));
}

#[test]
fn the_maximum_number_of_sockets_is_a_setting() {
    let folder = Folder::new();
    folder.write("clade.toml", "[graphql]\nsockets_max = 4\n");
    let let_in = |args: &[&str]| {
        let running = folder.serve(&[&["--demo"], args].concat());
        let token = running.token().unwrap();
        let mut open = Vec::new();
        loop {
            let mut client = Client::connect(running.address.as_str(), PROTOCOL, Some(&token));
            client.say(&json!({"type": "connection_init"}));
            match client.0.read().unwrap() {
                Message::Close(frame) => break (open.len(), u16::from(frame.unwrap().code)),
                _ => open.push(client),
            }
        }
    };
    assert_eq!(let_in(&[]), (2, 1013), "half of them are one token's");
    assert_eq!(let_in(&["--sockets-max", "2"]), (1, 1013));
    assert!(folder.clade(&["serve", "--demo", "--sockets-max", "0"]).refusal(2).contains("--sockets-max"));
}

#[test]
fn an_empty_variable_is_unset() {
    let folder = Folder::new();
    let help = folder.clade(&["serve", "--help"]).ok();
    let word =
        |rest: &str| rest.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap().to_owned();
    let mut names: Vec<_> =
        help.split("CLADE_").skip(1).map(|rest| format!("CLADE_{}", word(rest))).collect();
    assert!(names.len() > 12, "{names:?}");
    names.extend(["CLADE_JWT_ISSUER", "CLADE_JWT_JWKS", "CLADE_JWT_UNITS_CLAIM"].map(str::to_owned));
    folder.write(
        "clade.toml",
        "listen = \"127.0.0.1:0\"\nrate_limit = 70\ncors_origin = [\"https://a.example\"]\n",
    );
    let mut command = folder.command(clade());
    let running = Running::start(command.envs(names.iter().map(|name| (name, ""))).args(["serve", "--demo"]));
    let url = format!("{}/api/v2/data/people", running.url());
    let ask = ureq::get(url).header("authorization", running.token().unwrap());
    let answer = ask.header("origin", "https://a.example").call().unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("ratelimit-policy"), Some("\"token\";q=70;w=1"), "what the file says holds");
    assert_eq!(header("access-control-allow-origin"), Some("https://a.example"));
    let asked = folder.clade_with(&[("CLADE_TOKEN", "")], &["tree", "--server", &running.url()]);
    assert!(asked.refusal(2).contains("set CLADE_TOKEN"));
}

/// Linux sends SIGXFSZ if a file exceeds its limit, which by default ends the process.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_grow_is_a_full_disk_until_it_may() {
    let folder = Folder::new();
    let running = folder.serve(&["--data", "corp.redb"]);
    let token = running.token().unwrap();
    let post = |name: usize| {
        let person =
            json!({ "email": format!("p{name}@corp.example"), "note": name.to_string().repeat(50_000) });
        send(&running, &token, "POST", "/api/v2/data/people", &person)
    };
    assert_eq!(post(0).0, 200);
    let size = std::fs::metadata(folder.path("corp.redb")).unwrap().len();
    if !running.limit_files(Some(size)) {
        return println!("no prlimit here");
    }
    let (refused, (status, problem)) =
        (1..200).map(|name| (name, post(name))).find(|(_, answer)| answer.0 != 200).unwrap();
    assert_eq!((status, &problem["code"]), (507, &json!("no-space")), "{problem}");
    // Each of these probes the disk again: an empty commit that fits is not enough.
    for name in 0..3 {
        assert_eq!(send(&running, &token, "GET", "/readyz", &Value::Null).0, 503);
        let small = json!({ "email": format!("small{name}@corp.example") });
        assert_eq!(send(&running, &token, "POST", "/api/v2/data/people", &small).0, 507);
    }
    let (status, list) = send(&running, &token, "GET", "/api/v2/data/people?fields=email", &Value::Null);
    assert_eq!(
        (status, &list["count"]),
        (200, &json!(refused)),
        "reads go on, and the refused one is not there"
    );
    assert!(running.limit_files(None));
    assert_eq!(post(refused).0, 200);
    assert_eq!(send(&running, &token, "GET", "/readyz", &Value::Null).0, 200);
    running.kill();
    assert!(folder.clade(&["check", "--data", "corp.redb"]).ok().contains("the store is intact\n"));
}

#[test]
fn health_asks_without_a_token() {
    let folder = Folder::new();
    let running = folder.serve(&["--demo"]);
    let url = running.url();
    assert_eq!(folder.clade(&["health", "--server", &url]).ok(), "ready\n");
    let listens = ("CLADE_LISTEN", running.address.as_str());
    let proxied = [listens, ("ALL_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "")];
    assert_eq!(folder.clade_with(&proxied, &["health"]).ok(), "ready\n", "a proxy is no way to this machine");
    let told = folder.clade(&["health", "--json", "--server", &url]).json();
    assert_eq!(told, json!({ "status": "ready", "loaded": true, "writer": true, "disk": true }));
    running.kill();
    // Another process may have the same port by now.
    let refusal = folder.clade(&["health", "--server", "http://127.0.0.1:1"]).refusal(1);
    assert!(refusal.contains("cannot be reached"), "{refusal}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let refusal = folder.clade(&["health", "--server", &url]).refusal(1);
    assert!(refusal.contains(&url), "{refusal}");
    let refusal = folder.clade(&["health", "--data", "corp.redb"]).refusal(2);
    assert!(refusal.contains("--server"), "{refusal}");
}
