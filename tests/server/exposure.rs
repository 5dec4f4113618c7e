//! An exposed server: CORS, security headers, request ids, invalid settings, and the mode without tokens.

use clade::server::app::Exposure;
use serde_json::json;

use crate::support::{Answer, Folder, Server};
use crate::{exposed, raw, unlimited};

#[test]
fn cors_allows_only_configured_origins() {
    let origin = "https://dash.example";
    let preflight = |server: &Server, origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "PATCH"),
            ("access-control-request-headers", "authorization,if-match"),
        ];
        server.send_as("OPTIONS", "/people/a@b", &headers, None)
    };
    let closed = exposed(unlimited());
    let answer = preflight(&closed, origin);
    answer.problem(401, "unauthorized");
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let server = exposed(Exposure { cors_origins: vec![origin.parse().unwrap()], ..unlimited() });
    let answer = preflight(&server, origin);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, origin.to_owned()));
    assert!(answer.header("access-control-allow-methods").contains("PATCH"));
    assert!(answer.header("access-control-allow-headers").contains("if-match"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert!(!answer.header("x-request-id").is_empty());
    assert_eq!(preflight(&server, "https://evil.example").header("access-control-allow-origin"), "");
    for (path, status) in [("/people", 200), ("/people/none@x", 404)] {
        let answer = server.send("GET", path, &[("origin", origin)], None);
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (status, origin.to_owned())
        );
        let exposed = answer.header("access-control-expose-headers");
        assert!(["etag", "ratelimit", "x-request-id"].iter().all(|name| exposed.contains(name)), "{exposed}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        let all: Vec<_> = answer.headers.get_all("vary").iter().map(|vary| vary.to_str().unwrap()).collect();
        let vary = all.join(", ").to_lowercase();
        assert!(vary.contains("authorization") && vary.contains("origin"), "{vary}");
    }
    let refused = server.send_as("GET", "/people", &[("origin", origin)], None);
    refused.problem(401, "unauthorized");
    assert_eq!(refused.header("access-control-allow-origin"), origin, "a page may read that it has no token");
}

#[test]
fn every_response_has_security_headers() {
    let server = exposed(unlimited());
    let large = vec![b' '; (1 << 20) + 1];
    let json = ("content-type", "application/json");
    let answers: [(Answer, u16); 8] = [
        (server.get("/people"), 200),
        (server.send_as("GET", "/people", &[], None), 401),
        (server.get("/nothing"), 404),
        (server.get("!/nothing"), 404),
        (server.delete("/people"), 405),
        (server.send("POST", "/people", &[json], Some(&large)), 413),
        (server.send("POST", "/people", &[("content-type", "text/plain")], Some(b"x")), 415),
        (server.ask("{", &json!({})), 400),
    ];
    for (answer, status) in answers {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{status}");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), "", "there is no TLS");
    }
    // A list large enough to be packed depends on that too.
    for n in 0..20 {
        server.post("/people", &json!({"email": format!("p{n}@x.example")})).ok();
    }
    assert_eq!(server.get("/people").header("vary"), "Authorization, Accept, Accept-Encoding");
    for page in ["!/", "!/docs/", "!/graphql"] {
        let answer = server.send_as("GET", page, &[("accept", "text/html")], None);
        assert!(answer.header("content-type").starts_with("text/html"), "{page}: {}", answer.status);
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{page}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{page}");
    }
}

#[test]
fn a_request_id_is_kept_only_if_it_is_well_formed() {
    let server = exposed(unlimited());
    let id =
        |sent: &str| server.send("GET", "/people", &[("x-request-id", sent)], None).header("x-request-id");
    assert_eq!(id("trace-7"), "trace-7");
    assert_ne!(id("a b\"<c>"), "a b\"<c>");
    assert!(id(&"x".repeat(1_000)).len() < 65);
}

#[test]
fn without_tokens_local_clients_may_do_everything() {
    let server = Server::start_exposed(unlimited(), clade::server::AppState::without_authentication);
    let json = ("content-type", "application/json");
    let made = server.send_as("POST", "/people", &[json], Some(br#"{"email":"ada@x.example"}"#));
    assert_eq!(made.status, 200, "{}", made.text());
    let asked = server.send_as("GET", "!/graphql?query=%7Brevision%7D", &[], None);
    assert_eq!(asked.status, 200, "{}", asked.text());
    // What a page in a browser can bring about: another name for this machine, or another origin.
    for (host, origin) in
        [("evil.example", None), ("localhost", Some("https://evil.example")), ("localhost", Some("null"))]
    {
        let origin = origin.map_or_else(String::new, |origin| format!("Origin: {origin}\r\n"));
        for path in ["/api/v2/data/people", "/graphql/ws", "/graphql?query=%7Brevision%7D", "/"] {
            let ask = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}Connection: close\r\n\r\n");
            let text = raw(&server, &ask);
            assert!(text.starts_with("HTTP/1.1 403") && text.contains("\"forbidden\""), "{ask}: {text}");
        }
    }
}

#[test]
fn without_tokens_it_listens_on_loopback_only_and_warns() {
    let folder = Folder::new();
    let refusal = folder.clade(&["serve", "--demo", "--auth", "none", "--listen", "0.0.0.0:0"]).refusal(2);
    assert!(refusal.contains("--auth none") && refusal.contains("0.0.0.0"), "{refusal}");
    folder.write("clade.toml", "auth = \"none\"");
    let refusal = folder.clade(&["serve", "--demo", "--listen", "0.0.0.0:0"]).refusal(2);
    assert!(refusal.contains("loopback"), "{refusal}");
    let running = folder.serve(&["--demo"]);
    assert_eq!(running.token(), None);
    let people = ureq::get(format!("{}/api/v2/data/people", running.url())).call().unwrap();
    assert_eq!(people.status(), 200);
    let with_tokens = folder.serve(&["--demo", "--auth", "token"]);
    assert!(with_tokens.token().is_some(), "a flag goes before the file");
}

#[test]
fn invalid_exposure_settings_are_reported() {
    let folder = Folder::new();
    folder.write("no.pem", "nothing");
    let serve = |args: &[&str]| folder.clade(&[&["serve", "--demo"], args].concat()).refusal(2);
    for (args, words) in [
        (&["--cors-origin", "*"][..], "name each one"),
        (&["--tls-cert", "no.pem"], "--tls-key"),
        (&["--tls-cert", "gone.pem", "--tls-key", "no.pem"], "gone.pem cannot be read"),
        (&["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem contains no PEM certificate"),
        (&["--requests-at-once", "0"], "--requests-at-once"),
    ] {
        let refusal = serve(args);
        assert!(refusal.contains(words), "{args:?}: {refusal}");
    }
    folder.write("clade.toml", "cors_origin = [\"https://a.example\", \"nonsense\"]");
    assert!(serve(&[]).contains("\"nonsense\""));
    let variable = [("CLADE_CORS_ORIGIN", "https://a.example,other nonsense")];
    let refusal = folder.clade_with(&variable, &["serve", "--demo"]).refusal(2);
    assert!(refusal.contains("\"other nonsense\""), "{refusal}");
}

#[test]
fn pages_are_packed_once_and_served_either_way() {
    let server = exposed(unlimited());
    for page in ["/openapi.json", "/schema.graphql", "/docs/", "/docs/swagger-ui-bundle.js"] {
        let ask = |encoding: &str| {
            let end = "Connection: close\r\n\r\n";
            raw(&server, &format!("GET {page} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {encoding}\r\n{end}"))
        };
        let asked = [
            ("identity", false),
            ("gzip", true),
            ("gzip;q=0.9", true),
            ("*", false),
            ("deflate, *;q=0.5", false),
        ];
        for (answer, is_packed) in asked.map(|(encoding, is_packed)| (ask(encoding), is_packed)) {
            let (head, _) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200") && head.contains("vary: Accept-Encoding"), "{head}");
            assert_eq!(head.contains("content-encoding: gzip"), is_packed, "{page}: {head}");
            assert!(head.contains("content-length: "), "it is made beforehand: {head}");
        }
    }
}

#[test]
fn only_preflight_requests_to_known_paths_are_answered_as_such() {
    let origin = "https://dash.example";
    let server = exposed(Exposure { cors_origins: vec![origin.parse().unwrap()], ..unlimited() });
    let options =
        |path: &str, headers: &[(&str, &str)]| server.send_as("OPTIONS", path, headers, None).status;
    let preflight = [("origin", origin), ("access-control-request-method", "GET")];
    assert_eq!(options("/people", &preflight), 200);
    assert_eq!(options("!/graphql", &preflight), 200);
    // Not sent by a browser, or to what does not exist: as any other request.
    assert_eq!(options("/people", &[("origin", origin)]), 401);
    assert_eq!(options("/people", &[]), 401);
    assert_eq!(options("/nonsense", &preflight), 401);
    assert_eq!(options("!/nonsense", &preflight), 404);
}

#[test]
fn refusals_name_what_would_be_right() {
    let server = Server::start();
    let upgrade = server.send("GET", "!/graphql/ws", &[], None);
    assert_eq!((upgrade.status, upgrade.header("upgrade")), (426, "websocket".to_owned()));
    assert_eq!(upgrade.header("sec-websocket-version"), "13");
    let json = ("content-type", "application/json");
    for (path, accepted) in [("/people", "identity"), ("/bulk", "gzip, identity"), ("!/graphql", "identity")]
    {
        let media_type = if path == "/bulk" { ("content-type", "application/x-ndjson") } else { json };
        let answer = server.send("POST", path, &[media_type, ("content-encoding", "br")], Some(b"{}"));
        assert_eq!((answer.status, answer.header("accept-encoding")), (415, accepted.to_owned()), "{path}");
    }
    for probe in ["!/healthz", "!/readyz"] {
        assert_eq!(server.send_as("GET", probe, &[], None).header("cache-control"), "no-store");
    }
}

#[test]
fn blanks_are_allowed_where_the_rfc_allows_them() {
    let server = Server::start();
    let spaced = ("content-type", "application/json ; charset=utf-8");
    server.send("POST", "/people", &[spaced], Some(br#"{"email": "a@b.example"}"#)).ok();
    server.send("POST", "!/graphql", &[spaced], Some(br#"{"query": "{ revision }"}"#)).ok();
    let csv = server.send("GET", "/people", &[("accept", "text/csv ; q=1 , application/json ; q=0.5")], None);
    assert!(csv.header("content-type").starts_with("text/csv"), "{}", csv.header("content-type"));
}

#[test]
fn an_excluded_tag_fails_a_change_and_encodings_have_tags_of_their_own() {
    let server = Server::start();
    server.post("/people", &serde_json::json!({ "email": "a@b.example", "firstName": "x".repeat(200) })).ok();
    let patch = |value: &str| {
        let headers = [("content-type", "application/merge-patch+json"), ("if-none-match", value)];
        server.send("PATCH", "/people/a@b.example", &headers, Some(br#"{"lastName": "B"}"#)).status
    };
    assert_eq!(patch("*"), 412);
    let tag = server.get("/people/a@b.example").header("etag");
    assert_eq!(patch(&tag), 412);
    assert_eq!(patch("\"a,*,b\""), 200);
    for at in 0..100 {
        server.post("/people", &serde_json::json!({ "email": format!("p{at}@b.example") })).ok();
    }
    let list = |headers: &[(&str, &str)]| server.send("GET", "/people", headers, None);
    let plain = list(&[("accept-encoding", "identity")]);
    let gzip = list(&[("accept-encoding", "gzip")]);
    // The client unpacks the body and removes its header.
    let expected = format!("{}-gzip\"", plain.header("etag").trim_end_matches('"'));
    assert_eq!(gzip.header("etag"), expected);
    for tag in [plain.header("etag"), gzip.header("etag")] {
        assert_eq!(list(&[("if-none-match", &tag)]).status, 304, "{tag}");
    }
}
