//! An exposed server: rate limits, admission control, timeouts, connection limits, CORS and security headers, mode
//! without tokens.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Answer, Folder, Server};
use clade::server::app::{ConnectionTimeouts, Exposure};
use clade::server::limits::{MEMORY_MAX_BYTES, REVISION_MIN_BYTES, STREAM_BYTES};
use serde_json::json;

fn exposed(exposure: Exposure) -> Server {
    Server::start_exposed(exposure, |state| state)
}

fn unlimited() -> Exposure {
    Exposure { requests_a_second: 0, ..Exposure::default() }
}

/// Sends these bytes and reads until the server closes.
fn raw(server: &Server, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut text = Vec::new();
    // A server that closes with something unread says so by a reset.
    let _reset = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_token_has_its_number_of_requests_a_second() {
    let server = exposed(Exposure { requests_a_second: 3, ..Exposure::default() });
    let first = server.get("/people");
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), "\"token\";q=3;w=1");
    assert_eq!(first.header("ratelimit"), "\"token\";r=2;t=1");
    let refused = (0..1_000).map(|_| server.get("/people")).find(|answer| answer.status != 200).unwrap();
    let problem = refused.problem(429, "rate-limited");
    assert!(problem["detail"].as_str().unwrap().contains("1 s"), "{problem}");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), "\"token\";r=0;t=1");
    // Another token has a number of its own, and so has GraphQL with it; probes have none.
    let other = server.token_with(clade::model::token::Role::Read);
    assert_eq!(server.ask_as(&other, "{ revision }", &json!({})).status, 200);
    assert_eq!(server.send_as("GET", "!/healthz", &[], None).status, 200);
}

#[test]
fn guessing_tokens_is_rate_limited_by_address() {
    let server = exposed(Exposure { requests_a_second: 2, ..Exposure::default() });
    let attempt = || server.send_as("GET", "/people", &[("authorization", "Bearer clade_guess")], None);
    attempt().problem(401, "unauthorized");
    let refused = (0..1_000).map(|_| attempt()).find(|answer| answer.status != 401).unwrap();
    refused.problem(429, "rate-limited");
    assert_eq!(refused.header("ratelimit-policy"), "\"refused\";q=2;w=1");
    assert_eq!(server.get("/people").status, 200, "a good token from the same address");
}

#[test]
fn without_a_rate_limit_no_headers_mention_one_but_guessing_tokens_is_limited() {
    let server = exposed(unlimited());
    let attempt = || server.send_as("GET", "/people", &[("authorization", "Bearer clade_guess")], None);
    let refused = (0..10_000).map(|_| attempt()).find(|answer| answer.status != 401).unwrap();
    refused.problem(429, "rate-limited");
    let answer = server.get("/people");
    assert_eq!(
        (answer.header("ratelimit"), answer.header("ratelimit-policy")),
        (String::new(), String::new())
    );
}

/// A request that was admitted and whose body is not sent yet.
fn without_its_body(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 23\r\nExpect: 100-continue\r\n\r\n",
        server.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body once the request has its place.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// A request whose body does not arrive occupies the only permit.
#[test]
fn requests_beyond_the_concurrency_limit_get_retry_after() {
    let server = exposed(Exposure { requests_at_once: 1, ..unlimited() });
    let mut slow = without_its_body(&server);
    let refused = server.get("/people");
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");
    for probe in ["!/healthz", "!/readyz"] {
        assert_eq!(server.send_as("GET", probe, &[], None).status, 200);
    }
    slow.write_all(b"{\"email\":\"ada@x.example\"").unwrap();
    slow.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    assert_eq!(server.get("/people").status, 200, "the place is free again");
}

/// A request whose body does not arrive occupies this token's half of the permits.
#[test]
fn one_token_takes_at_most_half_of_the_concurrency_limit() {
    let server = exposed(Exposure { requests_at_once: 2, ..unlimited() });
    let _slow = without_its_body(&server);
    let problem = server.get("/people").problem(503, "busy");
    assert!(problem["detail"].as_str().unwrap().contains("this token"), "{problem}");
    let other = server.token_with(clade::model::token::Role::Read);
    assert_eq!(server.send_as("GET", "/people", &[("authorization", &other)], None).status, 200);
    assert_eq!(server.send_as("GET", "!/", &[], None).status, 200);
    server.send_as("GET", "/people", &[], None).problem(401, "unauthorized");
}

#[test]
fn graphql_by_get_without_a_token_is_rate_limited() {
    let server = exposed(Exposure { requests_a_second: 2, ..Exposure::default() });
    let ask = || server.send_as("GET", "!/graphql?query=%7Brevision%7D", &[("accept", "text/html")], None);
    ask().problem(401, "unauthorized");
    let refused = (0..1_000).map(|_| ask()).find(|answer| answer.status != 401).unwrap();
    refused.problem(429, "rate-limited");
    assert_eq!(server.send_as("GET", "!/graphql", &[("accept", "text/html")], None).status, 200);
    assert_eq!(server.get("!/graphql?query=%7Brevision%7D").status, 200);
}

#[test]
fn a_request_that_does_not_name_its_host_once_is_refused() {
    let server = exposed(unlimited());
    for path in ["/healthz", "/", "/api/v2/data/people", "/graphql/ws"] {
        for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n"] {
            let text = raw(&server, &format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"));
            assert!(
                text.starts_with("HTTP/1.1 400 ") && text.contains("\"malformed\""),
                "{path} {hosts}: {text}"
            );
            assert!(text.contains("x-request-id: ") && text.contains("nosniff"), "{text}");
        }
    }
    let old = raw(&server, "GET /healthz HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.0 200 "), "{old}");
}

#[test]
fn one_address_has_its_number_of_connections() {
    let server = exposed(Exposure { connections_a_peer: 1, ..unlimited() });
    let ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = TcpStream::connect(server.address).unwrap();
    first.write_all(ask).unwrap();
    let mut begun = [0; 15];
    first.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    let mut second = TcpStream::connect(server.address).unwrap();
    let _may_be_closed_already = second.write_all(ask);
    assert_eq!(second.read(&mut [0; 16]).unwrap_or(0), 0, "closed without a word");
    drop(first);
}

#[test]
fn slow_headers_close_the_connection() {
    let patience = ConnectionTimeouts { headers: Duration::from_millis(50), stalled: Duration::from_mins(1) };
    let server = exposed(Exposure { patience, ..unlimited() });
    for begun in ["", "G", "PRI * HTT", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "] {
        let text = raw(&server, begun);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{begun:?}: {text}");
    }
}

#[test]
fn no_request_is_smuggled_behind_a_chunked_body() {
    let server = exposed(unlimited());
    let next = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for lengths in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        let head = format!(
            "POST /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\n{lengths}Transfer-Encoding: chunked\r\n\r\n",
            server.token
        );
        let text = raw(&server, &format!("{head}2\r\n{{}}\r\n0\r\n\r\n{next}"));
        assert!(
            text.contains("missing-field") && text.matches("HTTP/1.1 ").count() == 1,
            "{lengths}: {text}"
        );
    }
}

/// The client neither sends nor reads any more.
#[test]
fn an_idle_connection_is_closed() {
    let patience =
        ConnectionTimeouts { headers: Duration::from_mins(1), stalled: Duration::from_millis(100) };
    let server = exposed(Exposure { patience, connections_a_peer: 1, ..unlimited() });
    let idle = raw(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
    // Preface and settings of HTTP/2, and then nothing.
    let idle = raw(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    assert!(!idle.is_empty());
    assert_eq!(server.get("/people").status, 200, "the only place is free again");
}

/// A GET of a list that is far larger than the socket buffers, whose response the client does not read.
#[test]
fn a_client_that_does_not_read_is_disconnected() {
    let patience =
        ConnectionTimeouts { headers: Duration::from_mins(1), stalled: Duration::from_millis(200) };
    let server = exposed(Exposure { patience, ..unlimited() });
    let note = "x".repeat(900_000);
    let lines: Vec<String> = (0..40)
        .map(|n| json!({"kind": "person", "email": format!("p{n}@x.example"), "note": note}).to_string())
        .collect();
    server.bulk("", &lines.join("\n")).ok();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let ask =
        format!("GET /api/v2/data/people HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n", server.token);
    stream.write_all(ask.as_bytes()).unwrap();
    let whole = lines.len() * note.len();
    // Not read until the server has given up, which shows in what it will not take any more.
    while stream.write_all(b"\r\n").is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut taken = Vec::new();
    let _broken_off = stream.read_to_end(&mut taken);
    assert!(taken.len() < whole, "{} of {whole}", taken.len());
}

/// Such an HTTP/2 client sends no window updates, so the server has no pending socket write that could time out.
#[test]
fn an_http2_client_without_window_updates_is_disconnected() {
    let patience =
        ConnectionTimeouts { headers: Duration::from_mins(1), stalled: Duration::from_millis(100) };
    let server = exposed(Exposure { patience, ..unlimited() });
    // SETTINGS: a window of no bytes. Then HEADERS of stream 1: GET, http, path, authority, authorization.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let mut fields = b"\x82\x86\x04\x13/api/v2/data/people\x01\x01x\x0f\x08".to_vec();
    fields.push(u8::try_from(server.token.len()).unwrap());
    fields.extend_from_slice(server.token.as_bytes());
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend_from_slice(settings);
    sent.extend_from_slice(&[0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    sent.extend_from_slice(&fields);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(&sent).unwrap();
    let mut text = Vec::new();
    // It ends at all.
    let _reset = stream.read_to_end(&mut text);
    let is_answer = |frame: &[u8]| frame[3] == 1 && frame[8] == 1 && frame[9] == 0x88;
    assert!(text.windows(10).any(is_answer), "the head of a 200 came: {text:?}");
    assert!(!text.windows(5).any(|five| five == b"count"), "and nothing of the body");
}

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
    let server = Server::start_exposed(unlimited(), clade::server::AppState::without_tokens);
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
fn the_rate_limit_is_a_setting() {
    let folder = Folder::new();
    folder.write("clade.toml", "rate_limit = 70\nrequests_at_once = 9\nconnections_per_peer = 9\n");
    let policy = |args: &[&str]| {
        let running = folder.serve(args);
        let url = format!("{}/api/v2/data/people", running.url());
        let answer = ureq::get(url).header("authorization", running.token().unwrap()).call().unwrap();
        answer.headers().get("ratelimit-policy").map(|policy| policy.to_str().unwrap().to_owned())
    };
    assert_eq!(policy(&["--demo"]).as_deref(), Some("\"token\";q=70;w=1"));
    assert_eq!(policy(&["--demo", "--rate-limit", "80"]).as_deref(), Some("\"token\";q=80;w=1"));
    assert_eq!(policy(&["--demo", "--rate-limit", "0"]), None);
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
        (&["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem holds no certificate"),
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

/// Connections that request everything and read nothing.
fn readers_of_nothing(server: &Server, token: &str, count: usize) -> Vec<TcpStream> {
    let head = format!(
        "GET /api/v2/data/projects HTTP/1.1\r\nHost: {}\r\nAuthorization: {token}\r\n\r\n",
        server.address
    );
    let asking = |_| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0];
        // It has begun to be answered.
        stream.peek(&mut first).unwrap();
        stream
    };
    (0..count).map(asking).collect()
}

#[test]
fn unread_responses_of_one_client_are_limited_to_its_memory_quota() {
    let server = exposed(unlimited());
    let filler = "x".repeat(20_000);
    let line = |at: usize| {
        let name =
            json!({"kind": "project", "projectId": format!("p{at}"), "projectName": "P", "filler": filler});
        format!("{name}\n")
    };
    server.bulk("", &(0..1_500).map(line).collect::<String>()).ok();
    let greedy = server.token_with(clade::model::token::Role::Read);
    let ask = |token: &str| server.send_as("GET", "/projects", &[("authorization", token)], None);
    let unread =
        readers_of_nothing(&server, &greedy, (MEMORY_MAX_BYTES / 2 - REVISION_MIN_BYTES) / STREAM_BYTES);
    let refused = ask(&greedy);
    let problem = refused.problem(503, "busy");
    assert!(problem["detail"].as_str().unwrap().contains("not taken"), "{problem}");
    let few = server.send_as("GET", "/projects?limit=1", &[("authorization", &greedy)], None);
    assert_eq!(few.status, 200, "small answers take no room");
    assert_eq!(ask(&server.token).ok()["count"], 1_500, "nobody else is kept from theirs");
    drop(unread);
    let mut again = ask(&greedy);
    for _ in 0..10_000 {
        if again.status == 200 {
            break;
        }
        again = ask(&greedy);
    }
    assert_eq!(again.status, 200, "once nobody waits for them, their room is free");
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
