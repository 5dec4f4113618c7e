//! HTTPS with a generated certificate: HTTP/1.1 and HTTP/2, handshake timeouts, plain HTTP on the TLS port,
//! certificate errors.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clade::server::app::{ConnectionTimeouts, Exposure, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring, pki_types::CertificateDer,
};

use crate::support::{Folder, Server};

struct Secure {
    server: Server,
    folder: TempDir,
    certificate: CertificateDer<'static>,
}

/// Writes a certificate and its key to files; also returns the certificate.
fn made(folder: &Path, name: &str) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), cert.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

fn secure() -> Secure {
    exposed(|tls| Exposure { tls: Some(tls), requests_per_second: 0, ..Exposure::default() })
}

fn exposed(exposure: impl FnOnce(Tls) -> Exposure) -> Secure {
    let folder = TempDir::new().unwrap();
    let certificate = made(folder.path(), "own");
    let tls = Tls::read(&folder.path().join("own.pem"), &folder.path().join("own.key")).unwrap();
    Secure { server: Server::start_exposed(exposure(tls), |state| state), folder, certificate }
}

impl Secure {
    /// A TLS connection that offers these ALPN protocols.
    fn connect(&self, protocols: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        StreamOwned::new(client, TcpStream::connect(self.server.address).unwrap())
    }
}

#[test]
fn https_serves_http_1_with_hsts() {
    let secure = secure();
    let mut stream = secure.connect(&["http/1.1"]);
    let ask = format!(
        "GET /api/v2/data/people HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
        secure.server.token
    );
    stream.write_all(ask.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("{\"count\":0,\"data\":[]}"), "{text}");
    assert!(text.contains("strict-transport-security: max-age="), "{text}");
}

#[test]
fn cors_preflights_over_https_have_the_common_headers() {
    let origin = "https://dash.example";
    let cors_origins = vec![origin.parse().unwrap()];
    let secure = exposed(|tls| Exposure { tls: Some(tls), cors_origins, ..Exposure::default() });
    let mut stream = secure.connect(&["http/1.1"]);
    let ask = format!(
        "OPTIONS /api/v2/data/people HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nX-Request-Id: mine\r\n\
         Access-Control-Request-Method: PATCH\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("access-control-allow-methods"), "{text}");
    assert!(
        text.contains("strict-transport-security: max-age=") && text.contains("x-request-id: mine"),
        "{text}"
    );
}

#[test]
fn a_stalled_handshake_closes_the_connection() {
    let timeouts = ConnectionTimeouts { headers: Duration::from_millis(50), stalled: Duration::from_mins(1) };
    let secure = exposed(|tls| Exposure { tls: Some(tls), timeouts, ..Exposure::default() });
    // Nothing; the beginning of a first message; all of one that is as long as it says, and no message.
    for sent in [&b""[..], b"\x16\x03\x01\x02", b"\x16\x03\x01\x00\x01\x01"] {
        let mut stream = TcpStream::connect(secure.server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(sent).unwrap();
        let mut said = Vec::new();
        // A server that closes with something unread says so by a reset.
        let ended = stream.read_to_end(&mut said).map_err(|why| why.kind());
        assert!(matches!(ended, Ok(0) | Err(ErrorKind::ConnectionReset)), "{sent:?}: {ended:?} {said:?}");
    }
}

/// Sends one raw request.
#[test]
fn https_serves_http_2() {
    let secure = secure();
    let mut stream = secure.connect(&["h2", "http/1.1"]);
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS; then HEADERS of stream 1 with END_STREAM and END_HEADERS: GET, https, path, authority.
    let fields = b"\x82\x87\x04\x08/healthz\x01\x09localhost";
    sent.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0");
    sent.extend_from_slice(&[0, 0, u8::try_from(fields.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    sent.extend_from_slice(fields);
    stream.write_all(&sent).unwrap();
    let answer = loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == 1 {
            break payload;
        }
    };
    assert_eq!(answer[0], 0x88, "the first field is `:status: 200`");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
}

#[test]
fn plain_http_is_closed_and_other_clients_are_served() {
    let secure = secure();
    for sent in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", b"\0"] {
        let mut stream = TcpStream::connect(secure.server.address).unwrap();
        stream.write_all(sent).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut text = Vec::new();
        let _reset = stream.read_to_end(&mut text);
        assert!(!text.starts_with(b"HTTP"), "{text:?}");
    }
    let mut stream = secure.connect(&[]);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
}

#[test]
fn mismatched_certificate_files_are_reported() {
    let folder = TempDir::new().unwrap();
    made(folder.path(), "own");
    made(folder.path(), "other");
    let path = |name: &str| folder.path().join(name);
    for (certificate, key, words) in [
        ("own.pem", "other.key", "does not belong to the certificate"),
        ("own.key", "own.key", "contains no PEM certificate"),
        ("own.pem", "own.pem", "contains no PEM private key"),
        ("own.pem", "gone.key", "cannot be read"),
    ] {
        let refusal = Tls::read(&path(certificate), &path(key)).unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
    assert!(Tls::read(&path("own.pem"), &path("own.key")).is_ok());
}

#[test]
fn the_health_command_uses_https_too() {
    let folder = Folder::new();
    made(folder.root(), "own");
    let running = folder.serve(&["--tls-cert", "own.pem", "--tls-key", "own.key"]);
    let listens = ("CLADE_LISTEN", running.address.as_str());
    let secure = [listens, ("CLADE_TLS_CERT", "own.pem"), ("CLADE_TLS_KEY", "own.key")];
    assert_eq!(folder.clade_with(&secure, &["health"]).ok(), "ready\n");
    folder.write("clade.toml", "tls_cert = \"own.pem\"\ntls_key = \"own.key\"\n");
    assert_eq!(folder.clade_with(&[listens], &["health"]).ok(), "ready\n");
    // Another's certificate is examined.
    let url = format!("https://{}", running.address);
    let refusal = folder.clade(&["health", "--server", &url]).refusal(1);
    assert!(refusal.contains("cannot be reached") && refusal.contains("certificate"), "{refusal}");
}

#[test]
fn a_changed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let mut secure = secure();
    let is_accepted =
        |secure: &Secure| secure.connect(&["http/1.1"]).write_all(b"GET / HTTP/1.1\r\n").is_ok();
    assert!(is_accepted(&secure));
    let folder = secure.folder.path().to_owned();
    std::fs::write(folder.join("own.pem"), "broken").unwrap();
    assert!(is_accepted(&secure), "the old one stays");
    // Another key: the two files do not belong together until both are replaced.
    let next = made(&folder, "next");
    std::fs::rename(folder.join("next.pem"), folder.join("own.pem")).unwrap();
    assert!(is_accepted(&secure), "the old one stays");
    std::fs::rename(folder.join("next.key"), folder.join("own.key")).unwrap();
    assert!(!is_accepted(&secure), "a client that trusts the old one alone");
    secure.certificate = next;
    assert!(is_accepted(&secure));
}
