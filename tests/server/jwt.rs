//! JWT authentication: keys and algorithms, claims, roles and units of a token, key sets from a file or URL; every
//! invalid token gets the same 401.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use clade::access::jwt::{ClaimName, Rules};
use clade::model::token::Role;
use clade::server::app::{Exposure, IdentityProvider};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, client};

use crate::support::{Answer, Folder, Server};

const ISSUER: &str = "https://id.example/realms/corp";
/// Allowed clock skew in seconds.
const LEEWAY: i64 = 30;

/// A key of the identity provider.
struct Key {
    id: &'static str,
    algorithm: Algorithm,
    secret: EncodingKey,
}

/// The PKCS #8 encoding around a private key of 32 bytes.
const ED25519: &[u8] = &[0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20];
const P256: &[u8] = &[
    0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
];

impl Key {
    fn ed25519(id: &'static str) -> Self {
        let der = [ED25519, &rand::random::<[u8; 32]>()].concat();
        Self { id, algorithm: Algorithm::EdDSA, secret: EncodingKey::from_ed_der(&der) }
    }

    fn p256(id: &'static str) -> Self {
        let der = [P256, &rand::random::<[u8; 32]>()].concat();
        Self { id, algorithm: Algorithm::ES256, secret: EncodingKey::from_ec_der(&der) }
    }

    /// Generated once, since that takes a while.
    fn rsa() -> &'static Self {
        static KEY: LazyLock<Key> = LazyLock::new(|| {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
            let secret = EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
            Key { id: "rsa", algorithm: Algorithm::RS256, secret }
        });
        &KEY
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.secret, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }, claims)
    }

    fn sign_as(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.secret).unwrap()
    }
}

fn jwks(keys: &[&Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() }).to_string()
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The claims of a principal that may write everything, overridden by `others`; null removes a claim.
fn claims(others: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "clade", "sub": "ada", "iat": now(), "exp": now() + 600,
        "realm_access": {"roles": ["offline_access", "clade-writer"]}, "units": "*",
    });
    for (name, value) in others.as_object().unwrap() {
        match value {
            Value::Null => _ = claims.as_object_mut().unwrap().remove(name),
            other => claims[name] = other.clone(),
        }
    }
    claims
}

fn rules() -> Rules {
    let roles = [("clade-reader", Role::Read), ("clade-writer", Role::Write), ("clade-boss", Role::Admin)];
    Rules {
        issuer: ISSUER.to_owned(),
        audience: "clade".to_owned(),
        role_claim: ClaimName::new("/realm_access/roles"),
        roles: roles.into_iter().map(|(value, role)| (value.to_owned(), role)).collect::<BTreeMap<_, _>>(),
        units_claim: Some(ClaimName::new("units")),
    }
}

/// A server with a small organization that trusts these keys.
fn with_identity_provider(folder: &Folder, keys: &[&Key]) -> Server {
    folder.write("jwks.json", jwks(keys));
    let issuer = IdentityProvider::new(rules(), folder.path("jwks.json").to_str().unwrap()).unwrap();
    Server::organisation_with(|state| state.with_identity_provider(issuer))
}

fn get(server: &Server, token: &str, path: &str) -> Answer {
    server.send_as("GET", path, &[("authorization", &format!("Bearer {token}"))], None)
}

fn emails(server: &Server, token: &str) -> Vec<String> {
    let people = get(server, token, "/people").ok();
    people["data"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tokens_of_every_kind_of_key_are_taken() {
    let folder = Folder::new();
    let (ed, ec) = (Key::ed25519("ed"), Key::p256("ec"));
    let keys = [&ed, &ec, Key::rsa()];
    let server = with_identity_provider(&folder, &keys);
    for key in keys {
        let token = key.sign(&claims(&json!({})));
        assert_eq!(get(&server, &token, "/people").ok()["count"], 5, "{}", key.id);
        assert_eq!(server.send_as("GET", "/people", &[("authorization", &token)], None).status, 200);
        assert_eq!(
            server.ask_as(&token, "{ people { totalCount } }", &Value::Null).ok()["data"]["people"]["totalCount"],
            5
        );
    }
    let several = ed.sign(&claims(&json!({"aud": ["other", "clade"], "nbf": now() + LEEWAY - 10})));
    assert_eq!(get(&server, &several, "/people").status, 200);
    let just_expired = ed.sign(&claims(&json!({"exp": now() - LEEWAY + 15})));
    assert_eq!(get(&server, &just_expired, "/people").status, 200);
    // The tokens of the directory's own go on.
    assert_eq!(server.get("/people").status, 200);
}

#[test]
fn no_jwt_is_accepted_unless_configured() {
    let key = Key::ed25519("ed");
    let server = Server::organisation();
    get(&server, &key.sign(&claims(&json!({}))), "/people").problem(401, "unauthorized");
}

#[test]
fn every_other_token_is_the_one_401() {
    let folder = Folder::new();
    let (ed, ec, other) = (Key::ed25519("ed"), Key::p256("ec"), Key::ed25519("ed"));
    let server = with_identity_provider(&folder, &[&ed, &ec, Key::rsa()]);
    let good = ed.sign(&claims(&json!({})));
    let parts: Vec<&str> = good.split('.').collect();
    let encoded = |value: &Value| BASE64.encode(value.to_string());
    let boss = encoded(&claims(&json!({"realm_access": {"roles": ["clade-boss"]}})));
    let (none, hmac) = (json!({"alg": "none", "kid": "ed"}), |kid: &str| Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::HS256)
    });
    let signed = |others: Value| ed.sign(&claims(&others));
    let headed = |alg, kid: Option<&str>| Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
    let typed = |typ: &str| Header { typ: Some(typ.to_owned()), ..headed(Algorithm::EdDSA, Some("ed")) };
    // What anyone can know of a public key, taken for a secret.
    let public = |key: &Key, field: &str| {
        let text = key.public()[field].as_str().unwrap().to_owned();
        [EncodingKey::from_secret(text.as_bytes()), EncodingKey::from_secret(&BASE64.decode(&text).unwrap())]
    };
    let confused = [("ed", public(&ed, "x")), ("rsa", public(Key::rsa(), "n")), ("ec", public(&ec, "x"))];
    let mut refused = vec![
        ("expired", signed(json!({"exp": now() - LEEWAY - 1}))),
        ("never ending", signed(json!({"exp": null}))),
        ("an end that is no number", signed(json!({"exp": "2100-01-01"}))),
        ("not yet", signed(json!({"nbf": now() + LEEWAY + 60}))),
        ("a beginning that is no number", signed(json!({"nbf": "now"}))),
        ("another issuer", signed(json!({"iss": "https://id.example/realms/other"}))),
        ("no issuer", signed(json!({"iss": null}))),
        ("several issuers", signed(json!({"iss": [ISSUER]}))),
        ("another audience", signed(json!({"aud": "other"}))),
        ("no audience", signed(json!({"aud": null}))),
        ("audiences without this one", signed(json!({"aud": ["clade2", 7]}))),
        ("nobody", signed(json!({"sub": null}))),
        ("no name", signed(json!({"sub": ""}))),
        ("a name that breaks lines", signed(json!({"sub": "ada\nlocal"}))),
        ("a name without end", signed(json!({"sub": "a".repeat(256)}))),
        ("no role", signed(json!({"realm_access": null}))),
        ("no role that is known", signed(json!({"realm_access": {"roles": ["admin", "CLADE-BOSS"]}}))),
        ("no units", signed(json!({"units": null}))),
        ("units that are no list", signed(json!({"units": "aurora"}))),
        ("units that are no texts", signed(json!({"units": ["aurora", 7]}))),
        ("another's key of the same name", other.sign(&claims(&json!({})))),
        ("a key that is not known", ed.sign_as(&headed(Algorithm::EdDSA, Some("ed2")), &claims(&json!({})))),
        ("no key, of several", ed.sign_as(&headed(Algorithm::EdDSA, None), &claims(&json!({})))),
        (
            "the key of another algorithm",
            ed.sign_as(&headed(Algorithm::EdDSA, Some("rsa")), &claims(&json!({}))),
        ),
        (
            "an algorithm that the key does not say",
            Key::rsa().sign_as(&headed(Algorithm::RS512, Some("rsa")), &claims(&json!({}))),
        ),
        ("a token of another kind", ed.sign_as(&typed("logout+jwt"), &claims(&json!({})))),
        ("an event", ed.sign_as(&typed("application/SecEvent+JWT"), &claims(&json!({})))),
        ("other claims", format!("{}.{boss}.{}", parts[0], parts[2])),
        ("another signature", format!("{}.{}.{}", parts[0], parts[1], BASE64.encode([0; 64]))),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("no algorithm", format!("{}.{}.", encoded(&none), parts[1])),
        ("no algorithm, signed", format!("{}.{}.{}", encoded(&none), parts[1], parts[2])),
        ("what must be understood", {
            let crit = encoded(&json!({"alg": "EdDSA", "kid": "ed", "crit": ["b64"], "b64": false}));
            format!("{crit}.{}.{}", parts[1], parts[2])
        }),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("no base64", good.replace('.', ".*")),
        ("dots", "..".to_owned()),
    ];
    for (kid, secrets) in &confused {
        for secret in secrets {
            refused
                .push(("a public key as a secret", encode(&hmac(kid), &claims(&json!({})), secret).unwrap()));
        }
    }
    let expected = server.send_as("GET", "/people", &[("authorization", "nonsense")], None);
    let expected = expected.problem(401, "unauthorized");
    for (why, token) in refused {
        assert_eq!(get(&server, &token, "/people").problem(401, "unauthorized"), expected, "{why}");
    }
    assert_eq!(get(&server, &good, "/people").status, 200);
}

#[test]
fn the_role_is_the_greatest_that_maps_and_the_log_knows_who() {
    let folder = Folder::new();
    let key = Key::ed25519("ed");
    let server = with_identity_provider(&folder, &[&key]);
    let with = |role: &str, sub: &str| {
        key.sign(&claims(&json!({"realm_access": {"roles": ["x", role]}, "sub": sub})))
    };
    let [reader, writer, boss] = [("clade-reader", "rob"), ("clade-writer", "wim"), ("clade-boss", "büro:7")]
        .map(|(role, sub)| with(role, sub));
    let patch = |token: &str| {
        let headers = [("authorization", token), ("content-type", "application/json")];
        server.send_as("PATCH", "/people/zoe@aurora.example", &headers, Some(br#"{"lastName": "Zimt"}"#))
    };
    patch(&reader).problem(403, "forbidden");
    patch(&writer).ok();
    get(&server, &writer, "/log").problem(403, "forbidden");
    let log = get(&server, &boss, "/log?limit=1").ok();
    let set = &log["data"][0]["changeSets"][0];
    assert_eq!((&set["actor"], &set["description"]), (&json!("jwt:wim"), &Value::Null));
    let made = server.ask_as(
        &boss,
        "mutation { createToken(input: {role: READ}) { record { tokenId } } }",
        &Value::Null,
    );
    assert!(made.ok().get("errors").is_none(), "{}", made.text());
    assert_eq!(get(&server, &boss, "/log?limit=1").ok()["data"][0]["changeSets"][0]["actor"], "jwt:büro:7");
    assert_eq!(server.directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn unit_scopes_follow_the_current_hierarchy() {
    let folder = Folder::new();
    let key = Key::ed25519("ed");
    let server = with_identity_provider(&folder, &[&key]);
    let within = |units: Value| key.sign(&claims(&json!({ "units": units })));
    assert_eq!(emails(&server, &within(json!(["Platform"]))), ["bob@aurora.example", "eve@aurora.example"]);
    for nothing in [json!([]), json!(["nowhere"]), json!([""]), json!(["Auror"]), json!(["Aurora/Digital"])] {
        let token = within(nothing.clone());
        assert_eq!(emails(&server, &token), Vec::<String>::new(), "{nothing}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let made = server.send_as("POST", "/people", &headers, Some(br#"{"email": "new@aurora.example"}"#));
        assert!(matches!(made.status, 403 | 422), "{}", made.text());
    }
    let later = within(json!(["Lab"]));
    assert_eq!(emails(&server, &later), Vec::<String>::new());
    server.post("/people", &json!({"email": "lou@aurora.example", "organization": "Lab"})).ok();
    assert_eq!(emails(&server, &later), ["lou@aurora.example"]);
    let boss = key.sign(&claims(&json!({"realm_access": {"roles": "clade-boss"}, "units": ["aurora"]})));
    get(&server, &boss, "/log").problem(403, "forbidden");
}

#[test]
fn a_writer_cannot_change_the_key_of_the_unit_that_limits_it() {
    let folder = Folder::new();
    let key = Key::ed25519("ed");
    let server = with_identity_provider(&folder, &[&key]);
    let token = key.sign(&claims(&json!({"units": ["Platform"]})));
    let patch = |unit: &str, body: &str| {
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        server.send_as("PATCH", &format!("/units/{unit}"), &headers, Some(body.as_bytes()))
    };
    let refused = patch("Platform", r#"{"key": "mine"}"#).problem(403, "out-of-scope");
    assert!(refused["detail"].as_str().unwrap().contains("limited to \"Platform\""), "{refused}");
    patch("Platform", r#"{"name": "The platform"}"#).ok();
    patch("Checkout", r#"{"key": "checkout"}"#).ok();
    assert_eq!(emails(&server, &token), ["bob@aurora.example", "eve@aurora.example"]);
}

#[test]
fn a_file_of_keys_is_read_again_once_it_changes() {
    let folder = Folder::new();
    let (old, new) = (Key::ed25519("old"), Key::ed25519("the new one"));
    let server = with_identity_provider(&folder, &[&old]);
    let [of_old, of_new] = [&old, &new].map(|key| key.sign(&claims(&json!({}))));
    get(&server, &of_new, "/people").problem(401, "unauthorized");
    folder.write("jwks.json", jwks(&[&new]));
    until(|| get(&server, &of_new, "/people").status == 200);
    get(&server, &of_old, "/people").problem(401, "unauthorized");
    // What is no set of keys changes nothing.
    folder.write("jwks.json", "{}");
    for _ in 0..3 {
        assert_eq!(get(&server, &of_new, "/people").status, 200);
    }
}

/// The file is checked at most once in this time.
fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it never was so");
}

/// A server that answers every request with `body`, and counts them.
fn provider(body: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            count.fetch_add(1, Ordering::SeqCst);
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn keys_at_a_url_are_fetched_on_demand_and_not_for_every_unknown_token() {
    let (key, stranger) = (Key::ed25519("ed"), Key::ed25519("strange"));
    let (url, asked) = provider(jwks(&[&key]));
    let issuer = IdentityProvider::new(rules(), &url).unwrap();
    let server = Server::organisation_with(|state| state.with_identity_provider(issuer));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    get(&server, "nonsense", "/people").problem(401, "unauthorized");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "what is no token is no reason to ask");
    assert_eq!(get(&server, &key.sign(&claims(&json!({}))), "/people").status, 200);
    for _ in 0..5 {
        get(&server, &stranger.sign(&claims(&json!({}))), "/people").problem(401, "unauthorized");
        assert_eq!(get(&server, &key.sign(&claims(&json!({}))), "/people").status, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn requests_that_wait_for_keys_take_a_part_of_the_permits_only() {
    let (key, stranger) = (Key::ed25519("ed"), Key::ed25519("strange"));
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", provider.local_addr().unwrap());
    let issuer = IdentityProvider::new(rules(), &url).unwrap();
    let exposure = Exposure { requests_at_once: 2, requests_per_second: 0, ..Exposure::default() };
    let server = Server::start_exposed(exposure, |state| state.with_identity_provider(issuer));
    let guess = stranger.sign(&claims(&json!({})));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get(&server, &guess, "/people"));
        let (mut asked, _) = provider.accept().unwrap();
        let problem = get(&server, &guess, "/people").problem(503, "busy");
        assert!(problem["detail"].as_str().unwrap().contains("this address"), "{problem}");
        assert_eq!(server.get("/people").status, 200, "a token for which no key is needed");
        let body = jwks(&[&key]);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        asked.write_all((head + &body).as_bytes()).unwrap();
        waiting.join().unwrap().problem(401, "unauthorized");
    });
    assert_eq!(get(&server, &key.sign(&claims(&json!({}))), "/people").status, 200);
}

#[test]
fn a_subscription_ends_with_its_token() {
    let folder = Folder::new();
    let key = Key::ed25519("ed");
    let server = with_identity_provider(&folder, &[&key]);
    // Held for some seconds more.
    let token = key.sign(&claims(&json!({"exp": now() - LEEWAY + 5})));
    let mut request = format!("ws://{}/graphql/ws", server.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut socket = client(request, stream).unwrap().0;
    let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {token}")}});
    socket.send(Message::text(init.to_string())).unwrap();
    let subscribe =
        json!({"id": "1", "type": "subscribe", "payload": {"query": "subscription { revision }"}});
    socket.send(Message::text(subscribe.to_string())).unwrap();
    let mut heard = Vec::new();
    let closed = loop {
        match socket.read().unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                heard.push(message["type"].as_str().unwrap().to_owned());
            }
            Message::Close(frame) => break frame.unwrap(),
            _ => {}
        }
    };
    assert_eq!(heard, ["connection_ack", "next"]);
    assert_eq!(u16::from(closed.code), 4403);
}

#[test]
fn the_settings_file_turns_it_on() {
    let folder = Folder::new();
    let key = Key::ed25519("ed");
    folder.write("jwks.json", jwks(&[&key]));
    let settings = format!(
        "[jwt]\nissuer = \"{ISSUER}\"\naudience = \"clade\"\njwks = \"jwks.json\"\nrole_claim = \"groups\"\nroles = {{ staff = \"read\" }}\n"
    );
    folder.write("clade.toml", &settings);
    let running = folder.serve(&["--demo"]);
    let token = key.sign(&claims(&json!({"groups": ["staff"], "units": null})));
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let status = |token: &str| {
        let url = format!("http://{}/api/v2/data/people?limit=1", running.address);
        agent.get(url).header("authorization", format!("Bearer {token}")).call().unwrap().status().as_u16()
    };
    assert_eq!(status(&token), 200);
    assert_eq!(status(&key.sign(&claims(&json!({"units": null})))), 401);
    folder.write("clade.toml", format!("{settings}secret = \"s\"\n"));
    let serve = ["serve", "--demo", "--listen", "127.0.0.1:0"];
    assert!(folder.clade(&serve).refusal(2).contains("secret"));
    folder.write("clade.toml", settings.replace("jwks.json", "http://id.example/keys"));
    assert!(folder.clade(&serve).refusal(2).contains("https"));
}
